//! What the services share and what your service most likely has already.

mod branch;
mod breaker;
mod cache;
mod calls;
mod embedded;
mod failure;
mod fault;
mod flags;
mod queue;
#[cfg(feature = "real-systems")]
mod real;
#[cfg(not(feature = "real-systems"))]
#[path = "no_real.rs"]
mod real;
mod server;
mod store;

pub(crate) use branch::note_branch;
pub(crate) use breaker::Breaker;
pub(crate) use cache::Cache;
pub(crate) use calls::Calls;
pub(crate) use failure::Failure;
pub(crate) use fault::{consumer_fault, fault};
pub(crate) use flags::Flags;
pub(crate) use queue::{Broker, Message, Queue};
#[cfg(feature = "real-systems")]
use queue::{LEASE, QUEUES};
pub(crate) use server::{Addresses, input_closed, listen, serve, url_of, variable};
pub(crate) use store::Store;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
