//! Promise: `tracing` keeps its own rules inside a request, and everything said there carries the request's context.

use std::convert::Infallible;
use std::sync::mpsc;

use axum::body::Body;
use axum::http::Response;
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, Service as _, ServiceExt as _};
use tower_observability::testing::{Instance, Request, Span};
use tower_observability::{ObservabilityLayer, Work, in_request, request};
use tracing::{Instrument as _, field, info, info_span};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What was seen of one request with a known trace id, and beside it.
struct Served {
    seen: Instance,
    request: Request,
}

fn asked() -> axum::extract::Request {
    axum::extract::Request::get("/x").header("traceparent", PARENT).body(Body::empty()).unwrap()
}

async fn served<F: Future<Output = ()>>(handler: impl Fn() -> F + Copy) -> Served {
    served_by(ObservabilityLayer::clone, handler).await
}

async fn served_by<F: Future<Output = ()>>(
    change: impl FnOnce(&ObservabilityLayer) -> ObservabilityLayer,
    handler: impl Fn() -> F + Copy,
) -> Served {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let service = tower::service_fn(|_: axum::extract::Request| async move {
        handler().await;
        Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
    });
    let response = change(&seen.layer()).layer(service).oneshot(asked()).await.unwrap();
    response.into_body().collect().await.unwrap();
    Served::of(seen)
}

impl Served {
    fn of(seen: Instance) -> Self {
        Self { request: seen.request(TRACE), seen }
    }

    fn span(&self) -> &Span {
        self.request.span()
    }

    /// A span or a line of whatever trace.
    fn beside(&self, name: &str) -> Span {
        self.seen
            .spans()
            .into_iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("{}", self.seen))
    }

    fn said(&self, message: &str) -> serde_json::Value {
        let mut lines = self.seen.lines().into_iter();
        lines.find(|line| line["message"] == message).unwrap_or_else(|| panic!("{}", self.seen))
    }

    /// The line belongs to the request and stands in this span.
    fn stands_in(&self, message: &str, span: &Span) {
        let line = self.request.line(message);
        assert_eq!((&line["trace_id"], &line["path"]), (&TRACE.into(), &"/x".into()), "{line:#}");
        assert_eq!(line["span_id"], span.trace.span_id.to_string(), "{line:#}");
    }

    fn is_child(&self, child: &str, parent: &Span) {
        assert!(self.request.child(child).is_child_of(parent), "{child}: {}", self.request);
    }
}

#[tokio::test]
async fn an_instrumented_task_carries_its_request_without_our_help() {
    let served = served(|| async {
        let task = async {
            tokio::task::yield_now().await;
            info!("in the task");
            assert!(request::add("by_task", true));
        };
        tokio::spawn(task.instrument(info_span!("task"))).await.unwrap();
    })
    .await;
    served.is_child("task", served.span());
    served.stands_in("in the task", served.request.child("task"));
    assert_eq!(served.span().attribute("by_task"), true);
}

#[tokio::test]
async fn blocking_code_keeps_the_context_by_a_span_or_by_a_scoped_future() {
    let served = served(|| async {
        let subscriber = tracing::dispatcher::get_default(Clone::clone);
        let (span, also) = (info_span!("hash"), subscriber.clone());
        let by_span = move || {
            let _subscriber = tracing::dispatcher::set_default(&also);
            span.in_scope(|| info!("by the span"));
        };
        tokio::task::spawn_blocking(by_span).await.unwrap();
        let scoped = in_request(async { info!("by the scope") });
        let by_scope = move || {
            let _subscriber = tracing::dispatcher::set_default(&subscriber);
            tokio::runtime::Handle::current().block_on(scoped);
        };
        tokio::task::spawn_blocking(by_scope).await.unwrap();
    })
    .await;
    served.is_child("hash", served.span());
    served.stands_in("by the span", served.request.child("hash"));
    served.stands_in("by the scope", served.span());
}

#[tokio::test]
async fn a_span_from_before_the_request_is_its_own_and_the_innermost_counts() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let before = info_span!("start-up");
    let service = tower::service_fn(|_: axum::extract::Request| {
        before.in_scope(|| info!("in the old span"));
        info!("in the request");
        async { Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default())) }
    });
    seen.layer().layer(service).oneshot(asked()).await.unwrap().into_body().collect().await.unwrap();
    drop(before);
    let served = Served::of(seen);
    served.stands_in("in the request", served.span());
    let old = served.beside("start-up");
    assert_ne!(old.trace.trace_id.to_string(), TRACE);
    assert_eq!(served.said("in the old span")["trace_id"], old.trace.trace_id.to_string());
}

#[tokio::test]
async fn follows_from_is_a_link_and_an_explicit_parent_is_obeyed_and_is_the_request_if_it_is_disabled() {
    let served = served(|| async {
        let cause = info_span!("cause");
        let effect = info_span!("effect");
        effect.follows_from(&cause);
        drop(info_span!(parent: &cause, "child of the cause"));
        // The request is no `tracing` span, so there is none that is current.
        assert!(tracing::Span::current().is_disabled());
        drop(info_span!(parent: &tracing::Span::current(), "of the request"));
        info!(parent: &tracing::Span::current(), "said of the request");
    })
    .await;
    assert_eq!(served.request.child("effect").links, [served.request.child("cause").trace]);
    served.is_child("effect", served.span());
    served.is_child("child of the cause", served.request.child("cause"));
    served.is_child("of the request", served.span());
    served.stands_in("said of the request", served.span());
}

#[tokio::test]
async fn spans_that_are_left_in_another_order_than_entered_leave_nothing_behind() {
    let served = served(|| async {
        let (first, second) = (info_span!("first"), info_span!("second"));
        let (entered_first, entered_second) = (first.enter(), second.enter());
        drop(entered_first);
        info!("in the second");
        drop(entered_second);
        info!("in none");
    })
    .await;
    served.is_child("second", served.span());
    served.stands_in("in the second", served.request.child("second"));
    served.stands_in("in none", served.span());
}

/// Says so when it is dropped.
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        info!(guard = self.0, "rolled back");
        request::add("rolled_back", true);
    }
}

fn rolled_back(seen: &Instance) -> Vec<serde_json::Value> {
    seen.lines().into_iter().filter(|line| line["message"] == "rolled back").collect()
}

#[tokio::test]
async fn what_a_cancelled_service_says_in_its_destructors_belongs_to_its_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let service = tower::service_fn(|_: axum::extract::Request| async {
        let _guard = Guard("handler");
        let _task = in_request(async {
            let _guard = Guard("scoped");
            std::future::pending::<()>().await;
        });
        tokio::join!(_task, std::future::pending::<()>());
        Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
    });
    let mut service = seen.layer().layer(service);
    let mut future = Box::pin(service.call(asked()));
    assert!(futures_util::poll!(future.as_mut()).is_pending());
    drop(future);
    let served = Served::of(seen);
    let lines = rolled_back(&served.seen);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["trace_id"] == TRACE), "{lines:#?}");
    let last = served.request.closing_line();
    assert_eq!((&last["outcome"], &last["rolled_back"]), (&"cancelled".into(), &true.into()), "{last:#}");
}

#[tokio::test]
async fn and_what_a_body_a_task_or_a_job_says_there_too() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let service = tower::service_fn(|_: axum::extract::Request| async {
        let guard = Guard("body");
        let chunks = futures_util::stream::poll_fn(move |_| {
            let _ = &guard;
            std::task::Poll::<Option<Result<bytes::Bytes, Infallible>>>::Pending
        });
        Ok::<_, Infallible>(Response::new(Body::from_stream(chunks)))
    });
    let response = seen.layer().layer(service).oneshot(asked()).await.unwrap();
    drop(response);
    let mut task = None;
    let job = seen.adopt(Work::internal("job")).run(async {
        let _guard = Guard("job");
        task = Some(Box::pin(in_request(async {
            let _guard = Guard("task");
            std::future::pending::<()>().await;
        })));
        std::future::pending::<()>().await;
    });
    let mut job = Box::pin(job);
    assert!(futures_util::poll!(job.as_mut()).is_pending());
    drop(job);
    let mut task = task.unwrap();
    assert!(futures_util::poll!(task.as_mut()).is_pending());
    drop(task);
    let served = Served::of(seen);
    let lines = rolled_back(&served.seen);
    let said = |guard: &str| lines.iter().find(|line| line["guard"] == guard).unwrap();
    assert_eq!(said("body")["trace_id"], TRACE);
    for guard in ["job", "task"] {
        assert_eq!(said(guard)["span_id"], served.beside("job").trace.span_id.to_string(), "{guard}");
    }
}

#[tokio::test]
async fn fields_recorded_on_the_request_span_are_the_requests() {
    let make = || info_span!("request", customer_id = field::Empty, tenant = "blue");
    let served = served_by(
        |layer| layer.clone().request_span_with(make),
        || async {
            tracing::Span::current().record("customer_id", 4711);
            info!("in the handler");
            info_span!("child").in_scope(|| info!("in the child"));
        },
    )
    .await;
    assert_eq!(served.seen.spans().len(), 2, "the request's own span is no second one: {}", served.seen);
    served.is_child("child", served.span());
    assert_eq!(served.span().attribute("customer_id"), 4711);
    assert_eq!(served.span().attribute("tenant"), "blue");
    for line in served.request.lines() {
        assert_eq!((&line["customer_id"], &line["tenant"]), (&4711.into(), &"blue".into()), "{line:#}");
        assert_eq!(line["trace_id"], TRACE);
    }
    assert_eq!(served.request.lines().len(), 3);
}

#[tokio::test]
async fn what_tracing_opentelemetry_takes_of_a_span_is_said_of_the_request_by_its_own() {
    let make = || {
        info_span!("request", otel.name = field::Empty, otel.kind = "server", otel.status_code = field::Empty)
    };
    let served = served_by(
        |layer| layer.clone().request_span_with(make),
        || async {
            tracing::Span::current()
                .record("otel.name", "query Bookings")
                .record("otel.status_code", "ERROR");
        },
    )
    .await;
    let span = served.span();
    assert_eq!((span.name.as_str(), span.is_error()), ("query Bookings", true));
    assert_eq!(served.request.closing_line()["outcome"], "server_error");
    let make = || info_span!("request", otel.status_message = "no seats", otel.status_code = "OK");
    let served = served_by(|layer| layer.clone().request_span_with(make), || async {}).await;
    assert!(!served.span().is_error(), "the last word of the two is OK");
    let make = || info_span!("request", otel.status_description = "no seats");
    let served = served_by(|layer| layer.clone().request_span_with(make), || async {}).await;
    assert!(served.span().is_error());
    assert_eq!(served.request.closing_line()["error"], "no seats");
}

#[tokio::test]
async fn in_current_span_needs_the_option_and_then_works() {
    let (told, heard) = mpsc::channel();
    let handler = || {
        let told = told.clone();
        async move {
            let task = async { info!("in the task") }.in_current_span();
            tokio::spawn(task).await.unwrap();
            told.send(tracing::Span::current().is_disabled()).unwrap();
        }
    };
    let with = served_by(|layer| layer.clone().request_span(), &handler).await;
    with.stands_in("in the task", with.span());
    let without = served_by(ObservabilityLayer::clone, &handler).await;
    assert!(without.said("in the task").get("trace_id").is_none(), "the documentation says so");
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn what_is_said_after_the_end_reaches_no_signal() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let (told, heard) = tokio::sync::oneshot::channel();
    let waits = std::sync::Mutex::new(Some((gone, told)));
    let service = tower::service_fn(|_: axum::extract::Request| {
        let (gone, told) = waits.lock().unwrap().take().unwrap();
        tower_observability::spawn(async move {
            gone.await.unwrap();
            info!("late");
            told.send(request::add("late", true) || request::route("/late")).unwrap();
        });
        async { Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default())) }
    });
    seen.layer().layer(service).oneshot(asked()).await.unwrap().into_body().collect().await.unwrap();
    go.send(()).unwrap();
    assert!(!heard.await.unwrap(), "and the caller is told");
    let served = Served::of(seen);
    assert!(!served.span().attributes.contains_key("late"));
    served.stands_in("late", served.span());
}
