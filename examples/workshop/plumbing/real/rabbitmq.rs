//! RabbitMQ: a queue for each of the workshop's, on the default exchange.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Acker, BasicProperties, Channel, Connection, ConnectionProperties, Consumer, Error};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tower_observability::{Observability, QueueState};

use super::fault;
use crate::plumbing::{Failure, LEASE, Message, QUEUES};

/// So many are on their way to the worker, so that one which it keeps holds up none behind it.
const PREFETCHED: u16 = 50;
const REST: Duration = Duration::from_millis(200);

/// A channel that is opened when it is needed, and anew when it broke.
#[derive(Clone)]
pub(crate) struct RabbitMq {
    url: Arc<str>,
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    channel: Channel,
    /// It ends with its last owner.
    _connection: Connection,
}

/// The queues to receive from.
pub(crate) struct Reader {
    rabbit: RabbitMq,
    consumers: [Mutex<Option<Consumer>>; QUEUES.len()],
    /// What was neither acknowledged nor given back.
    unsettled: Arc<std::sync::Mutex<HashMap<String, Acker>>>,
}

fn name(queue: &str) -> String {
    format!("workshop.{queue}")
}

impl RabbitMq {
    pub(crate) fn of(url: String) -> Self {
        Self { url: url.into(), open: Arc::default() }
    }

    async fn channel(&self) -> Result<Channel, Error> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.as_ref().filter(|open| open.channel.status().connected()) {
            return Ok(open.channel.clone());
        }
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        channel.basic_qos(PREFETCHED, BasicQosOptions::default()).await?;
        for queue in QUEUES {
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(name(queue).into(), options, FieldTable::default()).await?;
        }
        *open = Some(Open { channel: channel.clone(), _connection: connection });
        Ok(channel)
    }

    pub(crate) async fn send(&self, queue: &str, message: &Message) -> Result<(), Failure> {
        self.publish(queue, message).await.map_err(|error| fault("RabbitMQ", &error))
    }

    async fn publish(&self, queue: &str, message: &Message) -> Result<(), Error> {
        let mut headers = FieldTable::default();
        for (key, value) in &message.headers {
            headers.insert(key.as_str().into(), AMQPValue::LongString(value.as_str().into()));
        }
        if let Some(sent) = message.sent_ms {
            headers.insert("sent-ms".into(), AMQPValue::Timestamp(sent));
        }
        let properties =
            BasicProperties::default().with_headers(headers).with_message_id(message.id.as_str().into());
        let (options, body) = (BasicPublishOptions::default(), message.body.to_string());
        let channel = self.channel().await?;
        let sent = channel.basic_publish("".into(), name(queue).into(), options, body.as_bytes(), properties);
        // The broker says that it has it.
        sent.await?.await.map(drop)
    }

    /// How many messages nobody has yet.
    async fn depth(&self, queue: &str) -> Result<u64, Error> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue =
            self.channel().await?.queue_declare(name(queue).into(), options, FieldTable::default()).await?;
        Ok(queue.message_count().into())
    }
}

impl Reader {
    pub(crate) async fn open(rabbit: RabbitMq, observability: &Observability) -> Result<Self, Failure> {
        let channel = rabbit.channel().await.map_err(|error| fault("RabbitMQ", &error))?;
        for queue in QUEUES {
            let purged = channel.queue_purge(name(queue).into(), QueuePurgeOptions::default()).await;
            purged.map_err(|error| fault("RabbitMQ", &error))?;
            let watched = rabbit.clone();
            observability.queue(queue, move || {
                let rabbit = watched.clone();
                async move {
                    let depth = Some(rabbit.depth(queue).await.ok()?);
                    Some(QueueState { depth, ..QueueState::default() })
                }
            });
        }
        Ok(Self { rabbit, consumers: Default::default(), unsettled: Arc::default() })
    }

    pub(crate) async fn receive(&self, queue: &str) -> Message {
        let of = QUEUES.iter().position(|known| *known == queue).unwrap_or_default();
        let mut consumer = self.consumers[of].lock().await;
        loop {
            match self.next(queue, &mut consumer).await {
                Ok(Some(delivery)) => return self.take(queue, delivery),
                Ok(None) => {}
                Err(error) => tracing::warn!(error = %error, queue, "RabbitMQ has no message"),
            }
            *consumer = None;
            sleep(REST).await;
        }
    }

    async fn next(&self, queue: &str, open: &mut Option<Consumer>) -> Result<Option<Delivery>, Error> {
        let consumer = match open {
            Some(open) => open,
            None => {
                let (channel, options) = (self.rabbit.channel().await?, BasicConsumeOptions::default());
                let consumer =
                    channel.basic_consume(name(queue).into(), "".into(), options, FieldTable::default());
                open.insert(consumer.await?)
            }
        };
        consumer.next().await.transpose()
    }

    fn take(&self, queue: &str, delivery: Delivery) -> Message {
        let headers = delivery.properties.headers().clone().unwrap_or_default();
        let texts = headers.inner().iter().filter_map(|(key, value)| match value {
            AMQPValue::LongString(value) => Some((key.to_string(), value.to_string())),
            _ => None,
        });
        let sent_ms = match headers.inner().get("sent-ms") {
            Some(AMQPValue::Timestamp(sent)) => Some(*sent),
            _ => None,
        };
        let receipt = format!("{queue} {}", delivery.delivery_tag);
        let id = delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let mut unsettled = self.unsettled.lock().unwrap_or_else(PoisonError::into_inner);
        unsettled.insert(receipt.clone(), delivery.acker);
        Message {
            id,
            headers: texts.collect(),
            body: serde_json::from_slice(&delivery.data).unwrap_or_default(),
            // It says that it came before, not how often.
            delivery: 1 + u32::from(delivery.redelivered),
            sent_ms,
            receipt,
        }
    }

    fn settle(&self, message: &Message) -> Option<Acker> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner).remove(&message.receipt)
    }

    pub(crate) async fn acknowledge(&self, message: &Message) {
        if let Some(acker) = self.settle(message) {
            // What gets lost comes again.
            let _ = acker.ack(BasicAckOptions::default()).await;
        }
    }

    /// As after a broken connection: the broker has it back, in front of what nobody has yet.
    pub(crate) fn comes_again(&self, message: &Message) {
        let Some(acker) = self.settle(message) else { return };
        tokio::spawn(async move {
            sleep(LEASE).await;
            acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await
        });
    }
}
