//! The floor: all three signals of one request by hand, for this one kind of request, with no library, no request
//! id, and paths cut at 64 bytes. It has no `unsafe` either: a floor with it is lower.

use std::cell::Cell;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderMap;
use axum::response::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::sink::{Lines, count_spans};
use crate::stack::Started;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

const PATH: usize = 64;
const BOUNDS: [u64; 14] = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

/// Everything that is not one request's.
struct Shared {
    spans: Mutex<Vec<Span>>,
    lines: Mutex<Vec<u8>>,
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum: AtomicU64,
    active: AtomicI64,
    over: AtomicBool,
}

/// A span, as the exporter gets it.
#[allow(dead_code)] // the sink does not read it
struct Span {
    trace: u128,
    parent: u64,
    id: u64,
    start: Duration,
    duration: Duration,
    status: u16,
    route: Option<MatchedPath>,
    path: [u8; PATH],
}

/// One request in progress.
struct Hop {
    shared: Arc<Shared>,
    begun: Instant,
    span: Span,
    length: usize,
}

#[derive(Clone)]
struct FloorLayer(Arc<Shared>);

#[derive(Clone)]
struct Floor<S> {
    inner: S,
    shared: Arc<Shared>,
}

pin_project! {
    struct Answering<F> {
        #[pin]
        inner: F,
        hop: Option<Hop>,
    }
}

pin_project! {
    struct Observed<B> {
        #[pin]
        inner: B,
        // Its end is its drop.
        hop: Option<Hop>,
    }
}

pub(crate) fn start() -> Started {
    let shared = Arc::new(Shared {
        spans: Mutex::new(Vec::with_capacity(4_096)),
        lines: Mutex::new(Vec::with_capacity(1 << 21)),
        buckets: Default::default(),
        sum: AtomicU64::new(0),
        active: AtomicI64::new(0),
        over: AtomicBool::new(false),
    });
    let behind = Arc::clone(&shared);
    let thread = std::thread::spawn(move || empty(&behind));
    let app = USUAL.router(NoopLayer).layer(FloorLayer(Arc::clone(&shared)));
    Started::new(app, move || {
        shared.over.store(true, Ordering::Release);
        thread.join().expect("everything leaves");
    })
}

/// What runs behind the requests.
fn empty(shared: &Shared) {
    let (mut spans, mut lines) = (Vec::with_capacity(4_096), Vec::with_capacity(1 << 21));
    loop {
        let is_over = shared.over.load(Ordering::Acquire);
        std::mem::swap(&mut spans, &mut *shared.spans.lock().expect("no panic"));
        std::mem::swap(&mut lines, &mut *shared.lines.lock().expect("no panic"));
        count_spans(spans.len());
        spans.clear();
        Lines.write_all(&lines).expect("a sink takes all");
        lines.clear();
        if is_over {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Hop {
    fn new(shared: Arc<Shared>, request: &Request) -> Option<Self> {
        let (trace, parent, sampled) = parent(request.headers()).unwrap_or((random().into(), 0, true));
        if !sampled {
            return None;
        }
        shared.active.fetch_add(1, Ordering::Relaxed);
        let sent = request.uri().path().as_bytes();
        let mut path = [0; PATH];
        let length = sent.len().min(PATH);
        path[..length].copy_from_slice(&sent[..length]);
        let route = request.extensions().get().cloned();
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (id, duration) = (random(), Duration::ZERO);
        let span = Span { trace, parent, id, start, duration, status: 0, route, path };
        Some(Self { shared, begun: Instant::now(), span, length })
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        let span = &mut self.span;
        span.duration = self.begun.elapsed();
        let millis = span.duration.as_millis() as u64;
        let bucket = BOUNDS.iter().position(|bound| millis < *bound).unwrap_or(BOUNDS.len());
        self.shared.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.shared.sum.fetch_add(span.duration.as_nanos() as u64, Ordering::Relaxed);
        self.shared.active.fetch_sub(1, Ordering::Relaxed);
        write_line(&mut self.shared.lines.lock().expect("no panic"), span, self.length);
        let sent = Span { route: span.route.take(), ..*span };
        self.shared.spans.lock().expect("no panic").push(sent);
    }
}

/// `traceparent`, as this one kind of caller sends it.
fn parent(headers: &HeaderMap) -> Option<(u128, u64, bool)> {
    let value: &[u8; 55] = headers.get("traceparent")?.as_bytes().try_into().ok()?;
    let [b'0', b'0', b'-', ..] = value else { return None };
    Some((hex(&value[3..35])?, hex(&value[36..52])? as u64, hex(&value[53..])? & 1 == 1))
}

fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

fn random() -> u64 {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(0x9e37_79b9_7f4a_7c15) });
    STATE.with(|state| {
        let mut value = state.get();
        value ^= value << 13;
        value ^= value >> 7;
        value ^= value << 17;
        state.set(value);
        value
    })
}

fn write_line(line: &mut Vec<u8>, span: &Span, length: usize) {
    let mut number = itoa::Buffer::new();
    line.extend_from_slice(b"{\"timestamp\":\"");
    write_time(line, span.start);
    line.extend_from_slice(b"\",\"level\":\"INFO\",\"message\":\"request finished\",\"trace_id\":\"");
    write_hex(line, span.trace, 32);
    line.extend_from_slice(b"\",\"span_id\":\"");
    write_hex(line, span.id.into(), 16);
    line.extend_from_slice(b"\",\"method\":\"GET\",\"path\":\"");
    // This caller's paths need no escape.
    line.extend_from_slice(&span.path[..length]);
    line.extend_from_slice(b"\",\"route\":\"");
    line.extend_from_slice(span.route.as_ref().map_or("", MatchedPath::as_str).as_bytes());
    line.extend_from_slice(b"\",\"status\":");
    line.extend_from_slice(number.format(span.status).as_bytes());
    line.extend_from_slice(b",\"duration_us\":");
    line.extend_from_slice(number.format(span.duration.as_micros() as u64).as_bytes());
    line.extend_from_slice(b"}\n");
}

fn write_hex(line: &mut Vec<u8>, value: u128, digits: u32) {
    for place in (0..digits).rev() {
        line.push(b"0123456789abcdef"[(value >> (4 * place)) as usize & 15]);
    }
}

fn write_time(line: &mut Vec<u8>, since: Duration) {
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // The calendar's era of 400 years, counted from the first of March.
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date =
        [era * 400 + year + u64::from(month >= 10), (month + 2) % 12 + 1, day - (153 * month + 2) / 5 + 1];
    for (number, before) in date.into_iter().zip(["", "-", "-"]) {
        line.extend_from_slice(before.as_bytes());
        write_two(line, number);
    }
    for (number, before) in [second / 3_600, second / 60 % 60, second % 60].into_iter().zip(["T", ":", ":"]) {
        line.extend_from_slice(before.as_bytes());
        write_two(line, number);
    }
    line.push(b'.');
    let micros = since.subsec_micros();
    for place in [100_000, 10_000, 1_000, 100, 10, 1] {
        line.push(b'0' + (micros / place % 10) as u8);
    }
    line.push(b'Z');
}

fn write_two(line: &mut Vec<u8>, number: u64) {
    if number >= 100 {
        write_two(line, number / 100);
    }
    line.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

impl<S> Layer<S> for FloorLayer {
    type Service = Floor<S>;

    fn layer(&self, inner: S) -> Floor<S> {
        Floor { inner, shared: Arc::clone(&self.0) }
    }
}

impl<S, B> Service<Request> for Floor<S>
where
    S: Service<Request, Response = Response<B>>,
{
    type Response = Response<Observed<B>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let hop = Hop::new(Arc::clone(&self.shared), &request);
        Answering { inner: self.inner.call(request), hop }
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Observed<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        let mut hop = this.hop.take();
        if let Some(hop) = &mut hop {
            hop.span.status = response.status().as_u16();
        }
        Poll::Ready(Ok(response.map(|inner| Observed { inner, hop })))
    }
}

impl<B: Body> Body for Observed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if frame.is_none() {
            *this.hop = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
