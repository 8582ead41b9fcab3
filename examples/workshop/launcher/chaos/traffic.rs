//! Customers: each asks at its time, whether the one before was answered or not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::super::children::Workshop;
use super::fault::{Ask, Mix};
use crate::plumbing::{Calls, Failure};

const MAY_TAKE: Duration = Duration::from_secs(10);
/// More are not sent, and count as failed.
const MOST_AT_ONCE: usize = 400;

/// All of them. Dropping it sends them home.
pub(super) struct Traffic {
    seen: Arc<Mutex<Vec<Answered>>>,
    crowd: JoinHandle<()>,
}

#[derive(Clone)]
struct Answered {
    asked: Instant,
    took: Duration,
    failure: Option<String>,
}

/// How it went for those who asked within some time.
#[derive(Clone, Default)]
pub(super) struct Tally {
    pub(super) asked: usize,
    pub(super) failed: usize,
    pub(super) p95: Duration,
    /// What the last one was told that failed.
    pub(super) failure: String,
}

impl Traffic {
    pub(super) fn start(workshop: &Workshop, mix: Mix) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let asking = Arc::new(Asking {
            calls: Calls::unseen_within(MAY_TAKE),
            gateway: workshop.gateway(""),
            seen: seen.clone(),
        });
        Self { seen, crowd: tokio::spawn(asking.come_and_go(mix)) }
    }

    /// Those who asked from then on, and until then, and were answered.
    pub(super) fn tally(&self, from: Instant, until: Instant) -> Tally {
        let seen = lock(&self.seen);
        let within = |answered: &&Answered| (from..until).contains(&answered.asked);
        let answered: Vec<&Answered> = seen.iter().filter(within).collect();
        let mut took: Vec<Duration> = answered.iter().map(|answered| answered.took).collect();
        took.sort_unstable();
        let failures: Vec<&String> = answered.iter().filter_map(|one| one.failure.as_ref()).collect();
        Tally {
            asked: answered.len(),
            failed: failures.len(),
            p95: took.get(took.len() * 95 / 100).copied().unwrap_or_default(),
            failure: failures.last().map(|failure| (*failure).clone()).unwrap_or_default(),
        }
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.crowd.abort();
    }
}

struct Asking {
    calls: Calls,
    gateway: String,
    seen: Arc<Mutex<Vec<Answered>>>,
}

impl Asking {
    async fn come_and_go(self: Arc<Self>, Mix { asks, rate }: Mix) {
        let mut times = interval(Duration::from_secs(1) / rate);
        times.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut customers = JoinSet::new();
        for (number, ask) in (0..).zip(asks.iter().cycle()) {
            times.tick().await;
            while customers.try_join_next().is_some() {}
            if customers.len() < MOST_AT_ONCE {
                customers.spawn(self.clone().ask(*ask, number));
            } else {
                self.note(Instant::now(), Some("too many wait already".to_owned()));
            }
        }
    }

    async fn ask(self: Arc<Self>, ask: Ask, number: u64) {
        let asked = Instant::now();
        let answer: Result<Value, Failure> = match ask {
            Ask::Book => {
                let plate = format!("B-WS-{}", number % 50);
                let order = json!({ "customer_id": 4_000 + number % 1_000, "plate": plate, "part": "wiper" });
                self.calls.post(self.url("bookings"), &order).await
            }
            Ask::ChangePhone => {
                let url = self.url(&format!("customers/{}", 4_000 + number % 8));
                self.calls.put(url, &json!({ "phone": format!("+49 30 {number}") })).await
            }
            Ask::LookAtVehicle => self.calls.get(self.url(&format!("vehicles/B-WS-{}", number % 50))).await,
            Ask::Probe => self.calls.get(self.url(&format!("parts/{}", "x".repeat(16 << 10)))).await,
        };
        // A refusal is a good answer to a bad question.
        let failure = answer.err().filter(Failure::is_worth_a_retry).map(|failure| failure.to_string());
        self.note(asked, failure);
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.gateway)
    }

    fn note(&self, asked: Instant, failure: Option<String>) {
        lock(&self.seen).push(Answered { asked, took: asked.elapsed(), failure });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
