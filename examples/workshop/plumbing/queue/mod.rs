//! The queue: embedded, or in the Kafka of `KAFKA_BROKERS`, the RabbitMQ of `AMQP_URL` or the Redis of `REDIS_URL`, the first
//! of them that is set.
//!
//! Each message comes at least once, whoever keeps it. What is not acknowledged comes again, behind what was sent since; and
//! networks lose things: of every forty acknowledgements one is lost.

mod embedded;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_observability::{Observability, Work, propagation};
use uuid::Uuid;

use self::embedded::Embedded;
use super::real::{RealBroker, RealQueue};
use super::{Calls, Failure, url_of};

/// For how long a message is a consumer's before it comes again.
pub(crate) const LEASE: Duration = Duration::from_millis(1_500);
const LOSES_EVERY: u64 = 40;
/// All that the worker takes messages from.
pub(crate) const QUEUES: [&str; 2] = ["bookings", "customers"];

/// A message: a body, and headers that carry the sender's trace.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Value,
    /// How often it was handed out so far; 1 when it comes for the first time.
    pub(crate) delivery: u32,
    /// Milliseconds since 1970.
    #[serde(default)]
    pub(crate) sent_ms: Option<u64>,
    /// By what its broker knows this delivery.
    #[serde(default)]
    pub(crate) receipt: String,
}

/// The sender's end.
#[derive(Clone)]
pub(crate) enum Queue {
    /// The worker's process has the broker.
    Embedded(Calls),
    Real(RealQueue),
}

/// The receiver's end.
pub(crate) struct Broker {
    kind: Kind,
    acknowledged: [AtomicU64; QUEUES.len()],
}

enum Kind {
    Embedded(Embedded),
    Real(Box<RealBroker>),
}

impl Message {
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        Ok(T::deserialize(&self.body)?)
    }

    pub(crate) fn sent_at(&self) -> SystemTime {
        self.sent_ms.map_or_else(SystemTime::now, |sent| UNIX_EPOCH + Duration::from_millis(sent))
    }
}

impl Queue {
    pub(crate) async fn open() -> Result<Self, Failure> {
        Ok(RealQueue::open().await?.map_or_else(|| Self::Embedded(Calls::unseen()), Self::Real))
    }

    /// Sends a message that continues the current trace on the other side.
    pub(crate) async fn send(&self, queue: &'static str, body: &impl Serialize) -> Result<(), Failure> {
        let (body, id) = (serde_json::to_value(body)?, Uuid::now_v7().to_string());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let system = match self {
            Self::Embedded(_) => "workshop-queue",
            Self::Real(real) => real.system(),
        };
        let work = Work::producer(format!("send {queue}")).system(system).destination(queue).message(&id);
        work.try_run(async {
            let mut headers = HashMap::new();
            propagation::inject(&mut headers);
            let sent_ms = u64::try_from(now.as_millis()).ok();
            let message = Message { id, headers, body, sent_ms, ..Message::default() };
            match self {
                Self::Embedded(broker) => broker.post(broker_url(queue), &message).await,
                Self::Real(real) => real.send(queue, &message).await,
            }
        })
        .await
    }
}

impl Broker {
    /// Opens all queues, empty.
    pub(crate) async fn open(observability: &Observability) -> Result<Self, Failure> {
        let kind = match RealBroker::open(observability).await? {
            Some(real) => Kind::Real(Box::new(real)),
            None => Kind::Embedded(Embedded::open(observability)),
        };
        Ok(Self { kind, acknowledged: Default::default() })
    }

    /// The value of `messaging.system`.
    pub(crate) fn system(&self) -> &'static str {
        match &self.kind {
            Kind::Embedded(_) => "workshop-queue",
            Kind::Real(real) => real.system(),
        }
    }

    /// Where messages come in, if they do so over HTTP.
    pub(crate) fn routes(&self) -> Router {
        match &self.kind {
            Kind::Embedded(embedded) => embedded.routes(),
            Kind::Real(_) => Router::new(),
        }
    }

    /// The next message, once there is one.
    pub(crate) async fn receive(&self, queue: &'static str) -> Message {
        let message = match &self.kind {
            Kind::Embedded(embedded) => embedded.receive(queue).await,
            Kind::Real(real) => real.receive(queue).await,
        };
        if message.delivery > 1 {
            metrics::counter!("queue_redeliveries_total").increment(1);
        }
        message
    }

    /// Says that a message is done with. One in forty gets lost on the way.
    pub(crate) async fn acknowledge(&self, queue: &'static str, message: Message) {
        let of = QUEUES.iter().position(|known| *known == queue).unwrap_or_default();
        let loses_every = match &self.kind {
            Kind::Embedded(embedded) => embedded.loses_every(queue).unwrap_or(LOSES_EVERY),
            Kind::Real(_) => LOSES_EVERY,
        };
        if (self.acknowledged[of].fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(loses_every) {
            return self.comes_again(queue, message);
        }
        match &self.kind {
            Kind::Embedded(embedded) => embedded.acknowledge(queue, &message.id),
            Kind::Real(real) => real.acknowledge(queue, &message).await,
        }
    }

    /// Nothing was heard of the message: it comes again when its lease ends.
    pub(crate) fn comes_again(&self, queue: &'static str, message: Message) {
        match &self.kind {
            Kind::Embedded(_) => {}
            Kind::Real(real) => real.comes_again(queue, message),
        }
    }
}

/// Where the broker takes messages: the worker's process, unless `BROKER_URL` says otherwise.
fn broker_url(queue: &str) -> String {
    let path = format!("/queues/{queue}");
    let url = url_of("broker", &path);
    if url == path { url_of("worker", path) } else { url }
}
