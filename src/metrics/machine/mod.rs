//! Owns what the process, its container and its disks do: asked at each scrape, from the system's own account.
//!
//! A source that is absent is absent, never zero: each reader says `None`, and its family is not on the page.
//!
//! Names: the process's are those of the Prometheus client libraries, for which dashboards and alerts exist,
//! not `process.*` of the semantic conventions, which are in development and split them by labels. Disks and the
//! container's are the conventions' where they have one. No name is one of cAdvisor's: with the same pod's labels,
//! sums and joins over both would count twice. `worker`s, limits and throttling have no convention.

mod disk;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod runtime;
mod start;

#[cfg(not(target_os = "linux"))]
use other as system;

#[cfg(target_os = "linux")]
use linux as system;

pub(crate) use disk::disk_space;
pub(crate) use runtime::runtime;
pub(crate) use start::process_start;
pub(crate) use system::{container, network, usage};
