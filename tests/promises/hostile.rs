//! Promise: no client of the admin listener keeps a probe waiting, fills the memory, or silences the log; and no metric
//! or variable of the user's takes ours away without being reported.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use tower::ServiceExt as _;
use tower_observability::ObservabilityLayer;

use crate::support::child::{Child, Ended, run};
use crate::support::exposition::read;
use crate::support::hostile;

#[test]
fn program() {
    run(&[
        ("probed", probed),
        #[cfg(target_os = "linux")]
        ("scraped", scraped),
        ("rebound", rebound),
        ("silenced", silenced),
        ("failing", failing),
        ("named", named),
    ]);
}

fn child(program: &str) -> Child {
    Child::new("hostile", program)
}

const HELD: &str = "everything held";

fn holds(program: &str) {
    let ended = child(program).end().well();
    assert!(ended.output.iter().any(|line| line.contains(HELD)), "{:#?}", ended.output);
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A page of some megabytes: more than sockets hold.
fn fill_the_page(series: usize) {
    let long = "x".repeat(500);
    for n in 0..series {
        metrics::histogram!("wait_seconds", "a" => long.clone(), "n" => n.to_string()).record(0.1);
    }
}

const CLIENTS: usize = 256;
/// An orchestrator's patience by default.
const PATIENCE: Duration = Duration::from_secs(1);

fn probed() {
    let observability = tower_observability::init("bookings").unwrap();
    let address = observability.admin_address().unwrap();
    fill_the_page(500);
    let mut held = Vec::new();
    for (what, sent) in hostile::KINDS {
        held.extend(hostile::hold(address, CLIENTS, sent));
        for path in ["/live", "/ready"] {
            let (lasted, answer) = hostile::probe(address, path);
            assert_eq!(answer, "HTTP/1.1 200 OK", "{what}: {path}");
            assert!(lasted < PATIENCE, "{what}: {path} took {lasted:?}");
        }
        // Descriptors are not what is tried here.
        held.drain(..held.len() - CLIENTS / 2);
    }
    println!("{HELD}");
}

#[cfg(target_os = "linux")]
fn scraped() {
    const SCRAPERS: usize = 60;
    const MOST: u64 = 32 * 1024 * 1024;
    let observability = tower_observability::init("bookings").unwrap();
    let address = observability.admin_address().unwrap();
    fill_the_page(1_400);
    let page = ask(address, "GET /metrics HTTP/1.0\r\n\r\n").len();
    assert!(page > 10_000_000, "{page}");
    let before = hostile::resident_bytes();
    for version in ["1.0", "1.1"] {
        let sent = format!("GET /metrics HTTP/{version}\r\nhost: localhost\r\n\r\n");
        let held = hostile::hold(address, SCRAPERS, &sent);
        // Each has its first bytes, so that each page was begun.
        for mut stream in &held {
            stream.read_exact(&mut [0; 16]).unwrap();
        }
        assert_eq!(hostile::probe(address, "/live").1, "HTTP/1.1 200 OK");
        let grown = hostile::resident_bytes().saturating_sub(before);
        assert!(grown < MOST, "HTTP/{version}: {grown} bytes for {SCRAPERS} scrapes of {page} bytes");
    }
    println!("{HELD}");
}

fn rebound() {
    let observability = tower_observability::init("bookings").unwrap();
    let address = observability.admin_address().unwrap();
    for path in ["/metrics", "/live", "/ready", "/log-level"] {
        let ask = |host: &str| {
            ask(address, &format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"))
        };
        for host in ["evil.example", "localhost.evil.example:9464", "127.0.0.1.evil.example"] {
            assert!(ask(host).starts_with("HTTP/1.1 421 "), "{path} {host}");
        }
        for host in ["localhost", "127.0.0.1:9464", "[::1]"] {
            assert!(ask(host).starts_with("HTTP/1.1 200 "), "{path} {host}");
        }
    }
    println!("{HELD}");
}

fn silenced() {
    let observability = tower_observability::init("bookings").unwrap();
    let address = observability.admin_address().unwrap();
    let put = |level: &str| {
        let length = level.len();
        let head = format!("PUT /log-level HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        ask(address, &format!("{head}content-length: {length}\r\n\r\n{level}"))
    };
    for level in
        ["warning", "inf", "inf,app=debug", "app=debug", "info;app=debug", "none", "0", "fatal", "\"info\""]
    {
        let answer = put(level);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{level}: {answer}");
        assert!(answer.contains("nothing was changed"), "{level}: {answer}");
        tracing::error!(level, "still written");
    }
    assert!(ask(address, "GET /log-level HTTP/1.0\r\n\r\n").ends_with("\r\n\r\ninfo\n"));
    // Who says so knows it.
    assert!(put("off").starts_with("HTTP/1.1 200 "));
    tracing::error!("not written");
    assert!(put("error,app=debug").starts_with("HTTP/1.1 200 "));
}

fn failing() {
    let _observability = tower_observability::init("bookings").unwrap();
    tracing::error!("it failed");
}

#[tokio::main(flavor = "current_thread")]
async fn named() {
    let observability = tower_observability::init("bookings").unwrap();
    let takes = || {
        metrics::counter!("http_server_request_duration_seconds").increment(9);
        metrics::histogram!("http_server_request_duration_seconds").record(9.0);
        metrics::gauge!("target_info").set(9.0);
        metrics::counter!("target").increment(9);
        metrics::gauge!("process_start_time_seconds").set(9.0);
    };
    takes();
    // As many as there may be, before the first request.
    (0..2_100).for_each(|n| metrics::gauge!(format!("mine_{n}")).set(1.0));
    let app: Router =
        Router::new().route("/cars", get(|| async { "a car" })).layer(ObservabilityLayer::new());
    let answer = app.oneshot(Request::get("/cars").body(Body::empty()).unwrap()).await.unwrap();
    drop(axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap());
    takes();
    let head = "GET /metrics HTTP/1.0\r\naccept: application/openmetrics-text\r\n\r\n";
    let answer = ask(observability.admin_address().unwrap(), head);
    let families = read(answer.split_once("\r\n\r\n").unwrap().1, true).unwrap();
    let samples = |family: &str, name: &str| -> Vec<_> {
        let family = families.iter().find(|known| known.name == family).unwrap();
        let of_name = family.samples.iter().filter(|sample| sample.name == name);
        of_name.map(|sample| (sample.labels.clone(), sample.value)).collect()
    };
    let requests = "http_server_request_duration_seconds";
    let counted: f64 = samples(requests, &format!("{requests}_count")).iter().map(|(_, value)| value).sum();
    assert_eq!(counted, 1.0);
    let target = samples("target", "target_info");
    assert!(target[0].0.contains(&("service_name".to_owned(), "bookings".to_owned())), "{target:?}");
    assert!(samples("process_start_time_seconds", "process_start_time_seconds")[0].1 > 1_000_000.0);
    drop(observability);
    println!("{HELD}");
}

#[test]
fn probes_are_answered_within_a_second_whatever_256_clients_of_each_kind_hold() {
    holds("probed");
}

#[cfg(target_os = "linux")]
#[test]
fn scrapes_that_are_not_read_take_a_small_buffer_each_in_every_version() {
    holds("scraped");
}

#[test]
fn a_name_that_was_made_to_resolve_to_this_machine_reads_nothing() {
    holds("rebound");
}

#[test]
fn a_level_that_would_silence_errors_without_saying_so_is_refused_and_changes_nothing() {
    let ended = child("silenced").end().well();
    let errors = ended.messages("ERROR");
    assert_eq!(errors.iter().filter(|message| *message == "still written").count(), 9, "{errors:?}");
    assert!(!errors.contains(&"not written".to_owned()));
}

fn started_with(level: &str) -> Ended {
    child("failing").env("RUST_LOG", level).end().well()
}

#[test]
fn no_spelling_of_the_level_switches_errors_off_without_being_reported() {
    let said = |ended: &Ended| ended.messages("WARN").iter().any(|line| line.contains("RUST_LOG"));
    let wrote = |ended: &Ended| ended.messages("ERROR").contains(&"it failed".to_owned());
    for unreadable in
        ["info;lev=debug", "info lev=debug", "info|lev", "info:lev=debug", "'info'", "info,lev=loud"]
    {
        let ended = started_with(unreadable);
        assert!(said(&ended) && wrote(&ended), "{unreadable}: {:#?}", ended.output);
    }
    for silent in ["inf", "warning", "lev=debug", "lev", "0", "error=warn", "inf,lev=debug"] {
        let ended = started_with(silent);
        assert!(said(&ended), "{silent}: {:#?}", ended.output);
    }
    for fine in ["info", "error", "info,lev=off"] {
        let ended = started_with(fine);
        assert!(!said(&ended) && wrote(&ended), "{fine}: {:#?}", ended.output);
    }
}

#[test]
fn a_metric_of_the_users_takes_none_of_ours_away_and_is_reported_once_by_name() {
    let ended = child("named").end().well();
    assert!(ended.output.iter().any(|line| line.contains(HELD)), "{:#?}", ended.output);
    for name in
        ["http_server_request_duration_seconds", "target_info", "target", "process_start_time_seconds"]
    {
        let reported = |line: &&String| line.contains(&format!("{name:?} of this service is not taken"));
        assert_eq!(ended.output.iter().filter(reported).count(), 1, "{name}: {:#?}", ended.output);
    }
}
