//! The stack that only logs: tower-http's trace layer and tracing-subscriber's JSON.

use tower_http::trace::{DefaultMakeSpan, DefaultOnRequest, DefaultOnResponse, TraceLayer};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::sink::Lines;
use crate::stack::Started;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

pub(crate) fn start() -> Started {
    let lines = tracing_subscriber::fmt::layer().json().with_writer(|| Lines);
    tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).init();
    let layer = TraceLayer::new_for_http()
        .make_span_with(DefaultMakeSpan::new().level(Level::INFO))
        .on_request(DefaultOnRequest::new().level(Level::DEBUG))
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    Started::new(USUAL.router(NoopLayer).layer(layer), || ())
}
