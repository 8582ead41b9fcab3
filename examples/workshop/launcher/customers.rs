//! The customers of `--vanished`: a bounded day of theirs at the gateway, and the one who calls.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::evidence;
use crate::plumbing::{BoxError, Calls, Failure};

const AT_ONCE: usize = 16;
const REQUESTS: u64 = 2_000;
const MOVERS: std::ops::Range<u64> = 4_600..4_800;
const MAY_LOOK_FOR: Duration = Duration::from_secs(60);

/// What a customer knows who calls: who he is, and what time it is. No id of any trace.
pub(super) struct Complaint {
    pub(super) customer_id: u64,
    /// Microseconds since 1970.
    pub(super) at: i64,
}

/// All customers together.
pub(super) struct Crowd {
    calls: Calls,
    gateway: String,
    asked: AtomicU64,
}

/// What a customer sees of himself.
#[derive(Deserialize)]
struct Profile {
    phone: String,
}

impl Crowd {
    pub(super) fn new(gateway: String) -> Self {
        Self { calls: Calls::unseen(), gateway, asked: AtomicU64::new(0) }
    }

    /// How many requests were made so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Some move house, all others do what customers do; at the end those who moved look at their profile
    /// again. Who finds old data calls.
    pub(super) async fn spend_the_day(&self) -> Result<Option<Complaint>, BoxError> {
        stream::iter(MOVERS)
            .map(|id| self.move_house(id))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let errands = self.asked()..REQUESTS - MOVERS.count() as u64;
        stream::iter(errands)
            .map(|errand| self.run_errand(errand))
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
        let deadline = Instant::now() + MAY_LOOK_FOR;
        while Instant::now() < deadline {
            let looks = stream::iter(MOVERS).map(|id| self.look_again(id)).buffered(AT_ONCE);
            let complaints: Vec<Option<Complaint>> = looks.try_collect().await?;
            if let Some(complaint) = complaints.into_iter().flatten().next() {
                return Ok(Some(complaint));
            }
            sleep(Duration::from_millis(200)).await;
        }
        Ok(None)
    }

    /// Three new numbers one after the other; the last is the right one, and is waited for.
    async fn move_house(&self, id: u64) -> Result<(), BoxError> {
        for number in 1..=LAST_NUMBER {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let change = json!({ "phone": phone(id, number) });
            self.calls.put::<Value>(self.url(format!("/customers/{id}")), &change).await?;
        }
        let deadline = Instant::now() + MAY_LOOK_FOR;
        while Instant::now() < deadline {
            // The very first look may come before the very first event: no profile yet.
            if self.profile(id).await.is_ok_and(|profile| profile.phone == phone(id, LAST_NUMBER)) {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the profile of {id} was never up to date").into())
    }

    /// Bookings, and questions about cars and parts. Some fail, since the payment provider does: that is life.
    async fn run_errand(&self, errand: u64) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let (customer_id, plate) = (4_000 + errand % 500, format!("B-WS-{}", errand % 50));
        let order = json!({ "customer_id": customer_id, "plate": plate, "part": "wiper" });
        let _: Result<Value, Failure> = match errand % 12 {
            0 => self.calls.post(self.url("/bookings"), &order).await,
            1..7 => self.calls.get(self.url(format!("/vehicles/{plate}"))).await,
            _ => self.calls.get(self.url("/parts/wiper")).await,
        };
    }

    async fn look_again(&self, id: u64) -> Result<Option<Complaint>, Failure> {
        let is_mine = self.profile(id).await?.phone == phone(id, LAST_NUMBER);
        Ok((!is_mine).then(|| Complaint { customer_id: id, at: evidence::now() }))
    }

    async fn profile(&self, id: u64) -> Result<Profile, Failure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.calls.get(self.url(format!("/profiles/{id}"))).await
    }

    fn url(&self, path: impl Display) -> String {
        format!("{}{path}", self.gateway)
    }
}

const LAST_NUMBER: u64 = 3;

fn phone(id: u64, number: u64) -> String {
    format!("+49 40 {id}{number}")
}
