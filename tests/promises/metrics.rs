//! Promise: every request is counted once, on a page that a scraper accepts, beside the user's own metrics.

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::any;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_observability::testing::Instance;

use crate::support::exposition::{Family, read};

fn app(seen: &Instance) -> Router {
    Router::new()
        .route("/bookings/{id}", any(|| async { "booked" }))
        .route("/broken", any(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/never", any(std::future::pending::<()>))
        .layer(seen.layer())
}

async fn ask(app: &Router, method: &str, path: &str) {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap();
}

/// The family of this name, from a page that both formats' rules accept.
fn family(seen: &Instance, name: &str) -> Family {
    read(&seen.scrape(), false).unwrap();
    let families = read(&seen.scrape_openmetrics(), true).unwrap();
    families.into_iter().find(|family| family.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Each series of the server's histogram, as its labels, with its count.
fn counted(seen: &Instance) -> Vec<(Vec<(String, String)>, f64)> {
    let family = family(seen, "http_server_request_duration_seconds");
    let counts = family.samples.into_iter().filter(|sample| sample.name.ends_with("_count"));
    counts.map(|sample| (sample.labels, sample.value)).collect()
}

fn value<'a>(labels: &'a [(String, String)], name: &str) -> Option<&'a str> {
    labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_request_is_counted_once_by_its_route_and_its_500_is_there_at_zero() {
    let seen = Instance::new();
    let app = app(&seen);
    ask(&app, "GET", "/bookings/1").await;
    ask(&app, "GET", "/bookings/2").await;
    ask(&app, "GET", "/broken").await;
    let mut counted: Vec<_> = counted(&seen)
        .into_iter()
        .map(|(labels, count)| {
            let of = |name| value(&labels, name).unwrap_or("-").to_owned();
            (of("http_route"), of("http_response_status_code"), of("error_type"), count)
        })
        .collect();
    counted.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let row =
        |route: &str, status: &str, error: &str, count| (route.into(), status.into(), error.into(), count);
    assert_eq!(
        counted,
        [
            row("/bookings/{id}", "200", "-", 2.0),
            row("/bookings/{id}", "500", "500", 0.0),
            row("/broken", "500", "500", 1.0),
        ]
    );
}

#[tokio::test]
async fn what_a_client_invents_adds_no_series() {
    let seen = Instance::new();
    let app = app(&seen);
    for n in 0..50 {
        ask(&app, "GET", &format!("/invented/{n}")).await;
        ask(&app, &format!("INVENTED{n}"), "/bookings/1").await;
    }
    let counted = counted(&seen);
    assert!(counted.len() <= 4, "{counted:#?}");
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<f64>(), 100.0);
    assert!(counted.iter().any(|(labels, _)| value(labels, "http_request_method") == Some("_OTHER")));
    assert!(
        counted
            .iter()
            .all(|(labels, _)| value(labels, "http_route").is_none_or(|route| route == "/bookings/{id}"))
    );
}

#[tokio::test]
async fn a_bucket_opens_the_trace_of_a_request_that_fell_into_it() {
    let seen = Instance::new();
    ask(&app(&seen), "GET", "/bookings/1").await;
    let family = family(&seen, "http_server_request_duration_seconds");
    let exemplars: Vec<_> = family.samples.into_iter().filter_map(|sample| sample.exemplar).collect();
    let spans = seen.spans();
    let [exemplar] = exemplars.as_slice() else { panic!("one exemplar, not {exemplars:#?}") };
    assert_eq!(value(&exemplar.labels, "trace_id"), Some(spans[0].trace.trace_id.to_string().as_str()));
    assert_eq!(value(&exemplar.labels, "span_id"), Some(spans[0].trace.span_id.to_string().as_str()));
    assert!(exemplar.timestamp > 1_700_000_000.0);
    assert!(!seen.scrape().contains(" # {"), "the text format has none");
}

#[tokio::test]
async fn a_request_that_is_given_up_is_counted_and_no_longer_in_flight() {
    let seen = Instance::new();
    let request = Request::get("/never").body(Body::empty()).unwrap();
    let mut pending = Box::pin(app(&seen).oneshot(request));
    assert!(futures_util::poll!(&mut pending).is_pending());
    let in_flight = || {
        family(&seen, "http_server_active_requests").samples.iter().map(|sample| sample.value).sum::<f64>()
    };
    assert_eq!(in_flight(), 1.0);
    drop(pending);
    assert_eq!(in_flight(), 0.0);
    let cancelled: Vec<_> = counted(&seen).into_iter().filter(|(_, count)| *count > 0.0).collect();
    assert_eq!(cancelled.len(), 1);
    assert_eq!(value(&cancelled[0].0, "error_type"), Some("cancelled"));
    assert_eq!(value(&cancelled[0].0, "http_response_status_code"), None);
}

#[test]
fn the_users_own_metrics_are_on_the_same_page() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    metrics::describe_counter!("orders", "Orders taken.");
    metrics::counter!("orders", "kind" => "new").increment(3);
    metrics::gauge!("queue_depth").set(7.0);
    metrics::histogram!("wait_seconds").record(0.3);
    let orders = family(&seen, "orders");
    assert_eq!((orders.kind.as_str(), orders.help.as_deref()), ("counter", Some("Orders taken.")));
    assert_eq!((orders.samples[0].name.as_str(), orders.samples[0].value), ("orders_total", 3.0));
    assert_eq!(family(&seen, "queue_depth").samples[0].value, 7.0);
    let wait = family(&seen, "wait_seconds");
    assert_eq!(wait.unit.as_deref(), Some("seconds"));
    assert_eq!(wait.samples.iter().filter(|sample| sample.name.ends_with("_bucket")).count(), 15);
}
