//! customers: the book of customers, in a database. Each change gets a version and goes out as an event.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_observability::{Admin, ObservabilityLayer, request};
use uuid::Uuid;

use crate::plumbing::{BoxError, Failure, Queue, Store, note_branch, serve};

/// A customer as the book has him.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Customer {
    pub(crate) id: u64,
    pub(crate) version: u64,
    pub(crate) phone: String,
}

/// The event: what the customer is like from this version on. The queue `customers` carries it.
#[derive(Deserialize, Serialize)]
pub(crate) struct CustomerUpdated {
    pub(crate) event_id: String,
    pub(crate) customer: Customer,
}

#[derive(Deserialize)]
struct Change {
    phone: String,
}

#[derive(Clone)]
struct Book {
    store: Arc<Store>,
    queue: Queue,
}

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("customers").admin(Admin::new().port(0)).init()?;
    let store = Store::open(&["customers"], &observability).await?;
    store.fill("customers", (4_000..5_000).map(first_version)).await?;
    let book = Book { store: Arc::new(store), queue: Queue::open().await? };
    let app = Router::new()
        .route("/customers/{id}", get(customer).put(change))
        .with_state(book)
        .layer(ObservabilityLayer::new());
    serve(app, observability).await
}

fn first_version(id: u64) -> (String, Customer) {
    (id.to_string(), Customer { id, version: 0, phone: format!("+49 30 {id}") })
}

async fn customer(State(book): State<Book>, Path(id): Path<u64>) -> Result<Json<Customer>, Failure> {
    note_branch();
    request::add("customer_id", id);
    let customer = book.store.read("customers", &id.to_string()).await?;
    customer.map(Json).ok_or_else(|| Failure::not_found("no such customer"))
}

async fn change(
    State(book): State<Book>,
    Path(id): Path<u64>,
    Json(Change { phone }): Json<Change>,
) -> Result<Json<Customer>, Failure> {
    request::add("customer_id", id);
    let next = |before: Option<Customer>| {
        let version = before.map_or(0, |customer| customer.version) + 1;
        Customer { id, version, phone }
    };
    let customer = book.store.update("customers", &id.to_string(), next).await?;
    let event = CustomerUpdated { event_id: Uuid::now_v7().to_string(), customer: customer.clone() };
    tracing::info!(
        customer_id = id,
        customer_version = customer.version,
        event_id = event.event_id,
        "customer changed"
    );
    book.queue.send("customers", &event).await?;
    Ok(Json(customer))
}
