//! The usual stack: axum-tracing-opentelemetry, tracing-opentelemetry, a JSON layer, axum-prometheus.

use axum::Router;
use axum_prometheus::PrometheusMetricLayer;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, Tracer};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::telling;
use crate::sink::{Batches, Lines};
use crate::stack::Started;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

/// The SDK's batch processor before a sink.
pub(super) fn provider() -> SdkTracerProvider {
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    SdkTracerProvider::builder().with_batch_exporter(Batches).build()
}

pub(crate) fn json_subscriber() -> Started {
    let (provider, tracer) = tracer();
    let lines = json_subscriber::layer().with_opentelemetry_ids(true).with_writer(|| Lines);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer);
    tracing_subscriber::registry().with(LevelFilter::INFO).with(spans).with(lines).init();
    started(provider)
}

pub(crate) fn fmt_json() -> Started {
    let (provider, tracer) = tracer();
    let lines = tracing_subscriber::fmt::layer().json().with_writer(|| Lines);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer);
    tracing_subscriber::registry().with(LevelFilter::INFO).with(spans).with(lines).init();
    started(provider)
}

pub(crate) fn metrics_only() -> Started {
    Started::new(with_metrics(USUAL.router(NoopLayer)), || ())
}

fn tracer() -> (SdkTracerProvider, Tracer) {
    let provider = provider();
    let tracer = provider.tracer("bench");
    (provider, tracer)
}

fn started(provider: SdkTracerProvider) -> Started {
    let app = with_metrics(telling().layer(OtelAxumLayer::default()));
    Started::new(app, move || provider.shutdown().expect("everything leaves"))
}

/// Takes the process's recorder.
pub(super) fn with_metrics(app: Router) -> Router {
    let (metrics, page) = PrometheusMetricLayer::pair();
    // As a service that serves the page keeps it.
    std::mem::forget(page);
    app.layer(metrics)
}
