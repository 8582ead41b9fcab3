//! Promise: a test asks for one request and sees what all three signals say of it; what is missing is told by what is
//! there; tests that run at the same time never mix.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use axum::{Router, body::to_bytes};
use bytes::Bytes;
use futures_util::stream;
use tokio::runtime::Builder;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::testing::Instance;
use tower_observability::{ObservabilityLayer, Work, in_request};
use tracing::Instrument as _;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn booking(Path(id): Path<u64>) -> StatusCode {
    tracing::info_span!("query", booking = id).in_scope(|| tracing::info!(booking = id, "asked"));
    metrics::counter!("bookings_read_total", "kind" => "all").increment(1);
    if id == 0 { StatusCode::NOT_FOUND } else { StatusCode::OK }
}

fn app(seen: &Instance) -> Router {
    Router::new().route("/bookings/{id}", get(booking)).layer(seen.layer())
}

fn asked(path: &str, id: &str, flags: &str) -> Request {
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-{flags}");
    Request::get(path)
        .header("traceparent", traceparent)
        .header("x-request-id", id)
        .body(Body::empty())
        .unwrap()
}

async fn ask(seen: &Instance, request: Request) {
    let served = async { to_bytes(app(seen).oneshot(request).await.unwrap().into_body(), usize::MAX).await };
    seen.scope(served).await.unwrap();
}

/// What a test is told that fails.
fn failure<T>(asks: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(asks)) else { panic!("it does not fail") };
    panic.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn one_request_is_told_from_another_by_whatever_names_it() {
    let seen = Instance::new();
    // Two in one trace, as a retry makes them.
    ask(&seen, asked("/bookings/7", "first", "01")).await;
    ask(&seen, asked("/bookings/0", "second", "01")).await;
    for (which, id, status) in
        [("first", 7, 200), ("/bookings/7", 7, 200), ("second", 0, 404), ("/bookings/0", 0, 404)]
    {
        let request = seen.request(which);
        assert_eq!(request.span().attribute("http.response.status_code"), status);
        assert_eq!(request.closing_line()["status"], status);
        assert_eq!((request.spans().len(), request.lines().len()), (2, 2), "{request}");
        assert!(request.child("query").is_child_of(request.span()), "{request}");
        assert_eq!(request.child("query").attribute("booking"), id);
        assert_eq!(request.line("asked")["booking"], id);
        assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0);
        assert_eq!(request.metric("http_server_active_requests"), 0.0);
        assert_eq!(request.metric("bookings_read_total"), 2.0, "a metric is the instance's");
    }
    for which in ["/bookings/{id}", "GET /bookings/{id}", TRACE] {
        let told = failure(|| seen.request(which));
        assert!(
            told.starts_with(&format!("2 requests are called {which:?}, not one; seen so far:\nspans:")),
            "{told}"
        );
    }
    assert!(failure(|| seen.only_request()).starts_with("2 requests have ended, not one"));
}

#[tokio::test]
async fn a_request_that_is_not_sampled_has_lines_and_metrics() {
    let seen = Instance::new();
    ask(&seen, asked("/bookings/0", "order-7", "00")).await;
    let request = seen.only_request();
    assert_eq!((request.line("asked")["booking"].as_u64(), request.spans().len()), (Some(0), 0));
    assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0);
    assert!(failure(|| request.span().clone()).starts_with("the request has no span, it was not sampled:\n"));
}

#[tokio::test]
async fn a_job_is_asked_for_by_its_name() {
    let seen = Instance::new();
    let job = seen.adopt(Work::internal("clean up")).run(async { tracing::info!("swept") });
    seen.scope(job).await;
    let request = seen.request("clean up");
    assert_eq!(request.line("swept")["span_id"], request.span().trace.span_id.to_string());
    assert_eq!(request.metric("work_duration_seconds_count"), 1.0);
}

#[tokio::test]
async fn what_is_missing_is_told_by_what_is_there() {
    let seen = Instance::new();
    ask(&seen, asked("/bookings/0", "order-7", "01")).await;
    let request = seen.only_request();
    let short = |span: &tower_observability::testing::Span| span.trace.span_id.to_string()[..8].to_owned();
    let (own, query) = (short(request.span()), short(request.child("query")));
    let counted = "http_server_request_duration_seconds_count{http_request_method=\"GET\",\
        http_response_status_code=\"404\",http_route=\"/bookings/{id}\",network_protocol_version=\"1.1\",\
        url_scheme=\"http\"} 1";
    let picture = format!(
        "spans:
  GET /bookings/{{id}} (server, 404, client_error) {own} trace 4bf92f35
    query (internal) {query}
lines:
  INFO  \"asked\" booking=0 (trace 4bf92f35, span {query})
  INFO  \"GET /bookings/{{id}} 404\" (trace 4bf92f35, span {own})
metrics:
  bookings_read_total{{kind=\"all\"}} 1
  {counted}"
    );
    assert_eq!(request.to_string(), picture);
    assert_eq!(
        failure(|| seen.request("/cars")),
        format!("no request is called \"/cars\"; seen so far:\n{seen}")
    );
    assert_eq!(
        failure(|| request.child("load").clone()),
        format!("0 spans \"load\" below the request, not one:\n{picture}")
    );
    assert_eq!(
        failure(|| request.line("found").clone()),
        format!("0 lines \"found\" in the request, not one:\n{picture}")
    );
    assert_eq!(
        failure(|| request.child("query").attribute("rows").clone()),
        "the span \"query\" has no attribute \"rows\"; it has:\n  booking = 0\n  observability.target = promises::testing"
    );
    let told = failure(|| request.metric("bookings_read"));
    assert!(
        told.starts_with("no metric \"bookings_read\"; the closest names are:\n  bookings_read_total\n"),
        "{told}"
    );
    assert!(told.ends_with(&picture), "{told}");
    assert_eq!(
        failure(|| seen.metric("bookings_read_total", &[("kind", "new")])),
        "no series of \"bookings_read_total\" has these labels; it has:\n  bookings_read_total{kind=\"all\"} 1"
    );
    assert_eq!(seen.metric("bookings_read_total", &[("kind", "all")]), 1.0);
}

#[tokio::test]
async fn a_stream_is_open_until_its_end_and_can_be_waited_for() {
    let seen = Instance::new();
    let (end, ends) = tokio::sync::oneshot::channel::<()>();
    let mut ends = Some(ends);
    let streams = tower::service_fn(move |_: Request| {
        let ends = ends.take().unwrap();
        let last = async { ends.await.map(|()| Bytes::from_static(b"last")) };
        let body = Body::from_stream(stream::once(last.instrument(tracing::info_span!("export"))));
        async { Ok::<_, Infallible>(Response::new(body)) }
    });
    let answer = seen.layer().layer(streams).oneshot(asked("/export", "order-7", "01"));
    let body = Body::new(seen.scope(answer).await.unwrap().into_body());
    let told = failure(|| seen.request("/export"));
    for open in [
        "export (trace 4bf92f35): still open",
        "1 request(s) by GET: still open",
        "read its response's body to the end",
    ] {
        assert!(told.contains(open), "{told}");
    }
    let reader = tokio::spawn(seen.scope(to_bytes(body, usize::MAX)));
    end.send(()).unwrap();
    let request = seen.wait_for("/export").await;
    assert_eq!(request.closing_line()["response_bytes"], 4);
    assert!(!seen.to_string().contains("still open"), "{seen}");
    assert_eq!(reader.await.unwrap().unwrap(), "last");
}

#[test]
fn tasks_on_other_threads_are_seen_if_the_threads_are_the_instances() {
    let seen = Instance::new();
    let runtime = Builder::new_multi_thread().worker_threads(2).on_thread_start(seen.for_threads()).build();
    let handler = || async {
        let task = in_request(async { tracing::info!("in a task") });
        tokio::spawn(task).await.unwrap();
        let span = tracing::info_span!("hash");
        let hashes = move || {
            span.in_scope(|| tracing::info!("in blocking code"));
            metrics::counter!("hashes_total").increment(1);
        };
        tokio::task::spawn_blocking(hashes).await.unwrap();
        "hello"
    };
    let router = Router::new().route("/x", get(handler)).layer(seen.layer());
    let served =
        async move { to_bytes(router.oneshot(asked("/x", "7", "01")).await.unwrap().into_body(), 9).await };
    runtime.unwrap().block_on(seen.scope(served)).unwrap();
    let request = seen.only_request();
    request.line("in a task");
    assert_eq!(request.line("in blocking code")["span_id"], request.child("hash").trace.span_id.to_string());
    assert_eq!(request.metric("hashes_total"), 1.0);
}

#[test]
fn what_a_spawned_task_says_on_another_thread_is_not_part_of_a_scope() {
    let seen = Instance::new();
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let spawns = async {
        tracing::info!("here");
        tokio::spawn(async { tracing::info!("there") }).await.unwrap();
    };
    runtime.block_on(seen.scope(spawns));
    assert_eq!(seen.lines().len(), 1, "the documentation says so: {seen}");
}

#[tokio::test]
async fn what_a_scoped_future_says_when_it_is_dropped_is_seen() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    let seen = Instance::new();
    let pending = async {
        let _guard = Guard;
        std::future::pending::<Infallible>().await
    };
    let mut scope = Box::pin(seen.scope(pending));
    assert!(futures_util::poll!(&mut scope).is_pending() && seen.lines().is_empty());
    drop(scope);
    assert_eq!(seen.lines()[0]["message"], "dropped");
}

#[test]
fn tests_that_run_at_the_same_time_never_mix() {
    const THREADS: u64 = 16;
    const REQUESTS: u64 = 20;
    let together = Barrier::new(THREADS as usize);
    let test = |own: u64| {
        let seen = Instance::new();
        let runtime =
            Builder::new_multi_thread().worker_threads(2).on_thread_start(seen.for_threads()).build();
        let router = app(&seen);
        let asks = async move {
            for n in 0..REQUESTS {
                // The same trace and the same ids in every test.
                let request = asked(&format!("/bookings/{own}"), &format!("request-{n}"), "01");
                let served =
                    async { to_bytes(router.clone().oneshot(request).await.unwrap().into_body(), 9).await };
                tokio::spawn(in_request(async move { tracing::info!(booking = own, "beside") }))
                    .await
                    .unwrap();
                served.await.unwrap();
            }
        };
        together.wait();
        runtime.unwrap().block_on(seen.scope(asks));
        let path = format!("/bookings/{own}");
        let counts = (seen.spans().len() as u64, seen.lines().len() as u64);
        assert_eq!(counts, (2 * REQUESTS, 3 * REQUESTS), "{seen}");
        for n in 0..REQUESTS {
            let request = seen.request(&format!("request-{n}"));
            assert_eq!(request.span().attribute("url.path"), path);
            assert_eq!(request.child("query").attribute("booking"), own);
            assert_eq!(request.line("asked")["booking"], own);
        }
        assert!(seen.lines().iter().all(|line| line["booking"] == own || line["path"] == path), "{seen}");
        assert_eq!(seen.metric("bookings_read_total", &[]), REQUESTS as f64);
        assert_eq!(seen.metric("http_server_request_duration_seconds_count", &[]), REQUESTS as f64);
    };
    std::thread::scope(|threads| {
        for own in 1..=THREADS {
            threads.spawn(move || test(own));
        }
    });
}

#[tokio::test]
async fn what_production_code_makes_itself_reports_to_the_scope_that_it_runs_in() {
    async fn production() {
        let called =
            tower::service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
        let client = ObservabilityLayer::client().layer(called);
        let handler = move || async {
            client.oneshot(Request::get("http://db/rows").body(Body::empty()).unwrap()).await.unwrap();
            Work::internal("report").run(async {}).await;
        };
        let app = Router::new().route("/x", get(handler)).layer(ObservabilityLayer::new());
        to_bytes(app.oneshot(asked("/x", "7", "01")).await.unwrap().into_body(), 9).await.unwrap();
    }
    let (seen, other) = (Instance::new(), Instance::new());
    production().await;
    seen.scope(async { other.scope(async {}).await }).await;
    seen.scope(production()).await;
    let mut names: Vec<_> = seen.only_request().spans().iter().map(|span| span.name.clone()).collect();
    names.sort_unstable();
    assert_eq!(names, ["GET", "GET /x", "report"]);
    assert!(other.spans().is_empty(), "{other}");
    production().await;
    assert_eq!(seen.spans().len(), 3, "outside of the scope nothing is reported to it: {seen}");
}

#[tokio::test]
async fn what_libraries_say_in_detail_is_counted_in_the_picture_and_not_shown() {
    let seen = Instance::new();
    let _here = seen.subscribe();
    for n in 0..50 {
        tracing::trace!(target: "hyper::proto::h1", n, "flushed bytes");
        tracing::debug!(target: "h2::codec", n, "received frame");
    }
    tracing::warn!(target: "hyper::server", "too large");
    tracing::trace!("our own");
    let shown = seen.to_string();
    assert!(shown.contains("and 100 of libraries") && !shown.contains("flushed"), "{shown}");
    assert!(shown.contains("too large") && shown.contains("our own"), "{shown}");
    assert_eq!(seen.lines().len(), 102);
}

#[tokio::test]
async fn a_request_whose_body_the_test_drops_is_shown_as_cancelled() {
    let seen = Instance::new();
    let router = Router::new().route("/x", get(|| async { "hello" })).layer(seen.layer());
    drop(router.oneshot(asked("/x", "7", "01")).await.unwrap());
    let request = seen.only_request();
    assert!(request.to_string().contains("GET /x (server, 200, cancelled, error) "), "{request}");
    assert_eq!(request.metric("http_server_request_duration_seconds_count"), 1.0);
}
