//! vehicles: a vehicle's history, an expensive question behind a cache.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_observability::{Admin, ObservabilityLayer};

use crate::plumbing::{BoxError, Cache, Failure, fault, serve};

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
    cache: Cache,
}

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("vehicles").admin(Admin::new().port(0)).init()?;
    let visits = (0..VISITS).map(|visit| format!("B-WS-{}", visit * visit % PLATES)).collect();
    let app = Router::new()
        .route("/vehicles/{plate}", get(vehicle))
        .with_state(Arc::new(Garage { visits, cache: Cache::open("vehicles").await? }))
        .layer(ObservabilityLayer::new());
    serve(app, observability).await
}

async fn vehicle(
    State(garage): State<Arc<Garage>>,
    Path(plate): Path<String>,
) -> Result<Json<Vehicle>, Failure> {
    fault(&plate).await?;
    let seen = tower_observability::cache("vehicles");
    if let Some(known) = garage.cache.get(&plate).await {
        seen.hit();
        return Ok(Json(known));
    }
    let vehicle = seen.load(&plate, async { garage.look_up(&plate) }).await;
    garage.cache.put(&plate, &vehicle).await?;
    Ok(Json(vehicle))
}

impl Garage {
    fn look_up(&self, plate: &str) -> Vehicle {
        // An ordinary `tracing` span: it becomes a child of the request.
        let _span = tracing::info_span!("scan all visits", rows = self.visits.len()).entered();
        let visits = self.visits.iter().filter(|visit| *visit == plate).count();
        Vehicle { plate: plate.to_owned(), visits }
    }
}
