//! Promise: `tracing` keeps its own rules inside a request, and everything said there carries the request's context.

use std::convert::Infallible;
use std::sync::mpsc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, Service as _, ServiceExt as _};
use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, ObservabilityLayer, Value, Work, in_scope, request};
use tracing::{Instrument as _, field, info, info_span};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What was seen of one request with a known trace id.
struct Served {
    spans: Vec<Span>,
    lines: Vec<serde_json::Value>,
}

fn asked() -> Request {
    Request::get("/x").header("traceparent", PARENT).body(Body::empty()).unwrap()
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
    let service = tower::service_fn(|_: Request| async move {
        handler().await;
        Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default()))
    });
    let response = change(&seen.layer()).layer(service).oneshot(asked()).await.unwrap();
    response.into_body().collect().await.unwrap();
    Served { spans: seen.spans(), lines: seen.lines() }
}

impl Served {
    fn span(&self, name: &str) -> &Span {
        self.spans
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("{name}: {:#?}", self.spans))
    }

    fn request(&self) -> &Span {
        self.spans.iter().find(|span| span.kind == Kind::Server).unwrap()
    }

    fn line(&self, message: &str) -> &serde_json::Value {
        self.lines
            .iter()
            .find(|line| line["message"] == message)
            .unwrap_or_else(|| panic!("{:#?}", self.lines))
    }

    /// The line belongs to the request and stands in this span.
    fn stands_in(&self, message: &str, span: &Span) {
        let line = self.line(message);
        assert_eq!((&line["trace_id"], &line["path"]), (&TRACE.into(), &"/x".into()), "{line:#}");
        assert_eq!(line["span_id"], span.trace.span_id.to_string(), "{line:#}");
    }

    fn is_child(&self, child: &str, parent: &Span) {
        assert_eq!(self.span(child).parent, Some(parent.trace.span_id), "{child}");
        assert_eq!(self.span(child).trace.trace_id.to_string(), TRACE, "{child}");
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
    served.is_child("task", served.request());
    served.stands_in("in the task", served.span("task"));
    assert_eq!(served.request().attributes.get("by_task"), Some(&Value::Bool(true)));
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
        let scoped = in_scope(async { info!("by the scope") });
        let by_scope = move || {
            let _subscriber = tracing::dispatcher::set_default(&subscriber);
            tokio::runtime::Handle::current().block_on(scoped);
        };
        tokio::task::spawn_blocking(by_scope).await.unwrap();
    })
    .await;
    served.is_child("hash", served.request());
    served.stands_in("by the span", served.span("hash"));
    served.stands_in("by the scope", served.request());
}

#[tokio::test]
async fn a_span_from_before_the_request_is_its_own_and_the_innermost_counts() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let before = info_span!("start-up");
    let service = tower::service_fn(|_: Request| {
        before.in_scope(|| info!("in the old span"));
        info!("in the request");
        async { Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::default())) }
    });
    seen.layer().layer(service).oneshot(asked()).await.unwrap().into_body().collect().await.unwrap();
    drop(before);
    let served = Served { spans: seen.spans(), lines: seen.lines() };
    served.stands_in("in the request", served.request());
    let old = served.span("start-up");
    assert_ne!(old.trace.trace_id.to_string(), TRACE);
    assert_eq!(served.line("in the old span")["trace_id"], old.trace.trace_id.to_string());
}

#[tokio::test]
async fn follows_from_is_a_link_and_an_explicit_parent_or_none_is_obeyed() {
    let served = served(|| async {
        let cause = info_span!("cause");
        let effect = info_span!("effect");
        effect.follows_from(&cause);
        drop(info_span!(parent: &cause, "child of the cause"));
        drop(info_span!(parent: None, "of nobody"));
        info!(parent: None, "said by nobody");
    })
    .await;
    assert_eq!(served.span("effect").links, [served.span("cause").trace]);
    served.is_child("effect", served.request());
    served.is_child("child of the cause", served.span("cause"));
    let root = served.span("of nobody");
    assert!(root.parent.is_none() && root.trace.trace_id.to_string() != TRACE);
    assert!(served.line("said by nobody").get("trace_id").is_none());
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
    served.is_child("second", served.request());
    served.stands_in("in the second", served.span("second"));
    served.stands_in("in none", served.request());
}

/// Says so when it is dropped.
struct Guard(&'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        info!(guard = self.0, "rolled back");
        request::add("rolled_back", true);
    }
}

fn rolled_back(served: &Served) -> Vec<&serde_json::Value> {
    served.lines.iter().filter(|line| line["message"] == "rolled back").collect()
}

#[tokio::test]
async fn what_a_cancelled_service_says_in_its_destructors_belongs_to_its_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let service = tower::service_fn(|_: Request| async {
        let _guard = Guard("handler");
        let _task = in_scope(async {
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
    let served = Served { spans: seen.spans(), lines: seen.lines() };
    let lines = rolled_back(&served);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["trace_id"] == TRACE), "{lines:#?}");
    let last = served.lines.last().unwrap();
    assert_eq!((&last["outcome"], &last["rolled_back"]), (&"cancelled".into(), &true.into()), "{last:#}");
}

#[tokio::test]
async fn and_what_a_body_a_task_or_a_job_says_there_too() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let service = tower::service_fn(|_: Request| async {
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
        task = Some(Box::pin(in_scope(async {
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
    let served = Served { spans: seen.spans(), lines: seen.lines() };
    let lines = rolled_back(&served);
    let said = |guard: &str| lines.iter().find(|line| line["guard"] == guard).unwrap();
    assert_eq!(said("body")["trace_id"], TRACE);
    for guard in ["job", "task"] {
        assert_eq!(said(guard)["span_id"], served.span("job").trace.span_id.to_string(), "{guard}");
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
    assert_eq!(served.spans.len(), 2, "the request's own span is no second one: {:#?}", served.spans);
    served.is_child("child", served.request());
    let request = served.request();
    assert_eq!(request.attributes.get("customer_id"), Some(&Value::I64(4711)));
    assert_eq!(request.attributes.get("tenant"), Some(&Value::Str("blue".into())));
    for line in &served.lines {
        assert_eq!((&line["customer_id"], &line["tenant"]), (&4711.into(), &"blue".into()), "{line:#}");
        assert_eq!(line["trace_id"], TRACE);
    }
    assert_eq!(served.lines.len(), 3);
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
    with.stands_in("in the task", with.request());
    let without = served_by(ObservabilityLayer::clone, &handler).await;
    assert!(without.line("in the task").get("trace_id").is_none(), "the documentation says so");
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn what_is_said_after_the_end_reaches_no_signal() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let (told, heard) = tokio::sync::oneshot::channel();
    let waits = std::sync::Mutex::new(Some((gone, told)));
    let service = tower::service_fn(|_: Request| {
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
    let served = Served { spans: seen.spans(), lines: seen.lines() };
    assert!(!served.request().attributes.contains_key("late"));
    served.stands_in("late", served.request());
}
