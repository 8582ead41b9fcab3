//! The queue: a broker as simple as can be, and honest about what brokers promise.
//!
//! Each message comes at least once. A consumer has it on lease; if no acknowledgement arrives until the
//! lease ends, it comes again, behind what was sent since. And networks lose things: of every forty
//! acknowledgements this one loses one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;
use tower_observability::{Work, propagation};
use uuid::Uuid;

use super::{Calls, Failure, url_of};

const LEASE: Duration = Duration::from_millis(1_500);
const LOSES_EVERY: u64 = 40;

/// A message: a body, and headers that carry the sender's trace.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) headers: HashMap<String, String>,
    body: Value,
    /// How often it was handed out so far; 1 when it comes for the first time.
    pub(crate) delivery: u32,
}

/// The sender's end.
#[derive(Clone)]
pub(crate) struct Queue {
    broker: Calls,
}

/// The broker itself; the worker's process serves it.
#[derive(Default)]
pub(crate) struct Broker {
    lanes: Mutex<HashMap<String, Lane>>,
    news: Notify,
}

/// One queue.
#[derive(Default)]
struct Lane {
    ready: VecDeque<Message>,
    leased: Vec<(Instant, Message)>,
    acknowledged: u64,
}

impl Message {
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(T::deserialize(&self.body)?)
    }
}

impl Default for Queue {
    fn default() -> Self {
        Self { broker: Calls::unseen() }
    }
}

impl Queue {
    /// Sends a message that continues the current trace on the other side.
    pub(crate) async fn send(&self, queue: &'static str, body: &impl Serialize) -> Result<(), Failure> {
        let body = serde_json::to_value(body)?;
        Work::producer(format!("send {queue}"))
            .system("workshop-queue")
            .destination(queue)
            .try_run(async {
                let mut headers = HashMap::new();
                propagation::inject(&mut headers);
                let message = Message { id: Uuid::now_v7().to_string(), headers, body, delivery: 0 };
                self.broker.post(url_of("worker", format!("/queues/{queue}")), &message).await
            })
            .await
    }
}

impl Broker {
    /// Where messages come in.
    pub(crate) fn routes(self: &Arc<Self>) -> Router {
        Router::new().route("/queues/{queue}", post(accept)).with_state(self.clone())
    }

    /// The next message, once there is one.
    pub(crate) async fn receive(&self, queue: &str) -> Message {
        loop {
            let news = self.news.notified();
            if let Some(message) = self.with(queue, Lane::next) {
                return message;
            }
            // News, or the end of a lease: whichever is first, look again.
            let _ = tokio::time::timeout(LEASE / 10, news).await;
        }
    }

    /// Says that a message is done with. One in forty gets lost on the way.
    pub(crate) fn acknowledge(&self, queue: &str, id: &str) {
        self.with(queue, |lane| {
            lane.acknowledged += 1;
            if !lane.acknowledged.is_multiple_of(LOSES_EVERY) {
                lane.leased.retain(|(_, message)| message.id != id);
            }
        });
    }

    fn with<T>(&self, queue: &str, act: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        act(lanes.entry(queue.to_owned()).or_default())
    }
}

impl Lane {
    fn next(&mut self) -> Option<Message> {
        let now = Instant::now();
        let overdue = self.leased.iter().position(|(until, _)| *until <= now);
        let mut message = match overdue {
            Some(at) => {
                metrics::counter!("queue_redeliveries_total").increment(1);
                self.leased.swap_remove(at).1
            }
            None => self.ready.pop_front()?,
        };
        message.delivery += 1;
        self.leased.push((now + LEASE, message.clone()));
        Some(message)
    }
}

async fn accept(
    State(broker): State<Arc<Broker>>,
    Path(queue): Path<String>,
    Json(message): Json<Message>,
) -> Json<()> {
    broker.with(&queue, |lane| lane.ready.push_back(message));
    broker.news.notify_waiters();
    Json(())
}
