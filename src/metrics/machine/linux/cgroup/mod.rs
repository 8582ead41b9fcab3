//! The source about the container: the limits of its control group, of version 1 or 2, and what they cost.
//!
//! Limits hold for everything below them, so each group from the process's own up to the topmost that can be seen
//! is asked, and the tightest limit is told. The machine's own root group is no container, and is absent.

mod cpu;
mod memory;
mod place;
mod pressure;
mod text;

use procfs::process::Process;

use self::place::{Hierarchies, Place};
use crate::metrics::Source;

/// What is asked: each of them only where a group of that kind was found.
#[derive(Debug)]
struct Container {
    cpu: Option<Place>,
    cpu_time: Option<Place>,
    memory: Option<Place>,
    pressure: Option<Place>,
}

/// The container's source; `None` where the kernel tells of no control groups.
pub(crate) fn container() -> Option<Source> {
    let process = Process::myself().ok()?;
    let hierarchies = Hierarchies::new(process.cgroups().ok()?.0, process.mountinfo().ok()?.0);
    Some(source(Container::of(&hierarchies)))
}

impl Container {
    fn of(hierarchies: &Hierarchies) -> Self {
        Self {
            cpu: hierarchies.place("cpu"),
            cpu_time: hierarchies.place("cpuacct"),
            memory: hierarchies.place("memory"),
            pressure: hierarchies.unified(),
        }
    }
}

fn source(container: Container) -> Source {
    let Container { cpu, cpu_time, memory, pressure } = container;
    Source::new("container_", move |samples| {
        cpu.iter().for_each(|place| cpu::add_quota(samples, place));
        cpu_time.iter().for_each(|place| cpu::add_time(samples, place));
        memory.iter().for_each(|place| memory::add(samples, place));
        pressure.iter().for_each(|place| pressure::add(samples, place));
    })
}

#[cfg(test)]
mod tests;
