//! A dependency of the test's own, which it may end.

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::super::unique;
use crate::support::systems::{DEPENDENCY, EPMD_PORT, KAFKA_JARS};

/// Dropping it ends it, and takes its data away.
pub(super) struct Own {
    name: &'static str,
    folder: PathBuf,
    pub(super) port: u16,
    other_port: u16,
    process: Option<Child>,
}

impl Own {
    /// A port is chosen; nothing is started yet.
    pub(super) fn new(name: &'static str) -> Self {
        let free = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        // Both are held at once, so that they are not the same.
        let [port, other_port] = [free(), free()].map(|held| held.local_addr().unwrap().port());
        let folder = std::env::temp_dir().join(unique(name));
        fs::create_dir(&folder).unwrap();
        Self { name, folder, port, other_port, process: None }
    }

    /// Starts it, with the data that it had. It tells others that it listens at `told_port`.
    pub(super) fn start(&mut self, told_port: u16) {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(DEPENDENCY.path())
            .arg(self.name)
            .arg(self.port.to_string());
        let other = self.other_port.to_string();
        match self.name {
            "rabbitmq" => drop(command.args([&other, &EPMD_PORT.value()])),
            "kafka" => drop(command.arg(other).arg(KAFKA_JARS.path())),
            _ => {}
        }
        let log = fs::File::create(self.folder.join("said")).unwrap();
        command.current_dir(&self.folder).env("TOLD_PORT", told_port.to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(command.spawn().unwrap());
    }

    /// Sends a signal to it and to all that it has started.
    pub(super) fn signal(&self, signal: &str) {
        let Some(process) = &self.process else { return };
        let all = tree(process.id());
        let _ = Command::new("kill").arg(signal).args(all.iter().map(u32::to_string)).status();
    }

    pub(super) fn kill(&mut self) {
        self.signal("-KILL");
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.folder.join("said")).unwrap_or_default());
        }
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A process and those below it.
fn tree(root: u32) -> Vec<u32> {
    let mut below: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
        // One that has ended meanwhile has none.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // Behind the program's name, which may have any characters, stand its state and its parent.
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        let own = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(own), Some(parent)) = (own, parent) {
            below.entry(parent).or_default().push(own);
        }
    }
    let mut all = vec![root];
    let mut next = 0;
    while let Some(of) = all.get(next).copied() {
        all.extend(below.remove(&of).unwrap_or_default());
        next += 1;
    }
    all
}
