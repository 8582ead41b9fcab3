//! What Linux tells: of the process and its network by /proc, of the container by its control group.

mod cgroup;
mod network;
mod process;

pub(crate) use cgroup::container;
pub(crate) use network::network;
pub(crate) use process::{started, usage};
