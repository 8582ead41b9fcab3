//! The files of `examples/stack`, run as they are: only hosts, ports and the folder of the secrets are others.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::shared::port::free_address;
use crate::shared::repository::top;
use crate::support::http;
use crate::support::systems::{ALERTMANAGER, PROMETHEUS_PROGRAM};
use crate::support::wait::eventually;

const MAY_START_FOR: Duration = Duration::from_secs(30);

/// A folder for one run, removed at its end.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

/// A program that listens. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    child: Child,
}

/// The file as it lies in the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    top().join("examples/stack").join(path)
}

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tower-observability-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Copies a folder of the stack, and replaces in each of its files.
    pub(crate) fn copy(&self, folder: &str, replace: &[(&str, &str)]) -> PathBuf {
        let to = self.0.join(folder);
        copy(&file(folder), &to, replace);
        to
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn copy(from: &Path, to: &Path, replace: &[(&str, &str)]) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to, replace);
            continue;
        }
        let mut text = std::fs::read_to_string(&from).unwrap();
        for (old, new) in replace {
            text = text.replace(old, new);
        }
        std::fs::write(to, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port that is free, and stays so until somebody asks for it by its number.
pub(crate) fn free_port() -> u16 {
    free_address().port()
}

impl Server {
    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) async fn prometheus(folder: &Path) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        // It scrapes itself.
        let configuration = folder.join("prometheus.yml");
        let text = std::fs::read_to_string(&configuration).unwrap();
        std::fs::write(&configuration, text.replace("localhost:9090", &address)).unwrap();
        let mut command = Command::new(PROMETHEUS_PROGRAM.path());
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn"]);
        command.args(["--enable-feature=exemplar-storage", &format!("--web.listen-address={address}")]);
        Self::start(command.current_dir(folder), &address).await
    }

    pub(crate) async fn alertmanager(folder: &Path, port: u16) -> Self {
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(ALERTMANAGER.path());
        command.args(["--config.file=alertmanager.yml", "--storage.path=data", "--log.level=warn"]);
        command.args(["--cluster.listen-address=", &format!("--web.listen-address={address}")]);
        Self::start(command.current_dir(folder), &address).await
    }

    async fn start(command: &mut Command, address: &str) -> Self {
        Self::start_at(command, address, "/-/ready").await
    }

    /// Starts it; it is ready when it takes a connection.
    pub(crate) async fn listening(command: &mut Command, address: &str) -> Self {
        Self::once(command, address, async || Ok(())).await
    }

    /// Starts it; it is ready when it says so at this path.
    pub(crate) async fn start_at(command: &mut Command, address: &str, ready: &str) -> Self {
        let url = format!("http://{address}{ready}");
        Self::once(command, address, async || {
            let answer = http::get(&url).await;
            if answer.status.is_success() { Ok(()) } else { Err(answer.body) }
        })
        .await
    }

    /// Starts it, and waits until it takes a connection and is ready.
    async fn once(
        command: &mut Command,
        address: &str,
        mut is_ready: impl AsyncFnMut() -> Result<(), String>,
    ) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let mut server = Self { url: format!("http://{address}"), child };
        eventually(MAY_START_FOR, address, async || {
            // Else somebody else might answer at its address.
            assert!(server.child.try_wait().unwrap().is_none(), "{command:?} has ended");
            tokio::net::TcpStream::connect(address).await.map_err(|error| error.to_string())?;
            is_ready().await
        })
        .await;
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
