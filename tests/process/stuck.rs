//! Promise: whoever reads our output slowly, not at all, or no longer costs lines, never a request.

use std::convert::Infallible;
use std::sync::mpsc::channel;
use std::time::Duration;

use http::{Request, Response};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_observability::{Observability, ObservabilityLayer, Report};

use crate::support::child::{Child, run};
use crate::support::http::get;

#[test]
fn program() {
    run(&[("unread", unread), ("hung-up", hung_up), ("unheeded", unheeded), ("shared", shared)]);
}

const REQUESTS: usize = 30_000;
const SOON: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// More lines than a pipe and our own buffers hold.
fn serve(runtime: &Runtime) {
    let handler = service_fn(|_: Request<String>| async {
        tracing::info!(text = "x".repeat(200), "still here");
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let service = ObservabilityLayer::new().layer(handler);
    runtime.block_on(async {
        for _ in 0..REQUESTS {
            let request = Request::get("/cars").body(String::new()).unwrap();
            drop(service.clone().oneshot(request).await.unwrap());
        }
    });
}

/// The sum of all series whose lines begin so.
fn counted(observability: &Observability, series: &str) -> u64 {
    let page = get(&observability.admin_address().unwrap().to_string(), "/metrics");
    let values =
        page.lines().filter(|line| line.starts_with(series)).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}

fn adds_up(Report { lines, .. }: &Report) -> bool {
    lines.queued() == 0
        && lines.created
            == lines.delivered + lines.unconfirmed + lines.dropped_total() + lines.left_out_total()
}

fn unread() {
    let observability = tower_observability::init("stuck").unwrap();
    let runtime = runtime();
    serve(&runtime);
    let full = counted(&observability, "otel_sdk_processor_log_processed_total{error_type=\"queue_full\"");
    eprintln!("full: {}", full > 0);
    let served = counted(&observability, "http_server_request_duration_seconds_count{");
    eprintln!("served: {served}");
    // Whoever has the library's lock has it for ever; ours must not be it.
    let (free, is_free) = channel();
    std::thread::spawn(move || {
        drop(std::io::stdout().lock());
        let _ = free.send(());
    });
    eprintln!("stdout is free: {}", is_free.recv_timeout(SOON).is_ok());
    let report = runtime.block_on(observability.shutdown());
    eprintln!("adds up: {}", adds_up(&report));
    eprintln!("report: {report}");
}

fn hung_up() {
    let observability = tower_observability::init("stuck").unwrap();
    eprintln!("ready");
    let runtime = runtime();
    // Until the other end is closed, the pipe fills; then every write fails.
    while counted(&observability, "otel_sdk_exporter_log_exported_total{error_type=\"write_failed\"") == 0 {
        tracing::info!("still here");
    }
    serve(&runtime);
    let report = runtime.block_on(observability.shutdown());
    eprintln!("adds up: {}", adds_up(&report));
}

fn unheeded() {
    let observability = tower_observability::init("stuck").unwrap();
    // Holds the library's lock of stderr for ever.
    std::thread::spawn(|| {
        loop {
            eprintln!("{}", "x".repeat(10_000));
        }
    });
    let runtime = runtime();
    for _ in 0..20 {
        tracing::info!(text = "x".repeat(300 * 1024), "each is cut, of which we complain");
    }
    serve(&runtime);
    // Behind all lines of ours: those that are longer than a pipe could otherwise have it in their midst.
    let report = runtime.block_on(observability.shutdown());
    println!("served: {}", adds_up(&report));
}

/// Writes beside others to one pipe: lines of ours from three threads, and what `println!` writes.
fn shared() {
    let observability = tower_observability::init("stuck").unwrap();
    std::thread::scope(|scope| {
        for n in 0..3 {
            scope.spawn(move || {
                for m in 0..1_000 {
                    tracing::info!(text = "x".repeat((n * 331 + m * 7) % 1_500), "ours");
                }
            });
        }
        scope.spawn(|| (0..1_500).for_each(|n| println!("{PRINTED}{}", "y".repeat(n % 700))));
    });
    let report = runtime().block_on(observability.shutdown());
    eprintln!("adds up: {}", adds_up(&report));
}

const PRINTED: &str = "printed: ";

fn program_of(name: &str) -> Child {
    Child::new("stuck", name).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000")
}

#[test]
fn with_a_standard_output_that_nobody_reads_requests_go_on_and_lines_are_counted_as_lost() {
    let ended = program_of("unread").start_unread().end().well();
    assert_eq!(ended.said("full: "), "true");
    assert_eq!(ended.said("served: "), REQUESTS.to_string());
    assert_eq!(ended.said("stdout is free: "), "true");
    assert_eq!(ended.said("adds up: "), "true", "{:?}", ended.output);
    assert!(ended.said("report: ").contains("queue_full"), "{:?}", ended.output);
    // The loss was reported while it went on, not with the report only.
    let told: Vec<_> = ended.output.iter().filter(|line| line.contains("log lines are being lost")).collect();
    assert!(told.len() == 1 && told[0].contains("queue_full"), "{:?}", ended.output);
}

#[test]
fn a_standard_output_that_is_closed_costs_lines_and_is_told_once() {
    let mut child = program_of("hung-up").start_unread();
    child.line("ready");
    child.hang_up();
    let ended = child.end().well();
    assert_eq!(ended.said("adds up: "), "true", "{:?}", ended.output);
    let told = ended.output.iter().filter(|line| line.contains("log lines cannot be written"));
    assert_eq!(told.count(), 1, "{:?}", ended.output);
}

#[test]
fn with_a_standard_error_that_nobody_reads_requests_go_on() {
    let ended = Child::new("stuck", "unheeded").start_unheeded().end().well();
    assert_eq!(ended.said("served: "), "true");
}

#[test]
fn lines_on_a_pipe_that_others_write_to_are_whole() {
    // A slow reader of few bytes at a time: the pipe is full, and has room for a part of what is written.
    let ended = program_of("shared").redirected("| dd bs=500 2>/dev/null").end().well();
    let is_printed =
        |line: &&String| line.strip_prefix(PRINTED).is_some_and(|rest| rest.bytes().all(|byte| byte == b'y'));
    let is_whole = |line: &&String| serde_json::from_str::<serde_json::Value>(line).is_ok();
    let lines: Vec<_> = ended.output.iter().filter(|line| line.contains(['x', 'y'])).collect();
    let printed = lines.iter().filter(|line| is_printed(line)).count();
    let whole = lines.iter().filter(|line| line.contains("\"message\":\"ours\"") && is_whole(line)).count();
    assert_eq!((printed, whole), (1_500 - 3, 3_000));
}
