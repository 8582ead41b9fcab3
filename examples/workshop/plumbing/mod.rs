//! What the services share and what your service most likely has already.

mod branch;
mod breaker;
mod calls;
mod embedded;
mod failure;
#[cfg(feature = "real-systems")]
mod postgres;
#[cfg(not(feature = "real-systems"))]
#[path = "no_postgres.rs"]
mod postgres;
mod queue;
mod server;
mod store;

pub(crate) use branch::note_branch;
pub(crate) use breaker::Breaker;
pub(crate) use calls::Calls;
pub(crate) use failure::Failure;
pub(crate) use queue::{Broker, Message, Queue};
pub(crate) use server::{Addresses, input_closed, listen, serve, url_of, variable};
pub(crate) use store::Store;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
