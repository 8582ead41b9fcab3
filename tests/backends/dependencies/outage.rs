//! PostgreSQL, Redis, RabbitMQ and Kafka, each slow, hung, dead and back under load: what the request's span, line and metric
//! say of it, that each request is answered all the same, and that everything recovers.

mod own;
mod service;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::http::Method;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use self::own::Own;
use crate::shared::child::{Child, Running, run};
use crate::shared::http::get;
use crate::support::delay::Delay;
use crate::support::http;
use crate::support::jaeger::{Span, Trace};
use crate::support::systems::JAEGER_OTLP;
use crate::support::wait::{SOON, eventually};

/// What is asked, and how its hop is known.
struct Dependency {
    name: &'static str,
    hop: &'static str,
    /// The family of its metric, and a label of it.
    metric: &'static str,
    system: &'static str,
}

/// Longer than a start takes where everything starts at once.
const RECOVERS_WITHIN: Duration = Duration::from_secs(90);
const CALLERS: u64 = 4;
const SLOW: Duration = Duration::from_millis(60);

#[test]
fn program() {
    run(&[("serves", service::serve)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql() {
    let metric = "db_client_operation_duration_seconds";
    suffers(Dependency { name: "postgres", hop: "SELECT pg_class", metric, system: "postgresql" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis() {
    let metric = "db_client_operation_duration_seconds";
    suffers(Dependency { name: "redis", hop: "RPUSH", metric, system: "redis" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq() {
    let metric = "messaging_client_operation_duration_seconds";
    suffers(Dependency { name: "rabbitmq", hop: "send booking", metric, system: "rabbitmq" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka() {
    let metric = "messaging_client_operation_duration_seconds";
    suffers(Dependency { name: "kafka", hop: "send booking", metric, system: "kafka" }).await;
}

/// The service, what it depends on, and its callers.
struct Scene {
    dependency: Dependency,
    child: Running,
    admin: String,
    callers: Arc<Callers>,
}

struct Callers {
    url: String,
    /// The first half of their traces' ids: the nanosecond at which they began.
    first_half: u64,
    has_ended: AtomicBool,
    answers: AtomicU64,
    /// The last answers: when it was asked, the trace's id, the status.
    last: Mutex<Vec<(Instant, String, u16)>>,
}

impl Callers {
    async fn call(&self, caller: u64) {
        for number in 0.. {
            if self.has_ended.load(Ordering::Relaxed) {
                return;
            }
            let trace = format!("{:016x}{caller:04x}{number:012x}", self.first_half);
            let headers = [("traceparent", &*format!("00-{trace}-00000000000000a1-01"))];
            let asked = Instant::now();
            // Whoever is not answered panics.
            let answer = http::ask(Method::POST, &self.url, &headers, "").await;
            assert!([200, 503, 504].contains(&answer.status.as_u16()), "{answer:?}");
            self.answers.fetch_add(1, Ordering::Relaxed);
            self.last.lock().await.push((asked, trace, answer.status.as_u16()));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The trace of a request that was made from now on and ended so.
    async fn next(&self, what: &str, is_so: impl Fn(u16) -> bool) -> (String, u16) {
        let since = Instant::now();
        eventually(RECOVERS_WITHIN, what, async || {
            let mut last = self.last.lock().await;
            let found = last.iter().find(|(asked, _, status)| *asked >= since && is_so(*status));
            let found = found.map(|(_, trace, status)| (trace.clone(), *status));
            let seen = last.last().map(|(_, _, status)| *status);
            last.clear();
            found.ok_or(format!("{seen:?}"))
        })
        .await
    }
}

impl Scene {
    fn start(dependency: Dependency, at: &Delay) -> Self {
        let child = Child::new("dependencies::outage", "serves").env("DEPENDENCY", dependency.name);
        let child = child.env("AT", at.port().to_string()).env("OBSERVABILITY_LOG_SLOW", "50");
        let mut child = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", JAEGER_OTLP.value()).start();
        let mut said = |text| child.line(text).rsplit(' ').next().unwrap().to_owned();
        let (address, admin) = (said("listening: "), said("admin: "));
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let callers = Callers {
            url: format!("http://{address}/book"),
            first_half: u64::try_from(since_epoch.as_nanos()).unwrap(),
            has_ended: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            last: Mutex::default(),
        };
        Self { dependency, child, admin, callers: Arc::new(callers) }
    }

    /// The line at the end of the request.
    fn line(&mut self, trace: &str) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.child.line(trace)).unwrap();
            if line["route"] == "/book" && line["status"].is_number() {
                return line;
            }
        }
    }

    /// In Jaeger, the request's span and those below it.
    async fn spans(&self, trace: &str) -> (Span, Vec<Span>) {
        eventually(SOON, "the request's spans", async || {
            let trace = Trace::so_far(trace).await;
            let (requests, below): (Vec<_>, Vec<_>) =
                trace.0.iter().cloned().partition(|span| span.tag("span.kind") == "server");
            requests.into_iter().next().map(|request| (request, below)).ok_or(format!("{trace:?}"))
        })
        .await
    }

    /// The sum of a series of its metric, such as `_count`, whose labels satisfy this.
    fn sum(&self, page: &str, series: &str, is_one: impl Fn(&str) -> bool) -> f64 {
        let family = format!("{}{series}{{", self.dependency.metric);
        let system = format!("\"{}\"", self.dependency.system);
        let lines = page.lines().filter(|line| line.starts_with(&family) && line.contains(&system));
        // An exemplar may stand behind the value.
        let value = |line: &str| line.split(" # ").next()?.rsplit(' ').next()?.parse::<f64>().ok();
        lines.filter(|line| is_one(line)).filter_map(value).sum()
    }

    /// How often its metric says that something was wrong: an error, no connection, or half a second and more, which is how a
    /// query ends that was given up.
    fn complaints(&self) -> f64 {
        let page = get(&self.admin, "/metrics");
        let failed = self.sum(&page, "_count", |line| line.contains("error_type="));
        let late = self.sum(&page, "_count", |_| true)
            - self.sum(&page, "_bucket", |line| line.contains("le=\"0.5\""));
        let family = "db_client_connection_timeouts_total{";
        let missed = page.lines().find(|line| line.starts_with(family));
        failed + late + missed.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
    }

    /// A request that failed for its dependency's sake: span, line and metric say so.
    async fn has_failed(&mut self, what: &str) {
        let before = self.complaints();
        let (trace, status) = self.callers.next(what, |status| status != 200).await;
        let line = self.line(&trace);
        assert_eq!(line["status"], status, "{what}: {line:#}");
        assert_eq!(
            line["outcome"],
            if status == 504 { "timeout" } else { "server_error" },
            "{what}: {line:#}"
        );
        assert!(line["error"].as_str().is_some_and(|error| !error.is_empty()), "{what}: {line:#}");
        let (request, below) = self.spans(&trace).await;
        assert!(
            request.tag("error") == "true" && request.tag("http.response.status_code") == status.to_string()
        );
        // It failed itself, was given up, or there was no connection for it.
        let has_failed = |span: &&Span| {
            span.name == self.dependency.hop
                && (span.tag("error") == "true" || span.tag("observability.outcome") == "cancelled")
        };
        let is_missing = line["observability.connection_missing"] == "bookings"
            && below.iter().any(|span| span.name == "acquire bookings");
        assert!(is_missing || below.iter().any(|span| has_failed(&span)), "{what}: {line:#} {below:?}");
        let after = self.complaints();
        println!(
            "{}, {what}: {status}, {}, counted {before} before and {after} after",
            self.dependency.name, line["error"]
        );
        assert!(after > before, "{what}: {before} before, {after} after");
    }

    /// A request that was answered, late: its span and line say what it waited for.
    async fn is_slow(&mut self) {
        let (trace, _) = self.callers.next("a slow answer", |status| status == 200).await;
        let line = self.line(&trace);
        assert!(line["duration_ms"].as_f64() >= Some(SLOW.as_secs_f64() * 1e3), "{line:#}");
        let (_, below) = self.spans(&trace).await;
        let hop = below.iter().find(|span| span.name == self.dependency.hop);
        let hop = hop.unwrap_or_else(|| panic!("{below:?}"));
        assert!(u128::from(hop.duration) >= SLOW.as_micros() && hop.tag("error").is_empty(), "{hop:?}");
        if self.dependency.metric.starts_with("db_") {
            assert_eq!(line["observability.slow_query"], self.dependency.hop, "{line:#}");
        }
        println!("{}, slow: {} µs of {} ms", self.dependency.name, hop.duration, line["duration_ms"]);
    }

    /// Waits until the depth of its queue is on the page, or is not.
    async fn shows_depth(&self, is_shown: bool) {
        if self.dependency.name != "redis" {
            return;
        }
        eventually(RECOVERS_WITHIN, &format!("the depth: {is_shown}"), async || {
            let page = get(&self.admin, "/metrics");
            if page.contains("queue_depth{queue=\"votes\"}") == is_shown { Ok(()) } else { Err(page) }
        })
        .await;
    }
}

async fn suffers(dependency: Dependency) {
    let mut own = Own::new(dependency.name);
    let at = Delay::start(own.port).await;
    own.start(at.port());
    let mut scene = Scene::start(dependency, &at);
    let mut calling = JoinSet::new();
    for caller in 0..CALLERS {
        let callers = Arc::clone(&scene.callers);
        calling.spawn(async move { callers.call(caller).await });
    }
    let callers = Arc::clone(&scene.callers);
    let is_well = async |what: &str| drop(callers.next(what, |status| status == 200).await);
    is_well("the first answer").await;
    scene.shows_depth(true).await;

    at.hold(SLOW);
    is_well("an answer while it is slow").await;
    scene.is_slow().await;
    at.hold(Duration::ZERO);
    is_well("a quick answer again").await;

    own.signal("-STOP");
    scene.has_failed("while it hangs").await;
    scene.shows_depth(false).await;
    own.signal("-CONT");
    is_well("an answer after it hung").await;
    scene.shows_depth(true).await;

    own.kill();
    scene.has_failed("while it is dead").await;
    own.start(at.port());
    is_well("an answer after it died").await;

    callers.has_ended.store(true, Ordering::Relaxed);
    while let Some(ended) = calling.join_next().await {
        ended.unwrap();
    }
    // Each request is counted once.
    let page = get(&scene.admin, "/metrics");
    let requests =
        page.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count{"));
    let requests: f64 = requests.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    assert_eq!(requests, callers.answers.load(Ordering::Relaxed) as f64);
}
