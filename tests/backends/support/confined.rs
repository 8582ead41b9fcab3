//! A program in a control group of its own, with limits: what a container is to the kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The groups and their limits: half a processor, 256 MiB.
const LIMITS: [(&str, &str, &str); 2] =
    [("cpu", "cpu.cfs_quota_us", "50000"), ("memory", "memory.limit_in_bytes", "268435456")];

/// Groups of version 1; removed when dropped, which must be after their program has ended.
#[derive(Debug)]
pub struct Confined {
    groups: Vec<PathBuf>,
    script: PathBuf,
}

impl Confined {
    /// `None` where this process may not make such groups.
    pub fn new(folder: &Path) -> Option<Self> {
        let mut confined = Self { groups: Vec::new(), script: folder.join("confined.sh") };
        let mut script = String::from("#!/bin/sh\nset -e\n");
        for (controller, limit, value) in LIMITS {
            let name = format!("tower-observability-{}", std::process::id());
            let group = Path::new("/sys/fs/cgroup").join(controller).join(name);
            fs::create_dir(&group).ok()?;
            script += &format!("echo $$ >{}/cgroup.procs\n", group.display());
            confined.groups.push(group.clone());
            fs::write(group.join(limit), value).ok()?;
        }
        fs::write(&confined.script, script + "exec \"$@\"\n").unwrap();
        Some(confined)
    }

    /// What runs a command there.
    pub fn prefix(&self) -> String {
        format!("sh {} ", self.script.display())
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        for group in &self.groups {
            // A process leaves it once it has been waited for.
            while fs::remove_dir(group).is_err() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}
