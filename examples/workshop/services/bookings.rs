//! bookings: makes an appointment out of a customer, a vehicle, a part and a payment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tonic::Request;
use tonic::transport::{Channel, Endpoint};
use tower::Layer;
use tower_observability::{Admin, ObservabilityLayer, Observed, Priority, request, side};
use uuid::Uuid;

use super::customers::Customer;
use super::payments::{Payment, Receipt};
use super::vehicles::Vehicle;
use crate::plumbing::{BoxError, Calls, Failure, Queue, serve, url_of};
use crate::proto::{InventoryClient, Reservation};

const MOST_KEPT: usize = 10_000;
const PRICE_CENTS: u64 = 18_900;
const INVENTORY_MAY_TAKE: Duration = Duration::from_secs(5);

/// What a customer asks for.
#[derive(Deserialize, Serialize)]
struct Order {
    customer_id: u64,
    plate: String,
    part: String,
}

/// What he gets, and what the queue `bookings` carries.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Booking {
    pub(crate) booking_id: String,
    pub(crate) customer_id: u64,
    pub(crate) phone: String,
    pub(crate) plate: String,
    pub(crate) visits: usize,
    pub(crate) payment_id: String,
}

#[derive(Clone)]
struct Bookings {
    calls: Calls,
    inventory: InventoryClient<Observed<Channel, side::Client>>,
    queue: Queue,
    book: Book,
}

/// The last bookings, by their ids.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<BTreeMap<String, Booking>>>);

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("bookings").admin(Admin::new().port(0)).init()?;
    let origin: Uri = url_of("inventory", "/").parse()?;
    let channel = ObservabilityLayer::client().layer(Endpoint::from(origin.clone()).connect_lazy());
    // The origin tells the layer, too, whom it calls.
    let inventory = InventoryClient::with_origin(channel, origin);
    let app = Router::new()
        .route("/bookings", post(book))
        .route("/bookings/{id}", get(find).delete(cancel))
        .with_state(Bookings {
            calls: Calls::default(),
            inventory,
            queue: Queue::open().await?,
            book: Book::default(),
        })
        .layer(ObservabilityLayer::new().priority("/bookings", Priority::High));
    serve(app, observability).await
}

async fn book(
    State(Bookings { calls, mut inventory, queue, book }): State<Bookings>,
    Json(order): Json<Order>,
) -> Result<Json<Booking>, Failure> {
    let Order { customer_id, plate, part } = order;
    let booking_id = Uuid::now_v7().to_string();
    request::add("customer_id", customer_id);
    request::add("booking_id", booking_id.clone());

    // Two questions that do not need each other: asked at once, side by side in the waterfall.
    let (customer, vehicle) = tokio::try_join!(
        calls.get::<Customer>(url_of("customers", format!("/customers/{customer_id}"))),
        calls.get::<Vehicle>(url_of("vehicles", format!("/vehicles/{plate}"))),
    )?;
    // The booking's id makes both steps idempotent: asked twice, they reserve and charge once.
    let mut reservation = Request::new(Reservation { booking_id: booking_id.clone(), part });
    // Sent as `grpc-timeout`, so that inventory knows, too, when the caller has given up.
    reservation.set_timeout(INVENTORY_MAY_TAKE);
    inventory.reserve(reservation).await?;
    let payment = Payment { booking_id: booking_id.clone(), customer_id, cents: PRICE_CENTS };
    let receipt: Receipt = calls.post(url_of("payments", "/payments"), &payment).await?;

    let payment_id = receipt.payment_id;
    let booking =
        Booking { booking_id, customer_id, phone: customer.phone, plate, visits: vehicle.visits, payment_id };
    queue.send("bookings", &booking).await?;
    book.keep(&booking);
    tracing::info!(customer_id, booking_id = booking.booking_id, "booking confirmed");
    Ok(Json(booking))
}

async fn find(
    State(Bookings { book, .. }): State<Bookings>,
    Path(id): Path<String>,
) -> Result<Json<Booking>, Failure> {
    book.pages().get(&id).cloned().map(Json).ok_or_else(|| unknown(&id))
}

async fn cancel(
    State(Bookings { book, .. }): State<Bookings>,
    Path(id): Path<String>,
) -> Result<Json<Booking>, Failure> {
    book.pages().remove(&id).map(Json).ok_or_else(|| unknown(&id))
}

fn unknown(id: &str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, format!("no booking {id}"))
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, BTreeMap<String, Booking>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, booking: &Booking) {
        let mut pages = self.pages();
        // Their ids begin with the time: the first is the oldest.
        while pages.len() >= MOST_KEPT {
            pages.pop_first();
        }
        pages.insert(booking.booking_id.clone(), booking.clone());
    }
}
