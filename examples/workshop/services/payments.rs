//! payments: takes the money at an external provider that times out, answers 500, or is slow.
//!
//! Each attempt is a client span of its own, and from the second on says which it is. Between attempts it waits, longer
//! each time and never twice the same; the idempotency key makes a second attempt safe after a first whose answer got lost; after too many
//! failures in a row the circuit opens, and no request waits for a provider that is down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower::retry::backoff::{Backoff, ExponentialBackoffMaker, MakeBackoff};
use tower::util::rng::HasherRng;
use tower_observability::{Admin, ObservabilityLayer, Priority, attempts, request, retries};

use crate::plumbing::{BoxError, Breaker, Calls, Failure, Flags, serve, url_of};

const MOST_ATTEMPTS: u32 = 4;
/// Unless `PROVIDER_MAY_TAKE_MS` says otherwise.
const PROVIDER_MAY_TAKE: Duration = Duration::from_millis(150);

#[derive(Deserialize, Serialize)]
pub(crate) struct Payment {
    pub(crate) booking_id: String,
    pub(crate) customer_id: u64,
    pub(crate) cents: u64,
}

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Receipt {
    pub(crate) payment_id: String,
}

struct Till {
    provider: Calls,
    breaker: Breaker,
    backoff: ExponentialBackoffMaker,
    flags: Flags,
    /// What was paid already, by booking.
    receipts: Mutex<HashMap<String, Receipt>>,
}

pub(crate) async fn run() -> Result<(), BoxError> {
    let observability = tower_observability::builder("payments").admin(Admin::new().port(0)).init()?;
    let (least, most) = (Duration::from_millis(10), Duration::from_millis(200));
    let flags = Flags::of_environment();
    let till = Till {
        provider: Calls::within(provider_may_take()),
        breaker: Breaker::new("provider", 5, Duration::from_millis(50)),
        backoff: ExponentialBackoffMaker::new(least, most, 0.5, HasherRng::default())?,
        flags: flags.clone(),
        receipts: Mutex::default(),
    };
    let app = Router::new()
        .route("/payments", post(pay))
        .with_state(Arc::new(till))
        .layer(ObservabilityLayer::new().priority("/payments", Priority::High))
        // For whoever operates the service: added after the layer, not observed.
        .merge(flags.routes());
    serve(app, observability).await
}

fn provider_may_take() -> Duration {
    let millis = std::env::var("PROVIDER_MAY_TAKE_MS").ok().and_then(|millis| millis.parse().ok());
    millis.map_or(PROVIDER_MAY_TAKE, Duration::from_millis)
}

async fn pay(State(till): State<Arc<Till>>, Json(payment): Json<Payment>) -> Result<Json<Receipt>, Failure> {
    request::add("customer_id", payment.customer_id);
    request::add("booking_id", payment.booking_id.clone());
    let paid = till.receipts.lock().unwrap_or_else(PoisonError::into_inner).get(&payment.booking_id).cloned();
    if let Some(receipt) = paid {
        return Ok(Json(receipt));
    }
    // A feature behind a flag: if it fails, it can be turned off while the service runs.
    if till.flags.is_on("fraud-check") {
        till.check(&payment).await?;
    }
    let receipt = attempts(till.charge(&payment)).await?;
    let mut receipts = till.receipts.lock().unwrap_or_else(PoisonError::into_inner);
    receipts.insert(payment.booking_id, receipt.clone());
    Ok(Json(receipt))
}

impl Till {
    /// Asks the provider whether it knows this customer as a swindler.
    async fn check(&self, payment: &Payment) -> Result<(), Failure> {
        let _passed: Receipt = self.provider.post(url_of("provider", "/checks"), payment).await?;
        Ok(())
    }

    async fn charge(&self, payment: &Payment) -> Result<Receipt, Failure> {
        let mut backoff = self.backoff.clone().make_backoff();
        let (retries, mut attempt) = (retries("provider"), 1);
        loop {
            if !self.breaker.admits() {
                return Err(Failure::unavailable("the circuit to the provider is open"));
            }
            let answer =
                self.provider.post_once(url_of("provider", "/charges"), &payment.booking_id, payment).await;
            self.breaker.heard(answer.is_ok());
            match answer {
                Err(error) if error.is_worth_a_retry() && attempt < MOST_ATTEMPTS => {
                    retries.retried();
                    tracing::warn!(attempt, error = %error, "provider failed, trying again");
                }
                last => {
                    if last.as_ref().is_err_and(Failure::is_worth_a_retry) {
                        retries.gave_up(attempt);
                    }
                    request::add("attempts", attempt);
                    return last;
                }
            }
            backoff.next_backoff().await;
            attempt += 1;
        }
    }
}
