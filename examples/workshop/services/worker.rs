//! worker: does what may wait. It takes each queue's messages in order, one at a time.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use tower_observability::{Admin, ObservabilityLayer, Work, propagation, request};

use super::bookings::Booking;
use super::customers::{Customer, CustomerUpdated};
use super::notifications::Notice;
use crate::plumbing::{
    BoxError, Broker, Calls, Failure, Message, Store, consumer_fault, note_branch, serve, url_of,
};

struct Worker {
    calls: Calls,
    store: Store,
}

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("worker").admin(Admin::new().port(0)).init()?;
    let store = Store::open(&["handled", "profiles"], &observability).await?;
    let worker = Arc::new(Worker { calls: Calls::default(), store });
    let broker = Arc::new(Broker::open(&observability).await?);
    tokio::spawn(consume(broker.clone(), "bookings", worker.clone(), |_| None, booking_confirmed));
    tokio::spawn(consume(broker.clone(), "customers", worker.clone(), version_of, customer_updated));
    let app = Router::new()
        .route("/profiles/{id}", get(profile))
        .with_state(worker)
        .layer(ObservabilityLayer::new())
        // The broker would be a server of its own, and silent in a trace: added after the layer, not observed.
        .merge(broker.routes());
    serve(app, observability).await
}

async fn profile(State(worker): State<Arc<Worker>>, Path(id): Path<u64>) -> Result<Json<Customer>, Failure> {
    request::add("customer_id", id);
    let profile: Option<Customer> = worker.store.read("profiles", &id.to_string()).await?;
    let profile = profile.ok_or_else(|| Failure::not_found("no profile yet"))?;
    request::add("customer_version", profile.version);
    Ok(Json(profile))
}

/// Takes message after message; what fails is not acknowledged and comes again.
async fn consume<F>(
    broker: Arc<Broker>,
    queue: &'static str,
    worker: Arc<Worker>,
    version: fn(&Message) -> Option<(u64, u64)>,
    handle: impl Fn(Arc<Worker>, Message) -> F,
) where
    F: Future<Output = Result<(), Failure>>,
{
    loop {
        let message = broker.receive(queue).await;
        let mut work = Work::consumer(format!("process {queue}"))
            .system(broker.system())
            .destination(queue)
            .message(&message.id)
            .sent_at(message.sent_at())
            .parent(propagation::extract(&message.headers));
        if let Some((key, version)) = version(&message) {
            work = work.version(key, version);
        }
        match work.try_run(handle(worker.clone(), message.clone())).await {
            Ok(()) => broker.acknowledge(queue, message).await,
            Err(_) => broker.comes_again(queue, message),
        }
    }
}

/// What a change is about, and which it is: so that one which comes after a newer one is told.
fn version_of(message: &Message) -> Option<(u64, u64)> {
    let CustomerUpdated { customer, .. } = message.body().ok()?;
    Some((customer.id, customer.version))
}

/// Idempotent the proper way: a message that was handled is remembered, and not handled again.
async fn booking_confirmed(worker: Arc<Worker>, message: Message) -> Result<(), Failure> {
    note_branch();
    request::add("delivery", message.delivery);
    if worker.store.read::<Value>("handled", &message.id).await?.is_some() {
        tracing::info!(message_id = message.id, "handled before");
        return Ok(());
    }
    let booking: Booking = message.body()?;
    request::add("customer_id", booking.customer_id);
    consumer_fault(&booking.plate, message.delivery)?;
    let text = format!("See you soon, {}: visit number {}.", booking.plate, booking.visits + 1);
    tracing::info!(booking_id = booking.booking_id, "booking taken from the queue");
    let notice = Notice { booking_id: booking.booking_id, phone: booking.phone, text };
    worker.calls.post::<Value>(url_of("notifications", "/notices"), &notice).await?;
    worker.store.write("handled", &message.id, &true).await
}

/// THE BUG of `--vanished`. The author thought that an upsert may run twice without harm, and so neither the
/// message is remembered nor the version compared. But the queue promises at least once, not once and in
/// order: an old event that comes again *after* a newer one overwrites it, and all that is seen is a success.
///
/// The remedy: write only if `customer.version` is greater than the stored one.
async fn customer_updated(worker: Arc<Worker>, message: Message) -> Result<(), Failure> {
    let CustomerUpdated { event_id, customer } = message.body()?;
    request::add("customer_id", customer.id);
    request::add("event_id", event_id.clone());
    request::add("customer_version", customer.version);
    request::add("delivery", message.delivery);
    worker.store.write("profiles", &customer.id.to_string(), &customer).await?;
    tracing::info!(
        customer_id = customer.id,
        customer_version = customer.version,
        event_id,
        "profile written"
    );
    Ok(())
}
