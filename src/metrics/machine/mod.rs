//! What the process, its container and its disks do: asked at each scrape, from the system's own account.
//!
//! A source that is absent is absent, never zero: each reader says `None`, and its family is not on the page.
//!
//! The process's names are those of the Prometheus client libraries, for which dashboards and alerts exist, not the
//! conventions' `process.*`, which are in development and split the same facts by labels. Disks and the container
//! have the conventions' names where there are any; quota, limit and pressure have none. No name is one of cAdvisor's
//! (`container_memory_usage_bytes` would be both): with the same pod's labels, sums and joins would count twice.

#[cfg(target_os = "linux")]
mod cgroup;
mod disk;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod proc;
mod runtime;

#[cfg(target_os = "linux")]
pub(crate) use cgroup::container;
pub(crate) use disk::disk_space;
#[cfg(target_os = "linux")]
pub(crate) use linux::{network, usage};
pub(crate) use runtime::runtime;
#[cfg(not(target_os = "linux"))]
pub(crate) use unread::{container, network, usage};

#[cfg(target_os = "linux")]
use self::linux::started;
#[cfg(not(target_os = "linux"))]
use self::unread::started;
use super::source::Source;
use crate::clock::Moment;
use crate::names::metric;

/// When this process started. `init` calls it early, for the systems that do not know.
pub(crate) fn process_start() -> Source {
    let now = Moment::now().unix_nanos() as f64 / 1e9;
    // The kernel knows its own start by the second only, so that a fresh process may be one of the future.
    let start = started().map_or(now, |start| start.min(now));
    let start = (start * 1_000.0).round() / 1_000.0;
    Source::new(metric::PROCESS_START_TIME, move |samples| {
        samples.single(metric::PROCESS_START_TIME, Some(start));
    })
}

// The systems that are not read: nothing is there.
#[cfg(not(target_os = "linux"))]
mod unread {
    use super::Source;

    pub(crate) fn usage() -> Option<Source> {
        None
    }

    pub(crate) fn network() -> Option<Source> {
        None
    }

    pub(crate) fn container() -> Option<Source> {
        None
    }

    pub(super) fn started() -> Option<f64> {
        None
    }
}
