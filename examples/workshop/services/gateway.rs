//! gateway: the public edge. It does not trust the caller's trace context: every trace starts here, unless
//! `CALLERS=ours` says that whoever calls is a page of our own.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;
use tower_observability::{Admin, ObservabilityLayer, Priority, Trust, request};

use crate::plumbing::{BoxError, Calls, Failure, serve, url_of};

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("gateway").admin(Admin::new().port(0)).init()?;
    let app = Router::new()
        .route("/bookings", post(book))
        .route("/bookings/{id}", get(booking).delete(cancel))
        .route("/customers", get(customers).post(new_customer))
        .route("/customers/{id}", get(customer).put(change_customer))
        .route("/profiles/{id}", get(profile))
        .route("/vehicles/{plate}", get(vehicle))
        .route("/parts/{part}", get(part))
        .with_state(Calls::default())
        .layer(ObservabilityLayer::new().trust(trust()).priority("/bookings", Priority::High));
    serve(app, observability).await
}

/// A page's trace goes on here; a stranger could choose ids, and have everything sampled.
fn trust() -> Trust {
    match std::env::var("CALLERS").as_deref() {
        Ok("ours") => Trust::Continue,
        _ => Trust::Ignore,
    }
}

async fn book(
    State(calls): State<Calls>,
    Json(order): Json<Value>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let booking = calls.post(url_of("bookings", "/bookings"), &order).await?;
    Ok((StatusCode::CREATED, Json(booking)))
}

async fn booking(State(calls): State<Calls>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(calls.get(url_of("bookings", format!("/bookings/{id}"))).await?))
}

async fn cancel(State(calls): State<Calls>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(calls.delete(url_of("bookings", format!("/bookings/{id}"))).await?))
}

/// The query is the page that is wanted; customers knows what is one.
async fn customers(State(calls): State<Calls>, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Json(calls.get(url_of("customers", format!("/customers{query}"))).await?))
}

async fn new_customer(
    State(calls): State<Calls>,
    Json(customer): Json<Value>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let customer = calls.post(url_of("customers", "/customers"), &customer).await?;
    Ok((StatusCode::CREATED, Json(customer)))
}

async fn customer(State(calls): State<Calls>, Path(id): Path<u64>) -> Result<Json<Value>, Failure> {
    request::add("customer_id", id);
    Ok(Json(calls.get(url_of("customers", format!("/customers/{id}"))).await?))
}

async fn change_customer(
    State(calls): State<Calls>,
    Path(id): Path<u64>,
    Json(change): Json<Value>,
) -> Result<Json<Value>, Failure> {
    request::add("customer_id", id);
    Ok(Json(calls.put(url_of("customers", format!("/customers/{id}")), &change).await?))
}

/// What the customer sees of himself; the worker keeps it up to date.
async fn profile(State(calls): State<Calls>, Path(id): Path<u64>) -> Result<Json<Value>, Failure> {
    request::add("customer_id", id);
    Ok(Json(calls.get(url_of("worker", format!("/profiles/{id}"))).await?))
}

async fn vehicle(State(calls): State<Calls>, Path(plate): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(calls.get(url_of("vehicles", format!("/vehicles/{plate}"))).await?))
}

async fn part(State(calls): State<Calls>, Path(part): Path<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(calls.get(url_of("inventory", format!("/parts/{part}"))).await?))
}
