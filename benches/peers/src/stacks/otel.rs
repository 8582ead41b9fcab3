//! The stacks that record with OpenTelemetry's SDK and write no line.

use axum::Router;
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::usual::provider;
use crate::sink::Batches;
use crate::stack::Started;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

pub(crate) fn instrumentation_tower() -> Started {
    let (spans, meters) = providers();
    global::set_tracer_provider(spans.clone());
    let app = USUAL.router(NoopLayer).layer(opentelemetry_instrumentation_tower::http::server::Layer::new());
    started(app, spans, meters)
}

pub(crate) fn tower_otel() -> Started {
    let (spans, meters) = providers();
    let layer = tracing_opentelemetry::layer().with_tracer(spans.tracer("bench"));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(layer).init();
    let app = USUAL.router(NoopLayer);
    let app = app.layer(tower_otel::metrics::HttpLayer::server(&global::meter("bench")));
    let app = app.layer(tower_otel::trace::HttpLayer::server(Level::INFO));
    started(app, spans, meters)
}

fn providers() -> (opentelemetry_sdk::trace::SdkTracerProvider, SdkMeterProvider) {
    let meters = SdkMeterProvider::builder().with_periodic_exporter(Batches).build();
    global::set_meter_provider(meters.clone());
    (provider(), meters)
}

fn started(
    app: Router,
    spans: opentelemetry_sdk::trace::SdkTracerProvider,
    meters: SdkMeterProvider,
) -> Started {
    Started::new(app, move || {
        spans.shutdown().expect("everything leaves");
        meters.shutdown().expect("everything leaves");
    })
}
