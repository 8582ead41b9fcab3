//! The process in which one value of one dimension is measured, seen from both sides.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;
use std::{env, thread};

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{HOST, HeaderValue};
use futures_util::future::poll_fn;
use http_body_util::BodyExt;
use tokio::runtime::Builder;
use tokio::task::unconstrained;
use tower::Service as _;
use tower_observability::Report;

use super::dimension::{Dimension, Service, Stack};

/// The first argument of a process that measures; the others are stack, dimension, value, number of requests.
pub(crate) const CHILD: &str = "--child";

const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// The queues are empty again after so many spans and a pause, also under callgrind.
const BURST: u64 = 512;
const PAUSE: Duration = Duration::from_millis(300);

pub(crate) fn command(
    stack: Stack,
    dimension: Dimension,
    value: u64,
    requests: u64,
    collector: SocketAddr,
) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    let stack = if stack == Stack::Ours { "ours" } else { "noop" };
    command.args([CHILD, stack, dimension.name(), &value.to_string(), &requests.to_string()]);
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    // Nobody listens at the port for discarded bytes.
    let dead = SocketAddr::from(([127, 0, 0, 1], 9));
    let gone = dimension == Dimension::DeadCollector && value == 1;
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", if gone { dead } else { collector }));
    command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
    // Ten thousand requests end at once.
    command.env("OTEL_BSP_MAX_QUEUE_SIZE", "65536");
    command
}

/// The child's side of it.
pub(crate) fn run(arguments: &[String]) {
    let [_, stack, dimension, value, requests] = arguments else { panic!("not a child: {arguments:?}") };
    let stack = if stack == "ours" { Stack::Ours } else { Stack::Noop };
    let (dimension, value) = (Dimension::named(dimension), value.parse().expect("a value"));
    let requests: u64 = requests.parse().expect("a number");
    let observability =
        (stack == Stack::Ours).then(|| tower_observability::init("bench").expect("it starts"));
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut service = dimension.service(value, stack);
    let spans = if dimension == Dimension::Spans { value + 1 } else { 1 };
    runtime.block_on(ask(&mut service, dimension.burst(value), requests, spans));
    let Some(observability) = observability else { return };
    // Not on this thread, whose instructions are counted.
    let ending = thread::spawn(move || runtime.block_on(observability.shutdown()));
    let report = ending.join().expect("a report");
    if dimension != Dimension::DeadCollector || value == 0 {
        prove(&report, requests, spans);
    }
}

async fn ask(service: &mut Service, burst: u64, requests: u64, spans: u64) {
    let mut since_pause = 0;
    let mut uris = (0..service.uris.len()).cycle();
    for _ in 0..requests / burst {
        let mut begun: Vec<_> = (0..burst)
            .map(|_| {
                let uri = service.uris[uris.next().expect("an endless circle")].clone();
                let request = Request::get(uri)
                    .header(HOST, HeaderValue::from_static("localhost:8080"))
                    .header("traceparent", HeaderValue::from_static(SAMPLED));
                Box::pin(service.app.call(request.body(Body::empty()).expect("a request")))
            })
            .collect();
        for request in &mut begun {
            let mut request = pin!(request);
            // Up to the gate.
            let begin = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending()));
            assert!(unconstrained(begin).await, "the gate is open");
        }
        service.gate.add_permits(burst as usize);
        for request in begun {
            // Ready by now; a budget of polls would have it polled again and again.
            let Ok(answer) = unconstrained(request).await;
            answer.into_body().collect().await.expect("a body");
            // All were in flight; those that ended wait for threads that are fifty times slower than usual.
            since_pause += spans;
            if since_pause >= BURST {
                thread::sleep(PAUSE);
                since_pause = 0;
            }
        }
    }
}

/// What was measured must have happened: a full queue costs less.
fn prove(report: &Report, requests: u64, spans: u64) {
    let lost = !report.spans.dropped.is_empty() || !report.lines.dropped.is_empty();
    let whole = report.spans.delivered >= requests * spans && report.lines.delivered >= requests;
    assert!(whole && !lost, "{requests} requests: {report}");
}
