//! What the process, its container and its disks do: asked at each scrape, from the system's own account.
//!
//! A source that is absent is absent, never zero: each reader says `None`, and its family is not on the page.
//!
//! The process's names are those of the Prometheus client libraries, for which dashboards and alerts exist, not the
//! conventions' `process.*`, which are in development and split the same facts by labels. Disks and the container
//! have the conventions' names where there are any; quota, limit and pressure have none. No name is one of cAdvisor's
//! (`container_memory_usage_bytes` would be both): with the same pod's labels, sums and joins would count twice.

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
