//! Promise: `opentelemetry::Context::current()` sees our context, and a span of theirs further in is seen by us.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use axum::routing::get;
use futures_util::{FutureExt as _, stream};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use tower::{Layer as _, ServiceExt as _};
use tower_observability::interop::{self, opentelemetry};
use tower_observability::testing::Instance;
use tower_observability::{ObservabilityLayer, Outcome, Work, side};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What OpenTelemetry's SDK exported.
#[derive(Clone, Debug, Default)]
struct Exported(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Exported {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().append(&mut batch);
        Ok(())
    }
}

impl Exported {
    fn tracer(&self) -> SdkTracer {
        let spans = SdkTracerProvider::builder().with_simple_exporter(self.clone()).build();
        spans.tracer("interop")
    }

    fn named(&self, name: &str) -> SpanData {
        let spans = self.0.lock().unwrap();
        spans
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
            .clone()
    }

    /// Trace and parent of the span of this name.
    fn place(&self, name: &str) -> (String, String) {
        let span = self.named(name);
        (span.span_context.trace_id().to_string(), span.parent_span_id.to_string())
    }
}

fn here() -> SpanContext {
    Context::current().span().span_context().clone()
}

async fn ask(seen: &Instance, traceparent: &str, router: Router) -> Bytes {
    interop::attach_contexts();
    let request = Request::get("/")
        .header("traceparent", traceparent)
        .header("tracestate", "rojo=1,congo=2")
        .header("baggage", "customer=4711;vip,team=a%20b");
    let response = router.layer(seen.layer()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert!(!here().is_valid(), "nothing stays attached");
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(!here().is_valid(), "nothing stays attached");
    bytes
}

#[tokio::test]
async fn a_span_of_their_api_is_a_child_of_our_request() {
    let (seen, exported) = (Instance::new(), Exported::default());
    let _subscriber = seen.subscribe();
    let tracer = exported.tracer();
    let handler = get(move || async move {
        drop(tracer.start("at once"));
        tokio::task::yield_now().await;
        drop(tracer.start("later"));
        let task = tracer.clone();
        tower_observability::spawn(async move { drop(task.start("in a task")) }).await.unwrap();
        tracing::info_span!("load").in_scope(|| drop(tracer.start("in a span")));
    });
    ask(&seen, PARENT, Router::new().route("/", handler)).await;
    let request = seen.only_request();
    let own = request.span().trace.span_id.to_string();
    for name in ["at once", "later", "in a task"] {
        assert_eq!(exported.place(name), (TRACE.to_owned(), own.clone()), "{name}");
    }
    assert_eq!(exported.place("in a span").1, request.child("load").trace.span_id.to_string());
    let context = exported.named("later").span_context;
    assert!(context.is_sampled());
    assert_eq!(context.trace_state().header(), "rojo=1,congo=2");
}

#[tokio::test]
async fn the_body_of_a_response_has_the_context_too() {
    let (seen, exported) = (Instance::new(), Exported::default());
    let tracer = exported.tracer();
    let handler = get(move || async move {
        let tracer = tracer.clone();
        let mut left = 2;
        Body::from_stream(stream::poll_fn(move |_| {
            drop(tracer.start("a frame"));
            left -= 1;
            std::task::Poll::Ready((left > 0).then(|| Ok::<_, std::io::Error>(Bytes::from("x"))))
        }))
    });
    assert_eq!(ask(&seen, PARENT, Router::new().route("/", handler)).await, "x");
    let own = seen.only_request().span().trace.span_id.to_string();
    assert_eq!(exported.place("a frame"), (TRACE.to_owned(), own));
    assert_eq!(exported.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn their_propagator_and_their_baggage_have_what_came_with_the_request() {
    let seen = Instance::new();
    let handler = get(|| async {
        let mut carrier = std::collections::HashMap::new();
        TraceContextPropagator::new().inject_context(&Context::current(), &mut carrier);
        let context = Context::current();
        let customer = context.baggage().get_with_metadata("customer").unwrap();
        assert_eq!((customer.0.as_str(), customer.1.as_str()), ("4711", "vip"));
        assert_eq!(context.baggage().get("team").unwrap().as_str(), "a b");
        format!("{} {}", carrier["traceparent"], carrier["tracestate"])
    });
    let sent = ask(&seen, PARENT, Router::new().route("/", handler)).await;
    let own = &seen.only_request();
    assert_eq!(sent, format!("00-{TRACE}-{}-01 rojo=1,congo=2", own.span().trace.span_id));
}

#[tokio::test]
async fn what_is_not_sampled_here_is_not_sampled_there() {
    let (seen, exported) = (Instance::new(), Exported::default());
    let tracer = exported.tracer();
    let handler = get(move || async move {
        assert_eq!(here().trace_id().to_string(), TRACE);
        drop(tracer.start("unwanted"));
    });
    ask(&seen, UNSAMPLED, Router::new().route("/", handler)).await;
    assert!(exported.0.lock().unwrap().is_empty());
}

/// A call within a span of theirs; the header that it carries. Their guard is of one thread, and the call is ready at
/// once.
fn call_within(tracer: &SdkTracer, client: &ObservabilityLayer<side::Client>) -> String {
    let _attached = Context::current_with_span(tracer.start("theirs")).attach();
    tracing::info!("within theirs");
    let sent = Arc::new(Mutex::new(String::new()));
    let called = tower::service_fn(async |request: Request<Body>| {
        request.headers()["traceparent"].to_str().unwrap().clone_into(&mut sent.lock().unwrap());
        Ok::<_, std::convert::Infallible>(axum::http::Response::new(Body::empty()))
    });
    let call = Request::get("http://inventory/").body(Body::empty()).unwrap();
    client.layer(called).oneshot(call).now_or_never().unwrap().unwrap();
    let sent = sent.lock().unwrap();
    sent.clone()
}

#[tokio::test]
async fn a_call_within_a_span_of_theirs_is_its_child() {
    let (seen, exported) = (Instance::new(), Exported::default());
    let _subscriber = seen.subscribe();
    let (tracer, client) = (exported.tracer(), seen.client_layer());
    let handler = get(move || async move { call_within(&tracer, &client) });
    let sent = ask(&seen, PARENT, Router::new().route("/", handler)).await;
    let request = seen.only_request();
    let theirs = exported.named("theirs");
    assert_eq!(theirs.parent_span_id.to_string(), request.span().trace.span_id.to_string());
    let own = theirs.span_context.span_id().to_string();
    let call = seen.spans().into_iter().find(|span| span.name == "GET").unwrap();
    assert_eq!(call.parent.unwrap().to_string(), own);
    assert!(std::str::from_utf8(&sent).unwrap().contains(&call.trace.span_id.to_string()));
    // The line stands where it was written, and still knows its request.
    let line = request.line("within theirs");
    assert_eq!((line["span_id"].as_str().unwrap(), line["path"].as_str().unwrap()), (own.as_str(), "/"));
}

#[tokio::test]
async fn work_within_a_span_of_theirs_joins_its_trace_without_a_request() {
    interop::attach_contexts();
    let (seen, exported) = (Instance::new(), Exported::default());
    let tracer = exported.tracer();
    let theirs = tracer.span_builder("theirs").with_attributes([KeyValue::new("a", 1)]).start(&tracer);
    let context = Context::current_with_span(theirs);
    let (trace, span) = {
        let span = context.span();
        (span.span_context().trace_id().to_string(), span.span_context().span_id().to_string())
    };
    {
        let _attached = context.attach();
        let mut job = seen.adopt(Work::internal("job")).begin();
        job.within(|| assert_eq!(here().trace_id().to_string(), trace));
        assert_eq!(here().span_id().to_string(), span, "theirs is current again");
        job.finish(Outcome::Ok);
    }
    let spans = seen.spans();
    assert_eq!((spans[0].trace.trace_id.to_string(), spans[0].parent.unwrap().to_string()), (trace, span));
    assert!(!here().is_valid());
}

#[test]
fn a_thread_that_ends_in_the_middle_ends_quietly() {
    interop::attach_contexts();
    let seen = Instance::new();
    let thread = std::thread::spawn(move || {
        let _subscriber = seen.subscribe();
        let mut job = seen.adopt(Work::internal("job")).begin();
        job.within(|| std::mem::forget(tracing::info_span!("never left").entered()));
        // Entered and never left, outside of any hop: it stays on the thread's stack.
        std::mem::forget(tracing::info_span!("never left").entered());
        drop(job);
    });
    thread.join().unwrap();
}
