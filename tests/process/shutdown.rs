//! Promise: a rollout loses nothing, and what is lost is told; nothing makes the end hang.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tower_observability::{Observability, Work};

use crate::support::child::{Child, run};
use crate::support::http::get;
use crate::support::silent::{self, Yes};

#[test]
fn program() {
    run(&[
        ("multi", || ends_on(Builder::new_multi_thread().worker_threads(4).enable_all())),
        ("one", || ends_on(Builder::new_multi_thread().worker_threads(1).enable_all())),
        ("current", || ends_on(Builder::new_current_thread().enable_all())),
        ("bare", || ends_on(&mut Builder::new_current_thread())),
        ("dropped-multi", || dropped_on(Builder::new_multi_thread().worker_threads(1).enable_all())),
        ("dropped-current", || dropped_on(&mut Builder::new_current_thread())),
        ("dropped-outside", dropped_outside),
        ("panicking", panicking),
        ("drains", drains),
        ("many-lines", many_lines),
        ("many-events", many_events),
        ("many-spans", many_spans),
        ("writes-on", writes_on),
        ("ends-at-once", ends_at_once),
        ("gives-up", gives_up),
    ]);
}

const SPANS: usize = 10;

async fn work() {
    for _ in 0..SPANS {
        Work::internal("job").run(async {}).await;
    }
    tracing::info!("the last line");
}

fn start() -> Observability {
    tower_observability::init("ending").unwrap()
}

fn ends_on(runtime: &mut Builder) {
    let runtime: Runtime = runtime.build().unwrap();
    let report = runtime.block_on(async {
        let observability = start();
        work().await;
        observability.shutdown().await
    });
    eprintln!("report: {report}");
    eprintln!("spans: {} of {}", report.spans.delivered, report.spans.created);
    eprintln!("kept: {}", report.spans.queued() + report.lines.queued());
    eprintln!("lines lost: {}", report.lines.dropped_total());
    // Whoever asks again, or logs again, harms nothing.
    tracing::info!("after the end");
}

fn dropped_on(runtime: &mut Builder) {
    let runtime = runtime.build().unwrap();
    runtime.block_on(async {
        let _observability = start();
        work().await;
    });
}

fn dropped_outside() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let _observability = start();
    runtime.block_on(work());
}

fn panicking() {
    let main = std::thread::spawn(|| {
        let _observability = start();
        Builder::new_current_thread().build().unwrap().block_on(work());
        panic!("the main function fails");
    });
    assert!(main.join().is_err());
}

fn drains() {
    // Neither timers nor I/O: everything of ours happens on our own thread.
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let observability = start();
        let (one, other) = (observability.shutdown_signal(), observability.shutdown_signal());
        work().await;
        eprintln!("admin: {}", observability.admin_address().unwrap());
        one.await;
        other.await;
        observability.shutdown_signal().await;
        eprintln!("drained");
        eprintln!("report: {}", observability.shutdown().await);
    });
}

fn many_lines() {
    let observability = start();
    for number in 0..20_000 {
        tracing::info!(number, "more than a pipe holds");
    }
    let begin = Instant::now();
    let report = Builder::new_current_thread().build().unwrap().block_on(observability.shutdown());
    eprintln!("in time: {}", begin.elapsed() < Duration::from_secs(20));
    eprintln!("lost: {}", report.lines.dropped_total() + report.lines.queued() > 0);
}

fn many_events() {
    let _observability = start();
    for number in 0..5_000 {
        tracing::info!(number, "an event");
    }
}

fn many_spans() {
    let observability = start();
    Builder::new_current_thread().build().unwrap().block_on(async {
        for _ in 0..300 {
            Work::internal("job").run(async {}).await;
        }
        eprintln!("report: {}", observability.shutdown().await);
    });
}

/// Other threads do not stop for the end.
fn writes_on() {
    let observability = start();
    for _ in 0..2 {
        std::thread::spawn(|| {
            loop {
                tracing::info!("on and on");
            }
        });
    }
    std::thread::sleep(Duration::from_millis(50));
    let report = Builder::new_current_thread().build().unwrap().block_on(observability.shutdown());
    eprintln!("report: {}", report.lines);
}

/// As where a port is taken and `main` returns the error.
fn ends_at_once() {
    let fails = || -> Result<(), std::io::Error> {
        let _observability = start();
        tracing::info!("about to listen");
        Err(std::io::Error::other("taken"))
    };
    fails().unwrap_err();
}

/// As where the end has a timeout of the service's own, or is one of two things in a `select!`.
fn gives_up() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = start();
        work().await;
        let patience = Duration::from_millis(50);
        assert!(tokio::time::timeout(patience, observability.shutdown()).await.is_err());
    });
}

fn program_of(name: &str, collector: &str) -> Child {
    Child::new("shutdown", name).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
}

#[test]
fn on_every_runtime_shutdown_delivers_every_span_and_every_line() {
    for program in ["multi", "one", "current", "bare"] {
        let collector = Yes::listen();
        let ended = program_of(program, &collector.url).end().well();
        assert_eq!(ended.said("spans: "), format!("{SPANS} of {SPANS}"), "{program}");
        assert_eq!(ended.said("kept: "), "0", "{program}");
        assert_eq!(ended.said("lines lost: "), "0", "{program}");
        assert!(collector.posts() > 0);
        let messages = ended.messages("INFO");
        assert!(messages.iter().any(|message| message == "the last line"), "{program}: {messages:?}");
        let last =
            messages.iter().rfind(|message| message.starts_with("observability ends: spans: 10 delivered"));
        assert!(last.is_some(), "{program}: {messages:?}");
    }
}

#[test]
fn on_every_runtime_dropping_the_guard_does_the_same() {
    for program in ["dropped-multi", "dropped-current", "dropped-outside", "panicking"] {
        let collector = Yes::listen();
        let ended = program_of(program, &collector.url).end().well();
        assert!(collector.posts() > 0, "{program}");
        let messages = ended.messages("INFO");
        assert!(messages.iter().any(|message| message == "the last line"), "{program}: {messages:?}");
        let end =
            messages.iter().any(|message| message.starts_with("observability ends: spans: 10 delivered"));
        assert!(end, "{program}: {messages:?}");
    }
}

/// What the last of all lines says of the lines, and how many there are.
fn last_word(output: &[String]) -> (String, usize) {
    let lines: Vec<&String> = output.iter().filter(|line| line.starts_with('{')).collect();
    let last: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    let message = last["message"].as_str().unwrap();
    assert!(message.starts_with("observability ends: "), "{message}");
    (message.split_once("lines: ").unwrap().1.split("; records").next().unwrap().to_owned(), lines.len())
}

#[test]
fn the_last_line_is_the_last_and_counts_every_line_that_is_written() {
    let collector = Yes::listen();
    for program in ["many-events", "ends-at-once", "dropped-outside"] {
        for exporters in ["console", "console,otlp"] {
            let child = program_of(program, &collector.url).env("OTEL_LOGS_EXPORTER", exporters);
            let ended = child.env("OBSERVABILITY_LOG_LIMIT", "0").end().well();
            let (said, lines) = last_word(&ended.output);
            assert_eq!(said, format!("{lines} delivered, 0 unconfirmed, 0 dropped"), "{program} {exporters}");
        }
    }
    let ended = program_of("writes-on", &collector.url).env("OBSERVABILITY_LOG_LIMIT", "0").end().well();
    let (said, lines) = last_word(&ended.output);
    assert!(said.starts_with(&format!("{lines} delivered, 0 unconfirmed, ")), "{lines}: {said}");
    let report = ended.output.iter().find_map(|line| line.strip_prefix("report: ")).unwrap();
    assert!(report.starts_with(&format!("{lines} delivered, 0 unconfirmed, ")), "{report}: {said}");
}

#[test]
fn a_shutdown_without_time_still_delivers_and_tells_its_account() {
    let collector = Yes::listen();
    let with = |collector: &str| {
        let child = program_of("many-spans", collector).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "0");
        let ended = child.env("OTEL_BSP_SCHEDULE_DELAY", "600000").end().well();
        last_word(&ended.output);
        ended.said("report: ").to_owned()
    };
    assert!(with(&collector.url).starts_with("spans: 300 delivered, 0 unconfirmed, 0 dropped; "));
    let hanging = with(&silent::hanging());
    assert!(hanging.starts_with("spans: 0 delivered, 300 unconfirmed, 0 dropped; "), "{hanging}");
    let dead = with(&silent::dead());
    assert!(dead.starts_with("spans: 0 delivered, 0 unconfirmed, 300 dropped (unreachable 300); "), "{dead}");
}

#[test]
fn a_collector_that_is_not_there_costs_spans_and_is_told() {
    for program in ["one", "current"] {
        let child = program_of(program, &silent::dead()).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000");
        let ended = child.end().well();
        assert!(
            ended.said("report: ").starts_with("spans: 0 delivered, 0 unconfirmed, 10 dropped"),
            "{program}"
        );
        assert_eq!(ended.said("kept: "), "0", "{program}");
        let warned = ended.messages("WARN");
        let failing =
            warned.iter().filter(|message| message.starts_with("traces cannot be delivered to http://"));
        assert_eq!(failing.count(), 1, "{program}: {warned:?}");
        assert!(ended.messages("INFO").iter().any(|message| message == "the last line"), "{program}");
    }
}

#[test]
fn a_collector_that_never_answers_does_not_keep_the_process() {
    for program in ["one", "current", "dropped-current"] {
        let child = program_of(program, &silent::hanging()).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000");
        let begin = Instant::now();
        let ended = child.end().well();
        // The exporter's own patience is 10 s for one attempt and 30 s for a batch.
        assert!(begin.elapsed() < Duration::from_secs(9), "{program}");
        let messages = ended.messages("INFO");
        let end = messages.iter().find_map(|message| message.strip_prefix("observability ends: spans: "));
        assert!(end.unwrap().starts_with("0 delivered, 10 unconfirmed, 0 dropped"), "{program}: {end:?}");
    }
}

#[test]
fn who_gives_up_the_wait_for_the_end_has_the_lines_and_the_account_all_the_same() {
    let child = program_of("gives-up", &silent::hanging()).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "3600000");
    let begin = Instant::now();
    let ended = child.end().well();
    assert!(begin.elapsed() < Duration::from_secs(9));
    let messages = ended.messages("INFO");
    assert!(messages.iter().any(|message| message == "the last line"), "{messages:?}");
    let (said, lines) = last_word(&ended.output);
    assert_eq!(said, format!("{lines} delivered, 0 unconfirmed, 0 dropped"));
    let end = messages.iter().find_map(|message| message.strip_prefix("observability ends: spans: "));
    assert!(end.unwrap().starts_with("0 delivered, 10 unconfirmed, 0 dropped"), "{end:?}");
}

#[test]
fn a_standard_output_that_nobody_reads_does_not_keep_the_process() {
    let child = Child::new("shutdown", "many-lines").env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000");
    let ended = child.start_unread().end().well();
    assert_eq!(ended.said("in time: "), "true");
    assert_eq!(ended.said("lost: "), "true");
}

#[test]
fn a_termination_signal_turns_ready_off_drains_and_loses_nothing() {
    let collector = Yes::listen();
    let mut child = program_of("drains", &collector.url).env("OBSERVABILITY_DRAIN_DELAY", "1500").start();
    let address = child.line("admin: ").split_off("admin: ".len());
    assert!(get(&address, "/ready").starts_with("HTTP/1.1 200"));
    child.terminate();
    child.line("SIGTERM");
    assert!(get(&address, "/ready").starts_with("HTTP/1.1 503"));
    assert!(get(&address, "/live").starts_with("HTTP/1.1 200"));
    let ended = child.end().well();
    assert!(
        ended.said("report: ").starts_with("spans: 10 delivered, 0 unconfirmed, 0 dropped"),
        "{:?}",
        ended.output
    );
}

#[test]
fn a_second_signal_ends_the_wait_at_once() {
    let collector = Yes::listen();
    let mut child = program_of("drains", &collector.url).env("OBSERVABILITY_DRAIN_DELAY", "600000").start();
    child.line("admin: ");
    child.terminate();
    child.line("SIGTERM");
    child.terminate();
    child.line("drained");
    child.end().well();
}
