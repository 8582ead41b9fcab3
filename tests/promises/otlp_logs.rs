//! Promise: `OTEL_LOGS_EXPORTER=otlp` sends what a line says as a log record, field by field; what does not arrive
//! is counted and told, and what a receiver would reject is cut by us.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;

use http::{Request, Response};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::{Logs, ObservabilityLayer, Otlp, Report, Work, request};

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{self, Answer, CollectedLog, Collector, the_one};
use crate::support::http::get;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const CUT_MARK: &str = "…[truncated]";
/// The labels of what keeps the records' queue.
const PROCESSOR: &str =
    "otel_component_name=\"batching_log_processor/1\",otel_component_type=\"batching_log_processor\"";

#[test]
fn program() {
    run(&[
        ("story", || service(story)),
        ("many", || service(many)),
        ("long", || service(long)),
        ("on-lines", || service(on_lines)),
        ("chosen-in-code", chosen_in_code),
        ("scraped", scraped),
    ]);
}

/// Runs what a service does between `init` and `shutdown`, and prints the report.
fn service<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    run_with(tower_observability::builder("bookings"), work);
}

fn run_with<F: Future<Output = ()>>(builder: tower_observability::Builder, work: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = builder.init().unwrap();
        work().await;
        let Report { lines, records, .. } = observability.shutdown().await;
        eprintln!("records: {records}");
        eprintln!("created: {}, queued: {}", records.created, records.queued());
        eprintln!("lines: {lines}");
    });
}

/// One event of each kind within a request; a call that fails; a panic.
async fn story() {
    let handler = service_fn(|_: Request<String>| async {
        request::route("/users/{id}");
        request::add("customer_id", 4711);
        let span = tracing::info_span!("seats", row = 7, kind = "window");
        span.in_scope(|| tracing::info!(seats = 4_u64, paid = true, price = 1.5, who = "Ada", "looking"));
        let error = std::io::Error::other("no seats");
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::error!(error, url.path = "mine", "it failed");
        call().await;
        Ok::<_, Infallible>(Response::builder().status(500).body(String::new()).unwrap())
    });
    let asked = Request::get("http://api.example:8080/users/7?token=s3cr3t");
    let asked = asked.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let asked = asked.header("x-request-id", "req-1").body(String::new()).unwrap();
    drop(ObservabilityLayer::new().layer(handler).oneshot(asked).await.unwrap());
    let _ = std::thread::Builder::new()
        .name("worker".to_owned())
        .spawn(|| panic!("out of seats"))
        .unwrap()
        .join();
    Work::consumer("process booking").run(async {}).await;
    log::warn!(target: "old::library", "from the log crate");
}

async fn call() {
    let remote = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::builder().status(404).body(String::new()).unwrap())
    });
    let mut client = ObservabilityLayer::client().layer(remote);
    let request = Request::get("http://me:s3cr3t@pay.example/pay?sig=s3cr3t").body(String::new()).unwrap();
    drop(client.ready().await.unwrap().call(request).await.unwrap());
}

async fn many() {
    (0..200).for_each(|number| tracing::info!(number, "one of many"));
}

async fn long() {
    tracing::info!(long = "y".repeat(100_000), short = "kept", "{}", "é".repeat(150_000));
    tracing::info!(number = 7, "after it");
}

/// A field that stands on the records of its request from then on.
async fn on_lines() {
    let handler = service_fn(|_: Request<String>| async {
        tracing::info!("before");
        request::add_to_lines("booking_id", 7_u64);
        tracing::info!("after");
        call().await;
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let asked = Request::get("http://api.example/book").body(String::new()).unwrap();
    drop(ObservabilityLayer::new().layer(handler).oneshot(asked).await.unwrap());
}

fn chosen_in_code() {
    let endpoint = std::env::var("COLLECTOR").unwrap();
    let otlp = Otlp::new().endpoint(endpoint).header("x-team", "seats");
    let logs = Logs::new().without_lines().otlp(otlp).level("warn");
    run_with(tower_observability::builder("bookings").logs(logs), story);
}

fn scraped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let address = observability.admin_address().unwrap().to_string();
        many().await;
        // What was sent is confirmed some time later.
        let page = loop {
            let page = get(&address, "/metrics");
            if page.contains(&format!("otel_sdk_processor_log_queue_size{{{PROCESSOR}}} 0")) {
                break page;
            }
            tokio::task::yield_now().await;
        };
        page.lines().filter(|line| line.contains("_log_")).for_each(|line| eprintln!("{line}"));
        observability.shutdown().await;
    });
}

fn child(program: &str, collector: &Collector) -> Child {
    Child::new("otlp_logs", program)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "otlp")
}

fn ran_story() -> (Vec<CollectedLog>, Ended) {
    let collector = Collector::start();
    let ended = child("story", &collector).end().well();
    (collector.logs(), ended)
}

/// The one record with this body.
fn saying<'a>(logs: &'a [CollectedLog], body: &str) -> &'a CollectedLog {
    the_one(logs, body, |log| log.body() == body)
}

fn names(log: &CollectedLog) -> BTreeSet<&str> {
    collector::names(&log.record.attributes)
}

fn severity(log: &CollectedLog) -> (i32, &str) {
    (log.record.severity_number, &log.record.severity_text)
}

fn text(value: &str) -> Value {
    Value::StringValue(value.to_owned())
}

/// Asserts each attribute, and that there are no others.
fn assert_attributes(log: &CollectedLog, expected: &[(&str, Value)]) {
    for (name, value) in expected {
        assert_eq!(log.attribute(name), Some(value), "{name}");
    }
    assert_eq!(names(log), expected.iter().map(|(name, _)| *name).collect());
}

/// What every record within the story's request says of it.
fn of_the_request() -> Vec<(&'static str, Value)> {
    vec![
        ("observability.request_id", text("req-1")),
        ("http.request.method", text("GET")),
        ("url.path", text("/users/7")),
        ("http.route", text("/users/{id}")),
    ]
}

#[test]
fn an_event_becomes_a_record_with_its_fields_its_spans_and_its_request() {
    let before =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (logs, ended) = ran_story();
    let log = saying(&logs, "looking");
    assert_eq!((severity(log), &*log.scope.name), ((9, "INFO"), "promises::otlp_logs"));
    assert_eq!(log.scope_schema, "https://opentelemetry.io/schemas/1.44.0");
    let record = &log.record;
    assert!(record.time_unix_nano >= before && record.observed_time_unix_nano == record.time_unix_nano);
    assert_eq!((log.trace_id(), log.span_id().len(), record.flags & 0x01), (TRACE.to_owned(), 16, 1));
    assert!(record.event_name.is_empty());
    let mut expected = of_the_request();
    expected.extend([
        ("seats", Value::IntValue(4)),
        ("paid", Value::BoolValue(true)),
        ("price", Value::DoubleValue(1.5)),
        ("who", text("Ada")),
        ("row", Value::IntValue(7)),
        ("kind", text("window")),
    ]);
    assert_attributes(log, &expected);
    assert_eq!(log.resource("service.name"), "bookings");
    assert_eq!(log.resource("telemetry.sdk.language"), "rust");
    assert!(!format!("{logs:?}{:?}", ended.output).contains("s3cr3t"));
}

#[test]
fn an_error_names_its_exception_and_its_place_and_no_field_takes_one_of_our_names() {
    let (logs, _) = ran_story();
    let log = saying(&logs, "it failed");
    assert_eq!(severity(log), (17, "ERROR"));
    assert_eq!(log.text("exception.message"), "no seats");
    assert!(log.text("code.file.path").ends_with("otlp_logs.rs"));
    assert!(matches!(log.attribute("code.line.number"), Some(Value::IntValue(line)) if *line > 0));
    assert_eq!(
        (log.text("url.path"), log.text("field_url.path")),
        ("/users/7".to_owned(), "mine".to_owned())
    );
}

#[test]
fn a_requests_end_is_a_record_and_so_is_a_call_that_failed() {
    let (logs, _) = ran_story();
    let log = saying(&logs, "GET /users/{id} 500");
    assert_eq!((severity(log), &*log.scope.name), ((17, "ERROR"), "tower_observability::request"));
    assert_eq!((&*log.record.event_name, log.trace_id()), ("observability.request", TRACE.to_owned()));
    assert_eq!(log.span_id(), saying(&logs, "it failed").span_id());
    for measured in ["observability.duration_ms", "observability.ttfb_ms"] {
        assert!(
            matches!(log.attribute(measured), Some(Value::DoubleValue(value)) if *value >= 0.0),
            "{measured}"
        );
    }
    let mut expected = of_the_request();
    expected.extend([
        ("http.response.status_code", Value::IntValue(500)),
        ("http.response.body.size", Value::IntValue(0)),
        ("observability.outcome", text("server_error")),
        ("error.type", text("500")),
        ("customer_id", Value::IntValue(4711)),
    ]);
    for (name, value) in &expected {
        assert_eq!(log.attribute(name), Some(value), "{name}");
    }
    assert_eq!(names(log).len(), expected.len() + 2);

    let call = saying(&logs, "GET pay.example:80/pay 404");
    assert_eq!((severity(call), &*call.record.event_name), ((13, "WARN"), "observability.call"));
    assert_eq!((call.text("server.address"), call.trace_id()), ("pay.example".to_owned(), TRACE.to_owned()));
    assert_eq!(call.attribute("server.port"), Some(&Value::IntValue(80)));
    assert!(call.attribute("http.response.body.size").is_none(), "its body is read after its end");

    let work = saying(&logs, "process booking ok");
    assert_eq!((severity(work), &*work.record.event_name), ((9, "INFO"), "observability.work"));
    assert_eq!((work.text("observability.outcome"), work.trace_id().len()), ("ok".to_owned(), 32));
}

#[test]
fn a_field_of_all_lines_is_on_the_records_that_follow() {
    let collector = Collector::start();
    child("on-lines", &collector).end().well();
    let logs = collector.logs();
    let of = |begin: &str| {
        let log = the_one(&logs, begin, |log| log.body().starts_with(begin));
        let ours = log.record.attributes.iter().filter(|pair| pair.key.contains("booking_id"));
        (ours.count(), log.attribute("booking_id").cloned())
    };
    assert_eq!(of("before"), (0, None));
    for body in ["after", "GET pay.example", "GET /book"] {
        assert_eq!(of(body), (1, Some(Value::IntValue(7))), "{body}");
    }
}

#[test]
fn a_panic_is_fatal_in_the_record_and_still_reaches_standard_error() {
    let (logs, ended) = ran_story();
    let log = saying(&logs, "out of seats");
    assert_eq!((severity(log), &*log.record.event_name), ((21, "FATAL"), "observability.panic"));
    assert_eq!(
        (log.text("exception.message"), log.text("thread.name")),
        ("out of seats".into(), "worker".into())
    );
    assert!(log.text("code.file.path").ends_with("otlp_logs.rs") && log.trace_id().is_empty());
    assert!(ended.output.iter().any(|line| line.contains("out of seats")), "{:#?}", ended.output);
}

#[test]
fn a_record_of_the_log_crate_comes_under_its_own_target() {
    let (logs, _) = ran_story();
    let log = saying(&logs, "from the log crate");
    assert_eq!((severity(log), &*log.scope.name, names(log).len()), ((13, "WARN"), "old::library", 0));
}

#[test]
fn otlp_alone_writes_no_line_and_both_write_the_same() {
    let (logs, ended) = ran_story();
    assert!(ended.logged().is_empty(), "{:#?}", ended.output);
    assert_eq!(ended.said("records: "), format!("{} delivered, 0 unconfirmed, 0 dropped", logs.len()));
    let started = logs.iter().find(|log| log.body().starts_with("observability started")).unwrap().body();
    assert!(started.contains("/v1/logs, info") && started.contains("OTEL_LOGS_EXPORTER=otlp"), "{started}");

    let collector = Collector::start();
    let ended = child("story", &collector).env("OTEL_LOGS_EXPORTER", "console,otlp").end().well();
    let said = |message: &str| !message.starts_with("observability ") && !message.starts_with("logs are ");
    let lines: Vec<_> =
        ended.logged().iter().map(|line| (line["message"].clone(), line["trace_id"].clone())).collect();
    let lines: BTreeSet<_> = lines
        .iter()
        .map(|(message, trace)| {
            (message.as_str().unwrap().to_owned(), trace.as_str().unwrap_or_default().to_owned())
        })
        .filter(|(message, _)| said(message))
        .collect();
    let logs = collector.logs();
    let records: BTreeSet<_> =
        logs.iter().map(|log| (log.body(), log.trace_id())).filter(|(body, _)| said(body)).collect();
    assert_eq!((lines.len(), lines), (7, records));
}

#[test]
fn an_endpoint_alone_sends_no_records_and_none_writes_nothing() {
    let collector = Collector::start();
    let ended = child("story", &collector).without_env("OTEL_LOGS_EXPORTER").end().well();
    assert!(collector.received().is_empty() && ended.logged().len() > 5);
    let ended = child("story", &collector).env("OTEL_LOGS_EXPORTER", "none").end().well();
    assert!(collector.received().is_empty() && ended.logged().is_empty());
}

#[test]
fn code_can_choose_it_and_the_level_holds_for_records_too() {
    let collector = Collector::start();
    let child = Child::new("otlp_logs", "chosen-in-code").env("COLLECTOR", collector.endpoint());
    let ended = child.end().well();
    let received = collector.received();
    assert_eq!((&*received[0].path, received[0].header("x-team")), ("/v1/logs", "seats"));
    assert_eq!(received[0].header("content-type"), "application/x-protobuf");
    assert!(received[0].header("user-agent").starts_with("tower-observability/"));
    let bodies: BTreeSet<_> = collector.logs().iter().map(CollectedLog::body).collect();
    assert!(bodies.contains("it failed") && !bodies.contains("looking"), "{bodies:?}");
    assert!(ended.logged().is_empty());
}

#[test]
fn a_collector_that_recovers_loses_nothing() {
    let collector = Collector::start();
    collector.next([Answer::Status(503), Answer::Disconnect, Answer::RetryAfter(429, "1".to_owned())]);
    let ended = child("many", &collector).end().well();
    let bodies: Vec<_> = collector.logs().iter().map(CollectedLog::body).collect();
    assert_eq!(bodies.iter().filter(|body| *body == "one of many").count(), 200);
    assert!(ended.said("records: ").ends_with(" delivered, 0 unconfirmed, 0 dropped"));
    assert!(
        ended.output.iter().any(|line| line.contains("logs cannot be delivered to ")),
        "{:#?}",
        ended.output
    );
}

#[test]
fn what_the_collector_rejects_is_told_and_counted_and_makes_no_record_of_its_own() {
    let collector = Collector::start();
    collector.always(Answer::Partial(2, "too old".to_owned()));
    let ended = child("many", &collector).end().well();
    assert!(ended.said("records: ").ends_with(" 2 dropped (rejected 2)"), "{:#?}", ended.output);
    let told = |line: &&String| line.contains("rejected 2 records: too old");
    assert_eq!(ended.output.iter().filter(told).count(), 1, "{:#?}", ended.output);
    assert!(collector.logs().iter().all(|log| !log.body().contains("too old")));
}

#[test]
fn a_full_queue_costs_the_newest_and_says_how_many() {
    let collector = Collector::start();
    collector.always(Answer::Hang);
    let child = child("many", &collector).env("OTEL_BLRP_MAX_QUEUE_SIZE", "50");
    let ended = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1500").end().well();
    let said = ended.said("records: ");
    let full = said.split("queue_full ").nth(1).and_then(|rest| rest.split([',', ')']).next()).unwrap();
    // The start-up line is a record as well; several stripes may find the last place at once.
    assert!((140..=151).contains(&full.parse::<u32>().unwrap()), "{said}");
    assert!(ended.said("created: ").ends_with("queued: 0"));
    let told = |line: &&String| line.starts_with("tower-observability: observability ends: ");
    assert_eq!(ended.output.iter().filter(told).count(), 1, "{:#?}", ended.output);
}

#[test]
fn a_dead_collector_costs_records_but_none_in_silence() {
    let collector = Collector::start();
    let child = child("many", &collector).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1500");
    drop(collector);
    let ended = child.end().well();
    assert_eq!(ended.said("records: "), "0 delivered, 0 unconfirmed, 201 dropped (unreachable 201)");
    for told in ["logs cannot be delivered to ", "observability ends: "] {
        let told = format!("tower-observability: {told}");
        assert!(ended.output.iter().any(|line| line.starts_with(&told)), "no {told:?}: {:#?}", ended.output);
    }
}

#[test]
fn what_loki_would_reject_is_cut_marked_and_counted() {
    let collector = Collector::start();
    let ended = child("long", &collector).end().well();
    let logs = collector.logs();
    let log = logs.iter().find(|log| log.body().starts_with('é')).unwrap();
    assert!(log.body().len() <= 252 * 1024 && log.body().ends_with(CUT_MARK));
    assert_eq!(log.text("short"), "kept");
    assert!(log.text("long").ends_with(CUT_MARK));
    let pairs = log.record.attributes.iter().map(|pair| pair.key.len() + log.text(&pair.key).len());
    let resource = log.resource.keys().map(|name| name.len() + log.resource(name).len());
    assert!((60_000..65_536).contains(&pairs.chain(resource).sum::<usize>()));
    assert_eq!(saying(&logs, "after it").attribute("number"), Some(&Value::IntValue(7)));
    let told = "tower-observability: log records that were too long: 1; their longest values were cut";
    assert!(ended.output.iter().any(|line| line == told), "{:#?}", ended.output);
}

#[test]
fn what_is_cut_and_sent_again_is_counted_once() {
    let collector = Collector::start();
    collector.next([Answer::Status(503), Answer::Status(503)]);
    // Everything leaves at the end, in one batch.
    let ended = child("long", &collector).env("OTEL_BLRP_SCHEDULE_DELAY", "60000").end().well();
    assert_eq!((collector.logs().is_empty(), collector.received().len()), (false, 3));
    let told = |line: &&String| line.contains("log records that were too long: ");
    assert_eq!(ended.output.iter().filter(told).count(), 1, "{:#?}", ended.output);
}

#[test]
fn the_specifications_limits_hold_and_the_record_says_what_they_cost() {
    let collector = Collector::start();
    let child = child("story", &collector).env("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "6");
    let ended = child.env("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2").end().well();
    let logs = collector.logs();
    let log = saying(&logs, "looking");
    assert_eq!((log.record.attributes.len(), log.record.dropped_attributes_count), (6, 4));
    assert_eq!(log.text("http.request.method"), "GE");
    assert!(!ended.output.iter().any(|line| line.contains("too long")));
}

#[test]
fn an_export_is_no_telemetry_and_goes_where_the_own_variables_say() {
    let collector = Collector::start();
    let child = child("story", &collector).env("RUST_LOG", "trace");
    // The library reads this one as well.
    let child = child
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        .env("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none");
    let own = format!("{}/otlp/v1/logs", collector.endpoint());
    let child = child.env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", own);
    child.env("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "X-Scope-OrgID=tenant").end().well();
    let received = collector.received();
    assert_eq!((&*received[0].path, received[0].header("x-scope-orgid")), ("/otlp/v1/logs", "tenant"));
    // The library reads these variables as well.
    assert_eq!(received[0].headers.get_all("x-scope-orgid").iter().count(), 1);
    assert_eq!(received[0].header("content-encoding"), "");
    let scopes: BTreeSet<_> = collector.logs().iter().map(|log| log.scope.name.clone()).collect();
    for of_the_export in ["hyper", "otlp::", "opentelemetry"] {
        assert!(!scopes.iter().any(|scope| scope.contains(of_the_export)), "{scopes:?}");
    }
}

#[test]
fn the_records_account_is_on_the_page() {
    let collector = Collector::start();
    let ended = child("scraped", &collector).env("OTEL_BLRP_SCHEDULE_DELAY", "50").end().well();
    // The start-up line is a record as well.
    assert_eq!(ended.said("otel_sdk_log_created_total "), "201");
    let processed =
        |reason: &str| ended.said(&format!("otel_sdk_processor_log_processed_total{{{reason}{PROCESSOR}}} "));
    assert_eq!((processed(""), processed("error_type=\"queue_full\",")), ("201", "0"));
    let exporter =
        "otel_component_name=\"otlp_http_log_exporter/0\",otel_component_type=\"otlp_http_log_exporter\"";
    assert_eq!(ended.said(&format!("otel_sdk_exporter_log_exported_total{{{exporter}}} ")), "201");
    assert_eq!(ended.said(&format!("otel_sdk_processor_log_queue_capacity{{{PROCESSOR}}} ")), "32768");
    assert_eq!(ended.said("observability_log_records_shortened_total "), "0");
}

#[test]
fn lines_and_records_are_two_ways_of_one_signal_on_the_page() {
    let collector = Collector::start();
    let child = child("scraped", &collector).env("OTEL_LOGS_EXPORTER", "console,otlp");
    let ended = child.env("OTEL_BLRP_SCHEDULE_DELAY", "50").end().well();
    // Said once; a line more than records, because the first delivery of records is no record.
    let created = ended.said("otel_sdk_log_created_total ");
    assert!(["201", "202"].contains(&created), "{created}");
    let processors =
        ended.output.iter().filter(|line| line.starts_with("otel_sdk_processor_log_processed_total{otel"));
    assert_eq!(processors.count(), 2, "{:#?}", ended.output);
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_target_that_cannot_be_reached_at_all_is_told() {
    let child = Child::new("otlp_logs", "many").env("OTEL_LOGS_EXPORTER", "otlp");
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:9").end().well();
    let told =
        |line: &&String| line.contains("logs are not exported: ") && line.contains("TLS is not built in");
    assert_eq!(ended.output.iter().filter(told).count(), 1, "{:#?}", ended.output);
}
