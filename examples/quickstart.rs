//! A service with logs, traces and metrics. `cargo run -p examples --example quickstart`, then:
//!
//! ```text
//! curl -i http://127.0.0.1:3000/bookings/7
//! curl -s http://127.0.0.1:9464/metrics
//! ```

mod shared;

use axum::{Router, extract::Path, routing::get};
use tower_observability::{ObservabilityLayer, request};

async fn booking(Path(id): Path<u64>) -> String {
    request::add("booking_id", id);
    tracing::info!("looking into the book");
    format!("booking {id}: oil change, tomorrow at nine\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    shared::refuse_arguments("quickstart");
    let observability = tower_observability::init("bookings")?;
    let app = Router::new().route("/bookings/{id}", get(booking)).layer(ObservabilityLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    tracing::info!("listening, try: curl -i http://127.0.0.1:3000/bookings/7");
    axum::serve(listener, app).with_graceful_shutdown(observability.shutdown_signal()).await?;
    observability.shutdown().await;
    Ok(())
}
