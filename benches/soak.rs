//! A service under load for as long as it is told (10 minutes by default), whose collector fails for a quarter of the time:
//! at the end the account of every signal must add up, no request may have been harmed, and memory must not have grown.
//!
//! `cargo bench -p benches --bench soak -- 600` prints a line each ten seconds, and ends with an error if something does
//! not hold. It needs Linux. By hand before a release.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use tokio::runtime::{Builder, Runtime};
use tower::Service as _;
use tower_observability::{FlowReport, Observability, ObservabilityLayer, Report, request};
use tracing::{error, info, info_span};

const CHILD: &str = "--child";
const DEFAULT_SECONDS: u64 = 600;
const MOST_SECONDS: u64 = 24 * 3_600;
const CALLERS: u64 = 2;
/// Of each caller.
const PER_SECOND: u64 = 200;
/// How often a line is printed.
const STEP: Duration = Duration::from_secs(10);
/// A request that takes longer is harmed.
const PATIENCE: Duration = Duration::from_secs(1);
/// What memory may grow by in the last three eighths of the time.
const MOST_GROWTH: u64 = 16 * 1024 * 1024;

/// What the callers saw.
#[derive(Default)]
struct Seen {
    requests: AtomicU64,
    harmed: AtomicU64,
    /// In microseconds.
    slowest: AtomicU64,
    is_over: AtomicBool,
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments[..] {
        [first, seconds] if first == CHILD => soak(Duration::from_secs(seconds.parse().expect("seconds"))),
        [] => start(DEFAULT_SECONDS),
        [seconds] => match seconds.parse() {
            Ok(seconds @ 1..=MOST_SECONDS) => start(seconds),
            _ => panic!("{seconds:?} is no number of seconds from 1 to {MOST_SECONDS}"),
        },
        _ => panic!("one argument: how many seconds"),
    }
}

/// Runs it in a process of its own, whose lines are read and thrown away.
fn start(seconds: u64) {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([CHILD, &seconds.to_string()]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts again");
    let mut lines = child.stdout.take().expect("its lines");
    std::io::copy(&mut lines, &mut std::io::sink()).expect("its lines");
    assert!(child.wait().expect("its end").success(), "something did not hold");
}

fn soak(time: Duration) {
    let (collector, fails) = collector();
    let builder = tower_observability::builder("soak");
    let traces = tower_observability::Traces::new()
        .otlp(tower_observability::Otlp::new().endpoint(format!("http://{collector}")));
    let observability =
        builder.traces(traces).admin(tower_observability::Admin::new().port(0)).init().expect("it starts");
    let seen = Arc::new(Seen::default());
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || call(number, &seen))
        })
        .collect();
    let mut baseline = None;
    let begin = Instant::now();
    eprintln!("seconds  requests  harmed  slowest  memory  collector");
    while begin.elapsed() < time {
        std::thread::sleep(STEP.min(time.saturating_sub(begin.elapsed())));
        let page = scrape(&observability);
        assert!(page.contains("http_server_request_duration_seconds_count"), "{page}");
        // What the queues held while the collector failed stays with the allocator.
        if begin.elapsed() >= time * 5 / 8 {
            baseline.get_or_insert_with(resident);
        }
        eprintln!(
            "{:>7}  {}  {}",
            begin.elapsed().as_secs(),
            seen.line(),
            if fails.load(Ordering::Relaxed) { "fails" } else { "answers" }
        );
        // The second quarter of the time it fails.
        let quarter = 4 * begin.elapsed().as_millis() / time.as_millis().max(1);
        fails.store(quarter == 1, Ordering::Relaxed);
    }
    fails.store(false, Ordering::Relaxed);
    seen.is_over.store(true, Ordering::Relaxed);
    callers.into_iter().for_each(|caller| caller.join().expect("a caller"));
    let end = resident();
    let report = runtime().block_on(observability.shutdown());
    check(&seen, &report, baseline.unwrap_or(end), end);
}

fn check(seen: &Seen, report: &Report, baseline: u64, end: u64) {
    eprintln!("{report}");
    let requests = seen.requests.load(Ordering::Relaxed);
    for (name, flow) in [("spans", &report.spans), ("lines", &report.lines)] {
        assert!(flow.created >= requests, "{name}: {} of {requests} requests", flow.created);
        assert!(adds_up(flow), "{name}: {flow:?}");
    }
    assert_eq!(seen.harmed.load(Ordering::Relaxed), 0, "requests were harmed");
    let grown = end.saturating_sub(baseline);
    eprintln!(
        "{requests} requests; memory grew by {} KiB in the last three eighths of the time",
        grown / 1024
    );
    assert!(grown <= MOST_GROWTH, "memory grew by {grown} bytes");
}

fn adds_up(flow: &FlowReport) -> bool {
    let ended = flow.delivered + flow.unconfirmed + flow.dropped_total() + flow.left_out_total();
    flow.queued() == 0 && flow.created == ended
}

impl Seen {
    fn line(&self) -> String {
        let [requests, harmed] = [&self.requests, &self.harmed].map(|count| count.load(Ordering::Relaxed));
        let slowest = self.slowest.load(Ordering::Relaxed) as f64 / 1e3;
        format!("{requests:>8}  {harmed:>6}  {slowest:>4.0} ms  {:>3} MB", resident() / 1_000_000)
    }
}

/// One caller: requests of many kinds, one after the other, so many a second.
fn call(number: u64, seen: &Seen) {
    let runtime = runtime();
    let mut app = service();
    let begin = Instant::now();
    for turn in (number..).step_by(CALLERS as usize) {
        if seen.is_over.load(Ordering::Relaxed) {
            return;
        }
        let due = begin + Duration::from_micros(turn / CALLERS * (1_000_000 / PER_SECOND));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let (path, expected) = match turn % 10 {
            0 => (format!("/orders/{turn}/fails"), StatusCode::INTERNAL_SERVER_ERROR),
            1 => (format!("/nothing/{turn}?secret={turn}"), StatusCode::NOT_FOUND),
            _ => (format!("/orders/{turn}"), StatusCode::OK),
        };
        let asked =
            Request::get(path).header("user-agent", format!("soak/{}", turn % 1_000)).body(Body::empty());
        let start = Instant::now();
        let status = runtime.block_on(async {
            let answer = app.call(asked.expect("a request")).await.expect("an answer");
            let status = answer.status();
            to_bytes(answer.into_body(), usize::MAX).await.map(|_| status).ok()
        });
        let lasted = start.elapsed();
        seen.requests.fetch_add(1, Ordering::Relaxed);
        seen.slowest.fetch_max(lasted.as_micros() as u64, Ordering::Relaxed);
        if status != Some(expected) || lasted > PATIENCE {
            seen.harmed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn service() -> Router {
    let order = |Path(id): Path<u64>| async move {
        request::add("order_id", id);
        let _query = info_span!("query", rows = 3, id).entered();
        info!(id, note = "a value of the usual length", "looking for the order");
        metrics::counter!("orders_read_total", "customer" => (id % 5_000).to_string()).increment(1);
        Bytes::from_static(b"an order")
    };
    let fails = |Path(id): Path<u64>| async move {
        request::error(&std::io::Error::other(format!("order {id} is gone")));
        error!(id, "no order");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let router = Router::new().route("/orders/{id}", get(order)).route("/orders/{id}/fails", get(fails));
    router.layer(ObservabilityLayer::new()).with_state(())
}

/// A collector, and the switch that makes it fail.
fn collector() -> (SocketAddr, Arc<AtomicBool>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a listener");
    let address = listener.local_addr().expect("its address");
    let fails = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&fails);
    let answer = move |_: Bytes| {
        let status =
            if now.load(Ordering::Relaxed) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        async move { (status, [(CONTENT_TYPE, "application/x-protobuf")]) }
    };
    let app = Router::new().fallback(answer);
    std::thread::spawn(move || {
        runtime().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, app).await
        })
    });
    (address, fails)
}

fn scrape(observability: &Observability) -> String {
    let address = observability.admin_address().expect("the admin routes");
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
        .expect("a request");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page");
    page
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The memory of this process that is in the machine's, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    line.and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok()).expect("a size") * 1024
}
