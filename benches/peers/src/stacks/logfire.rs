//! Logfire, with tower-http's span for each request. It writes no JSON line: its records are spans.

use logfire::config::SendToLogfire;
use opentelemetry_sdk_of_logfire::trace::BatchSpanProcessor;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::Level;

use super::usual::with_metrics;
use crate::sink::LogfireBatches;
use crate::stack::Started;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

pub(crate) fn start() -> Started {
    let logfire = logfire::configure()
        .send_to_logfire(SendToLogfire::No)
        .with_console(None)
        .with_install_panic_handler(false)
        .with_additional_span_processor(BatchSpanProcessor::builder(LogfireBatches).build())
        .finish()
        .expect("it starts");
    let layer = TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(Level::INFO));
    let app = with_metrics(USUAL.router(NoopLayer).layer(layer));
    Started::new(app, move || logfire.shutdown().expect("everything leaves"))
}
