//! One tower layer and one `init`: logs, traces and metrics of a service, joined by one trace id.

mod admin;
mod bridge;
mod clock;
mod config;
pub mod context;
mod error;
mod hop;
mod init;
mod layer;
mod logs;
mod metrics;
pub mod names;
mod pipeline;
pub mod propagation;
mod resource;
mod scope;
mod spans;
pub mod testing;
mod variable;
pub mod work;

pub use admin::Admin;
pub use bridge::Bridge;
pub use clock::Moment;
pub use config::{VariableRow, variables};
pub use error::Error;
pub use init::{Builder, Observability, Report, builder, init};
pub use layer::{ObservabilityLayer, Observed, ResponseBody, ResponseFuture, RouteLayer, Routed, Trust};
pub use logs::Logs;
pub use metrics::Metrics;
pub use pipeline::FlowReport;
pub use resource::Resource;
pub use scope::{Kind, Method, Outcome, Scheme, Scoped, Value, in_scope, request, spawn};
pub use spans::Traces;
pub use work::Work;
