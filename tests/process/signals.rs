//! Promise: from the termination signal on the process drains: not ready, flushing, in time.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get as on_get;
use tokio::runtime::Builder;
use tower_observability::{Observability, ObservabilityLayer, Work};

use crate::support::child::{Child, Ended, Running, run};
use crate::support::http::{ask, get};
use crate::support::server::Server;
use crate::support::silent::{self, Yes};

#[test]
fn program() {
    run(&[("serves", serves), ("mounts", mounts), ("hangs", hangs), ("ends", ends)]);
}

/// A service whose collector keeps it from its end.
fn ends() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("ending").unwrap();
        let signal = observability.shutdown_signal();
        Work::internal("job").run(async {}).await;
        eprintln!("listening");
        signal.await;
        eprintln!("the drain is over");
        observability.shutdown().await;
    });
}

/// A service that a connection keeps from its end.
fn hangs() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("hanging").unwrap();
        let signal = observability.shutdown_signal();
        eprintln!("listening");
        signal.await;
        eprintln!("drained");
        for _ in 0..50 {
            Work::internal("job").run(async {}).await;
        }
        eprintln!("worked");
        std::future::pending::<()>().await;
    });
}

/// A service with the admin routes in its own router; it ends when the drain is over.
fn serves() {
    serve(|app, observability| app.layer(ObservabilityLayer::new()).merge(observability.admin_routes()));
}

/// The same, as the guide shows it.
fn mounts() {
    serve(|app, observability| app.merge(observability.admin_routes()).layer(ObservabilityLayer::new()));
}

fn serve(assemble: fn(Router, &Observability) -> Router) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("serving").unwrap();
        let app = Router::new().route("/cars", on_get(|| async { "none" }));
        let server = Server::start(assemble(app, &observability)).await;
        let signal = observability.shutdown_signal();
        eprintln!("at: {}", server.address);
        signal.await;
        eprintln!("report: {}", observability.shutdown().await);
    });
}

fn start(scene: &str, collector: &str, delay: &str) -> (Running, String) {
    let child = Child::new("signals", scene).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector);
    // Only a signal makes a batch leave.
    let child = child.env("OTEL_BSP_SCHEDULE_DELAY", "600000").env("OBSERVABILITY_DRAIN_DELAY", delay);
    let mut child = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000").start();
    let address = child.line("at: ").split_off("at: ".len());
    (child, address)
}

fn until(awaited: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{awaited}");
        std::thread::yield_now();
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

/// How many requests are counted with a 404 and with a 200, of two that match no route and three that match one.
fn observed(scene: &str) -> (u64, u64) {
    let (mut child, address) = start(scene, &silent::dead(), "0");
    for path in ["/cars", "/nowhere", "/", "/live", "/switches"] {
        get(&address, path);
    }
    let page = get(&address, "/metrics");
    let count = |labels: &str| {
        let start = "http_server_request_duration_seconds_count{";
        let is_it = |line: &&str| line.starts_with(start) && line.contains(labels);
        page.lines()
            .filter(is_it)
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum::<u64>()
    };
    child.terminate();
    child.line("SIGTERM");
    (count("http_response_status_code=\"404\""), count("\"200\""))
}

#[test]
fn what_no_route_matches_is_observed_though_admin_routes_were_merged_behind_the_layer() {
    assert_eq!(observed("serves"), (2, 1));
}

#[test]
fn admin_routes_that_were_merged_before_the_layer_are_observed_but_for_the_health_paths_among_them() {
    assert_eq!(observed("mounts"), (2, 2));
}

#[test]
fn mounted_routes_only_read_and_are_not_ready_from_the_signal_on() {
    let (mut child, address) = start("serves", &silent::dead(), "600000");
    for path in ["/metrics", "/live", "/ready", "/log-level", "/switches"] {
        assert_eq!(status(&get(&address, path)), "200", "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            assert_eq!(status(&ask(method, &address, path)), "405", "{method} {path}");
        }
    }
    child.terminate();
    child.line("SIGTERM");
    assert_eq!(status(&get(&address, "/ready")), "503");
    assert_eq!(status(&get(&address, "/live")), "200");
    assert_eq!(status(&get(&address, "/cars")), "200", "requests still come until the balancer has noticed");
}

#[test]
fn a_signal_after_the_drain_ends_a_process_that_does_not_end() {
    ended_by_force(Child::new("signals", "hangs"), "drained");
}

/// Interrupts it twice, the second time after this line.
fn ended_by_force(child: Child, after: &str) -> Ended {
    let mut child = child.env("OBSERVABILITY_DRAIN_DELAY", "0").start();
    child.line("listening");
    child.interrupt();
    child.line(after);
    child.interrupt();
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(130), "{:#?}", ended.output);
    assert_eq!(ended.messages("WARN"), ["SIGINT again: the process ends at once"]);
    ended
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_can_have_no_further_thread_is_ended_by_force_all_the_same() {
    // The test's, and both of ours.
    let ended = ended_by_force(Child::new("signals", "hangs").with_threads(3), "worked");
    let jobs = ended.messages("INFO").into_iter().filter(|message| message == "job ok");
    assert_eq!((jobs.count(), ended.messages("FATAL").len()), (50, 0), "{:#?}", ended.output);
}

#[test]
fn an_end_by_force_delivers_what_waits_and_tells_its_account() {
    let collector = Yes::listen();
    let child = Child::new("signals", "hangs").env("OBSERVABILITY_DRAIN_DELAY", "0");
    let child =
        child.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).env("OTEL_BSP_SCHEDULE_DELAY", "600000");
    let mut child = child.start();
    child.line("listening");
    child.terminate();
    child.line("drained");
    child.line("worked");
    child.terminate();
    let ended = child.end();
    assert_eq!(ended.status.code(), Some(143), "{:#?}", ended.output);
    let messages = ended.messages("INFO");
    // Lines of different threads may change places, but none comes after the last.
    let last = messages.last().unwrap();
    assert!(
        last.starts_with("observability ends: spans: 50 delivered, 0 unconfirmed, 0 dropped"),
        "{messages:#?}"
    );
    assert!(
        messages.iter().any(|message| message.starts_with("SIGTERM: /ready answers 503")),
        "{messages:#?}"
    );
    assert!(messages.iter().any(|message| message.ends_with("resolves in 0 ms (OBSERVABILITY_DRAIN_DELAY)")));
}

#[test]
fn an_end_by_force_shortens_the_end_that_is_under_way() {
    let child = Child::new("signals", "ends").env("OBSERVABILITY_DRAIN_DELAY", "0");
    let child = child
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", silent::hanging())
        .env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "50000");
    let mut child = child.start();
    child.line("listening");
    child.terminate();
    child.line("the drain is over");
    let begun = Instant::now();
    child.terminate();
    let ended = child.end();
    assert!(begun.elapsed() < Duration::from_secs(9), "{:#?}", ended.output);
    let messages = ended.messages("INFO");
    assert!(
        messages.last().unwrap().starts_with("observability ends: spans: 0 delivered, 1 unconfirmed"),
        "{messages:?}"
    );
}

#[test]
fn ctrl_c_is_a_termination_signal_too() {
    let collector = Yes::listen();
    let (mut child, address) = start("serves", &collector.url, "0");
    get(&address, "/cars");
    child.interrupt();
    child.line("SIGINT");
    let ended = child.end().well();
    assert!(ended.said("report: ").starts_with("spans: 1 delivered, 0 unconfirmed, 0 dropped"));
}

#[test]
fn while_a_server_never_stops_draining_spans_leave_all_the_same() {
    let collector = Yes::listen();
    let (mut child, address) = start("serves", &collector.url, "600000");
    get(&address, "/cars");
    assert_eq!(collector.posts(), 0);
    child.terminate();
    child.line("SIGTERM");
    until("what was queued leaves", || collector.posts() == 1);
    get(&address, "/cars");
    until("what came during the drain leaves", || collector.posts() == 2);
}

#[test]
fn a_collector_that_is_dead_does_not_keep_a_process_that_was_told_to_end() {
    let (mut child, address) = start("serves", &silent::dead(), "0");
    get(&address, "/cars");
    child.terminate();
    child.line("SIGTERM");
    let ended = child.end().well();
    assert!(ended.said("report: ").starts_with("spans: 0 delivered, 0 unconfirmed, 1 dropped"));
}
