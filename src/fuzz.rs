//! The entries of fuzzing: each takes any bytes, as a stranger may send them, and panics only where a promise is broken.
//!
//! It is compiled for the fuzzer (`tests/fuzz`, which runs each entry of [`TARGETS`]) and for the test that replays its
//! corpus, never into a service.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, Service};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::bridge::Bridge;
use crate::config::{Env, Options, Terminals, choose, variables};
use crate::context::TraceContext;
use crate::current::request;
use crate::error::masked_urls;
use crate::export::{Answer, Body};
use crate::layer::ObservabilityLayer;
use crate::logs::{Lines, Logs, MemoryLines};
use crate::metrics::{Exposition, Metrics, Recorder};
use crate::otlp::meaning;
use crate::propagation::{OutgoingContext, Propagators, Proxies};
use crate::resource::{Resource, parse_attributes};
use crate::signals::Signals;
use crate::traces::redact_query;

/// One entry.
type Target = fn(&[u8]);

/// Each entry by its name, which is also that of its corpus.
const TARGETS: &[(&str, Target)] = &[
    ("answer", answer),
    ("context", context),
    ("page", page),
    ("request", request_and_call),
    ("texts", texts),
    ("variables", variables_of),
];

/// Runs the entry of this name.
///
/// # Panics
///
/// If there is none, or a promise is broken.
pub fn run(name: &str, data: &[u8]) {
    let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) else {
        panic!("no entry {name}")
    };
    target(data);
}

/// An answer of a collector: its status, whether it is gRPC, its headers, its body.
fn answer(data: &[u8]) {
    let [status, kind, rest @ ..] = data else { return };
    let (head, body) = parted(rest);
    let headers: HeaderMap = headers(head).collect();
    let body = match kind & 6 {
        0 | 2 => Body::Whole(Bytes::copy_from_slice(body)),
        4 => Body::TooLong,
        _ => Body::BrokenOff,
    };
    let status = StatusCode::from_u16(100 + u16::from(*status) * 2).unwrap_or_default();
    let trailers = (kind & 8 != 0).then(|| headers.clone());
    let shown = format!("{:?}", meaning(Answer { status, headers, body, trailers }, kind & 1 != 0));
    assert!(shown.len() < 8 * 1024, "{} bytes of an answer are shown", shown.len());
}

/// The headers of a caller, read in every format; what is written again is read as the same.
fn context(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    let carrier: HashMap<_, _> =
        pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect();
    for list in
        ["tracecontext,baggage", "b3,baggage", "b3multi", "jaeger", "jaeger,b3multi,b3,tracecontext,baggage"]
    {
        let Ok(propagators) = Propagators::from_list(list) else { panic!("{list}") };
        let read = propagators.read(&carrier);
        let mut written = HashMap::new();
        let outgoing = OutgoingContext {
            trace: read.trace,
            tracestate: &read.tracestate,
            baggage: Some(&read.baggage),
            request_id: read.request_id.as_ref(),
        };
        propagators.write(&mut written, outgoing);
        let again = propagators.read(&written);
        // Not every format has every flag.
        let place = |trace: TraceContext| (trace.trace_id, trace.span_id, trace.flags.is_sampled());
        assert_eq!(again.trace.map(place), read.trace.map(place), "{list}: {written:?}");
        if read.trace.is_some() {
            assert_eq!(again.tracestate.as_str(), read.tracestate.as_str(), "{list}");
            assert_eq!(again.baggage.to_header(), read.baggage.to_header(), "{list}");
            assert_eq!(again.request_id.map(|id| id.to_string()), read.request_id.map(|id| id.to_string()));
        }
    }
}

/// A metric's name, its labels' names and values: each line of both pages is whole.
fn page(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split('\0').map(str::to_owned);
    let name = parts.next().unwrap_or_default();
    let parts: Vec<_> = parts.take(64).collect();
    let labels: Vec<_> = parts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let recorder = Recorder::new(&Metrics::default());
    ::metrics::with_local_recorder(&recorder, || {
        ::metrics::describe_counter!(name.clone(), text.into_owned());
        ::metrics::counter!(name.clone(), &labels).increment(1);
        ::metrics::gauge!(name.clone() + "_now", &labels).set(0.5);
        ::metrics::histogram!(name + "_seconds", &labels).record(0.1);
    });
    for exposition in [Exposition::Text, Exposition::OpenMetrics] {
        let page = recorder.render(exposition);
        for line in page.lines() {
            let is_sample = line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok());
            assert!(line.starts_with("# ") || is_sample, "{line:?} in {page}");
        }
        assert_eq!(page.ends_with("# EOF\n"), exposition == Exposition::OpenMetrics);
    }
}

/// A request as it comes in, with a call out of it, and what its handler says, on a line of each format.
fn request_and_call(data: &[u8]) {
    let [format, rest @ ..] = data else { return };
    let (head, text) = parted(rest);
    let text = String::from_utf8_lossy(text).into_owned();
    let mut lines = head.splitn(2, |byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, uri) = first.split_once(' ').unwrap_or(("GET", &first));
    let mut asked = Request::new(Full::new(Bytes::new()));
    let Ok(uri) = uri.parse::<Uri>() else { return };
    *asked.uri_mut() = uri.clone();
    *asked.method_mut() = Method::from_bytes(method.as_bytes()).unwrap_or_default();
    asked
        .headers_mut()
        .extend(headers(lines.next().unwrap_or_default()).map(|(name, value)| (Some(name), value)));
    WRITERS.with(|writers| {
        let writer = &writers[usize::from(*format) % writers.len()];
        writer.serve(asked, uri, text);
        writer.check();
    });
}

/// Texts that are shown without the secrets in them.
fn texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let masked = masked_urls(&text);
    assert_eq!(masked_urls(&masked), masked, "masked twice");
    let query = redact_query(&text, |key| key == "page");
    assert!(query.len() <= text.len().max(2048), "{} bytes of {}", query.len(), text.len());
    let _ = (parse_attributes(&text), Exposition::negotiate(text.lines(), true));
}

/// An environment: lines of a variable's number and its value.
fn variables_of(data: &[u8]) {
    let rows = variables();
    let row = |line: &[u8]| {
        let (number, value) = line.split_first()?;
        let value = String::from_utf8_lossy(value).replace('\0', "");
        Some((rows.get(usize::from(*number)).map_or("OTEL_UNKNOWN", |row| row.name), value))
    };
    let env = Env::from_iter(data.split(|byte| *byte == b'\n').filter_map(row));
    let terminals = Terminals { output: data.len() % 2 == 1, errors: data.len() % 3 == 1 };
    let config = choose(Options::default(), &env, terminals);
    assert_eq!(config.choices.len(), rows.len());
    let _ = format!("{:?}", config.warnings);
}

/// What is before an empty line, and what is behind it.
fn parted(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(2).position(|two| two == b"\n\n") {
        Some(place) => (&data[..place], &data[place + 2..]),
        None => (data, b""),
    }
}

fn headers(lines: &[u8]) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let place = line.iter().position(|byte| *byte == b':')?;
        let value = HeaderValue::from_bytes(line[place + 1..].trim_ascii()).ok()?;
        Some((HeaderName::from_bytes(&line[..place]).ok()?, value))
    })
}

thread_local! {
    /// One for each format, with every propagation format.
    static WRITERS: [Writer; 6] = [
        Writer::new(Logs::new().json()),
        Writer::new(Logs::new().ecs()),
        Writer::new(Logs::new().logstash()),
        Writer::new(Logs::new().gelf()),
        Writer::new(Logs::new().otel()),
        Writer::new(Logs::new().pretty()),
    ];
}

/// A service whose lines stay in memory.
struct Writer {
    signals: &'static Signals,
    lines: MemoryLines,
    dispatch: Dispatch,
    is_json: bool,
}

/// What the layers are around: a handler that says things, or a server that is called.
#[derive(Clone)]
struct Handler {
    signals: &'static Signals,
    /// Where the handler calls; `None` of the one that is called.
    calls: Option<Uri>,
    text: String,
}

impl Writer {
    fn new(logs: Logs) -> Self {
        let is_json = !format!("{logs:?}").contains("Pretty");
        let (lines, written) = Lines::in_memory_of(&logs.level("trace").limit(0), &Resource::default());
        let recorder: &'static Recorder = Box::leak(Box::new(Recorder::new(&Metrics::default())));
        let list = "tracecontext,baggage,b3,b3multi,jaeger";
        let Ok(propagators) = Propagators::from_list(list) else { panic!("{list}") };
        let signals = Signals::of_test(lines, recorder, propagators);
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(Bridge::new(signals)));
        Self { signals, lines: written, dispatch, is_json }
    }

    fn serve(&self, asked: Request<Full<Bytes>>, calls: Uri, text: String) {
        let layer = ObservabilityLayer::new()
            .redact_path("/reset/{token}", ["token"])
            .capture_request_headers(["x-tenant", "user-agent"])
            .show_query(["page"])
            .trusted_proxies(Proxies::hops(2).forwarded());
        let handler = Handler { signals: self.signals, calls: Some(calls), text };
        let mut service = layer.with_core(self.signals).layer(handler);
        tracing::dispatcher::with_default(&self.dispatch, || finish(service.call(asked)));
    }

    /// Every line is one, and strict JSON without a key twice where it is JSON.
    fn check(&self) {
        for line in self.lines.drain() {
            assert!(!line.contains(char::is_control) || !self.is_json, "{line:?}");
            if self.is_json {
                let read = serde_json::from_str::<serde_json::Value>(&line);
                assert!(read.is_ok(), "{read:?}: {line}");
            }
        }
        drop(self.signals.spans.drain());
    }
}

impl Service<Request<Full<Bytes>>> for Handler {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        if let Some(uri) = self.calls.take() {
            let text = &self.text;
            tracing::info!(text, "{text}");
            request::add(text.chars().take(40).collect::<String>(), text.clone());
            request::error(&io::Error::other(text.clone()));
            request::route(text);
            let mut call = Request::new(Full::new(Bytes::new()));
            *call.uri_mut() = uri;
            let layer = ObservabilityLayer::client().with_core(self.signals);
            finish(layer.layer(self.clone()).call(call));
        }
        ready(Ok(Response::new(Full::new(Bytes::from_static(b"done")))))
    }
}

/// Polls what never waits, to the last byte of its body.
fn finish<B>(call: impl Future<Output = Result<Response<B>, Infallible>>)
where
    B: http_body::Body<Data = Bytes, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = std::pin::pin!(call).as_mut().poll(&mut context) else {
        panic!("it waits")
    };
    let body = std::pin::pin!(response.into_body().collect()).as_mut().poll(&mut context);
    assert!(body.is_ready());
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_corpus_is_replayed() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        for (name, target) in TARGETS {
            let files = fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let files: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
            assert!(files.len() > 1, "{name}");
            files.iter().for_each(|file| target(file));
        }
    }
}
