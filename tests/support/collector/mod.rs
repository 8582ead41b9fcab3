//! An OTLP collector in this process: HTTP and gRPC on loopback, with TLS if told, its answers scripted, what it
//! received in memory.
//!
//! ```ignore
//! let collector = Collector::start();                       // own thread, own runtime, a free port
//! collector.next([Answer::Status(503), Answer::Hang]);      // the next two requests; then Ok again
//! // … export to `collector.endpoint()` …
//! let spans = collector.spans_at_least(1).await;            // waits, with a deadline
//! assert_eq!(spans[0].text("http.route"), "/users/{id}");
//! ```
//!
//! What is posted to a path that ends with `/v1/logs`, or calls the service of logs, are log records:
//! `collector.logs()`; the same of `/v1/metrics` and `collector.metrics()`.

mod serving;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use hyper::body::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How long a wait may take before it fails the test.
const DEADLINE: Duration = Duration::from_secs(20);

/// What the collector does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200, everything stored.
    Ok,
    /// This status, and nothing stored.
    Status(u16),
    /// This status with a `Retry-After`, and nothing stored.
    RetryAfter(u16, String),
    /// 200, but so many spans or records rejected, and why. All are kept all the same, to be looked at.
    Partial(i64, String),
    /// This status of gRPC with a message, and nothing stored.
    Grpc(u8, &'static str),
    /// The same with a `RetryInfo`.
    GrpcRetry(u8, Duration),
    /// Reads the request and never answers.
    Hang,
    /// Reads the request and closes the connection; of HTTP/2, the stream.
    Disconnect,
    /// Reads the request and resets the connection; nothing else for HTTP/2 than [`Answer::Disconnect`].
    Reset,
    /// Stores everything, and answers after this time.
    Slow(Duration),
    /// 200 with this content type and body, and nothing stored.
    Foreign(&'static str, &'static [u8]),
    /// 200 and half of the body that the head declares, and nothing stored.
    BreaksOff,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub version: http::Version,
    pub headers: HeaderMap,
    /// As it was encoded: out of its frame, unpacked.
    pub raw: Bytes,
    /// Empty if what came is no OTLP.
    pub body: ExportTraceServiceRequest,
    pub logs: ExportLogsServiceRequest,
    pub metrics: ExportMetricsServiceRequest,
}

/// One stored span with what it stood under.
#[derive(Clone, Debug)]
pub struct Collected {
    pub resource: BTreeMap<String, Value>,
    pub scope: InstrumentationScope,
    pub scope_schema: String,
    pub span: Span,
}

/// One stored log record with what it stood under.
#[derive(Clone, Debug)]
pub struct CollectedLog {
    pub resource: BTreeMap<String, Value>,
    pub scope: InstrumentationScope,
    pub scope_schema: String,
    pub record: LogRecord,
}

/// One stored metric with what it stood under.
#[derive(Clone, Debug)]
pub struct CollectedMetric {
    pub resource: BTreeMap<String, Value>,
    pub scope: InstrumentationScope,
    pub scope_schema: String,
    pub metric: Metric,
}

/// The collector; dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    requests: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    next: VecDeque<Answer>,
    always: Answer,
    received: Vec<Received>,
    stored: Vec<Collected>,
    stored_logs: Vec<CollectedLog>,
    stored_metrics: Vec<CollectedMetric>,
}

impl Collector {
    /// Listens on a free loopback port, on a thread of its own.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), None)
    }

    /// The same with TLS.
    pub fn start_tls(config: ServerConfig) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), Some(config))
    }

    /// Listens where another one listened before, say.
    pub fn start_at(address: SocketAddr, tls: Option<ServerConfig>) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            next: VecDeque::new(),
            always: Answer::Ok,
            received: Vec::new(),
            stored: Vec::new(),
            stored_logs: Vec::new(),
            stored_metrics: Vec::new(),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), requests: watch::Sender::new(0) });
        let (stop, stopped) = oneshot::channel();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serving::serve(listener, tls, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, scheme, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The base URL, for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens to the next requests, in this order.
    pub fn next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.shared.state().next.extend(answers);
    }

    /// What happens to every request that [`Collector::next`] says nothing of. `Ok` at first.
    pub fn always(&self, answer: Answer) {
        self.shared.state().always = answer;
    }

    /// Every request so far, stored or not.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// Every stored span so far.
    pub fn spans(&self) -> Vec<Collected> {
        self.shared.state().stored.clone()
    }

    /// Every stored log record so far.
    pub fn logs(&self) -> Vec<CollectedLog> {
        self.shared.state().stored_logs.clone()
    }

    /// Every stored metric so far, one of each request that has it.
    pub fn metrics(&self) -> Vec<CollectedMetric> {
        self.shared.state().stored_metrics.clone()
    }

    /// Waits until so many log records are stored.
    pub async fn logs_at_least(&self, count: usize) -> Vec<CollectedLog> {
        self.wait(&format!("{count} log records"), |collector| {
            Some(collector.logs()).filter(|logs| logs.len() >= count)
        })
        .await
    }

    /// Waits until so many requests came, stored or not.
    pub async fn received_at_least(&self, count: usize) -> Vec<Received> {
        self.wait(&format!("{count} requests"), |collector| {
            Some(collector.received()).filter(|received| received.len() >= count)
        })
        .await
    }

    /// Waits until so many spans are stored.
    pub async fn spans_at_least(&self, count: usize) -> Vec<Collected> {
        self.wait(&format!("{count} spans"), |collector| {
            Some(collector.spans()).filter(|spans| spans.len() >= count)
        })
        .await
    }

    /// Waits until `look` finds what it wants; it is asked again after every request.
    pub async fn wait<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let mut requests = self.shared.requests.subscribe();
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                if let Some(found) = look(self) {
                    return found;
                }
                requests.changed().await.unwrap();
            }
        });
        found.await.unwrap_or_else(|_| panic!("no {what} within {DEADLINE:?}; came: {:#?}", self.received()))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Received {
    /// A header's value; empty if it did not come.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// How many spans came with it.
    pub fn spans(&self) -> usize {
        let scopes = self.body.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        scopes.map(|scope| scope.spans.len()).sum()
    }
}

/// The one of these that `is` it; `what` names it if there is none, or another.
pub fn the_one<'a, T: std::fmt::Debug>(all: &'a [T], what: &str, is: impl Fn(&T) -> bool) -> &'a T {
    let mut found = all.iter().filter(|one| is(one));
    let first = found.next().unwrap_or_else(|| panic!("no {what:?} in {all:#?}"));
    assert!(found.next().is_none(), "{what:?} twice");
    first
}

/// The names of attributes, none of which is there twice.
pub fn names(attributes: &[KeyValue]) -> BTreeSet<&str> {
    let names: BTreeSet<_> = attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(names.len(), attributes.len(), "a name twice: {attributes:?}");
    names
}

impl CollectedLog {
    /// An attribute of the record.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        found(&self.record.attributes, name)
    }

    /// An attribute of the record as text, whatever its type; empty if it has none of that name.
    pub fn text(&self, name: &str) -> String {
        self.attribute(name).map(text_of).unwrap_or_default()
    }

    /// A resource attribute as text; empty if there is none of that name.
    pub fn resource(&self, name: &str) -> String {
        self.resource.get(name).map(text_of).unwrap_or_default()
    }

    /// The body as text.
    pub fn body(&self) -> String {
        self.record.body.as_ref().and_then(|body| body.value.as_ref()).map(text_of).unwrap_or_default()
    }

    /// The trace id as 32 lower-case hex digits; empty outside of a trace.
    pub fn trace_id(&self) -> String {
        hex(&self.record.trace_id)
    }

    /// The span id as 16 lower-case hex digits; empty outside of a trace.
    pub fn span_id(&self) -> String {
        hex(&self.record.span_id)
    }
}

impl Collected {
    /// An attribute of the span.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        found(&self.span.attributes, name)
    }

    /// An attribute of the span as text, whatever its type; empty if it has none of that name.
    pub fn text(&self, name: &str) -> String {
        self.attribute(name).map(text_of).unwrap_or_default()
    }

    /// A resource attribute as text; empty if there is none of that name.
    pub fn resource(&self, name: &str) -> String {
        self.resource.get(name).map(text_of).unwrap_or_default()
    }

    /// The trace id as 32 lower-case hex digits.
    pub fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    /// The span id as 16 lower-case hex digits.
    pub fn span_id(&self) -> String {
        hex(&self.span.span_id)
    }

    /// The parent's id as 16 lower-case hex digits; empty for a root.
    pub fn parent_id(&self) -> String {
        hex(&self.span.parent_span_id)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn found<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    attributes.iter().find(|pair| pair.key == name)?.value.as_ref()?.value.as_ref()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Shared {
    /// Remembers a request, stores its spans if the script says so, and says what to answer.
    fn take(&self, received: Received) -> Answer {
        let mut state = self.state();
        let answer = state.next.pop_front().unwrap_or_else(|| state.always.clone());
        if matches!(answer, Answer::Ok | Answer::Partial(..) | Answer::Slow(_)) {
            state.stored.extend(collected(&received.body));
            state.stored_logs.extend(collected_logs(&received.logs));
            state.stored_metrics.extend(collected_metrics(&received.metrics));
        }
        state.received.push(received);
        drop(state);
        self.requests.send_modify(|count| *count += 1);
        answer
    }
}

fn collected(body: &ExportTraceServiceRequest) -> Vec<Collected> {
    let mut spans = Vec::new();
    for resource in &body.resource_spans {
        let attributes =
            resource.resource.as_ref().map(|resource| map(&resource.attributes)).unwrap_or_default();
        for scope in &resource.scope_spans {
            spans.extend(scope.spans.iter().map(|span| Collected {
                resource: attributes.clone(),
                scope: scope.scope.clone().unwrap_or_default(),
                scope_schema: scope.schema_url.clone(),
                span: span.clone(),
            }));
        }
    }
    spans
}

fn collected_logs(body: &ExportLogsServiceRequest) -> Vec<CollectedLog> {
    let mut logs = Vec::new();
    for resource in &body.resource_logs {
        let attributes =
            resource.resource.as_ref().map(|resource| map(&resource.attributes)).unwrap_or_default();
        for scope in &resource.scope_logs {
            logs.extend(scope.log_records.iter().map(|record| CollectedLog {
                resource: attributes.clone(),
                scope: scope.scope.clone().unwrap_or_default(),
                scope_schema: scope.schema_url.clone(),
                record: record.clone(),
            }));
        }
    }
    logs
}

fn collected_metrics(body: &ExportMetricsServiceRequest) -> Vec<CollectedMetric> {
    let mut metrics = Vec::new();
    for resource in &body.resource_metrics {
        let attributes =
            resource.resource.as_ref().map(|resource| map(&resource.attributes)).unwrap_or_default();
        for scope in &resource.scope_metrics {
            metrics.extend(scope.metrics.iter().map(|metric| CollectedMetric {
                resource: attributes.clone(),
                scope: scope.scope.clone().unwrap_or_default(),
                scope_schema: scope.schema_url.clone(),
                metric: metric.clone(),
            }));
        }
    }
    metrics
}

fn map(attributes: &[KeyValue]) -> BTreeMap<String, Value> {
    let pairs = attributes.iter().filter_map(|pair| Some((pair.key.clone(), pair.value.clone()?.value?)));
    pairs.collect()
}
