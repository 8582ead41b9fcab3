//! Where the files of this process's control group are: its folder, and those above it.

use std::fs;
use std::path::{Component, Path, PathBuf};

use procfs::ProcessCGroup;
use procfs::process::MountInfo;

/// The two kinds of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A group and those above it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: Version,
    /// The process's own group first; never empty.
    pub(super) folders: Vec<PathBuf>,
}

/// What the kernel says of this process's groups, and where they are mounted.
#[derive(Debug)]
pub(super) struct Hierarchies {
    groups: Vec<ProcessCGroup>,
    mounts: Vec<MountInfo>,
}

/// Deeper than anybody nests; each is read at each scrape.
const MOST_LEVELS: usize = 16;

impl Hierarchies {
    pub(super) fn new(groups: Vec<ProcessCGroup>, mounts: Vec<MountInfo>) -> Self {
        Self { groups, mounts }
    }

    /// The group that has this controller: of version 1 where the controller is bound to it, else of version 2.
    pub(super) fn place(&self, controller: &str) -> Option<Place> {
        let has = |group: &&ProcessCGroup| group.controllers.iter().any(|name| name == controller);
        let Some(group) = self.groups.iter().find(has) else { return self.unified() };
        let is_its =
            |mount: &&MountInfo| mount.fs_type == "cgroup" && mount.super_options.contains_key(controller);
        let place = placed(Version::One, group, self.mounts.iter().find(is_its)?);
        // Only the machine's root has it.
        let is_root = place.folders.first()?.join("cgroup.sane_behavior").exists();
        (!is_root).then_some(place)
    }

    /// The group of version 2.
    pub(super) fn unified(&self) -> Option<Place> {
        let group = self.groups.iter().find(|group| group.hierarchy == 0 && group.controllers.is_empty())?;
        let mount = self.mounts.iter().find(|mount| mount.fs_type == "cgroup2")?;
        let place = placed(Version::Two, group, mount);
        // Only the machine's root does not have it.
        let is_root = !place.folders.first()?.join("cgroup.type").exists();
        (!is_root).then_some(place)
    }
}

impl Place {
    /// A file of the process's own group.
    pub(super) fn own(&self, file: &str) -> Option<String> {
        read(self.folders.first()?, file)
    }
}

/// A file of a group, if it is there and says something.
pub(super) fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

fn placed(version: Version, group: &ProcessCGroup, mount: &MountInfo) -> Place {
    let top = &mount.mount_point;
    // A container may see the whole path of its group, but only the group itself is mounted.
    let below = Path::new(&group.pathname).strip_prefix(&mount.root).ok();
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let below = below.filter(|below| below.components().all(is_plain)).unwrap_or(Path::new(""));
    let own = Some(top.join(below)).filter(|own| own.is_dir()).unwrap_or_else(|| top.clone());
    let above = own.ancestors().take_while(|folder| folder.starts_with(top)).take(MOST_LEVELS);
    Place { version, folders: above.map(Path::to_path_buf).collect() }
}
