//! Promise: services that keep traces together keep them whole, whoever of them learns that a trace matters, and whenever.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Builder;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::{ObservabilityLayer, Work, propagation};

use crate::support::child::{Child, Running, run};
use crate::support::collector::{Collected, Collector};
use crate::support::http;

const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn program() {
    run(&[("service", service)]);
}

/// Calls the next service, if there is one.
async fn call(path: &str) -> StatusCode {
    let Ok(next) = std::env::var("NEXT") else { return StatusCode::OK };
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let request = Request::get(format!("http://{next}{path}")).body(Empty::new()).unwrap();
    let Ok(response) = ObservabilityLayer::client().layer(client).oneshot(request).await else {
        return StatusCode::BAD_GATEWAY;
    };
    let status = response.status();
    response.into_body().collect().await.unwrap();
    status
}

fn is_last() -> bool {
    std::env::var("NEXT").is_err()
}

/// The messages that wait.
static MESSAGES: Mutex<Vec<HashMap<String, String>>> = Mutex::new(Vec::new());

async fn fine() -> StatusCode {
    call("/fine").await
}

/// The first fails after all others have answered well.
async fn late() -> StatusCode {
    call("/fine").await;
    StatusCode::INTERNAL_SERVER_ERROR
}

/// The last fails, and whoever called it goes on.
async fn deep() -> StatusCode {
    if is_last() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    call("/deep").await;
    StatusCode::OK
}

/// The last logs an ERROR, and answers well.
async fn hidden() -> StatusCode {
    if is_last() {
        tracing::error!("the stock is negative");
    }
    call("/hidden").await
}

/// The last fails after everybody has answered well.
async fn after() -> StatusCode {
    if is_last() {
        tower_observability::spawn(async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Work::internal("send receipt").run_result(async { Err::<(), _>("no printer".into()) }).await
        });
    }
    call("/after").await
}

/// The last sends a message.
async fn send() -> StatusCode {
    if is_last() {
        let mut message = HashMap::new();
        Work::producer("send booking").run(async { propagation::inject(&mut message) }).await;
        MESSAGES.lock().unwrap().push(message);
    }
    call("/send").await
}

/// Takes the message of the last out of its queue, as another process would.
async fn message() -> String {
    let message = MESSAGES.lock().unwrap().pop().unwrap();
    message.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

/// Processes what another process sent; it fails.
async fn process(message: String) -> StatusCode {
    let message: HashMap<_, _> = message
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    let failing = message.contains_key("fails");
    // As the clients of brokers do.
    let remote = propagation::extract_with(|key| message.get(key));
    let work = Work::consumer("process booking").parent(remote);
    let _ = work.run_result(async move { if failing { Err("no seats".into()) } else { Ok(()) } }).await;
    StatusCode::OK
}

fn service() {
    let observability = tower_observability::init(std::env::var("NAME").unwrap()).unwrap();
    let app = Router::new()
        .route("/fine", get(fine))
        .route("/late", get(late))
        .route("/deep", get(deep))
        .route("/hidden", get(hidden))
        .route("/after", get(after))
        .route("/send", get(send))
        .layer(ObservabilityLayer::new())
        .route("/message", get(message))
        .route("/process", axum::routing::post(process));
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("serving: {}", listener.local_addr().unwrap());
        println!("admin: {}", observability.admin_address().unwrap());
        axum::serve(listener, app).await.unwrap();
    });
}

/// Three services, each calling the next.
struct Chain {
    collector: Collector,
    services: Vec<(Running, String, String)>,
}

impl Chain {
    fn start(change: impl Fn(Child) -> Child) -> Self {
        let collector = Collector::start();
        let mut services: Vec<(Running, String, String)> = Vec::new();
        for name in ["stock", "bookings", "front"] {
            let child = Child::new("peers", "service")
                .env("NAME", name)
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
                .env("OTEL_BSP_SCHEDULE_DELAY", "50")
                .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
                .env("OTEL_TRACES_SAMPLER_ARG", "0")
                .env("OBSERVABILITY_TRACES_KEEP", "errors")
                .env("OBSERVABILITY_TRACES_PEERS", "127.0.0.0/8")
                .env("OBSERVABILITY_TRACES_PEERS_TOKEN", "hush");
            let next = services.last().map(|(_, address, _)| address.clone());
            let child = match next {
                Some(next) => child.env("NEXT", next),
                None => child.without_env("NEXT"),
            };
            let mut running = change(child).start();
            let mut said = |prefix: &str| running.line(prefix).split_once(": ").unwrap().1.to_owned();
            let (address, admin) = (said("serving: "), said("admin: "));
            services.push((running, address, admin));
        }
        services.reverse();
        Self { collector, services }
    }

    fn ask(&self, path: &str) -> String {
        http::get(&self.services[0].1, path)
    }

    fn post(address: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}");
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The spans of each kept trace, as service and name, once there are so many traces and each is whole.
    fn kept(&self, expected: &[BTreeSet<(String, String)>]) {
        let until = Instant::now() + DEADLINE;
        let mut expected: Vec<_> = expected.to_vec();
        expected.sort();
        loop {
            let spans = self.collector.spans();
            let mut traces: Vec<_> = by_trace(&spans).into_values().collect();
            traces.sort();
            if traces == expected {
                return;
            }
            assert!(Instant::now() < until, "{traces:#?} instead of {expected:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn counted(&self, service: usize, series: &str) -> f64 {
        let page = http::get(&self.services[service].2, "/metrics");
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(series))
            .unwrap_or_else(|| panic!("{series}: {page}"));
        line.trim().parse().unwrap()
    }
}

fn by_trace(spans: &[Collected]) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut traces = BTreeMap::<_, BTreeSet<_>>::new();
    for span in spans {
        traces
            .entry(span.trace_id())
            .or_default()
            .insert((span.resource("service.name"), span.span.name.clone()));
    }
    traces
}

/// The spans of a request that went through all three.
fn chain(first: &str, rest: &str) -> BTreeSet<(String, String)> {
    let of = |service: &str, name: String| (service.to_owned(), name);
    BTreeSet::from([
        of("front", format!("GET {first}")),
        of("front", "GET".to_owned()),
        of("bookings", format!("GET {rest}")),
        of("bookings", "GET".to_owned()),
        of("stock", format!("GET {rest}")),
    ])
}

#[test]
fn a_trace_is_kept_by_all_who_took_part_whoever_of_them_fails_and_when() {
    let services = Chain::start(|child| child);
    let mut expected = Vec::new();
    for (path, rest) in [("/late", "/fine"), ("/deep", "/deep"), ("/hidden", "/hidden")] {
        for _ in 0..5 {
            assert!(
                !services.ask("/fine").contains("observability-peer"),
                "no stranger learns where we are told"
            );
            services.ask(path);
            expected.push(chain(path, rest));
        }
    }
    services.ask("/after");
    let mut whole = chain("/after", "/after");
    whole.insert(("stock".to_owned(), "send receipt".to_owned()));
    expected.push(whole);
    services.kept(&expected);
    for span in services.collector.spans() {
        assert_eq!(span.span.flags & 1, 1);
        assert!(!span.text("observability.kept").is_empty() || span.span.name == "send receipt");
    }
    assert!(services.counted(2, "observability_peer_messages_total{direction=\"received\"}") >= 1.0);
    assert_eq!(services.counted(0, "observability_peer_messages_total{direction=\"failed\"}"), 0.0);
}

#[test]
fn a_message_belongs_to_the_trace_also_when_it_is_processed_elsewhere_before_or_after_it_matters() {
    let services = Chain::start(|child| child);
    let (stock, front) = (&services.services[2].1, &services.services[0].1);
    // Processed by the first service, which fails, after the request has ended.
    services.ask("/send");
    let sent = http::get(stock, "/message").split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(sent.contains("observability-peer="), "{sent}");
    Chain::post(front, "/process", "", &format!("{sent}fails=1\n"));
    let mut whole = chain("/send", "/send");
    whole.insert(("stock".to_owned(), "send booking".to_owned()));
    whole.insert(("front".to_owned(), "process booking".to_owned()));
    services.kept(&[whole.clone()]);
}

#[test]
fn who_has_processed_a_message_well_is_told_when_the_trace_matters_later() {
    let services = Chain::start(|child| child);
    let (stock, front) = (&services.services[2].1, &services.services[0].1);
    services.ask("/send");
    let sent = http::get(stock, "/message").split_once("\r\n\r\n").unwrap().1.to_owned();
    Chain::post(front, "/process", "", &sent);
    // The producer's neighbour says that the trace is kept.
    let trace = sent.lines().find_map(|line| line.strip_prefix("traceparent=00-")).unwrap()[..32].to_owned();
    let admin = &services.services[1].2;
    let answer = Chain::post(admin, "/keep", "authorization: Bearer hush\r\n", &format!("keep {trace}\n"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut whole = chain("/send", "/send");
    whole.insert(("stock".to_owned(), "send booking".to_owned()));
    whole.insert(("front".to_owned(), "process booking".to_owned()));
    services.kept(&[whole]);
}

#[test]
fn without_the_token_nothing_is_kept_and_a_flood_is_bounded() {
    let services = Chain::start(|child| child.env("OBSERVABILITY_TRACES_KEEP_MEMORY", "1048576"));
    services.ask("/fine");
    let admin = &services.services[0].2;
    let forged = "keep 4bf92f3577b34da6a3ce929d0e0e4736\n";
    for headers in
        ["", "authorization: Bearer hus\r\n", "authorization: Bearer \r\n", "authorization: Basic hush\r\n"]
    {
        let answer = Chain::post(admin, "/keep", headers, forged);
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    }
    let token = "authorization: Bearer hush\r\n";
    for body in ["", "keep\n", "keep 0\n", "forget 4bf92f3577b34da6a3ce929d0e0e4736\n"] {
        let answer = Chain::post(admin, "/keep", token, body);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let answer = Chain::post(admin, "/keep", token, &forged.repeat(3_000));
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // Ids of nobody, and one of ours again and again.
    for round in 0..20_u128 {
        let ids: String = (1..=1_000_u128).map(|id| format!("keep {:032x}\n", round << 64 | id)).collect();
        Chain::post(admin, "/keep", token, &ids);
    }
    assert_eq!(services.counted(0, "observability_peer_messages_total{direction=\"refused\"}"), 8.0);
    assert!(services.collector.spans().is_empty());
    services.ask("/late");
    services.kept(&[chain("/late", "/fine")]);
}

#[test]
fn a_service_that_is_down_costs_its_own_spans_and_those_behind_it_and_no_request() {
    let mut services = Chain::start(|child| child);
    services.ask("/late");
    services.kept(&[chain("/late", "/fine")]);
    // It hears of nothing any more.
    drop(services.services.pop());
    let begun = Instant::now();
    let answer = services.ask("/deep");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let mut rest = chain("/deep", "/deep");
    rest.remove(&("stock".to_owned(), "GET /deep".to_owned()));
    services.kept(&[chain("/late", "/fine"), rest]);
}
