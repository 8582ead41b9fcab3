//! What Prometheus and Loki are asked, of stand-ins that answer as their documentation says. The real Prometheus is asked by
//! the tests of the real systems.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};

use super::{Told, asked};
use crate::support::server::Server;

/// The doctor beside servers of this runtime.
async fn beside(arguments: Vec<String>) -> Told {
    let ask = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        asked(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")], &arguments)
    };
    tokio::task::spawn_blocking(ask).await.unwrap()
}

fn of(service: &str, store: &str, url: String) -> Vec<String> {
    vec!["--service".to_owned(), service.to_owned(), store.to_owned(), url]
}

async fn prometheus() -> Server {
    let target = |job: &str, health: &str, error: &str| json!({ "labels": { "job": job }, "scrapeUrl": format!("http://{job}:9464/metrics"), "health": health, "lastError": error });
    let targets = json!({ "status": "success", "data": { "activeTargets": [
        target("bookings", "up", ""),
        target("payments", "down", "Get \"http://payments:9464/metrics?token=s3cr3t\": connection refused"),
        target("new", "unknown", ""),
    ] } });
    let facts = |RawQuery(query): RawQuery| async move {
        let knows = query.unwrap_or_default().contains("bookings");
        let result = if knows { json!([{ "metric": {}, "value": [1.0, "2"] }]) } else { json!([]) };
        axum::Json(json!({ "status": "success", "data": { "resultType": "vector", "result": result } }))
            .0
            .to_string()
    };
    let flags = json!({ "status": "success", "data": { "enable-feature": "" } }).to_string();
    let router = Router::new()
        .route("/api/v1/targets", get(async move || targets.to_string()))
        .route("/api/v1/query", get(facts))
        .route("/api/v1/status/flags", get(async move || flags));
    Server::start(router).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_is_asked_whether_it_scrapes_the_service() {
    let server = prometheus().await;
    let told = beside(of("bookings", "--prometheus", server.url("/"))).await;
    told.is_ok(("prometheus", "target"), &["http://bookings:9464/metrics is up"]);
    told.is_ok(("prometheus", "target_info"), &["2 of this service"]);
    told.warns(("prometheus", "exemplars"), &["--enable-feature=exemplar-storage"]);
    let told = beside(of("payments", "--prometheus", server.url(""))).await;
    told.fails(
        ("prometheus", "target"),
        &[
            "is down",
            "its last scrape failed: Get \"http://payments:9464/metrics?REDACTED\": connection refused",
        ],
    );
    told.warns(("prometheus", "target_info"), &["nothing of this service has arrived"]);
    beside(of("new", "--prometheus", server.url("")))
        .await
        .warns(("prometheus", "target"), &["not scraped yet"]);
    let told = beside(of("nobody", "--prometheus", server.url(""))).await;
    told.fails(("prometheus", "targets"), &["job=\"nobody\"", "bookings, new, payments"]);
    let told = beside(vec!["--prometheus".to_owned(), server.url("")]).await;
    told.warns(("prometheus", "targets"), &["which service is meant?", "bookings, new, payments"]);
    told.warns(("prometheus", "target_info"), &["which service is meant?"]);
    let told = beside(of("x", "--prometheus", "http://127.0.0.1:9".to_owned())).await;
    told.fails(("prometheus", "targets"), &["Connection refused"]);
}

async fn loki(labels: Value) -> Server {
    let answer = move |data: Value| json!({ "status": "success", "data": data }).to_string();
    let services = answer(json!(["bookings", "payments"]));
    let labels = answer(labels);
    let router = Router::new()
        .route("/loki/api/v1/labels", get(async move || labels))
        .route("/loki/api/v1/label/service_name/values", get(async move || services));
    Server::start(router).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loki_is_asked_for_its_labels_and_for_the_service() {
    let server = loki(json!(["level", "service_name"])).await;
    let told = beside(of("bookings", "--loki", server.url(""))).await;
    told.is_ok(("loki", "labels"), &["level, service_name"]);
    told.is_ok(("loki", "service_name"), &["bookings"]);
    let told = beside(of("nobody", "--loki", server.url(""))).await;
    told.fails(("loki", "service_name"), &["no line of nobody has arrived", "bookings, payments"]);
    let told = beside(vec!["--loki".to_owned(), server.url("")]).await;
    told.warns(("loki", "service_name"), &["which service is meant?", "bookings, payments"]);
    let server = loki(json!(["job"])).await;
    let told = beside(of("bookings", "--loki", server.url(""))).await;
    told.fails(("loki", "labels"), &["there is no label service_name"]);
    let none = Server::start(Router::new().fallback((StatusCode::UNAUTHORIZED, "who are you?"))).await;
    let told = beside(of("bookings", "--loki", none.url(""))).await;
    told.fails(("loki", "labels"), &["401 Unauthorized", "who are you?"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_answers_with_something_else_is_not_taken_for_one_that_has_nothing() {
    let login = json!({ "error": "log in first" }).to_string();
    let server = Server::start(Router::new().fallback(async move || login)).await;
    let told = beside(of("bookings", "--loki", server.url(""))).await;
    told.fails(("loki", "labels"), &["not known", "log in first"]);
    let told = beside(of("bookings", "--prometheus", server.url(""))).await;
    told.fails(("prometheus", "targets"), &["not known", "log in first"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_services_name_of_two_lines_is_one_text_in_a_query() {
    let queries = Arc::new(Mutex::new(String::new()));
    let heard = queries.clone();
    let answers = async move |RawQuery(query): RawQuery| {
        heard.lock().unwrap().push_str(&query.unwrap_or_default());
        json!({ "status": "success", "data": { "activeTargets": [], "result": [] } }).to_string()
    };
    let server = Server::start(Router::new().fallback(answers)).await;
    beside(of("a\"b\\\nc", "--prometheus", server.url(""))).await;
    let queries = queries.lock().unwrap().clone();
    // job="a\"b\\\nc"
    assert!(queries.contains("job%3D%22a%5C%22b%5C%5C%5Cnc%22"), "{queries}");
}
