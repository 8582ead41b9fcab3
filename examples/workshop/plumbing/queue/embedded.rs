//! A broker as simple as can be, and honest about what brokers promise. The worker's process serves it. While a queue is
//! paused, its messages lie there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use axum::routing::{post, put};
use axum::{Json, Router};
use tokio::sync::Notify;
use tower_observability::{Observability, QueueState};

use super::{LEASE, Message, QUEUES};

/// All queues. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Embedded(Arc<Inner>);

#[derive(Default)]
struct Inner {
    lanes: Mutex<HashMap<String, Lane>>,
    news: Notify,
}

/// One queue.
#[derive(Default)]
struct Lane {
    ready: VecDeque<Message>,
    leased: Vec<(Instant, Message)>,
    is_paused: bool,
    /// One in so many acknowledgements gets lost, if not as many as usual.
    loses_every: Option<u64>,
}

impl Embedded {
    pub(super) fn open(observability: &Observability) -> Self {
        let all = Self::default();
        for queue in QUEUES {
            let all = all.clone();
            observability.queue(queue, move || {
                let state = all.0.with(queue, |lane| QueueState {
                    depth: u64::try_from(lane.ready.len()).ok(),
                    oldest: lane.oldest(),
                });
                async move { Some(state) }
            });
        }
        all
    }

    pub(super) fn routes(&self) -> Router {
        Router::new()
            .route("/queues/{queue}", post(accept))
            .route("/queues/{queue}/paused", put(pause))
            .route("/queues/{queue}/loses-every", put(lose))
            .with_state(self.0.clone())
    }

    pub(super) async fn receive(&self, queue: &str) -> Message {
        loop {
            let news = self.0.news.notified();
            if let Some(message) = self.0.with(queue, Lane::next) {
                return message;
            }
            // News, or the end of a lease: whichever is first, look again.
            let _ = tokio::time::timeout(LEASE / 10, news).await;
        }
    }

    pub(super) fn loses_every(&self, queue: &str) -> Option<u64> {
        self.0.with(queue, |lane| lane.loses_every)
    }

    pub(super) fn acknowledge(&self, queue: &str, id: &str) {
        self.0.with(queue, |lane| lane.leased.retain(|(_, message)| message.id != id));
    }
}

impl Inner {
    fn with<T>(&self, queue: &str, act: impl FnOnce(&mut Lane) -> T) -> T {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        act(lanes.entry(queue.to_owned()).or_default())
    }
}

impl Lane {
    /// For how long the first message has waited, if there is one.
    fn oldest(&self) -> Option<Duration> {
        self.ready.front().and_then(|message| message.sent_at().elapsed().ok())
    }

    fn next(&mut self) -> Option<Message> {
        if self.is_paused {
            return None;
        }
        let now = Instant::now();
        let overdue = self.leased.iter().position(|(until, _)| *until <= now);
        let mut message = match overdue {
            Some(at) => self.leased.swap_remove(at).1,
            None => self.ready.pop_front()?,
        };
        message.delivery += 1;
        self.leased.push((now + LEASE, message.clone()));
        Some(message)
    }
}

async fn accept(
    State(broker): State<Arc<Inner>>,
    Path(queue): Path<String>,
    Json(message): Json<Message>,
) -> Json<()> {
    broker.with(&queue, |lane| lane.ready.push_back(message));
    broker.news.notify_waiters();
    Json(())
}

/// `true` pauses the queue, `false` lets it go on.
async fn pause(
    State(broker): State<Arc<Inner>>,
    Path(queue): Path<String>,
    Json(is_paused): Json<bool>,
) -> Json<()> {
    broker.with(&queue, |lane| lane.is_paused = is_paused);
    broker.news.notify_waiters();
    Json(())
}

/// Of so many acknowledgements of this queue one gets lost: what was processed comes again, behind what is newer.
async fn lose(
    State(broker): State<Arc<Inner>>,
    Path(queue): Path<String>,
    Json(every): Json<u64>,
) -> Json<()> {
    broker.with(&queue, |lane| lane.loses_every = Some(every.max(1)));
    Json(())
}
