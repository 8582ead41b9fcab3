//! HTTP: the tower layer, its service, future and body, for the server's side and for the client's.
//!
//! A request comes in at `service`, where `server` or `client` begins the hop; `future` sees the response's
//! head, `body` its last byte. Each of them may end the hop, and only the first that does counts.

mod again;
mod attempts;
mod body;
mod client;
mod fault;
mod future;
mod grpc;
mod options;
mod route;
#[cfg(feature = "axum")]
mod serve;
mod server;
mod service;
pub mod side;
mod twice;

pub use attempts::{Attempts, AttemptsLayer, attempts};
pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use options::{ObservabilityLayer, Priority, Trust};
pub use route::{RouteLayer, Routed};
pub use service::Observed;

#[cfg(feature = "reqwest")]
pub(crate) use self::{
    attempts::next as next_attempt,
    client::{inject, open},
    future::Expects,
    options::Options,
    twice::{is_of, is_running},
};
