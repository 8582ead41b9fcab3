//! What the options of all exported signals have in common: where to, in which time, in which batches.
//!
//! `config` reads the general variables into one [`Shared`] and gives each signal a copy of it; the signal's own
//! variables and its code stand beside it in its [`Way`].

mod batch;
mod doubt;
mod endpoint;
mod headers;
mod pem;
mod protocol;
mod read;
mod rows;
mod service;
mod shared;
mod target;
mod way;

pub(crate) use batch::{Batching, Pace};
pub(crate) use endpoint::{Destination, reachable, shown};
pub(crate) use pem::Pem;
pub(crate) use protocol::Protocol;
pub(crate) use read::{millis, shown_limit, shown_millis, whole};
pub(crate) use rows::{batch_rows, target_rows};
pub(crate) use service::{LOGS, TRACES};
pub(crate) use shared::Shared;
pub(crate) use target::Target;
pub(crate) use way::{TIMEOUT, Way};
