//! Promise: at a terminal each thing is said once, in a form that a person reads, copies and tries.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use tokio::runtime::Builder;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::{ObservabilityLayer, Traces, Work};

use crate::support::child::{Child, Ended, run};
use crate::support::silent::{self, Yes};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn program() {
    run(&[
        ("served", served),
        ("quiet", || in_use(&tower_observability::init("quiet").unwrap())),
        ("versioned", || in_use(&tower_observability::builder("shop").version("1.2.3").init().unwrap())),
        ("in-code", in_code),
        ("waits", waits),
        ("flushes", flushes),
        ("many-traces", many_traces),
    ]);
}

fn in_use(_: &tower_observability::Observability) {
    tracing::debug!("in use");
    std::thread::sleep(Duration::from_millis(20));
}

async fn booking() -> &'static str {
    let _query = tracing::info_span!("query", rows = 3).entered();
    "booked"
}

/// One request with a call and a job below it, and one that fails.
async fn ask() {
    let app = Router::new()
        .route("/bookings/{id}", get(booking))
        .route("/live", get(|| async { axum::http::StatusCode::INTERNAL_SERVER_ERROR }))
        .layer(ObservabilityLayer::new());
    for path in ["/bookings/7", "/live"] {
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let request = Request::get(path).header("traceparent", parent).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    }
    let call = ObservabilityLayer::client().layer(tower::service_fn(|_: Request<Body>| async {
        Err::<axum::response::Response, _>(std::io::Error::other("no route"))
    }));
    let _ = call.oneshot(Request::post("http://payments:8080/charge").body(Body::empty()).unwrap()).await;
    Work::internal("tidy up").run(async {}).await;
}

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn served() {
    runtime().block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        ask().await;
        println!("report: {}", observability.shutdown().await);
    });
}

fn in_code() {
    runtime().block_on(async {
        let traces = Traces::new().console();
        let _observability = tower_observability::builder("bookings").traces(traces).init().unwrap();
        ask().await;
    });
}

/// Until ctrl-c, as a server does.
fn waits() {
    runtime().block_on(async {
        let observability = tower_observability::init("waiting").unwrap();
        let signal = observability.shutdown_signal();
        ask().await;
        // Not until the collector is known to be gone.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(700) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("until ctrl-c");
        signal.await;
        println!("report: {}", observability.shutdown().await);
    });
}

fn flushes() {
    runtime().block_on(async {
        let observability = tower_observability::init("flushing").unwrap();
        ask().await;
        let begun = Instant::now();
        let report = observability.flush(Duration::from_secs(2)).await;
        println!("flushed: {report}");
        println!("in time: {}", begun.elapsed() < Duration::from_secs(3));
        println!("waits: {} {}", report.spans.queued(), report.lines.queued());
        // It goes on.
        ask().await;
        let again = observability.flush(Duration::from_secs(2)).await;
        println!("more: {}", again.spans.created == 2 * report.spans.created);
    });
}

fn many_traces() {
    runtime().block_on(async {
        let observability = tower_observability::init("many").unwrap();
        for _ in 0..100 {
            Work::internal("job").run(async { tracing::info_span!("step").in_scope(|| ()) }).await;
        }
        println!("report: {}", observability.shutdown().await.spans);
    });
}

/// What it wrote on a terminal, without colours.
fn shown(ended: &Ended) -> Vec<String> {
    let plain = |line: &String| {
        let mut pieces = line.trim_end().split('\x1b');
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |line, piece| line + piece.split_once('m').map_or("", |(_, text)| text))
    };
    ended.output.iter().map(plain).collect()
}

/// The message of our own line that begins with this word.
fn row<'a>(shown: &'a [String], word: &str) -> &'a str {
    let ours = shown.iter().filter_map(|line| Some(line.split_once(" tower_observability: ")?.1));
    let mut rows = ours.filter(|row| row.starts_with(word));
    let row = rows.next().unwrap_or_else(|| panic!("no row {word} in {shown:#?}"));
    assert_eq!(rows.next(), None, "{shown:#?}");
    row
}

fn on_terminal(program: &str) -> Child {
    Child::new("terminal", program).without_env("OTEL_EXPORTER_OTLP_ENDPOINT").on_terminal()
}

#[test]
fn the_start_is_three_short_aligned_lines_and_nothing_is_said_twice() {
    let shown = shown(&on_terminal("versioned").end().well());
    let ours: Vec<_> = shown.iter().filter(|line| line.contains(" tower_observability: ")).collect();
    assert_eq!(
        row(&shown, "traces   "),
        "traces   off; OTEL_TRACES_EXPORTER=console shows them here; service shop 1.2.3"
    );
    assert_eq!(row(&shown, "logs     "), "logs     info on standard output");
    let metrics = row(&shown, "metrics  at http://127.0.0.1:");
    // The host is set by every test.
    let end = "/metrics, with /ready, /live and /log-level, OTEL_EXPORTER_PROMETHEUS_HOST=127.0.0.1";
    assert!(metrics.ends_with(end), "{metrics}");
    assert!(ours.iter().all(|line| line.chars().count() <= 160), "{ours:#?}");
    assert!(!shown.iter().any(|line| line.contains("observability started")), "{shown:#?}");
}

#[test]
fn what_the_operator_chose_stands_in_the_row_of_its_signal() {
    let child =
        on_terminal("quiet").env("OTEL_TRACES_SAMPLER_ARG", "0.5").env("OTEL_TRACES_SAMPLER", "traceidratio");
    let child = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", silent::dead()).env("RUST_LOG", "debug");
    let shown = shown(&child.env("OBSERVABILITY_LOG_LIMIT", "7").end().well());
    let traces = row(&shown, "traces   to http://127.0.0.1:");
    assert!(
        traces.ends_with(
            "/v1/traces, service quiet, OTEL_TRACES_SAMPLER=traceidratio, OTEL_TRACES_SAMPLER_ARG=0.5"
        ),
        "{traces}"
    );
    assert_eq!(row(&shown, "logs     "), "logs     debug on standard output, OBSERVABILITY_LOG_LIMIT=7");
}

#[test]
fn in_a_format_for_machines_the_start_is_one_object() {
    let ended = Child::new("terminal", "quiet").end().well();
    let started =
        ended.messages("INFO").into_iter().filter(|message| message.starts_with("observability started: "));
    assert_eq!(started.count(), 1);
}

#[test]
fn a_requests_row_has_the_path_the_route_and_a_trace_id_to_paste_and_a_call_is_no_request() {
    let shown = shown(&on_terminal("served").end().well());
    let find = |text: &str| {
        let found = shown.iter().find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("no {text:?} in {shown:#?}"))
    };
    let request = find(" request: GET /bookings/7 200");
    assert!(request.contains(" route=/bookings/{id} "), "{request}");
    assert!(request.ends_with(&format!(" trace={TRACE}")), "{request}");
    let same = find(" request: GET /live 500");
    assert!(!same.contains("route="), "the route is the path: {same}");
    assert!(find(" client: POST payments:8080/charge").contains(" WARN "));
    assert!(find(" work: tidy up").contains(" INFO "));
}

#[test]
fn the_console_draws_each_trace_of_the_process_on_standard_error() {
    for (program, exporter) in [("served", "console"), ("in-code", "")] {
        let ended = Child::new("terminal", program).env("OTEL_TRACES_EXPORTER", exporter).end().well();
        // The lines go to another stream, so that one of them may come between two rows.
        let drawn: Vec<_> = ended.output.iter().filter(|line| !line.starts_with('{')).collect();
        // Both requests have one trace id. The call and the job have a trace of their own.
        assert!(drawn.iter().filter(|row| row.starts_with("trace ")).count() >= 3, "{:#?}", ended.output);
        let head =
            drawn.iter().position(|row| row.starts_with(&format!("trace {TRACE} · bookings · "))).unwrap();
        let rows = &drawn[head + 1..];
        assert!(rows[0].starts_with("GET /bookings/{id}") && rows[0].contains("server    200"), "{rows:#?}");
        assert!(rows[1].starts_with("  query ") && rows[1].ends_with(['█', '·']), "{rows:#?}");
        let failed = rows.iter().find(|row| row.starts_with("POST /charge")).unwrap();
        assert!(failed.contains("client"), "{failed}");
        assert!(
            !ended.output.iter().any(|line| line.contains("traces are delivered")),
            "{:#?}",
            ended.output
        );
        assert!(
            !ended.output.iter().any(|line| line.contains('\x1b')),
            "no colours where nothing shows them"
        );
        assert_eq!(ended.messages("WARN").len(), 1, "the failed call: {:?}", ended.messages("WARN"));
    }
}

#[test]
fn the_account_of_the_console_adds_up() {
    let child = Child::new("terminal", "many-traces").env("OTEL_TRACES_EXPORTER", "console");
    let ended = child.env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7").end().well();
    assert_eq!(ended.said("report: "), "200 delivered, 0 unconfirmed, 0 dropped");
    let drawn =
        ended.output.iter().filter(|line| line.starts_with("trace ") && line.contains(" · 2 spans · "));
    assert_eq!(drawn.count(), 100, "a trace that fills two batches is drawn as one");
    let closed =
        Child::new("terminal", "many-traces").env("OTEL_TRACES_EXPORTER", "console").redirected("2>&-");
    assert_eq!(closed.end().well().said("report: "), "200 delivered, 0 unconfirmed, 0 dropped");
}

#[test]
fn a_standard_error_that_is_not_read_keeps_neither_the_process_nor_its_probes() {
    let child = Child::new("terminal", "many-traces").env("OTEL_TRACES_EXPORTER", "console");
    let child =
        child.env("OTEL_SERVICE_NAME", "x".repeat(4_000)).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "500");
    let begun = Instant::now();
    let ended = child.start_unheeded().end().well();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(ended.output.iter().any(|line| line.starts_with("report: ")), "{:#?}", ended.output.len());
}

#[test]
fn the_console_stands_beside_another_exporter_and_others_are_refused_with_the_words_that_are_right() {
    let collector = Yes::listen();
    let with = |exporters: &str| {
        let child = Child::new("terminal", "served").env("OTEL_TRACES_EXPORTER", exporters);
        child.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url).end().well()
    };
    let both = with("otlp,console");
    assert!(both.output.iter().any(|line| line.starts_with(&format!("trace {TRACE}"))), "{:#?}", both.output);
    assert!(both.said("report: ").starts_with("spans: 5 delivered, 0 unconfirmed, 0 dropped"));
    assert!(collector.posts() > 0);
    let warned = |ended: &Ended| {
        ended.messages("WARN").into_iter().find(|line| line.starts_with("OTEL_TRACES_EXPORTER"))
    };
    assert_eq!(warned(&both), None);
    let none = with("none,console");
    assert!(
        none.output.iter().any(|line| line.starts_with(&format!("trace {TRACE}"))),
        "none counts alone only"
    );
    let jaeger = warned(&with("console,jaeger")).unwrap();
    assert_eq!(
        jaeger,
        "OTEL_TRACES_EXPORTER=console,jaeger is not served: jaeger is ignored; otlp, zipkin and console are the \
         exporters built in"
    );
    let wrong = warned(&with("konsole")).unwrap();
    assert!(wrong.contains("is not otlp, zipkin, console, otlp,console, or none"), "{wrong}");
}

#[test]
fn a_collector_that_is_gone_is_no_timeout_and_does_not_keep_ctrl_c() {
    let child = on_terminal("waits").env("OTEL_EXPORTER_OTLP_ENDPOINT", silent::dead());
    let mut child = child.start();
    child.line("until ctrl-c");
    let begun = Instant::now();
    child.interrupt_on_terminal();
    let shown = shown(&child.end().well());
    assert!(begun.elapsed() < Duration::from_millis(1_900), "{:?}", begun.elapsed());
    let report = shown.iter().find(|line| line.starts_with("report: ")).unwrap();
    assert!(
        report.starts_with("report: spans: 0 delivered, 0 unconfirmed, 5 dropped (unreachable 5)"),
        "{report}"
    );
    let failing = shown.iter().find(|line| line.contains("traces cannot be delivered")).unwrap();
    assert!(failing.contains("Connection refused"), "{failing}");
}

#[test]
fn ctrl_c_does_not_wait_where_only_the_lines_go_into_a_pipe() {
    let child = Child::new("terminal", "served").redirected("| cat").on_terminal();
    let shown = child.end().well();
    let started = shown.messages("INFO").into_iter().find(|line| line.starts_with("observability started"));
    let started = started.unwrap_or_else(|| panic!("{:#?}", shown.output));
    assert!(started.contains("OBSERVABILITY_DRAIN_DELAY=0 (terminal)"), "{started}");
}

#[test]
fn what_waits_leaves_when_it_is_asked_to() {
    let collector = Yes::listen();
    let child = Child::new("terminal", "flushes").env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let child = child.env("OTEL_BSP_SCHEDULE_DELAY", "600000").env("OTEL_LOGS_EXPORTER", "console,otlp");
    let ended = child.env("OTEL_BLRP_SCHEDULE_DELAY", "600000").end().well();
    let report = ended.said("flushed: ");
    assert!(report.starts_with("spans: 5 delivered, 0 unconfirmed, 0 dropped; lines: "), "{report}");
    assert_eq!(
        (ended.said("waits: "), ended.said("in time: "), ended.said("more: ")),
        ("0 0", "true", "true")
    );
    // What is said of the delivery itself may come behind it.
    let records = report.split("; records: ").nth(1).unwrap();
    assert!(records.starts_with("5 delivered, 0 unconfirmed, 0 dropped"), "{report}");
    let gone = Child::new("terminal", "flushes").env("OTEL_EXPORTER_OTLP_ENDPOINT", silent::hanging());
    let ended = gone.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "500").end().well();
    assert_eq!(ended.said("in time: "), "true");
    assert!(ended.said("flushed: ").contains("5 queued"), "{}", ended.said("flushed: "));
}
