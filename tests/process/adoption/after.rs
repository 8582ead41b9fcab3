use axum::{Router, extract::Path, routing::get};
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower_observability::{Metrics, ObservabilityLayer, builder, interop};
use tracing_subscriber::{EnvFilter, prelude::*};

use super::service::{Error, exporter, listener, stopped};

#[tracing::instrument]
async fn booking(Path(id): Path<u64>) -> String {
    tracing::info!("looking into the book");
    metrics::counter!("bookings_read_total").increment(1);
    format!("booking {id}: oil change, tomorrow at nine\n")
}

#[tokio::main]
pub async fn main() -> Result<(), Error> {
    let observability = builder("bookings").metrics(Metrics::new().installed_recorder()).build()?;
    interop::attach_contexts();
    let pages = PrometheusBuilder::new().set_buckets(Metrics::SECONDS)?.install_recorder()?;
    let spans = SdkTracerProvider::builder().with_batch_exporter(exporter()).build();
    tracing_subscriber::registry()
        .with(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with(tracing_opentelemetry::layer().with_tracer(spans.tracer("bookings")))
        .with(observability.lines_layer())
        .init();
    let app = Router::new()
        .route("/bookings/{id}", get(booking))
        .route("/metrics", get(async move || pages.render()))
        .layer(ObservabilityLayer::new());
    axum::serve(listener().await?, app).with_graceful_shutdown(stopped()).await?;
    spans.shutdown()?;
    observability.shutdown().await;
    Ok(())
}
