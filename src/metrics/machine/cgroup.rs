//! The source about the container: the limits of its control group, of version 1 or 2, and what they cost.
//!
//! Limits hold for everything below them, so each group from the process's own up to the topmost that can be seen
//! is asked, and the tightest limit is shown. The machine's own root group is no container, and is absent.

mod text;

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use self::text::{keyed, number, pressure, processors, share};
use super::proc::{self, Group, Mount};
use crate::metrics::source::{Samples, Source};
use crate::names::{label, metric};

/// What is asked: each of them only where a group of that kind was found.
#[derive(Debug)]
struct Container {
    cpu: Option<Place>,
    cpu_time: Option<Place>,
    memory: Option<Place>,
    pressure: Option<Place>,
}

/// The container's source; `None` where the kernel has no control groups.
pub(crate) fn container() -> Option<Source> {
    let groups = Group::all(&proc::read("self/cgroup")?);
    let hierarchies = Hierarchies::new(groups, Mount::all(&proc::read("self/mountinfo")?));
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
    let counted = OnceLock::new();
    Source::new("container_", move |samples| {
        cpu.iter().for_each(|place| add_quota(samples, place, &counted));
        cpu_time.iter().for_each(|place| add_time(samples, place));
        memory.iter().for_each(|place| add_memory(samples, place));
        pressure.iter().for_each(|place| add_pressure(samples, place));
    })
}

/// How long the group ran.
fn add_time(samples: &mut Samples, place: &Place) {
    let time = match place.version {
        Version::One => place.own("cpuacct.usage").as_deref().and_then(number).map(Duration::from_nanos),
        Version::Two => {
            let text = place.own("cpu.stat");
            text.and_then(|text| keyed(&text, "usage_usec")).map(Duration::from_micros)
        }
    };
    let seconds = time.map(|time| time.as_secs_f64());
    samples.single(metric::CONTAINER_CPU_TIME, seconds);
}

/// The tightest quota of the group and those above it, and what that one did. The counts stay those of the group that was
/// the tightest at first: those of another one would be a jump, or a fall. If its quota is taken away while the process runs,
/// the throttling by another one is not seen.
fn add_quota(samples: &mut Samples, place: &Place, counted: &OnceLock<PathBuf>) {
    let quota_of = |folder: &Path| match place.version {
        Version::One => share(&read(folder, "cpu.cfs_quota_us")?, &read(folder, "cpu.cfs_period_us")?),
        Version::Two => processors(&read(folder, "cpu.max")?),
    };
    let quotas = place.folders.iter().filter_map(|folder| Some((quota_of(folder)?, folder)));
    let Some((limit, folder)) = quotas.min_by(|(a, _), (b, _)| a.total_cmp(b)) else { return };
    samples.single(metric::CONTAINER_CPU_LIMIT, Some(limit));
    let Some(text) = read(counted.get_or_init(|| folder.clone()), "cpu.stat") else { return };
    let count = |key| keyed(&text, key).map(|count| count as f64);
    samples.single(metric::CONTAINER_CPU_PERIODS, count("nr_periods"));
    samples.single(metric::CONTAINER_CPU_THROTTLED_PERIODS, count("nr_throttled"));
    let held = match place.version {
        Version::One => keyed(&text, "throttled_time").map(Duration::from_nanos),
        Version::Two => keyed(&text, "throttled_usec").map(Duration::from_micros),
    };
    let held = held.map(|held| held.as_secs_f64());
    samples.single(metric::CONTAINER_CPU_THROTTLED, held);
}

/// One group's limit, and what is left until then, in bytes.
#[derive(Clone, Copy)]
struct MemoryLimit {
    limit: u64,
    available: Option<u64>,
}

/// The tightest limit of the group and those above it; the least that is left until one of them.
fn add_memory(samples: &mut Samples, place: &Place) {
    let limited: Vec<_> = place.folders.iter().filter_map(|folder| memory(place.version, folder)).collect();
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
    let limit = bytes(limited.iter().map(|memory| memory.limit).min());
    samples.single(metric::CONTAINER_MEMORY_LIMIT, limit);
    let available = bytes(limited.iter().filter_map(|memory| memory.available).min());
    samples.single(metric::CONTAINER_MEMORY_AVAILABLE, available);
}

fn memory(version: Version, folder: &Path) -> Option<MemoryLimit> {
    let (limit, usage, inactive) = match version {
        Version::One => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        Version::Two => ("memory.max", "memory.current", "inactive_file"),
    };
    let limit = number(&read(folder, limit)?)?;
    let available = || {
        let usage = number(&read(folder, usage)?)?;
        let inactive = keyed(&read(folder, "memory.stat")?, inactive)?;
        // The conventions' working set: the kernel takes file pages that were not used of late before it kills.
        Some(limit.saturating_sub(usage.saturating_sub(inactive)))
    };
    Some(MemoryLimit { limit, available: available() })
}

const RESOURCES: [(&str, &str); 3] =
    [("cpu", "cpu.pressure"), ("memory", "memory.pressure"), ("io", "io.pressure")];

/// The waiting times, of version 2 only: version 1 does not measure them.
fn add_pressure(samples: &mut Samples, place: &Place) {
    for (resource, file) in RESOURCES {
        let Some(text) = place.own(file) else { continue };
        let kinds =
            [("some", metric::CONTAINER_PRESSURE_WAITING), ("full", metric::CONTAINER_PRESSURE_STALLED)];
        for (kind, name) in kinds {
            if let Some(waited) = pressure(&text, kind).map(Duration::from_micros) {
                let family = samples.family(name);
                family.sample(&[(label::RESOURCE, resource)], waited.as_secs_f64());
            }
        }
    }
}

/// The two kinds of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// A group and those above it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    version: Version,
    /// The process's own group first; never empty.
    folders: Vec<PathBuf>,
}

/// What the kernel says of this process's groups, and where they are mounted.
#[derive(Debug)]
struct Hierarchies {
    groups: Vec<Group>,
    mounts: Vec<Mount>,
}

/// Deeper than groups are nested; each is read at each scrape.
const MOST_LEVELS: usize = 16;

impl Hierarchies {
    fn new(groups: Vec<Group>, mounts: Vec<Mount>) -> Self {
        Self { groups, mounts }
    }

    /// The group that has this controller: of version 1 where the controller is bound to it, else of version 2.
    fn place(&self, controller: &str) -> Option<Place> {
        let has = |group: &&Group| group.controllers.iter().any(|name| name == controller);
        let Some(group) = self.groups.iter().find(has) else { return self.unified() };
        let is_its = |mount: &&Mount| {
            mount.kind == "cgroup" && mount.options.iter().any(|option| option == controller)
        };
        let place = placed(Version::One, group, self.mounts.iter().find(is_its)?);
        // Only the root of the machine has this file.
        let is_root = place.folders.first()?.join("cgroup.sane_behavior").exists();
        (!is_root).then_some(place)
    }

    /// The group of version 2.
    fn unified(&self) -> Option<Place> {
        let group = self.groups.iter().find(|group| group.hierarchy == 0 && group.controllers.is_empty())?;
        let mount = self.mounts.iter().find(|mount| mount.kind == "cgroup2")?;
        let place = placed(Version::Two, group, mount);
        // Only the machine's root does not have it.
        let is_root = !place.folders.first()?.join("cgroup.type").exists();
        (!is_root).then_some(place)
    }
}

impl Place {
    /// A file of the process's own group.
    fn own(&self, file: &str) -> Option<String> {
        read(self.folders.first()?, file)
    }
}

/// A file of a group, if it is there and says something.
fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

fn placed(version: Version, group: &Group, mount: &Mount) -> Place {
    let top = &mount.point;
    // A container may see the whole path of its group, but only the group itself is mounted.
    let below = group.path.strip_prefix(&mount.root).ok();
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let below = below.filter(|below| below.components().all(is_plain)).unwrap_or(Path::new(""));
    let own = Some(top.join(below)).filter(|own| own.is_dir()).unwrap_or_else(|| top.clone());
    let above = own.ancestors().take_while(|folder| folder.starts_with(top)).take(MOST_LEVELS);
    Place { version, folders: above.map(Path::to_path_buf).collect() }
}

#[cfg(test)]
mod tests;
