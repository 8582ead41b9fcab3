//! The servers, each a process of its own because `init` is once per process, on one processor.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rustix::thread::{CpuSet, Pid, sched_setaffinity};
use tower_observability::ObservabilityLayer;

use crate::callers;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;
use crate::threads::{self, Threads};

/// The first argument of a process that serves; the others are the kind and the collector.
pub(crate) const CHILD: &str = "--server";

const PROCESSOR: usize = 0;
/// What `init` calls the thread that exports.
pub(crate) const EXPORTER: &str = "observability";

/// What stands around the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    /// All signals; only the exporter's thread is elsewhere, and takes its time from the callers instead.
    Sink,
    /// All signals, and everything of the process on one processor.
    Live,
    /// The same with 10,000 histogram series, and nobody scrapes.
    Series,
    /// They are scraped at their own port all the time.
    Scraped,
    /// They are scraped all the time where they are mounted, among the requests.
    Mounted,
}

/// A server that runs; dropped, it is ended.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Where its page is fetched while it is called.
    pub(crate) scraped: Option<SocketAddr>,
    /// Where it tells what it lost.
    page: SocketAddr,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Bare, Self::Sink, Self::Live, Self::Series, Self::Scraped, Self::Mounted];

    /// What it is chosen by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Sink => "sink",
            Self::Live => "live",
            Self::Series => "series",
            Self::Scraped => "scraped",
            Self::Mounted => "mounted",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Bare => "the bare router",
            Self::Sink => "all signals; the export on another processor",
            Self::Live => "all signals; the export on the same processor",
            Self::Series => "the same with 10,000 histogram series",
            Self::Scraped => "the same, scraped all the time at its port",
            Self::Mounted => "the same, scraped all the time where it is mounted",
        }
    }

    /// Are there series enough that a scrape is felt?
    pub(crate) fn has_series(self) -> bool {
        matches!(self, Self::Series | Self::Scraped | Self::Mounted)
    }

    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.name() == name).expect("a kind")
    }
}

impl Server {
    pub(crate) fn start(kind: Kind, collector: SocketAddr) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([CHILD, kind.name(), &collector.to_string()]);
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name == "RUST_LOG") {
            command.env_remove(name);
        }
        command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
        // Each request shall have its line; there is one place in the code for all of them.
        command.env("OBSERVABILITY_LOG_LIMIT", "0");
        // The lines go to standard output, and nobody reads them.
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a server");
        let said = BufReader::new(process.stderr.take().expect("its words"));
        let addresses = said.lines().map_while(Result::ok).find_map(|line| {
            let (address, page) = line.split_once(' ')?;
            Some((address.parse().ok()?, page.parse().ok()?))
        });
        let (address, page) = addresses.expect("its addresses");
        let scraped = match kind {
            Kind::Scraped => Some(page),
            Kind::Mounted => Some(address),
            Kind::Bare | Kind::Sink | Kind::Live | Kind::Series => None,
        };
        Self { process, address, scraped, page }
    }

    /// What its threads did until now.
    pub(crate) fn threads(&self) -> Threads {
        threads::of(self.process.id())
    }

    /// All that it was asked for was done: nothing of it was lost, or left out.
    pub(crate) async fn assert_nothing_lost(&self, kind: Kind) {
        if kind == Kind::Bare {
            return;
        }
        let page = callers::page(self.page).await;
        assert!(page.contains("otel_sdk_exporter_span_exported_total"), "{page}");
        let lost = |line: &&str| {
            let counts = line.starts_with("otel_sdk_") && line.contains("error_type=")
                || line.starts_with("observability_log_left_out_total");
            counts && !line.ends_with(" 0")
        };
        let lost: Vec<_> = page.lines().filter(lost).collect();
        assert!(lost.is_empty(), "{}: {lost:#?}", kind.about());
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
    // No service is a process of one thread, which is spared locks by the C library and by the kernel.
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });
    let observability = (kind != Kind::Bare).then(|| tower_observability::init("bench").expect("it starts"));
    if kind == Kind::Sink {
        threads_named(EXPORTER).for_each(|thread| keep_to(callers::PROCESSOR, Some(thread)));
    }
    let router = USUAL.router(NoopLayer);
    let app = match &observability {
        None => router.with_state(()),
        // The page stands beside the layer: it is no request of the service.
        Some(observability) if kind == Kind::Mounted => {
            router.layer(ObservabilityLayer::new()).merge(observability.admin_routes()).with_state(())
        }
        Some(_) => router.layer(ObservabilityLayer::new()).with_state(()),
    };
    if kind.has_series() {
        add_series();
    }
    assert!(collector.ip().is_loopback());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let page = observability.as_ref().and_then(|running| running.admin_address());
        // Where there is no page, the address stands there twice.
        eprintln!("{address} {}", page.unwrap_or(address));
        axum::serve(listener, app).await.expect("it serves");
    });
    drop(observability);
}

/// 10 histograms of 1,000 series each.
fn add_series() {
    for name in (0..10).map(|n| format!("bench_{n}_seconds")) {
        for route in (0..1_000).map(|n| format!("/orders/{n}")) {
            metrics::histogram!(name.clone(), "route" => route).record(0.07);
        }
    }
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
