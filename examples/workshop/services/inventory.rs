//! inventory: the parts on the shelf. A booking reserves its part once, however often it asks.
//!
//! One port and one layer for gRPC and HTTP; axum's feature `http2` is what gRPC needs of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tower_observability::{Admin, ObservabilityLayer, request};

use crate::plumbing::{BoxError, Failure, serve};
use crate::proto::{Inventory, InventoryServer, Reservation, Reserved};

struct Stock {
    parts: HashMap<&'static str, u64>,
    reserved_for: HashSet<String>,
}

#[derive(Clone)]
struct Shelf(Arc<Mutex<Stock>>);

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("inventory").admin(Admin::new().port(0)).init()?;
    let parts = HashMap::from([("brake-pad", 10_000), ("oil-filter", 10_000), ("wiper", 10_000)]);
    let shelf = Shelf(Arc::new(Mutex::new(Stock { parts, reserved_for: HashSet::new() })));
    let http = Router::new()
        .route("/parts/{part}", get(count))
        .route("/reservations", post(reserve))
        .with_state(shelf.clone());
    let app = Routes::from(http).add_service(InventoryServer(shelf)).into_axum_router();
    serve(app.layer(ObservabilityLayer::new()), observability).await
}

async fn count(State(shelf): State<Shelf>, Path(part): Path<String>) -> Result<Json<Reserved>, Failure> {
    let stock = shelf.0.lock().unwrap_or_else(PoisonError::into_inner);
    let left = *stock.parts.get(part.as_str()).ok_or_else(|| Failure::not_found("no such part"))?;
    Ok(Json(Reserved { left }))
}

/// For callers that have no gRPC.
async fn reserve(
    State(shelf): State<Shelf>,
    Json(wish): Json<Reservation>,
) -> Result<Json<Reserved>, Failure> {
    Ok(Json(shelf.reserve(Request::new(wish)).await?.into_inner()))
}

impl Inventory for Shelf {
    async fn reserve(&self, wish: Request<Reservation>) -> Result<Response<Reserved>, Status> {
        let Reservation { booking_id, part } = wish.into_inner();
        request::add("booking_id", booking_id.clone());
        let mut stock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = stock.reserved_for.insert(booking_id);
        let left = stock.parts.get_mut(part.as_str()).ok_or_else(|| Status::not_found("no such part"))?;
        if is_new {
            *left = left.checked_sub(1).ok_or_else(|| Status::failed_precondition("out of stock"))?;
            tracing::info!(part, left, "part reserved");
        }
        Ok(Response::new(Reserved { left: *left }))
    }
}
