//! Owns the servers, each a process of its own because `init` is once per process, on one processor.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rustix::thread::{CpuSet, Pid, sched_setaffinity};
use tower_observability::ObservabilityLayer;

use crate::callers;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

/// The first argument of a process that serves; the others are the kind and the collector.
pub(crate) const CHILD: &str = "--server";

const PROCESSOR: usize = 0;
/// What `init` calls the thread that exports.
const EXPORTER: &str = "observability";

/// What stands around the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    /// All signals; only the exporter's thread is elsewhere.
    Sink,
    /// All signals, and everything of the process on one processor.
    Live,
}

/// A server that runs; dropped, it is ended.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Bare, Self::Sink, Self::Live];

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Bare => "the bare router",
            Self::Sink => "all signals; the export on another processor",
            Self::Live => "all signals; the export on the same processor",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.about() == name).expect("a kind")
    }
}

impl Server {
    pub(crate) fn start(kind: Kind, collector: SocketAddr) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([CHILD, kind.about(), &collector.to_string()]);
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
        command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
        // The lines go to standard output, and nobody reads them.
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let said = BufReader::new(process.stderr.take().expect("its words"));
        let address = said.lines().map_while(Result::ok).find_map(|line| line.parse().ok());
        Self { address: address.expect("its address"), process }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("a process of ours");
        self.process.wait().expect("its end");
    }
}

/// The server's side of it: serves until it is killed.
pub(crate) fn run(kind: Kind, collector: SocketAddr) {
    keep_to(PROCESSOR, None);
    let observability = (kind != Kind::Bare).then(|| tower_observability::init("bench").expect("it starts"));
    if kind == Kind::Sink {
        threads_named(EXPORTER).for_each(|thread| keep_to(callers::PROCESSOR, Some(thread)));
    }
    let router = USUAL.router(NoopLayer);
    let app = match kind {
        Kind::Bare => router.with_state(()),
        Kind::Sink | Kind::Live => router.layer(ObservabilityLayer::new()).with_state(()),
    };
    assert!(collector.ip().is_loopback());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        eprintln!("{}", listener.local_addr().expect("its address"));
        axum::serve(listener, app).await.expect("it serves");
    });
    drop(observability);
}

/// Keeps a thread, by default this one and those that it starts, to one processor.
pub(crate) fn keep_to(processor: usize, thread: Option<Pid>) {
    let mut processors = CpuSet::new();
    processors.set(processor);
    sched_setaffinity(thread, &processors).expect("two processors");
}

fn threads_named(name: &str) -> impl Iterator<Item = Pid> {
    let tasks: Vec<_> = fs::read_dir("/proc/self/task").expect("Linux").flatten().collect();
    let found: Vec<_> = tasks
        .into_iter()
        .filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name))
        .filter_map(|task| Pid::from_raw(task.file_name().to_str()?.parse().ok()?))
        .collect();
    assert!(!found.is_empty(), "no thread is named {name}");
    found.into_iter()
}
