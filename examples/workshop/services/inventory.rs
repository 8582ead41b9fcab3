//! inventory: the parts on the shelf. A booking reserves its part once, however often it asks.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_observability::{Admin, ObservabilityLayer, request};

use crate::plumbing::{BoxError, Failure, serve};

#[derive(Deserialize, Serialize)]
pub(crate) struct Reservation {
    pub(crate) booking_id: String,
    pub(crate) part: String,
}

/// How many are left.
#[derive(Deserialize, Serialize)]
pub(crate) struct Reserved {
    left: u64,
}

struct Stock {
    parts: HashMap<&'static str, u64>,
    reserved_for: HashSet<String>,
}

type Shelf = Arc<Mutex<Stock>>;

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("inventory").admin(Admin::new().port(0)).init()?;
    let parts = HashMap::from([("brake-pad", 10_000), ("oil-filter", 10_000), ("wiper", 10_000)]);
    let app = Router::new()
        .route("/parts/{part}", get(count))
        .route("/reservations", post(reserve))
        .with_state(Shelf::new(Mutex::new(Stock { parts, reserved_for: HashSet::new() })))
        .layer(ObservabilityLayer::new());
    serve(app, observability).await
}

async fn count(State(shelf): State<Shelf>, Path(part): Path<String>) -> Result<Json<Reserved>, Failure> {
    let stock = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let left = *stock.parts.get(part.as_str()).ok_or_else(|| Failure::not_found("no such part"))?;
    Ok(Json(Reserved { left }))
}

async fn reserve(
    State(shelf): State<Shelf>,
    Json(wish): Json<Reservation>,
) -> Result<Json<Reserved>, Failure> {
    request::add("booking_id", wish.booking_id.clone());
    let mut stock = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = stock.reserved_for.insert(wish.booking_id);
    let left = stock.parts.get_mut(wish.part.as_str()).ok_or_else(|| Failure::not_found("no such part"))?;
    if is_new {
        *left = left.checked_sub(1).ok_or_else(|| Failure::conflict("out of stock"))?;
        tracing::info!(part = wish.part, left, "part reserved");
    }
    Ok(Json(Reserved { left: *left }))
}
