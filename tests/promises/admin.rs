//! Promise: the admin listener shows the metrics, says whether the process is ready, and changes the log level.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::ACCEPT;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_observability::{Admin, Observability};

use crate::support::child::{Child, run};
use crate::support::exposition::read;

#[test]
fn program() {
    run(&[("scraped", scraped), ("long", long), ("asked", asked), ("turned", turned), ("off", off)]);
}

/// Said by a program that came to its end: a child that ran nothing succeeds as well.
const HELD: &str = "everything held";

/// Runs in a process of its own, because there is one `init` in a process.
fn holds(program: &str) {
    let ended = Child::new("admin", program).end();
    let held = ended.output.iter().any(|line| line.contains(HELD));
    assert!(ended.status.success() && held, "{:#?}", ended.output);
}

fn send(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn get(observability: &Observability, path: &str, headers: &str) -> (String, String) {
    let address = observability.admin_address().unwrap();
    send(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n"))
}

fn put_level(observability: &Observability, level: &str) -> (String, String) {
    let (address, length) = (observability.admin_address().unwrap(), level.len());
    let head = format!("PUT /log-level HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    send(address, &format!("{head}content-length: {length}\r\n\r\n{level}"))
}

fn scraped() {
    let observability = tower_observability::init("bookings").unwrap();
    metrics::counter!("orders").increment(1);
    let (head, page) = get(&observability, "/metrics", "");
    assert!(head.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    read(&page, false).unwrap();
    let (head, page) =
        get(&observability, "/metrics", "accept: application/openmetrics-text;version=1.0.0\r\n");
    assert!(
        head.contains("\r\ncontent-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    let families = read(&page, true).unwrap();
    let orders = families.iter().find(|family| family.name == "orders").unwrap();
    assert_eq!(orders.samples[0].value, 1.0);
    let target = families.iter().find(|family| family.name == "target").unwrap();
    assert!(target.samples[0].labels.contains(&("service_name".to_owned(), "bookings".to_owned())));
    let start = families.iter().find(|family| family.name == "process_start_time_seconds").unwrap();
    assert!(start.samples[0].value > 1_700_000_000.0);
    assert!(families.iter().any(|family| family.name == "otel_sdk_log_created"));
    println!("{HELD}");
}

#[tokio::main(flavor = "current_thread")]
async fn long() {
    let observability = tower_observability::init("bookings").unwrap();
    for family in 0..5 {
        let name = format!("wait_{family}_seconds");
        (0..2_000).for_each(|n| metrics::histogram!(name.clone(), "n" => n.to_string()).record(0.1));
    }
    let mounted: Router = observability.admin_routes();
    let scrape = Request::get("/metrics").header(ACCEPT, "application/openmetrics-text");
    let answer = mounted.oneshot(scrape.body(Body::empty()).unwrap()).await.unwrap();
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let others = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let (mut body, mut page, mut pieces) = (answer.into_body(), String::new(), 0);
    while let Some(piece) = body.frame().await {
        let piece = piece.unwrap().into_data().unwrap();
        assert!(piece.len() < 80 * 1024, "{}", piece.len());
        page.push_str(std::str::from_utf8(&piece).unwrap());
        pieces += 1;
    }
    others.abort();
    let turns = turns.load(Ordering::Relaxed);
    assert!(pieces > 50 && turns >= pieces - 1, "{pieces} pieces, {turns} turns of others");
    let families = read(&page, true).unwrap();
    let waits = families.iter().filter(|family| family.name.starts_with("wait_"));
    let counts = waits.flat_map(|family| &family.samples).filter(|sample| sample.name.ends_with("_count"));
    assert_eq!(counts.count(), 10_000);
    println!("{HELD}");
}

fn asked() {
    let observability = tower_observability::init("bookings").unwrap();
    assert!(get(&observability, "/live", "").0.starts_with("http/1.1 200 "));
    assert!(get(&observability, "/ready", "").0.starts_with("http/1.1 200 "));
    observability.ready_check("cache", || async { true });
    observability.ready_check("database", || async { false });
    let (head, body) = get(&observability, "/ready", "");
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert_eq!(body, "{\"failing\":[\"database\"],\"ready\":false}\n");
    println!("{HELD}");
}

fn turned() {
    let observability = tower_observability::init("bookings").unwrap();
    let written = || get(&observability, "/log-level", "").1;
    let before = written();
    let (head, _) = put_level(&observability, "no level = at all");
    assert!(head.starts_with("http/1.1 400 "), "{head}");
    assert_eq!(written(), before);
    tracing::debug!("before");
    let (head, _) = put_level(&observability, "debug");
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert_eq!(written(), "debug\n");
    tracing::debug!("after");
}

fn off() {
    let builder = tower_observability::builder("bookings").admin(Admin::new().off());
    assert_eq!(builder.init().unwrap().admin_address(), None);
    println!("{HELD}");
}

#[test]
fn the_page_comes_in_both_formats_and_has_the_users_metrics() {
    holds("scraped");
}

#[test]
fn a_page_of_ten_thousand_histograms_comes_in_pieces_and_others_have_their_turns_between_them() {
    holds("long");
}

#[test]
fn ready_asks_the_users_checks_and_names_those_that_fail() {
    holds("asked");
}

#[test]
fn the_log_level_is_turned_while_the_process_runs() {
    let ended = Child::new("admin", "turned").end();
    assert!(ended.status.success(), "{:#?}", ended.output);
    let said: Vec<_> = ended.logged().into_iter().filter(|line| line["level"] == "DEBUG").collect();
    assert!(said.iter().any(|line| line["message"] == "after"), "{said:#?}");
    assert!(said.iter().all(|line| line["message"] != "before"), "{said:#?}");
}

#[test]
fn switched_off_nothing_listens() {
    holds("off");
}
