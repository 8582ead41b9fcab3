//! The payment provider: a stranger's server, which hangs, fails and dawdles by a fixed plan.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::plumbing::{BoxError, input_closed, listen};

/// Starts it on a free port and returns its URL.
pub(super) async fn start() -> Result<String, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app()).await });
    Ok(url)
}

/// Serves it until the standard input is closed.
pub(crate) async fn provider() -> Result<(), BoxError> {
    let listener = TcpListener::bind(listen()).await?;
    Ok(axum::serve(listener, app()).with_graceful_shutdown(input_closed()).await?)
}

fn app() -> Router {
    Router::new().route("/charges", post(charge)).with_state(Arc::new(AtomicU64::new(0)))
}

/// The first charge shows it all: a timeout, a 500, a slow success. Later there is an outage, long enough to
/// open the circuit.
async fn charge(State(asked): State<Arc<AtomicU64>>) -> Result<Json<Value>, StatusCode> {
    let number = asked.fetch_add(1, Ordering::Relaxed);
    match number % 50 {
        0 => sleep(Duration::from_secs(2)).await,
        1 | 20..30 => return Err(StatusCode::INTERNAL_SERVER_ERROR),
        2 => sleep(Duration::from_millis(40)).await,
        _ => {}
    }
    Ok(Json(json!({ "payment_id": format!("charge-{number}") })))
}
