//! What Jaeger answers about the workshop's traces.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::browser::Browser;
use crate::support::http;
use crate::support::jaeger::{Span, Trace, text};
use crate::support::systems::{JAEGER, JAEGER_OTLP};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{CALLS, Line, SERVICES, Workshop, spans_sent};

const CUSTOMER: u64 = 4711;

/// One booking: what Jaeger knows of it, and what the services said.
struct Booked {
    trace_id: String,
    spans: Vec<Span>,
    /// Service and instance of each line at the end of work in this trace.
    writers: BTreeSet<(String, String)>,
}

/// The workshop runs once for all of these tests.
async fn booked() -> &'static Booked {
    static BOOKED: OnceCell<Booked> = OnceCell::const_new();
    BOOKED.get_or_init(book).await
}

async fn book() -> Booked {
    let workshop = Workshop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=workshop,deployment.environment.name=test"),
    ]);
    let trace_id = workshop.book(CUSTOMER, &[]).trace_id;
    workshop.lines_of(&trace_id);
    // At its end each service says and sends what is left.
    let lines = workshop.stop();
    let sent = spans_sent(&lines);
    let lines: Vec<Value> = lines.iter().map(Line::json).collect();
    let ends = lines.iter().filter(|line| line["trace_id"] == *trace_id && line["instance"].is_string());
    let writers = ends.map(|line| (text(&line["service"]), text(&line["instance"]))).collect();
    let spans = Trace::of_spans(&trace_id, &sent).await.0;
    Booked { trace_id, spans, writers }
}

/// Whose it is, what it is called, its kind, its status, and what kind of failure it was.
fn label(span: &Span) -> String {
    let keys = ["span.kind", "http.response.status_code", "rpc.response.status_code", "error.type"];
    let told = keys.map(|key| span.tag(key));
    let told: Vec<_> = told.into_iter().filter(|it| !it.is_empty()).collect();
    format!("{}: {} ({})", span.service, span.name, told.join(" "))
}

/// The spans below a parent, each with those below it; siblings in the order of the alphabet, equal ones once.
fn tree(spans: &[Span], parent: &str, depth: usize) -> BTreeSet<String> {
    let children = spans.iter().filter(|span| span.parent == parent);
    let branch = |span: &Span| {
        let below: String = tree(spans, &span.id, depth + 1).into_iter().collect();
        format!("{:indent$}{}\n{below}", "", label(span), indent = depth * 2)
    };
    children.map(branch).collect()
}

#[tokio::test]
async fn all_eight_services_are_known() {
    booked().await;
    let services = http::get(&JAEGER.url("/api/services")).await.json();
    let known: Vec<String> = services["data"].as_array().unwrap().iter().map(text).collect();
    for service in SERVICES {
        assert!(known.contains(&service.to_owned()), "{service}: {known:?}");
    }
}

#[tokio::test]
async fn one_booking_is_one_trace_with_every_parent_kind_and_status_right() {
    let Booked { spans, .. } = booked().await;
    let whole: String = tree(spans, "", 0).into_iter().collect();
    let expected = "\
gateway: POST /bookings (server 201)
  gateway: POST (client 200)
    bookings: POST /bookings (server 200)
      bookings: GET (client 200)
        customers: GET /customers/{id} (server 200)
          customers: read customers (client)
      bookings: GET (client 200)
        vehicles: GET /vehicles/{plate} (server 200)
          vehicles: scan all visits (internal)
      bookings: POST (client 200)
        payments: POST /payments (server 200)
          payments: POST (client 200)
          payments: POST (client 500 500)
          payments: POST (client timeout)
      bookings: send bookings (producer)
        worker: process bookings (consumer)
          worker: POST (client 200)
            notifications: POST /notices (server 200)
          worker: read handled (client)
          worker: write handled (client)
      bookings: workshop.Inventory/Reserve (client OK)
        inventory: workshop.Inventory/Reserve (server OK)
";
    assert_eq!(whole, expected, "\n{whole}");
    // A span whose parent is missing would hang nowhere.
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.id).collect();
    assert!(spans.iter().all(|span| span.parent.is_empty() || ids.contains(&span.parent)), "{spans:#?}");
    assert_eq!(ids.len(), spans.len(), "a span id comes twice");
}

#[tokio::test]
async fn a_timeout_and_a_500_are_marked_as_errors_and_nothing_else_is() {
    let Booked { spans, .. } = booked().await;
    let (mut failed, fine): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.tag("error") == "true");
    failed.sort_by_key(|span| span.start);
    let failures: Vec<_> = failed.iter().map(|span| (&*span.service, span.tag("error.type"))).collect();
    assert_eq!(failures[..2], [("payments", "timeout".to_owned()), ("payments", "500".to_owned())]);
    for span in failed {
        assert_eq!(span.tag("otel.status_code"), "ERROR", "{span:#?}");
        assert_eq!(span.service, "payments", "{span:#?}");
    }
    for span in fine {
        // Unset: only the user may say OK (HTTP conventions, status).
        assert_eq!(span.tag("otel.status_code"), "", "{span:#?}");
        assert_eq!(span.tag("error.type"), "", "{span:#?}");
    }
}

#[tokio::test]
async fn each_attempt_at_the_provider_but_the_first_tells_which_it_is() {
    let Booked { spans, .. } = booked().await;
    let mut attempts: Vec<_> = spans
        .iter()
        .filter(|span| span.service == "payments" && span.tag("span.kind") == "client")
        .map(|span| (span.start, span.tag("http.request.resend_count")))
        .collect();
    attempts.sort();
    let told: Vec<_> = attempts.iter().map(|(_, count)| count.as_str()).collect();
    assert!(told.len() >= 3 && ["", "1", "2", "3"].starts_with(&told), "{told:?}");
}

#[tokio::test]
async fn every_span_tells_whose_it_is_and_names_the_instance_that_wrote_the_lines() {
    let Booked { spans, writers, .. } = booked().await;
    for span in spans {
        let expected = [
            ("deployment.environment.name", "test"),
            ("service.instance.id", &span.instance()),
            ("service.namespace", "workshop"),
            ("telemetry.distro.name", "tower-observability"),
            ("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.sdk.name", "tower-observability"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), Value::from(value)));
        assert_eq!(span.resource, BTreeMap::from(expected), "{span:#?}");
    }
    let instances: BTreeSet<_> = spans.iter().map(|span| (span.service.clone(), span.instance())).collect();
    assert_eq!(instances, *writers);
    let ids: BTreeSet<_> = instances.iter().map(|(_, id)| id).collect();
    assert_eq!((instances.len(), ids.len()), (SERVICES.len(), SERVICES.len()), "{instances:?}");
}

#[tokio::test]
async fn a_trace_is_found_by_the_customers_id() {
    let Booked { trace_id, .. } = booked().await;
    let found = found_by(&json!({ "customer_id": CUSTOMER.to_string() })).await;
    assert!(found.contains(trace_id), "{trace_id}: {found:?}");
    let found = found_by(&json!({ "customer_id": "nobody" })).await;
    assert!(found.is_empty(), "{found:?}");
}

async fn found_by(tags: &Value) -> Vec<String> {
    let asked =
        [("service", "bookings"), ("tags", &*tags.to_string()), ("lookback", "1h"), ("limit", "1000")];
    let found = http::query(&JAEGER.url("/api/traces"), &asked).await.json();
    found["data"].as_array().unwrap().iter().map(|trace| text(&trace["traceID"])).collect()
}

#[tokio::test]
async fn the_dependency_graph_has_every_call_between_the_services() {
    booked().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().to_string();
    let asked = [("endTs", &*now), ("lookback", "3600000")];
    let graph = http::query(&JAEGER.url("/api/dependencies"), &asked).await.json();
    let edges = graph["data"].as_array().unwrap().iter();
    let edges: BTreeSet<_> = edges.map(|edge| (text(&edge["parent"]), text(&edge["child"]))).collect();
    for (parent, child) in CALLS.into_iter().chain([("bookings", "worker")]) {
        assert!(edges.contains(&(parent.to_owned(), child.to_owned())), "{parent} → {child}: {edges:?}");
    }
}

#[tokio::test]
async fn the_trace_page_in_a_browser_names_the_eight() {
    let page = JAEGER.url(&format!("/trace/{}", booked().await.trace_id));
    let eight = BTreeSet::from(SERVICES.map(str::to_owned));
    let browser = Browser::start("jaeger").await;
    browser.open(&page).await;
    eventually(3 * SOON, "a page with eight services", async || {
        let page = browser.run("return document.documentElement.outerHTML").await;
        let page = page.as_str().unwrap();
        let named = services_on(page);
        if named == eight { Ok(()) } else { Err(format!("{named:?} on {page}")) }
    })
    .await;
}

/// The names in front of the rows of the waterfall.
fn services_on(page: &str) -> BTreeSet<String> {
    let rows = page.split("span-svc-name").skip(1);
    let name = |row: &str| Some(row.split_once('>')?.1.split_once('<')?.0.trim().to_owned());
    // A failed span has a sign in front of its name.
    rows.filter_map(name).filter(|name| !name.is_empty()).collect()
}
