//! Promise: what is observed is turned up and down while the process runs, by those who may, for a while, and said so.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::routing::get;
use serde_json::Value;
use tokio::runtime::Builder;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::{Observability, ObservabilityLayer, RouteLayer, acquire, request};
use tracing::Instrument as _;

use crate::support::child::{Child, Ended, run};
use crate::support::collector::Collector;
use crate::support::http;

#[test]
fn program() {
    run(&[("turned", turned), ("late", late), ("dark", dark)]);
}

fn block_on<F: Future>(work: F) -> F::Output {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Says something in DEBUG: itself, by the `log` crate, and within a call.
async fn handle() {
    let step = request::id().unwrap().to_string();
    tracing::debug!(step, "looking");
    log::debug!("looking as well");
    tracing::trace!("never");
    tracing::debug!(target: "secretive", "never");
    let call = ObservabilityLayer::client().layer(tower::service_fn(|_: Request<Body>| async {
        tracing::debug!("calling");
        Ok::<_, std::io::Error>(Response::new(Body::empty()))
    }));
    let request = Request::get("http://vehicles:8080/").body(Body::empty()).unwrap();
    // Below a span, so that the call is not right below the request.
    call.oneshot(request).instrument(tracing::info_span!("step")).await.unwrap();
    // A wait that is noticed.
    let connection = async {
        std::thread::sleep(Duration::from_millis(3));
        Ok::<_, Infallible>(())
    };
    let Ok(()) = acquire("stock", connection).await;
}

fn routes() -> Router {
    Router::new().route("/one/{id}", get(handle)).route("/two", get(handle))
}

async fn ask(app: &Router, path: &str) {
    let response = app.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
}

/// The status and the body of an answer of the admin listener.
fn admin(observability: &Observability, method: &str, path: &str, body: &str) -> (String, String) {
    let address = observability.admin_address().unwrap().to_string();
    let answer = http::send(method, &address, path, body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

fn turn(observability: &Observability, wish: &str) {
    let (status, body) = admin(observability, "PUT", "/switches", wish);
    assert_eq!(status, "200", "{wish}: {body}");
}

fn now(observability: &Observability, name: &str) -> String {
    let (_, body) = admin(observability, "GET", "/switches", "");
    let shown: Value = serde_json::from_str(&body).unwrap();
    shown[name]["now"].as_str().unwrap().to_owned()
}

/// Asks both routes; what comes of it has this step's name in its path.
async fn step(app: &Router, name: &str) {
    ask(app, &format!("/one/{name}")).await;
    ask(app, &format!("/two?{name}")).await;
}

fn turned() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let app = routes().layer(ObservabilityLayer::new());
        step(&app, "before").await;
        let (status, why) = admin(&observability, "PUT", "/switches", "route=/one/{nr}");
        assert_eq!(status, "400");
        println!("misspelt: {}", why.trim());
        turn(&observability, "route=/one/{id}&for=10m");
        step(&app, "detailed").await;
        turn(&observability, "route=&traces=1&ok_lines=1");
        step(&app, "all").await;
        assert_eq!(admin(&observability, "DELETE", "/switches", "").0, "200");
        step(&app, "after").await;
        turn(&observability, "log_level=debug&for=1s");
        let deadline = Instant::now() + Duration::from_secs(20);
        while now(&observability, "log_level") != "info,secretive=off" {
            assert!(Instant::now() < deadline, "the level does not revert");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        observability.shutdown().await;
    });
}

/// The layer around the router learns the route from within.
fn late() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let app = ObservabilityLayer::new().layer(routes().route_layer(RouteLayer::new()));
        let ask = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            axum::body::to_bytes(Body::new(response.into_body()), usize::MAX).await.unwrap();
        };
        ask("/one/before").await;
        turn(&observability, "route=/one/{id}");
        ask("/one/detailed").await;
        ask("/two?detailed").await;
        observability.shutdown().await;
    });
}

/// Without an exporter there is nothing to turn up, and that is said.
fn dark() {
    block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let (status, why) = admin(&observability, "PUT", "/switches", "traces=1");
        assert_eq!(
            (status.as_str(), now(&observability, "traces").as_str()),
            ("400", "parentbased_always_on")
        );
        println!("dark: {}", why.trim());
        observability.shutdown().await;
    });
}

fn child(program: &str, collector: &Collector) -> Ended {
    Child::new("switches", program)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_TRACES_SAMPLER", "traceidratio")
        .env("OTEL_TRACES_SAMPLER_ARG", "0")
        .env("OBSERVABILITY_LOG_OK_SHARE", "0")
        .env("RUST_LOG", "info,secretive=off")
        .end()
        .well()
}

/// The kind of each span, and why it was kept.
fn kinds(collector: &Collector, trace_of: &str) -> BTreeSet<(i32, String)> {
    let spans = collector.spans();
    let traces: BTreeSet<_> = spans
        .iter()
        .filter(|span| {
            [span.text("url.path"), span.text("url.query")].iter().any(|text| text.contains(trace_of))
        })
        .map(|span| span.trace_id())
        .collect();
    let of_step = spans.iter().filter(|span| traces.contains(&span.trace_id()));
    of_step.map(|span| (span.span.kind, span.text("observability.kept"))).collect()
}

/// The messages of the lines in the traces of requests to this path.
fn messages(ended: &Ended, path: &str) -> Vec<String> {
    let lines = ended.logged();
    let traces: Vec<_> =
        lines.iter().filter(|line| line["path"] == path).map(|line| &line["trace_id"]).collect();
    let of_request = |line: &&Value| traces.contains(&&line["trace_id"]);
    lines.iter().filter(of_request).map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

#[test]
fn one_routes_details_shares_and_the_level_are_turned_and_turn_back() {
    let collector = Collector::start();
    let ended = child("turned", &collector);
    // What is below it is sampled like any other.
    let detailed = [(SERVER, "detailed".to_owned()), (INTERNAL, String::new()), (CLIENT, String::new())];
    assert_eq!(kinds(&collector, "before"), BTreeSet::new());
    assert_eq!(kinds(&collector, "detailed"), BTreeSet::from(detailed));
    let all = [SERVER, INTERNAL, CLIENT].map(|kind| (kind, String::new()));
    assert_eq!(kinds(&collector, "all"), BTreeSet::from(all));
    assert_eq!(kinds(&collector, "after"), BTreeSet::new());
    // Server, step, call, and the wait for a connection.
    assert_eq!(collector.spans().len(), 4 + 2 * 4);

    assert_eq!(messages(&ended, "/one/before"), [""; 0]);
    let said = ["looking", "looking as well", "calling", "GET /one/{id} 200"];
    assert_eq!(messages(&ended, "/one/detailed"), said);
    assert_eq!(messages(&ended, "/one/all"), ["GET /one/{id} 200"]);
    // Of the four requests one has a line: that of the step in which all have.
    assert_eq!(messages(&ended, "/two"), ["GET /two 200"]);
    assert_eq!(messages(&ended, "/one/after"), [""; 0]);

    let misspelt = ended.said("misspelt: ");
    assert!(misspelt.ends_with("requested before (/one/{id}, /two), not `/one/{nr}`"), "{misspelt}");
    let told: Vec<_> =
        ended.messages("INFO").into_iter().filter(|message| message.starts_with("switch ")).collect();
    let by_us = |message: &String| message.split(" by 127.0.0.1:").next().unwrap().to_owned();
    assert_eq!(
        told.iter().map(by_us).collect::<Vec<_>>(),
        [
            "switch route: `/one/{id}` instead of `none` for 600 s, turned",
            "switch route: back at `none`,",
            "switch traces: `1` instead of `traceidratio 0` for 900 s, turned",
            "switch ok_lines: `1` instead of `0.0` for 900 s, turned",
            "switch ok_lines: back at `0.0`,",
            "switch traces: back at `traceidratio 0`,",
            "switch log_level: `debug` instead of `info,secretive=off` for 1 s, turned",
            "switch log_level: back at `info,secretive=off`, its time is over",
        ]
    );
}

#[test]
fn a_route_that_is_known_late_is_observed_in_detail_from_then_on() {
    let collector = Collector::start();
    let ended = child("late", &collector);
    let spans = collector.spans();
    let kept: Vec<_> = spans.iter().map(|span| (span.span.kind, span.text("observability.kept"))).collect();
    let expected = [(CLIENT, ""), (INTERNAL, ""), (INTERNAL, ""), (SERVER, "detailed")]
        .map(|(kind, why)| (kind, why.to_owned()));
    assert_eq!(kept, expected, "{:#?}", ended.output);
    let said = ["looking", "looking as well", "calling", "GET /one/{id} 200"];
    assert_eq!(messages(&ended, "/one/detailed"), said);
    assert_eq!(messages(&ended, "/two"), [""; 0]);
}

#[test]
fn what_cannot_be_turned_says_why() {
    let ended = Child::new("switches", "dark").end().well();
    assert_eq!(
        ended.said("dark: "),
        "nothing was changed: expected in `traces` no value, because traces are off; OTEL_EXPORTER_OTLP_ENDPOINT turns \
         them on"
    );
}
