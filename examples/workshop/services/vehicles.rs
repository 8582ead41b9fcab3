//! vehicles: a vehicle's history, an expensive question behind a cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_observability::{Admin, ObservabilityLayer, request};

use crate::plumbing::{BoxError, serve};

const VISITS: u64 = 300_000;
const PLATES: u64 = 1_000;

/// What is known of a vehicle.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Vehicle {
    pub(crate) plate: String,
    pub(crate) visits: usize,
}

struct Garage {
    /// One plate for each visit, without an index.
    visits: Vec<String>,
    cache: Mutex<HashMap<String, Vehicle>>,
}

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("vehicles").admin(Admin::new().port(0)).init()?;
    let visits = (0..VISITS).map(|visit| format!("B-WS-{}", visit * visit % PLATES)).collect();
    let app = Router::new()
        .route("/vehicles/{plate}", get(vehicle))
        .with_state(Arc::new(Garage { visits, cache: Mutex::default() }))
        .layer(ObservabilityLayer::new());
    serve(app, observability).await
}

async fn vehicle(State(garage): State<Arc<Garage>>, Path(plate): Path<String>) -> Json<Vehicle> {
    let known = garage.cache.lock().unwrap_or_else(PoisonError::into_inner).get(&plate).cloned();
    let answer = if known.is_some() { "hit" } else { "miss" };
    request::add("cache", answer);
    metrics::counter!("vehicle_cache_requests_total", "answer" => answer).increment(1);
    Json(known.unwrap_or_else(|| garage.look_up(plate)))
}

impl Garage {
    fn look_up(&self, plate: String) -> Vehicle {
        // An ordinary `tracing` span: it becomes a child of the request.
        let _span = tracing::info_span!("scan all visits", rows = self.visits.len()).entered();
        let visits = self.visits.iter().filter(|visit| **visit == plate).count();
        let vehicle = Vehicle { plate: plate.clone(), visits };
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(plate, vehicle.clone());
        vehicle
    }
}
