//! Promise: whatever surrounds the process, it starts, serves and ends.

use std::time::Duration;

use tokio::runtime::Builder;
use tower_observability::Work;

use crate::support::child::{Child, Ended, run};
use crate::support::collector::Collector;
use crate::support::http::get;
use crate::support::silent::Yes;

#[test]
fn program() {
    run(&[("works", works), ("short-of-threads", short_of_threads)]);
}

fn works() {
    let observability = tower_observability::init("anywhere").unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {}));
    tracing::info!("at work");
    let served = observability.admin_address().map(|address| get(&address.to_string(), "/live"));
    let address = observability.admin_address().map(|address| address.ip().to_string()).unwrap_or_default();
    let report = runtime.block_on(observability.shutdown());
    let live = served.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"));
    // Whichever of the two is open.
    for text in [format!("served: {live} at {address}"), format!("spans: {}", report.spans)] {
        println!("out {text}");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("err {text}\n").as_bytes());
    }
}

/// For a while there can be no further thread.
fn short_of_threads() {
    let observability = tower_observability::init("anywhere").unwrap();
    let job = || Builder::new_current_thread().build().unwrap().block_on(Work::internal("job").run(async {}));
    // A check of no runtime is asked on a thread of its own.
    observability.ready_check("database", || async { true });
    let address = observability.admin_address().unwrap().to_string();
    let ready = || get(&address, "/ready").starts_with("HTTP/1.1 200");
    let mut taken: Vec<Vec<u8>> = Vec::new();
    let mut more = || {
        let mut addresses = Vec::new();
        let is_there = addresses.try_reserve_exact(1 << 30).is_ok();
        taken.push(addresses);
        is_there
    };
    while more() {}
    job();
    let runtime = Builder::new_current_thread().build().unwrap();
    let report = runtime.block_on(observability.flush(Duration::from_secs(1)));
    eprintln!("short: {} delivered, ready: {}", report.spans.delivered, ready());
    drop(taken);
    job();
    eprintln!("ready: {}", ready());
    eprintln!("spans: {}", runtime.block_on(observability.shutdown()).spans);
}

fn program_of() -> Child {
    Child::new("environment", "works")
}

fn warned(ended: &Ended) -> Vec<String> {
    ended.messages("WARN")
}

#[test]
fn without_a_standard_output_or_error_it_works() {
    let ended = program_of().redirected(">&-").end().well();
    assert!(ended.said("err served: ").starts_with("true"));
    let ended = program_of().redirected("2>&-").end().well();
    assert!(ended.said("out served: ").starts_with("true"));
    assert!(ended.messages("INFO").iter().any(|message| message == "at work"));
    program_of().redirected(">&- 2>&- <&-").end().well();
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_thread_for_the_lines_it_works_and_says_so() {
    let ended = program_of().with_threads(2).end().well();
    assert!(ended.said("err served: ").starts_with("true"));
    let why = ended.said("tower-observability: no log lines: ");
    assert!(why.starts_with("no thread to write them: "), "{why}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_could_have_no_thread_for_a_while_is_made_up_for() {
    let collector = Yes::listen();
    let endpoint = collector.url.replace("127.0.0.1", "localhost");
    let child = Child::new("environment", "short-of-threads").with_threads(5);
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).end().well();
    assert_eq!(ended.said("short: "), "0 delivered, ready: false");
    assert_eq!(ended.said("ready: "), "true");
    assert_eq!(ended.said("spans: "), "2 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(ended.messages("FATAL"), Vec::<String>::new());
    let why = "dns error: no thread to resolve it: ";
    assert!(warned(&ended).iter().any(|message| message.contains(why)), "{:?}", warned(&ended));
}

#[test]
fn without_a_home_a_path_or_a_folder_it_works() {
    let ended = program_of().without_env("HOME").without_env("PATH").without_env("TMPDIR").end().well();
    assert!(ended.said("out served: ").starts_with("true"));
    assert_eq!(warned(&ended), Vec::<String>::new());
}

#[test]
fn each_spelling_of_a_host_is_listened_on() {
    for (host, at) in [("[::1]", "::1"), ("::1", "::1"), ("0.0.0.0", "0.0.0.0"), ("127.0.0.1", "127.0.0.1")] {
        let ended = program_of().env("OTEL_EXPORTER_PROMETHEUS_HOST", host).end().well();
        assert_eq!(ended.said("out served: "), format!("true at {at}"), "{host}: {:?}", warned(&ended));
    }
    let ended = program_of().env("OTEL_EXPORTER_PROMETHEUS_HOST", "localhost").end().well();
    assert!(ended.said("out served: ").starts_with("true at "), "{:?}", ended.output);
}

#[test]
fn a_host_that_is_not_there_is_a_warning() {
    let ended = program_of().env("OTEL_EXPORTER_PROMETHEUS_HOST", "192.0.2.1").end().well();
    assert_eq!(ended.said("out served: "), "false at ");
    assert!(warned(&ended).iter().any(|warning| warning.contains("192.0.2.1")), "{:?}", warned(&ended));
}

#[test]
fn resource_attributes_without_end_are_taken() {
    let many: Vec<_> = (0..2_000).map(|n| format!("key{n}={}", "v".repeat(40))).collect();
    let collector = Collector::start();
    let child = program_of().env("OTEL_RESOURCE_ATTRIBUTES", many.join(","));
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).end().well();
    assert_eq!(collector.spans()[0].resource("key1999"), "v".repeat(40));
    for line in ended.output.iter().filter(|line| line.starts_with('{')) {
        assert!(line.len() < 252 * 1024 && serde_json::from_str::<serde_json::Value>(line).is_ok());
    }
}

#[test]
fn each_spelling_of_an_endpoint_reaches_the_collector() {
    let collector = Collector::start();
    let authority = collector.endpoint().split_off("http://".len());
    for (endpoint, path) in [
        (format!("http://{authority}/"), "/v1/traces"),
        (format!("http://{authority}//"), "/v1/traces"),
        (format!("HTTP://{authority}"), "/v1/traces"),
        (format!("http://{authority}/otlp"), "/otlp/v1/traces"),
        (format!("http://{authority}/otlp/"), "/otlp/v1/traces"),
        (format!("http://ann:s3cr3t@{authority}"), "/v1/traces"),
        (format!(" http://{authority} "), "/v1/traces"),
    ] {
        let ended = program_of().env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint).end().well();
        assert!(ended.said("out spans: ").starts_with("1 delivered"), "{endpoint}: {:?}", ended.output);
        assert_eq!(collector.received().last().unwrap().path, path, "{endpoint}");
        assert!(!ended.output.iter().any(|line| line.contains("s3cr3t")), "{:?}", ended.output);
    }
}

#[test]
fn credentials_in_the_endpoint_are_said_not_to_be_sent() {
    let collector = Collector::start();
    let endpoint = collector.endpoint().replace("http://", "http://ann:s3cr3t@");
    let ended = program_of().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).end().well();
    assert_eq!(collector.received()[0].header("authorization"), "");
    let warned = warned(&ended);
    assert!(warned.iter().any(|warning| warning.contains("OTEL_EXPORTER_OTLP_HEADERS")), "{warned:?}");
}
