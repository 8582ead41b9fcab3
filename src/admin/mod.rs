//! The admin listener: `/metrics`, `/live`, `/ready`, `/log-level`, `/switches`.
//!
//! Requests come in from the listener's own thread ([`serve`]) or, reading only, from a router of the user's
//! ([`routes`]); either way [`respond`] answers them, out of one [`AdminState`].

mod body;
mod connection;
#[cfg(feature = "axum")]
mod mount;
mod options;
mod permission;
mod readiness;
mod respond;
mod serve;
mod state;
mod switches;

pub use options::Admin;

#[cfg(feature = "axum")]
pub(crate) use mount::routes;
pub(crate) use readiness::Readiness;
#[cfg(feature = "cli")]
pub(crate) use respond::{METRICS_OFF, METRICS_SENT};
pub(crate) use respond::{Origin, respond};
pub(crate) use serve::{bind, serve};
pub(crate) use state::AdminState;
pub(crate) use switches::{Change, Switch, Switches};
