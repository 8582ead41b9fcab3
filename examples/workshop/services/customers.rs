//! customers: the book of customers, in a database. Each change gets a version and goes out as an event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower_observability::{Admin, ObservabilityLayer, request};
use uuid::Uuid;

use crate::plumbing::{BoxError, Failure, Queue, Store, input_closed, note_branch, serve};

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

/// A new customer, or what becomes different of one.
#[derive(Deserialize)]
struct Change {
    phone: String,
}

/// Which page of the book: those after this id, so many at most.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    after: u64,
    #[serde(default = "Page::usual")]
    limit: usize,
}

#[derive(Clone)]
struct Book {
    store: Arc<Store>,
    queue: Queue,
    /// The id of the next new customer. The book belongs to this process alone; several would ask the database for one.
    next: Arc<AtomicU64>,
}

const FIRST_NEW: u64 = 10_000;

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("customers").admin(Admin::new().port(0)).init()?;
    let store = Store::open(&["customers"], &observability).await?;
    store.fill("customers", (4_000..5_000).map(first_version)).await?;
    let book = Book { store: Arc::new(store), queue: Queue::open().await?, next: Arc::new(FIRST_NEW.into()) };
    // A report must not hold up the end.
    let store = book.store.clone();
    tokio::spawn(async move {
        input_closed().await;
        let _ = store.end_reports();
    });
    let app = Router::new()
        .route("/customers", get(page).post(create))
        .route("/customers/{id}", get(customer).put(change))
        .route("/reports/{kind}", post(report).delete(end_reports))
        .with_state(book.clone())
        .layer(ObservabilityLayer::new())
        // What breaks the database on purpose is no part of the service: added after the layer, not observed.
        .merge(Router::new().route("/database/broken", put(set_broken)).with_state(book));
    serve(app, observability).await
}

fn first_version(id: u64) -> (String, Customer) {
    (key(id), Customer { id, version: 0, phone: format!("+49 30 {id}") })
}

/// Keys are texts; with leading zeros they stand in the order of the numbers.
fn key(id: u64) -> String {
    format!("{id:020}")
}

impl Page {
    const MOST: usize = 100;

    fn usual() -> usize {
        20
    }
}

async fn page(
    State(book): State<Book>,
    Query(Page { after, limit }): Query<Page>,
) -> Result<Json<Vec<Customer>>, Failure> {
    Ok(Json(book.store.page("customers", &key(after), limit.min(Page::MOST)).await?))
}

async fn create(
    State(book): State<Book>,
    Json(new): Json<Change>,
) -> Result<(StatusCode, Json<Customer>), Failure> {
    let customer = book.change(book.next.fetch_add(1, Ordering::Relaxed), new).await?;
    Ok((StatusCode::CREATED, Json(customer)))
}

async fn customer(State(book): State<Book>, Path(id): Path<u64>) -> Result<Json<Customer>, Failure> {
    note_branch();
    request::add("customer_id", id);
    let customer = book.store.read("customers", &key(id)).await?;
    customer.map(Json).ok_or_else(|| Failure::not_found("no such customer"))
}

async fn change(
    State(book): State<Book>,
    Path(id): Path<u64>,
    Json(change): Json<Change>,
) -> Result<Json<Customer>, Failure> {
    Ok(Json(book.change(id, change).await?))
}

impl Book {
    /// Writes the next version of a customer, the first included, and tells of it.
    async fn change(&self, id: u64, Change { phone }: Change) -> Result<Customer, Failure> {
        request::add("customer_id", id);
        let next = |before: Option<Customer>| {
            let version = before.map_or(0, |customer| customer.version) + 1;
            Customer { id, version, phone }
        };
        let customer = self.store.update("customers", &key(id), next).await?;
        let event = CustomerUpdated { event_id: Uuid::now_v7().to_string(), customer: customer.clone() };
        tracing::info!(
            customer_id = id,
            customer_version = customer.version,
            event_id = event.event_id,
            "customer changed"
        );
        self.queue.send("customers", &event).await?;
        Ok(customer)
    }
}

/// A report of that many seconds: `lists` reads every customer, `corrections` keeps others from writing meanwhile.
async fn report(
    State(book): State<Book>,
    Path(kind): Path<String>,
    Json(seconds): Json<u64>,
) -> Result<Json<u64>, Failure> {
    let corrects = match &*kind {
        "corrections" => true,
        "lists" => false,
        _ => return Err(Failure::not_found("the reports are lists and corrections")),
    };
    tracing::info!(report = kind, seconds, asked_by = "POST /reports", "report begins");
    let rows = book.store.report("customers", corrects, seconds).await?;
    tracing::info!(report = kind, rows, "report ends");
    Ok(Json(rows))
}

async fn end_reports(State(book): State<Book>, Path(_): Path<String>) -> Result<Json<()>, Failure> {
    book.store.end_reports().map(Json)
}

async fn set_broken(State(book): State<Book>, Json(is_broken): Json<bool>) -> Result<Json<()>, Failure> {
    book.store.set_broken(is_broken).map(Json)
}
