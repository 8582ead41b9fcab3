//! The rows of the table: each stack, what leaves it, and how it is started.

use std::sync::atomic::Ordering;

use axum::Router;

use crate::sink::{LINES, SPANS};
use crate::stacks::{fastrace, floor, logfire, otel, ours, tower_http, usual};
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Stack {
    pub(crate) name: &'static str,
    pub(crate) leaves: &'static str,
    pub(crate) start: fn() -> Started,
    spans: bool,
    lines: bool,
}

/// A router under its stack, and what flushes the stack.
pub(crate) struct Started {
    pub(crate) app: Router,
    pub(crate) end: Box<dyn FnOnce() + Send>,
}

pub(crate) const STACKS: [Stack; 13] = [
    row("bare", "nothing", bare, "", ""),
    row("noop", "nothing: a layer that hands on", noop, "", ""),
    row(
        "floor",
        "span, line, metrics, by hand, without `unsafe`; no request id",
        floor::start,
        "spans",
        "lines",
    ),
    row("tower-observability", "span, line, metrics, request id, exemplars", ours::start, "", ""),
    row("tower-observability, no request id", "span, line, metrics, exemplars", ours::unnamed, "", ""),
    row(
        "opentelemetry-instrumentation-tower",
        "span, metrics; no line",
        otel::instrumentation_tower,
        "spans",
        "",
    ),
    row("tower-otel", "span, metrics; no line", otel::tower_otel, "spans", ""),
    row("fastrace-axum, logforth, axum-prometheus", "span, line, metrics", fastrace::start, "spans", "lines"),
    row("logfire, tower-http, axum-prometheus", "span, metrics; no line", logfire::start, "spans", ""),
    row("tower-http, fmt JSON", "line", tower_http::start, "", "lines"),
    row(
        "axum-tracing-opentelemetry, json-subscriber, axum-prometheus",
        "span, line, metrics",
        usual::json_subscriber,
        "spans",
        "lines",
    ),
    row(
        "axum-tracing-opentelemetry, fmt JSON, axum-prometheus",
        "span, line, metrics",
        usual::fmt_json,
        "spans",
        "lines",
    ),
    row("axum-prometheus", "metrics", usual::metrics_only, "", ""),
];

const fn row(
    name: &'static str,
    leaves: &'static str,
    start: fn() -> Started,
    spans: &'static str,
    lines: &'static str,
) -> Stack {
    Stack { name, leaves, start, spans: !spans.is_empty(), lines: !lines.is_empty() }
}

impl Stack {
    pub(crate) fn named(name: &str) -> Self {
        let stack = STACKS.iter().find(|stack| stack.name == name);
        *stack.unwrap_or_else(|| panic!("no stack is called {name:?}"))
    }

    /// What was measured must have happened: a signal that is off, or a full queue, costs less.
    pub(crate) fn prove(self, requests: u64) {
        let (spans, lines) = (SPANS.load(Ordering::Relaxed), LINES.load(Ordering::Relaxed));
        let whole = (!self.spans || spans == requests) && (!self.lines || lines == requests);
        assert!(whole, "{}: {requests} requests, {spans} spans, {lines} lines", self.name);
    }
}

impl Started {
    pub(crate) fn new(app: Router, end: impl FnOnce() + Send + 'static) -> Self {
        // Without a state axum lays the layers anew around every request.
        Self { app: app.with_state(()), end: Box::new(end) }
    }
}

fn bare() -> Started {
    Started::new(USUAL.router(NoopLayer), || ())
}

fn noop() -> Started {
    Started::new(USUAL.router(NoopLayer).layer(NoopLayer), || ())
}
