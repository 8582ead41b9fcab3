//! Owns what the options of all exported signals have in common: where to, in which time, in which batches.
//!
//! `config` reads the general variables into one [`Shared`] and gives each signal a copy of it; the signal's own
//! variables and its code stand beside it in its [`Way`].

mod batch;
mod endpoint;
mod headers;
mod read;
mod rows;
mod shared;
mod target;
mod unserved;
mod way;

pub(crate) use batch::{Batching, Pace};
pub(crate) use endpoint::{Destination, reachable, shown};
pub(crate) use read::{millis, shown_limit, shown_millis, whole};
pub(crate) use rows::{batch_rows, target_rows};
pub(crate) use shared::Shared;
pub(crate) use unserved::{NO_GRPC, NO_TLS, not_served};
pub(crate) use way::{TIMEOUT, Way};
