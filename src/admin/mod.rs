//! The admin listener: `/metrics`, `/live`, `/ready`, `/log-level`.
//!
//! Requests come in from the listener's own thread ([`serve`]) or, reading only, from a router of the user's
//! ([`routes`]); either way [`respond`] answers them, out of one [`AdminState`].

mod body;
mod connection;
mod level;
#[cfg(feature = "axum")]
mod mount;
mod options;
mod permission;
mod readiness;
mod respond;
mod serve;
mod state;

pub use options::Admin;

pub(crate) use level::Level;
#[cfg(feature = "axum")]
pub(crate) use mount::routes;
pub(crate) use readiness::Readiness;
pub(crate) use respond::{Origin, respond};
pub(crate) use serve::{bind, serve};
pub(crate) use state::AdminState;
