//! What stands outside of the eight services: it starts them and watches them by their telemetry alone.
//!
//! ```text
//! children ─► stdout lines ──┐
//!          ─► OTLP ─► viewer ┼─► evidence ─► query ─► waterfall, table, story
//!          ─► GET /metrics ──┘
//! ```

mod arrivals;
mod chaos;
mod children;
mod customers;
mod environment;
mod evidence;
mod exposition;
mod files;
mod lines;
mod load;
mod otlp;
mod output;
mod paint;
mod plan;
mod ports;
mod provider;
mod proxy;
mod query;
mod red;
mod request;
mod serve;
mod trace;
mod vanished;
mod viewer;

pub(crate) use chaos::chaos;
pub(crate) use lines::lines;
pub(crate) use load::{Options as Load, load};
pub(crate) use provider::provider;
pub(crate) use request::request;
pub(crate) use serve::serve;
pub(crate) use vanished::vanished;
