//! The stack of fastrace: its layer for axum, logforth's JSON lines, axum-prometheus.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace_axum::FastraceLayer;
use logforth::diagnostic::FastraceDiagnostic;
use logforth::layout::JsonLayout;
use logforth::record::Record;
use logforth::{Append, Diagnostic, Error, Layout};
use std::io::Write as _;

use super::BODY;
use super::usual::with_metrics;
use crate::sink::{Lines, count_spans};
use crate::stack::Started;

/// Takes spans.
struct Spans;

/// Takes lines.
#[derive(Debug, Default)]
struct JsonLines(JsonLayout);

impl Reporter for Spans {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        count_spans(spans.len());
    }
}

impl Append for JsonLines {
    fn append(&self, record: &Record<'_>, diagnostics: &[Box<dyn Diagnostic>]) -> Result<(), Error> {
        let mut line = self.0.format(record, diagnostics)?;
        line.push(b'\n');
        Lines.write_all(&line).map_err(Error::from_io_error)
    }

    fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}

pub(crate) fn start() -> Started {
    fastrace::set_reporter(Spans, Config::default());
    logforth::starter_log::builder()
        .dispatch(|to| to.diagnostic(FastraceDiagnostic::default()).append(JsonLines::default()))
        .apply();
    log::set_max_level(log::LevelFilter::Info);
    let app = with_metrics(telling().layer(FastraceLayer::default()));
    Started::new(app, fastrace::flush)
}

/// Its lines come from the `log` crate.
fn telling() -> Router {
    async fn answer(Path(_id): Path<u64>) -> &'static str {
        log::info!(status = 200; "request finished");
        BODY
    }
    Router::new().route("/users/{id}", get(answer))
}
