//! What Prometheus sees of one service alone: its restart, its slow requests, its first error.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::runtime::Builder;
use tower_observability::ObservabilityLayer;

use super::{BOUNDS, once};
use crate::shared::child::{Child, Running, run};
use crate::support::prometheus::{self, Sample, Scraped, Target, questions, value};
use crate::support::stack::free_port;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{Service, ask};

const COUNT: &str = "http_server_request_duration_seconds_count";

fn target(job: &str, admin: &str) -> Target {
    Target { job: job.to_owned(), instance: format!("{job}-1"), admin: admin.to_owned() }
}

/// The inventory, with its page at this port.
fn inventory(port: &str) -> Service {
    Service::start(
        "inventory",
        &[("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"), ("OTEL_EXPORTER_PROMETHEUS_PORT", port)],
    )
}

fn count_parts(service: &Service, times: usize) {
    for _ in 0..times {
        let answer = ask("GET", &format!("{}/parts/wiper", service.addresses.url), &[], None);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn a_restart_is_seen_and_no_request_is_lost_or_counted_twice() {
    let port = free_port().to_string();
    // The process's id, so that a test run before does not count.
    let job = format!("restarted-{}", std::process::id());
    let of = |metric: &str, more: &str| format!("{metric}{{job=\"{job}\"{more}}}");
    let counted = of(COUNT, ",http_response_status_code=\"200\"");
    let service = inventory(&port);
    assert!(service.addresses.admin.ends_with(&format!(":{port}")), "{:?}", service.addresses);
    let _scraped = Scraped::start("restarted", &[target(&job, &service.addresses.admin)]);
    once(&of("up", ""), 1.0).await;
    count_parts(&service, 1);
    once(&counted, 1.0).await;
    count_parts(&service, 7);
    once(&counted, 8.0).await;
    let start = value(&of("process_start_time_seconds", "")).await.unwrap();

    service.stop();
    once(&of("up", ""), 0.0).await;
    assert_eq!(answers("Processes that cannot be scraped", &job).await.len(), 1);
    assert_eq!(value(&counted).await, None, "a process that is gone has no series");

    let service = inventory(&port);
    once(&of("up", ""), 1.0).await;
    count_parts(&service, 1);
    once(&counted, 1.0).await;
    count_parts(&service, 2);
    once(&counted, 3.0).await;
    let again = value(&of("process_start_time_seconds", "")).await.unwrap();
    assert!(again > start, "{again} after {start}");
    assert_eq!(answers("Restarts in the last hour", &job).await[0].value, 1.0);
    assert_eq!(answers("Processes that cannot be scraped", &job).await.len(), 0);
    assert_eq!(value(&format!("resets({counted}[5m])")).await, Some(1.0));
    // Seven of the first process, after its first; all three of the second.
    let increase = value(&format!("increase({counted}[5m])")).await.unwrap();
    assert!((9.99..15.0).contains(&increase), "{increase}");
    let least = value(&format!("min_over_time(rate({counted}[5s])[2m:1s])")).await.unwrap();
    assert!(least >= 0.0, "{least}");
}

/// What the guide's query with this begin answers about a job.
async fn answers(title: &str, job: &str) -> Vec<Sample> {
    let question = questions().into_iter().find(|question| question.title.starts_with(title)).unwrap();
    let mut found = prometheus::ask(&question.promql).await;
    found.retain(|sample| sample.labels.get("job") == job);
    found
}

/// The service that fails and dawdles as asked.
struct Flaky {
    process: Running,
    url: String,
    job: String,
    _scraped: Scraped,
}

impl Flaky {
    /// Its route was asked once, and has been scraped.
    async fn start(name: &str) -> Self {
        Self::start_with(name, &[]).await
    }

    async fn start_with(name: &str, variables: &[(&str, &str)]) -> Self {
        let child = Child::new("prometheus::alone", "flaky");
        let child = variables.iter().fold(child, |child, (name, value)| child.env(name, value));
        let mut process = child.start();
        let said = |line: String, before: &str| line.strip_prefix(before).unwrap().to_owned();
        let url = said(process.line("url: "), "url: ");
        let admin = said(process.line("admin: "), "admin: ");
        let job = format!("{name}-{}", std::process::id());
        let flaky = Self { process, url, _scraped: Scraped::start(name, &[target(&job, &admin)]), job };
        flaky.ask("", 200);
        once(&flaky.count(",http_response_status_code=\"200\""), 1.0).await;
        flaky
    }

    fn count(&self, more: &str) -> String {
        format!("{COUNT}{{job=\"{}\",http_route=\"/flaky\"{more}}}", self.job)
    }

    fn ask(&self, how: &str, status: u16) {
        assert_eq!(ask("GET", &format!("{}/flaky{how}", self.url), &[], None).status, status);
    }

    fn end(self) {
        self.process.terminate();
        self.process.end().well();
    }
}

#[tokio::test]
async fn a_quantile_is_in_the_bucket_of_the_request_that_it_is() {
    let flaky = Flaky::start("slow").await;
    let mut slowest = Duration::ZERO;
    for n in 0..40 {
        let start = Instant::now();
        flaky.ask(if n % 5 == 0 { "?millis=300" } else { "" }, 200);
        slowest = slowest.max(start.elapsed());
    }
    once(&flaky.count(",http_response_status_code=\"200\""), 41.0).await;
    let slow = answers("Duration: the 95th percentile", &flaky.job).await[0].value;
    let most = BOUNDS.into_iter().find(|bound| *bound >= slowest.as_secs_f64()).unwrap();
    assert!(slow > 0.25 && slow <= most, "{slow} is not in 0.25..{most}");
    let mean = answers("Duration: the mean", &flaky.job).await[0].value;
    assert!(mean > 0.04 && mean < 0.25, "{mean}, a fifth of them 0.3");
    flaky.end();
}

#[tokio::test]
async fn the_first_error_of_a_route_is_seen() {
    let flaky = Flaky::start("flaky").await;
    let errors = flaky.count(",error_type!=\"\"");
    once(&errors, 0.0).await;
    flaky.ask("?fails=true", 500);
    once(&errors, 1.0).await;
    let increase = value(&format!("increase({errors}[5m])")).await.unwrap();
    assert!((0.99..3.0).contains(&increase), "{increase}");
    // Beside it is one success, which came first and began its series: the error is all that grew.
    assert_eq!(answers("Errors: their share", &flaky.job).await[0].value, 1.0);
    flaky.end();
}

/// Whose spans nobody takes, and who waits for nobody long.
async fn loses_spans(exporter: &str, variables: &[(&str, &str)]) {
    let impatient = [("OTEL_BSP_SCHEDULE_DELAY", "1000"), ("OTEL_BSP_EXPORT_TIMEOUT", "3000")];
    let flaky = Flaky::start_with(exporter, &[variables, &impatient].concat()).await;
    let title = "Lost telemetry";
    let lost = eventually(SOON, title, async || {
        // Span after span: what was lost before the first scrape is not seen.
        flaky.ask("", 200);
        match answers(title, &flaky.job).await {
            lost if lost.is_empty() => Err("nothing".to_owned()),
            lost => Ok(lost),
        }
    })
    .await;
    let which = [("otel_component_name", &*format!("{exporter}/0")), ("error_type", "unreachable")];
    assert!(lost.len() == 1 && lost[0].labels.have(&which), "{lost:#?}");
    flaky.end();
}

#[tokio::test]
async fn a_lost_span_is_seen_with_its_reason_and_whose_it_was() {
    let zipkin = [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://127.0.0.1:9/api/v2/spans"),
    ];
    tokio::join!(
        loses_spans("otlp_http_span_exporter", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]),
        loses_spans("zipkin_http_span_exporter", &zipkin),
    );
}

#[test]
fn program() {
    run(&[("flaky", flaky)]);
}

#[derive(serde::Deserialize)]
struct Wish {
    fails: Option<bool>,
    millis: Option<u64>,
}

async fn answer(Query(wish): Query<Wish>) -> StatusCode {
    tokio::time::sleep(Duration::from_millis(wish.millis.unwrap_or(0))).await;
    if wish.fails == Some(true) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

/// A service that fails as asked.
fn flaky() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("flaky").unwrap();
        let app = Router::new().route("/flaky", get(answer)).layer(ObservabilityLayer::new());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        eprintln!("url: http://{}", listener.local_addr().unwrap());
        eprintln!("admin: http://{}", observability.admin_address().unwrap());
        axum::serve(listener, app).with_graceful_shutdown(observability.shutdown_signal()).await.unwrap();
        observability.shutdown().await;
    });
}
