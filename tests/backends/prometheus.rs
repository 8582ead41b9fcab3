//! What Prometheus answers about the workshop's metrics, and what its tools say of our pages.

mod alone;
mod native;
mod pages;
mod questions;

use std::collections::{BTreeMap, BTreeSet};

use crate::support::jaeger::{Span, Trace};
use crate::support::prometheus::{Exemplar, Sample, Scraped, Target, ask, exemplars, questions, value};
use crate::support::systems::JAEGER_OTLP;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop, ask as request};

const VERSION: &str = "1.4.2";

/// The bounds of the conventions, in seconds.
const BOUNDS: [f64; 15] =
    [0.0, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// All that is served, over HTTP or gRPC.
const DURATIONS: &str = "(http_server_request|rpc_server_call)_duration_seconds";

/// A series of the server's histograms: job, method, route, status; of gRPC the method is the route.
type Served = (String, String, String, String);

/// What was asked by the time of the first failed booking, by whom it was served, and with which status.
const SERVED: [(&str, &str, &str, &str, f64); 15] = [
    ("gateway", "POST", "/bookings", "201", 18.0),
    ("gateway", "POST", "/bookings", "502", 1.0),
    ("gateway", "GET", "/parts/{part}", "200", 101.0),
    ("gateway", "GET", "/parts/{part}", "404", 3.0),
    ("gateway", "GET", "/profiles/{id}", "404", 2.0),
    ("bookings", "POST", "/bookings", "200", 18.0),
    ("bookings", "POST", "/bookings", "502", 1.0),
    ("customers", "GET", "/customers/{id}", "200", 19.0),
    ("vehicles", "GET", "/vehicles/{plate}", "200", 19.0),
    ("inventory", "", "workshop.Inventory/Reserve", "OK", 19.0),
    ("inventory", "GET", "/parts/{part}", "200", 101.0),
    ("inventory", "GET", "/parts/{part}", "404", 3.0),
    ("payments", "POST", "/payments", "200", 18.0),
    ("payments", "POST", "/payments", "502", 1.0),
    ("worker", "GET", "/profiles/{id}", "404", 2.0),
];

/// A selector of the eight, whatever else is scraped.
fn of_the_eight(metric: &str, more: &str) -> String {
    format!("{metric}{{job=~\"{}\"{more}}}", SERVICES.join("|"))
}

/// The same of both histograms of what is served.
fn all_served(part: &str, more: &str) -> String {
    of_the_eight("", &format!(",__name__=~\"{DURATIONS}_{part}\"{more}"))
}

/// The eight as their operator names them; the process's id stands for the pod's name.
fn scraped(workshop: &Workshop) -> Scraped {
    let targets = SERVICES.map(|job| Target {
        job: job.to_owned(),
        instance: format!("{job}-{}", workshop.id()),
        admin: workshop.addresses(job).admin.clone(),
    });
    Scraped::start("workshop", &targets)
}

/// Waits until this is the answer.
async fn once(promql: &str, awaited: f64) {
    eventually(SOON, promql, async || match value(promql).await {
        Some(value) if value == awaited => Ok(()),
        seen => Err(format!("{seen:?}, not {awaited}")),
    })
    .await;
}

/// How many bookings the gateway answered so.
async fn booked(status: &str, count: f64) {
    let labels = format!(",http_route=\"/bookings\",http_response_status_code=\"{status}\"");
    once(
        &of_the_eight("http_server_request_duration_seconds_count", &format!("{labels},job=\"gateway\"")),
        count,
    )
    .await;
}

fn book(workshop: &Workshop, bookings: usize, status: u16) {
    for n in 0..bookings {
        let answer = workshop.ask_for_booking(4_000 + n as u64, &[]);
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

fn look(workshop: &Workshop, path: &str, status: u16) {
    let answer = request("GET", &format!("{}{path}", workshop.gateway()), &[], None);
    assert_eq!(answer.status, status, "{answer:?}");
}

async fn served() -> BTreeMap<Served, f64> {
    let found = ask(&format!("{} > 0", all_served("count", ""))).await;
    let named = found.into_iter().map(|Sample { labels, value }| {
        let label = |name| labels.get(name).to_owned();
        let either = |http, rpc| label(http) + labels.get(rpc);
        let route = either("http_route", "rpc_method");
        let status = either("http_response_status_code", "rpc_response_status_code");
        ((label("job"), label("http_request_method"), route, status), value)
    });
    named.collect()
}

/// Everything that can be counted exactly, which is what a series' last sample says.
async fn every_count_is_what_was_sent() {
    let sent = SERVED.into_iter().chain([("notifications", "POST", "/notices", "200", 18.0)]);
    let sent = sent.map(|(job, method, route, status, count)| {
        ((job.to_owned(), method.to_owned(), route.to_owned(), status.to_owned()), count)
    });
    let sent: BTreeMap<Served, f64> = sent.collect();
    eventually(SOON, "every request of the eight", async || {
        let served = served().await;
        if served == sent { Ok(()) } else { Err(format!("{served:#?}")) }
    })
    .await;
    // The first charge is not answered in time, the second is a 500; the last booking meets four more.
    let charges = |more: &str| {
        of_the_eight("http_client_request_duration_seconds_count", &format!(",job=\"payments\",{more}"))
    };
    once(&charges("http_response_status_code=\"200\""), 18.0).await;
    once(&charges("error_type=\"500\""), 5.0).await;
    once(&charges("error_type=\"timeout\""), 1.0).await;
    once(&of_the_eight("work_duration_seconds_count", ",work_name=\"process bookings\""), 18.0).await;
    once(&of_the_eight("notices_sent_total", ""), 18.0).await;
    // A count and its last bucket are the same number.
    // Of gRPC: what the caller counted is what was served.
    let calls = of_the_eight("rpc_client_call_duration_seconds_count", ",job=\"bookings\"");
    once(&calls, 19.0).await;
    let (counts, buckets) = (all_served("count", ""), all_served("bucket", ",le=\"+Inf\""));
    let differing = ask(&format!("{counts} != ignoring (le) {buckets}")).await;
    assert!(differing.is_empty(), "{differing:#?}");
}

/// Each exemplar is a span that Jaeger has: of that trace, of that service, of that route.
async fn every_exemplar_is_a_span_in_jaeger() {
    let buckets = "{__name__=~\"(http_server_request|rpc_server_call|work)_duration_seconds_bucket\"";
    let promql = format!("{buckets},job=~\"{}\"}}", SERVICES.join("|"));
    let found = eventually(SOON, "an exemplar of each service", async || {
        let found = exemplars(&promql).await;
        let jobs: BTreeSet<_> = found.iter().map(|exemplar| exemplar.series.get("job").to_owned()).collect();
        if jobs.len() == SERVICES.len() { Ok(found) } else { Err(format!("{jobs:?}")) }
    })
    .await;
    for exemplar in &found {
        let span = eventually(SOON, &format!("{exemplar:?} in Jaeger"), async || span(exemplar).await).await;
        for (label, tag) in [("http_route", "http.route"), ("rpc_method", "rpc.method")] {
            assert_eq!(exemplar.series.get(label), span.tag(tag), "{exemplar:?} is {span:?}");
        }
        let seconds = span.duration as f64 / 1e6;
        assert!((seconds - exemplar.value).abs() < 0.000_01, "{exemplar:?} is {span:?}");
    }
}

async fn span(exemplar: &Exemplar) -> Result<Span, String> {
    let trace = Trace::so_far(&exemplar.trace_id).await;
    let is_its = |span: &&Span| span.id == exemplar.span_id && span.service == *exemplar.series.get("job");
    trace.0.iter().find(is_its).cloned().ok_or_else(|| format!("{trace:?}"))
}

#[tokio::test]
async fn the_questions_of_the_readme_are_answered_with_what_was_sent() {
    let workshop = Workshop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_RESOURCE_ATTRIBUTES", &format!("service.version={VERSION}")),
    ]);
    let before = format!("count_over_time({}[5m])", of_the_eight("up", ""));
    assert!(
        ask(&before).await.is_empty(),
        "an earlier run is within the window: start Prometheus anew, or wait"
    );
    let _scraped = scraped(&workshop);
    once(&format!("sum({})", of_the_eight("up", "")), 8.0).await;

    // Prometheus counts from a series' second sample on, so there is one of each first.
    book(&workshop, 1, 201);
    for (path, status) in [("/parts/wiper", 200), ("/parts/propeller", 404), ("/profiles/4711", 404)] {
        look(&workshop, path, status);
    }
    let begun = all_served("count", "");
    once(&format!("count({begun} == 1)"), 13.0).await;

    book(&workshop, 17, 201);
    for _ in 0..100 {
        look(&workshop, "/parts/wiper", 200);
    }
    for (path, status) in [("/parts/propeller", 404), ("/parts/anchor", 404), ("/profiles/4712", 404)] {
        look(&workshop, path, status);
    }
    // The provider's outage begins.
    book(&workshop, 1, 502);
    every_count_is_what_was_sent().await;
    book(&workshop, 1, 502);
    booked("502", 2.0).await;
    once(&format!("sum({})", of_the_eight("http_server_active_requests", "")), 0.0).await;

    let seen = questions::Seen::of(&workshop).await;
    assert_eq!(seen.bookings(), 18.0, "17 and the second 502");
    for question in questions() {
        seen.holds(&question).await;
    }
    every_exemplar_is_a_span_in_jaeger().await;
}
