//! The payment provider: a stranger's server, which hangs, fails and dawdles by a fixed plan, or as its mood is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::plumbing::{BoxError, input_closed, listen};

/// How it is today; `PUT /mood` changes it.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mood {
    /// By the plan of `charge`.
    #[default]
    Plan,
    /// Every answer is a good one.
    Steady,
    /// Of ten charges one hangs and seven fail, one after the other.
    Flaky,
    /// Charges go well, checks do not.
    ChecksFail,
}

#[derive(Default)]
struct Provider {
    asked: AtomicU64,
    mood: Mutex<Mood>,
}

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
    let routes = Router::new().route("/charges", post(charge)).route("/checks", post(check));
    routes.route("/mood", put(set_mood)).with_state(Arc::new(Provider::default()))
}

/// The first charge shows it all: a timeout, a 500, a slow success. Later there is an outage, long enough to
/// open the circuit.
async fn charge(State(provider): State<Arc<Provider>>) -> Result<Json<Value>, StatusCode> {
    let number = provider.asked.fetch_add(1, Ordering::Relaxed);
    match (provider.mood(), number % 50) {
        (Mood::Plan, 0) => sleep(Duration::from_secs(2)).await,
        (Mood::Plan, 1 | 20..30) => return Err(StatusCode::INTERNAL_SERVER_ERROR),
        (Mood::Plan, 2) => sleep(Duration::from_millis(40)).await,
        (Mood::Flaky, number) => match number % 10 {
            0 => sleep(Duration::from_secs(2)).await,
            1..8 => return Err(StatusCode::INTERNAL_SERVER_ERROR),
            _ => {}
        },
        _ => {}
    }
    Ok(Json(json!({ "payment_id": format!("charge-{number}") })))
}

async fn check(State(provider): State<Arc<Provider>>) -> Result<Json<Value>, StatusCode> {
    match provider.mood() {
        Mood::ChecksFail => Err(StatusCode::SERVICE_UNAVAILABLE),
        _ => Ok(Json(json!({ "payment_id": "checked" }))),
    }
}

async fn set_mood(State(provider): State<Arc<Provider>>, Json(mood): Json<Mood>) -> Json<()> {
    *provider.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    Json(())
}

impl Provider {
    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
