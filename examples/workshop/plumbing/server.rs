//! Owns a service's start and end, and how it finds the others.

use std::fmt::Display;
use std::future::Future;

use axum::Router;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tower_observability::Observability;

use super::BoxError;

/// Serves on a free port until the launcher closes our standard input, or SIGTERM comes.
pub(crate) async fn serve(app: Router, observability: Observability) -> Result<(), BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let admin = observability.admin_address().map(|address| format!("http://{address}")).unwrap_or_default();
    // The launcher learns the addresses from this line.
    tracing::info!(url, admin, "listening");
    let end = first(observability.shutdown_signal(), input_closed());
    axum::serve(listener, app).with_graceful_shutdown(end).await?;
    observability.shutdown().await;
    Ok(())
}

/// The URL of a path at another service; the launcher puts each service's base into the environment.
pub(crate) fn url_of(service: &str, path: impl Display) -> String {
    let base = std::env::var(variable(service)).unwrap_or_default();
    format!("{base}{path}")
}

/// The variable that holds a service's base URL, such as `BOOKINGS_URL`.
pub(crate) fn variable(service: &str) -> String {
    format!("{}_URL", service.to_uppercase())
}

async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::select! { () = one => {}, () = other => {} }
}

/// Resolves when the launcher closed the pipe, or died: no process is left behind, on any system.
async fn input_closed() {
    let mut input = tokio::io::stdin();
    while matches!(input.read(&mut [0; 64]).await, Ok(1..)) {}
}
