//! The container's tests: the files of both versions in a folder, as a kernel writes them.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::metrics::{Exposition, Metrics, Recorder};

/// A folder in place of a hierarchy's mount, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("control-group-{name}-{}", std::process::id()));
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    /// What /proc would say, with this folder in the place of MOUNT.
    fn hierarchies(&self, groups: &str, mounts: &str) -> Hierarchies {
        let mounts = mounts.replace("MOUNT", self.0.to_str().unwrap());
        Hierarchies::new(Group::all(groups), Mount::all(&mounts))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn page(container: Container) -> String {
    let recorder = Recorder::new(&Metrics::new());
    recorder.add_source(source(container));
    let page = recorder.render(Exposition::Text);
    let lines = page.lines().filter(|line| line.starts_with("container_"));
    lines.map(|line| format!("{line}\n")).collect()
}

const UNIFIED: &str = "30 23 0:26 / MOUNT rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

const PRESSURE: &str = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n\
                        full avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n";

#[test]
fn a_group_of_version_2_tells_its_limits_and_what_they_cost() {
    let folder = Folder::new(
        "v2",
        &[
            ("cgroup.type", "domain\n"),
            ("cpu.max", "50000 100000\n"),
            (
                "cpu.stat",
                "usage_usec 2500000\nuser_usec 1\nnr_periods 40\nnr_throttled 8\nthrottled_usec 750000\n",
            ),
            ("memory.max", "1000000\n"),
            ("memory.current", "700000\n"),
            ("memory.stat", "anon 400000\ninactive_file 100000\n"),
            ("cpu.pressure", PRESSURE),
            ("io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"),
        ],
    );
    let expected = "container_cpu_limit 0.5\n\
                    container_cpu_periods_total 40\n\
                    container_cpu_throttled_periods_total 8\n\
                    container_cpu_throttled_seconds_total 0.75\n\
                    container_cpu_time_seconds_total 2.5\n\
                    container_memory_available_bytes 400000\n\
                    container_memory_limit_bytes 1000000\n\
                    container_pressure_stalled_seconds_total{resource=\"cpu\"} 0.25\n\
                    container_pressure_waiting_seconds_total{resource=\"cpu\"} 1.5\n\
                    container_pressure_waiting_seconds_total{resource=\"io\"} 0\n";
    assert_eq!(page(Container::of(&folder.hierarchies("0::/\n", UNIFIED))), expected);
}

const FIRST: &str = "33 32 0:30 /docker/7f MOUNT/cpu ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n\
                     34 32 0:31 /docker/7f MOUNT/memory ro,nosuid - cgroup cgroup rw,memory\n\
                     35 32 0:32 /docker/7f MOUNT/systemd ro,nosuid - cgroup systemd rw,xattr,name=systemd\n";

#[test]
fn a_group_of_version_1_tells_the_same_and_no_pressure() {
    let folder = Folder::new(
        "v1",
        &[
            ("cpu/cpu.cfs_quota_us", "250000\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
            ("cpu/cpu.stat", "nr_periods 40\nnr_throttled 8\nthrottled_time 750000000\n"),
            ("cpu/cpuacct.usage", "2500000000\n"),
            ("memory/memory.limit_in_bytes", "1000000\n"),
            ("memory/memory.usage_in_bytes", "700000\n"),
            ("memory/memory.stat", "inactive_file 5\ntotal_inactive_file 100000\n"),
        ],
    );
    let groups = "5:memory:/docker/7f\n4:cpu,cpuacct:/docker/7f\n1:name=systemd:/docker/7f\n";
    let expected = "container_cpu_limit 2.5\n\
                    container_cpu_periods_total 40\n\
                    container_cpu_throttled_periods_total 8\n\
                    container_cpu_throttled_seconds_total 0.75\n\
                    container_cpu_time_seconds_total 2.5\n\
                    container_memory_available_bytes 400000\n\
                    container_memory_limit_bytes 1000000\n";
    assert_eq!(page(Container::of(&folder.hierarchies(groups, FIRST))), expected);
}

#[test]
fn the_tightest_limit_of_all_groups_above_is_reported_with_its_throttling() {
    let folder = Folder::new(
        "above",
        &[
            ("cgroup.type", ""),
            ("slice/cgroup.type", "domain\n"),
            ("slice/cpu.max", "100000 100000\n"),
            ("slice/cpu.stat", "nr_periods 5\nnr_throttled 1\nthrottled_usec 1000000\n"),
            ("slice/memory.max", "1000\n"),
            ("slice/service/cgroup.type", "domain\n"),
            ("slice/service/cpu.max", "max 100000\n"),
            ("slice/service/cpu.stat", "usage_usec 1000000\n"),
            ("slice/service/memory.max", "max\n"),
        ],
    );
    let hierarchies = folder.hierarchies("0::/slice/service\n", UNIFIED);
    assert_eq!(hierarchies.unified().unwrap().folders.len(), 3);
    let expected = "container_cpu_limit 1\n\
                    container_cpu_periods_total 5\n\
                    container_cpu_throttled_periods_total 1\n\
                    container_cpu_throttled_seconds_total 1\n\
                    container_cpu_time_seconds_total 1\n\
                    container_memory_limit_bytes 1000\n";
    assert_eq!(page(Container::of(&hierarchies)), expected);
}

#[test]
fn counts_stay_those_of_one_group_when_another_one_becomes_the_tightest() {
    let stat = |periods: u32| format!("nr_periods {periods}\nnr_throttled 1\nthrottled_usec 1000000\n");
    let folder = Folder::new(
        "changes",
        &[
            ("slice/cgroup.type", "domain\n"),
            ("slice/cpu.max", "100000 100000\n"),
            ("slice/cpu.stat", &stat(5)),
            ("slice/service/cgroup.type", "domain\n"),
            ("slice/service/cpu.max", "200000 100000\n"),
            ("slice/service/cpu.stat", &stat(900)),
        ],
    );
    let recorder = Recorder::new(&Metrics::new());
    recorder.add_source(source(Container::of(&folder.hierarchies("0::/slice/service\n", UNIFIED))));
    let shows = |limit: &str, periods: u32| {
        let page = recorder.render(Exposition::Text);
        let lines = [limit.to_owned(), format!("container_cpu_periods_total {periods}\n")];
        assert!(lines.iter().all(|line| page.contains(line)), "{lines:?} {page}");
    };
    shows("container_cpu_limit 1\n", 5);
    fs::write(folder.0.join("slice/cpu.max"), "400000 100000\n").unwrap();
    fs::write(folder.0.join("slice/cpu.stat"), stat(6)).unwrap();
    shows("container_cpu_limit 2\n", 6);
}

#[test]
fn the_machines_own_root_is_no_container() {
    let folder = Folder::new(
        "root",
        &[
            ("cpu.stat", "usage_usec 2500000\n"),
            ("cpu.pressure", PRESSURE),
            ("memory/cgroup.sane_behavior", "0\n"),
            ("memory/memory.limit_in_bytes", "1000000\n"),
        ],
    );
    let groups = "5:memory:/\n0::/\n";
    let mounts = format!("34 32 0:31 / MOUNT/memory ro - cgroup cgroup rw,memory\n{UNIFIED}");
    assert_eq!(page(Container::of(&folder.hierarchies(groups, &mounts))), "");
}

#[test]
fn without_control_groups_nothing_is_reported() {
    let folder = Folder::new("none", &[]);
    for (groups, mounts) in [("", ""), ("0::/\n", ""), ("", UNIFIED), ("3:cpu:/a\n", UNIFIED)] {
        assert_eq!(page(Container::of(&folder.hierarchies(groups, mounts))), "", "{groups:?} {mounts:?}");
    }
}

#[test]
fn a_path_that_is_not_mounted_is_the_mounts_own_group() {
    let folder = Folder::new("outside", &[("cgroup.type", "domain\n")]);
    for group in ["/../other", "/pods/7/gone", "no/path", ""] {
        let place = folder.hierarchies(&format!("0::{group}\n"), UNIFIED).unified().unwrap();
        assert_eq!((place.version, place.folders), (Version::Two, vec![folder.0.clone()]), "{group}");
    }
}
