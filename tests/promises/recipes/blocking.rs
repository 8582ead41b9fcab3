//! Code that blocks, on threads that know nothing of requests.

use axum::body::to_bytes;
use tokio::runtime::{Builder, Handle};
use tower::ServiceExt;
use tower_observability::in_request;
use tower_observability::testing::Instance;
use tracing::info_span;

use super::*;

fn hash() {
    tracing::info!("hashed");
}

/// What is seen of one request to this handler, on a runtime all of whose threads are seen.
fn answered<F, Fut>(handler: F) -> Instance
where
    F: Fn(Instance) -> Fut,
    Fut: Future<Output = (Instance, Router)>,
{
    let seen = Instance::new();
    let threads = seen.for_threads();
    let runtime = Builder::new_multi_thread().worker_threads(1).on_thread_start(threads).build().unwrap();
    let here = seen.subscribe();
    let (seen, app) = runtime.block_on(handler(seen));
    let app = app.layer(seen.layer());
    let asked = Request::get("/hash").header("x-request-id", "order-7").body(Body::empty()).unwrap();
    let response = runtime.block_on(app.oneshot(asked)).unwrap();
    runtime.block_on(to_bytes(response.into_body(), usize::MAX)).unwrap();
    drop(here);
    seen
}

fn at_hash<Fut>(
    handler: impl Fn() -> Fut + Clone + Send + Sync + 'static,
) -> impl Fn(Instance) -> std::future::Ready<(Instance, Router)>
where
    Fut: Future<Output = ()> + Send,
{
    move |seen| std::future::ready((seen, Router::new().route("/hash", get(handler.clone()))))
}

#[test]
fn a_thread_for_blocking_code_leaves_the_request() {
    let seen = answered(at_hash(|| async { tokio::task::spawn_blocking(hash).await.unwrap() }));
    assert_eq!(said(&seen.lines(), "hashed").get("trace_id"), None);
}

#[test]
fn a_span_takes_it_along_and_is_a_child_of_the_requests() {
    let seen = answered(at_hash(|| async {
        let span = info_span!("hash");
        tokio::task::spawn_blocking(move || span.in_scope(hash)).await.unwrap();
    }));
    let request = seen.request("order-7");
    assert!(request.child("hash").is_child_of(request.span()));
    assert_eq!(request.line("hashed")["request_id"], "order-7");
}

#[test]
fn in_request_takes_it_along_without_a_span() {
    let seen = answered(at_hash(|| async {
        let (runtime, work) = (Handle::current(), in_request(async { hash() }));
        tokio::task::spawn_blocking(move || runtime.block_on(work)).await.unwrap();
    }));
    let request = seen.request("order-7");
    assert_eq!((&request.line("hashed")["request_id"], request.spans().len()), (&"order-7".into(), 1));
}

#[test]
fn a_thread_of_a_pool_is_taken_along_in_the_same_ways() {
    let seen = Instance::new();
    // A pool of one thread, such as rayon's: it takes closures, and was there before the request.
    let (pool, jobs) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let threads = seen.for_threads();
    let worker = std::thread::spawn(move || {
        threads();
        jobs.into_iter().for_each(|job| job());
    });
    let handler = move || {
        let pool = pool.clone();
        async move {
            let (done, wait) = tokio::sync::oneshot::channel();
            let (span, runtime, work) = (info_span!("hash"), Handle::current(), in_request(async { hash() }));
            let job = move || {
                span.in_scope(|| tracing::info!("within its span"));
                runtime.block_on(work);
                tracing::info!("outside");
                done.send(()).unwrap();
            };
            pool.send(Box::new(job)).unwrap();
            wait.await.unwrap();
        }
    };
    let runtime = Builder::new_current_thread().build().unwrap();
    let app = Router::new().route("/hash", get(handler)).layer(seen.layer());
    let asked = Request::get("/hash").header("x-request-id", "order-7").body(Body::empty()).unwrap();
    let response = runtime.block_on(seen.scope(app.oneshot(asked))).unwrap();
    runtime.block_on(to_bytes(response.into_body(), usize::MAX)).unwrap();
    worker.join().unwrap();
    let request = seen.request("order-7");
    assert!(request.child("hash").is_child_of(request.span()));
    for message in ["hashed", "within its span"] {
        assert_eq!(request.line(message)["request_id"], "order-7");
    }
    assert_eq!(said(&seen.lines(), "outside").get("trace_id"), None, "the next job is not of this request");
}
