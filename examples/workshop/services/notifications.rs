//! notifications: tells the customer. Here it only pretends to send.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_observability::{Admin, ObservabilityLayer, request};

use crate::plumbing::{BoxError, note_branch, serve};

#[derive(Deserialize, Serialize)]
pub(crate) struct Notice {
    pub(crate) booking_id: String,
    pub(crate) phone: String,
    pub(crate) text: String,
}

/// Which bookings were told of already.
type Told = Arc<Mutex<HashSet<String>>>;

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("notifications").admin(Admin::new().port(0)).init()?;
    let app = Router::new()
        .route("/notices", post(tell))
        .with_state(Told::default())
        .layer(ObservabilityLayer::new());
    serve(app, observability).await
}

async fn tell(State(told): State<Told>, Json(notice): Json<Notice>) -> Json<bool> {
    note_branch();
    request::add("booking_id", notice.booking_id.clone());
    let is_new = told.lock().unwrap_or_else(PoisonError::into_inner).insert(notice.booking_id);
    if is_new {
        // The phone number stays out of the log: it is personal.
        metrics::counter!("notices_sent_total").increment(1);
        tracing::info!(characters = notice.text.len(), "customer notified");
    }
    Json(is_new)
}
