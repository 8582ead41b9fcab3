//! What leaving costs: spans per second of processor time on the threads behind the requests, over OTLP with HTTP,
//! plaintext and uncompressed, and the memory that a waiting span holds: ours, and OpenTelemetry's batch processor.
//!
//! `cargo run --release --locked --bin export`. Each runs in processes of its own, in turn.

#[path = "../../../support/collector.rs"]
mod collector;

use std::convert::Infallible;
use std::hint::black_box;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use allocation_counter::measure;
use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, SpanKind, Tracer as _, TracerProvider as _};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rustix::time::{ClockId, clock_gettime};
use tower::{Layer as _, service_fn};
use tower_observability::{Admin, Logs, Metrics, Observability, ObservabilityLayer};

const OURS: &str = "tower-observability";
const SDK: &str = "opentelemetry_sdk, opentelemetry-otlp";
const ROUNDS: usize = 5;
const BURSTS: usize = 20;
/// As many fit into the queue.
const BURST: usize = 20_000;
const LONGEST: Duration = Duration::from_secs(120);
/// The threads behind the requests have nothing to do for so long: all has left.
const QUIET: Duration = Duration::from_millis(50);

/// Something that makes spans, and ends them all before it is dropped.
trait Makes {
    fn one(&mut self);
    fn end(self: Box<Self>);
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, stack, task, collector] = &arguments[..]
        && first == "--child"
    {
        return child(stack, task, collector);
    }
    let collector = collector::start();
    // Takes connections, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent = silent.local_addr().map(|address| (silent, address)).expect("its address");
    let stacks = [OURS, SDK];
    let mut rates = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (stack, rates) in stacks.iter().zip(&mut rates) {
            rates.push(run(stack, "rate", collector));
        }
    }
    println!("| stack | spans per processor second | × the first | bytes that a waiting span holds |");
    println!("|---|--:|--:|--:|");
    let [ours, sdk] = rates.map(median);
    for (stack, rate) in [(OURS, ours), (SDK, sdk)] {
        let bytes = run(stack, "memory", silent.1);
        println!("| {stack} | {rate:.0} | {:.2} | {bytes:.0} |", rate / ours);
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

fn run(stack: &str, task: &str, collector: SocketAddr) -> f64 {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command
        .args(["--child", stack, task, &collector.to_string()])
        .env_remove("RUST_LOG")
        .stdout(Stdio::null());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
    command.env("OTEL_BSP_MAX_QUEUE_SIZE", BURST.to_string());
    let output = command.output().expect("it starts again");
    let said = String::from_utf8_lossy(&output.stderr);
    let result = said.lines().find_map(|line| line.strip_prefix("result ")?.parse().ok());
    result.unwrap_or_else(|| panic!("{stack}: {}\n{said}", output.status))
}

fn child(stack: &str, task: &str, collector: &str) {
    thread::spawn(|| {
        thread::sleep(LONGEST);
        process::exit(3);
    });
    let collector = collector.parse().expect("an address");
    let make =
        || -> Box<dyn Makes> { if stack == OURS { Box::new(ours()) } else { Box::new(sdk(collector)) } };
    if task == "memory" {
        let mut makes = None;
        let held = measure(|| {
            let makes = makes.insert(make());
            (0..BURST).for_each(|_| makes.one());
        });
        eprintln!("result {}", held.bytes_current as f64 / BURST as f64);
        // What waits would be waited for.
        process::exit(0);
    }
    let mut makes = make();
    burst(&mut *makes);
    let begin = behind();
    (0..BURSTS).for_each(|_| burst(&mut *makes));
    makes.end();
    let spans = (BURSTS * BURST) as f64;
    eprintln!("result {}", spans / (behind() - begin).as_secs_f64());
}

/// As many spans as the queue holds, and the time that they need to leave.
fn burst(makes: &mut dyn Makes) {
    (0..BURST).for_each(|_| makes.one());
    let (mut since, mut seen) = (Instant::now(), behind());
    while since.elapsed() < QUIET {
        thread::sleep(Duration::from_millis(5));
        let now = behind();
        if now > seen + Duration::from_micros(500) {
            (since, seen) = (Instant::now(), now);
        }
    }
}

/// Processor time of all threads but this one.
fn behind() -> Duration {
    let time = |clock| {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    time(ClockId::ProcessCPUTime).saturating_sub(time(ClockId::ThreadCPUTime))
}

struct Ours<S> {
    observability: Option<Observability>,
    service: S,
    runtime: tokio::runtime::Runtime,
    made: usize,
}

fn ours() -> impl Makes {
    let observability = tower_observability::builder("bench")
        .logs(Logs::new().without_lines())
        .metrics(Metrics::new().off())
        .admin(Admin::new().off())
        .init()
        .expect("it starts");
    let answer = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    Ours {
        observability: Some(observability),
        service: ObservabilityLayer::new().layer(answer),
        runtime: tokio::runtime::Builder::new_current_thread().build().expect("a runtime"),
        made: 0,
    }
}

impl<S, B> Makes for Ours<S>
where
    S: tower::Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data: Send, Error: std::fmt::Debug>,
{
    fn one(&mut self) {
        let request =
            Request::get("/users/4711").header("host", "localhost:8080").header("user-agent", "bench/1.0");
        let request = request.body(Body::empty()).expect("a request");
        self.made += 1;
        self.runtime.block_on(async {
            let Ok(response) = self.service.call(request).await;
            black_box(response.into_body().collect().await.is_ok());
        });
    }

    fn end(mut self: Box<Self>) {
        if let Some(observability) = self.observability.take() {
            let report = self.runtime.block_on(observability.shutdown());
            assert_eq!(report.spans.delivered, self.made as u64, "{report}");
        }
    }
}

struct Sdk {
    provider: SdkTracerProvider,
    tracer: opentelemetry_sdk::trace::SdkTracer,
}

fn sdk(collector: SocketAddr) -> impl Makes {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{collector}/v1/traces"))
        .build()
        .expect("an exporter");
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let tracer = provider.tracer("bench");
    Sdk { provider, tracer }
}

impl Makes for Sdk {
    /// The attributes that our span of the same request has.
    fn one(&mut self) {
        let attributes = vec![
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.path", "/users/4711".to_owned()),
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("server.address", "localhost".to_owned()),
            KeyValue::new("server.port", 8080),
            KeyValue::new("user_agent.original", "bench/1.0".to_owned()),
            KeyValue::new("network.protocol.version", "1.1"),
            KeyValue::new("http.response.status_code", 200),
            KeyValue::new("observability.outcome", "ok"),
            KeyValue::new("observability.request_id", "01934f2e-7c1a-7b3d-9f00-3f1c2a4b5d6e".to_owned()),
        ];
        let builder = self.tracer.span_builder("GET").with_kind(SpanKind::Server).with_attributes(attributes);
        builder.start(&self.tracer).end();
    }

    fn end(self: Box<Self>) {
        self.provider.shutdown().expect("all has left");
    }
}
