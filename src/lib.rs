//! One tower layer and one [`init`](init()) give a Rust HTTP or gRPC service logs, traces and metrics, joined by one
//! trace id.
//!
//! ```no_run
//! use axum::{Router, extract::Path, routing::get};
//! use tower_observability::{ObservabilityLayer, request};
//!
//! async fn booking(Path(id): Path<u64>) -> String {
//!     request::add("booking_id", id);                       // on the request's span and its log line
//!     tracing::info!("looking into the book");              // a line with the request's trace id
//!     format!("booking {id}")
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let observability = tower_observability::init("bookings")?;
//!     let app = Router::new().route("/bookings/{id}", get(booking)).layer(ObservabilityLayer::new());
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     axum::serve(listener, app).with_graceful_shutdown(observability.shutdown_signal()).await?;
//!     observability.shutdown().await;                       // sends what is queued, reports what was lost
//!     Ok(())
//! }
//! ```
//!
//! - **Log lines** go to standard output, as JSON outside of a terminal. Every line of a request has its trace id.
//! - **Metrics** are at `http://127.0.0.1:9464/metrics`, with exemplars that name a trace.
//! - **Traces** are sent over OTLP once `OTEL_EXPORTER_OTLP_ENDPOINT` is set.
//!
//! A client is `ObservabilityLayer::client().layer(client)`; a job or a message is [`Work`].
//!
//! # Where to read on
//!
//! | you want to | read |
//! |---|---|
//! | instrument a service | [servers](guide::servers), [clients](guide::clients), [gRPC](guide::grpc), [jobs and messages](guide::work), [databases, pools, queues, caches](guide::dependencies) |
//! | keep your own registry, recorder or OpenTelemetry | [existing services](guide::existing) |
//! | assert on signals in a test | [tests](guide::testing) |
//! | choose something | [configuration](guide::configuration), the [environment variables](variables()) |
//! | see lines, metrics and traces elsewhere | [where the lines go](guide::log_shipping), [Prometheus](guide::prometheus), [collectors](guide::collectors) |
//! | look up a name on the wire | [`names`] |
//! | find out why nothing shows up | [troubleshooting](guide::troubleshooting) |
//! | decide whether to use it | [security](guide::security), [reliability](guide::reliability), [cost](guide::cost) |
//!
//! The [guide] has all pages.
//!
//! # Features
//!
//! `axum` and `otlp` are on by default; the [guide](guide::configuration#features) says what each of the others adds.

mod account;
mod admin;
mod bridge;
mod clock;
mod config;
pub mod context;
mod current;
mod dependencies;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod doctor;
mod error;
mod export;
mod file;
#[cfg(all(any(test, fuzzing), feature = "otlp-grpc"))]
#[doc(hidden)]
pub mod fuzz;
pub mod guide;
mod init;
#[cfg(feature = "interop-opentelemetry")]
pub mod interop;
mod layer;
mod logs;
mod metrics;
pub mod names;
mod otlp;
pub mod propagation;
mod record;
#[cfg(feature = "reports")]
mod reports;
#[cfg(not(feature = "reports"))]
#[path = "reports/off.rs"]
mod reports;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod resource;
mod signals;
mod terminal;
pub mod testing;
mod threads;
mod traces;
mod variable;
#[cfg(feature = "view")]
mod view;
pub mod work;

pub use account::{DropReason, FlowReport, LeftOut};
pub use admin::Admin;
pub use config::{VariableRow, variables};
pub use current::{InRequest, in_request, request, spawn};
pub use dependencies::{Breaker, Cache, Retries, acquire, breaker, cache, retries};
pub use error::Error;
pub use init::{Builder, Observability, Report, builder, init};
pub use layer::side;
pub use layer::{Attempts, AttemptsLayer, attempts};
pub use layer::{
    ObservabilityLayer, Observed, Priority, ResponseBody, ResponseFuture, RouteLayer, Routed, Trust,
};
pub use logs::Logs;
pub use metrics::{Metrics, PoolState, QueueState};
pub use otlp::Otlp;
pub use record::{IntoValue, Kind, Outcome, Value};
#[cfg(feature = "reports")]
pub use reports::Reports;
pub use traces::Traces;
#[cfg(feature = "view")]
pub use view::{View, Viewer};
pub use work::{Query, Work};

// The README's program is compiled as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
