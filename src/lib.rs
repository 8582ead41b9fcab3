//! One tower layer and one `init`: logs, traces and metrics of a Rust HTTP service, joined by one trace id.
//!
//! ```text
//! request ─► ObservabilityLayer: whose trace? sampled? which request id?
//!         ─► your service, and its body to the last byte     tracing events and spans take the request's context
//!         ─► its end, exactly once, with one outcome
//!              ├─ span    ─► bounded queue ─► own thread ─► OTLP: a collector, Jaeger, Tempo; or Zipkin
//!              ├─ line    ─► bounded queue ─► own thread ─► one JSON object on standard output; or an OTLP record
//!              └─ numbers ─► fixed buckets ◄─ GET /metrics: Prometheus, with exemplars that name the trace
//! ```
//!
//! # A server
//!
//! ```no_run
//! use axum::{Router, extract::Path, routing::get};
//! use tower_observability::{ObservabilityLayer, request};
//!
//! async fn booking(Path(id): Path<u64>) -> String {
//!     request::add("booking_id", id);                       // on the request's span and on its line
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
//!     observability.shutdown().await;                       // delivers what is queued, tells what was lost
//!     Ok(())
//! }
//! ```
//!
//! # A client
//!
//! ```no_run
//! use axum::{body::Body, http::Request};
//! use hyper_util::{client::legacy::Client, rt::TokioExecutor};
//! use tower::{Layer, ServiceExt};
//! use tower_observability::ObservabilityLayer;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let observability = tower_observability::init("caller")?;
//!     let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
//!     let client = ObservabilityLayer::client().layer(client);
//!     let request = Request::get("http://127.0.0.1:3000/bookings/7").body(Body::empty())?;
//!     println!("{}", client.oneshot(request).await?.status());
//!     observability.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! Called from within a request, the call's span is a child of the request's. Work that does not come over
//! HTTP, a job or a message, is [`Work`].
//!
//! Calls of gRPC are known by their content type, and observed by gRPC's conventions to their status: the same layers
//! around a service or a channel of tonic.
//!
//! # What can be chosen
//!
//! Nothing needs to be. [`builder`] chooses in code: [`Traces`], [`Logs`], [`Metrics`], [`Admin`]. The
//! environment beats the code: [`variables`] lists every variable with its default, and the start-up line says
//! what is in force and who chose it. [`ObservabilityLayer`] has the choices of one layer: [`Trust`], filter,
//! health paths, captured headers, hooks, hidden paths, the span's name, who gets baggage. A service that keeps its own
//! `tracing` registry or `metrics` recorder starts by [`Builder::build`] instead of [`init`](init()).
//!
//! # What leaves the process
//!
//! [`names`] has every name: log keys ([`names::key`]), attributes of spans and log records ([`names::attribute`]),
//! events of log records ([`names::event`]), Zipkin's tags ([`names::tag`]), metrics ([`names::metric`]), labels
//! ([`names::label`]), headers ([`names::header`]). They are under semantic versioning. [`Outcome`] is the one word that
//! says how a request ended.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | yes | the route of an axum router, the peer's address, the admin routes to mount |
//! | `reqwest` | no | [`reqwest::Client`], a client of reqwest whose calls are observed |
//! | `otlp` | yes | traces and log records over OTLP, HTTP with protobuf |
//! | `otlp-grpc` | no | OTLP over gRPC: [`Traces::grpc`], [`Logs::grpc`] |
//! | `tls` | no | `https://` to a collector and to Zipkin, client certificates: [`Traces::certificate`] |
//! | `gzip` | no | what is exported over OTLP, compressed: [`Traces::gzip`] |
//! | `interop-opentelemetry` | no | module `interop`: `opentelemetry::Context::current()` sees ours |
//!
//! # When nothing shows up
//!
//! - No trace: read the start-up line. It says `traces to …`, or which variable turns them on.
//! - No line: `curl 127.0.0.1:9464/log-level` shows the level in force; [`Logs`] says how to change it.
//! - A line without `trace_id`: it was written outside of its request. [`spawn`] and [`in_scope`] keep a task
//!   inside.
//! - `Span::current()` is disabled in a handler: [`ObservabilityLayer::request_span`] opens a real span.
//! - No route on span and metric: the layer stands outside of the router. See [`RouteLayer`].
//! - Something was lost: [`Report`] at the end, `otel_sdk_…` on `/metrics` at any time, each with its reason.
//!
//! The README has the long table, with the remedy of each.

mod account;
mod admin;
mod bridge;
mod clock;
mod config;
pub mod context;
mod current;
mod error;
mod export;
mod file;
mod init;
#[cfg(feature = "interop-opentelemetry")]
pub mod interop;
mod layer;
mod logs;
mod metrics;
pub mod names;
pub mod propagation;
mod record;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod resource;
mod signals;
mod terminal;
pub mod testing;
mod threads;
mod traces;
mod variable;
pub mod work;

pub use account::FlowReport;
pub use admin::Admin;
pub use clock::Moment;
pub use config::{VariableRow, variables};
pub use current::{Scoped, in_scope, request, spawn};
pub use error::Error;
pub use init::{Builder, Observability, Report, builder, init};
pub use layer::{Attempted, Attempts, AttemptsLayer, attempts};
pub use layer::{ObservabilityLayer, Observed, ResponseBody, ResponseFuture, RouteLayer, Routed, Trust};
pub use logs::Logs;
pub use metrics::Metrics;
pub use record::{Kind, Outcome, Value};
pub use traces::Traces;
pub use work::Work;

// The README's programs compile, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
