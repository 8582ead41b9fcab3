//! The real systems that replace what is embedded, each where its variable names it.

mod kafka;
mod postgres;
mod rabbitmq;
mod redis;

pub(crate) use postgres::Postgres;
pub(crate) use redis::RealCache;

use axum::http::StatusCode;
use tower_observability::Observability;

use self::kafka::Kafka;
use self::rabbitmq::RabbitMq;
use self::redis::Streams;
use super::{Failure, Message};

/// A broker to send to.
#[derive(Clone)]
pub(crate) enum RealQueue {
    Kafka(Kafka),
    RabbitMq(RabbitMq),
    Redis(Streams),
}

/// A broker to receive from.
pub(crate) enum RealBroker {
    Kafka(kafka::Reader),
    RabbitMq(rabbitmq::Reader),
    Redis(redis::Reader),
}

/// What a variable names, if it does.
fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

impl RealQueue {
    /// The first that is named of Kafka, RabbitMQ and Redis.
    pub(crate) async fn open() -> Result<Option<Self>, Failure> {
        Ok(Some(if let Some(brokers) = named("KAFKA_BROKERS") {
            Self::Kafka(Kafka::open(&brokers).await?)
        } else if let Some(url) = named("AMQP_URL") {
            Self::RabbitMq(RabbitMq::of(url))
        } else if let Some(url) = named("REDIS_URL") {
            Self::Redis(Streams::of(&url)?)
        } else {
            return Ok(None);
        }))
    }

    /// The value of `messaging.system`.
    pub(crate) fn system(&self) -> &'static str {
        match self {
            Self::Kafka(_) => "kafka",
            Self::RabbitMq(_) => "rabbitmq",
            Self::Redis(_) => "redis",
        }
    }

    pub(crate) async fn send(&self, queue: &'static str, message: &Message) -> Result<(), Failure> {
        match self {
            Self::Kafka(kafka) => kafka.send(queue, message).await,
            Self::RabbitMq(rabbit) => rabbit.send(queue, message).await,
            Self::Redis(redis) => redis.send(queue, message).await,
        }
    }
}

impl RealBroker {
    pub(crate) async fn open(observability: &Observability) -> Result<Option<Self>, Failure> {
        Ok(match RealQueue::open().await? {
            Some(RealQueue::Kafka(kafka)) => {
                Some(Self::Kafka(kafka::Reader::open(kafka, observability).await?))
            }
            Some(RealQueue::RabbitMq(rabbit)) => {
                Some(Self::RabbitMq(rabbitmq::Reader::open(rabbit, observability).await?))
            }
            Some(RealQueue::Redis(redis)) => {
                Some(Self::Redis(redis::Reader::open(redis, observability).await?))
            }
            None => None,
        })
    }

    pub(crate) fn system(&self) -> &'static str {
        match self {
            Self::Kafka(_) => "kafka",
            Self::RabbitMq(_) => "rabbitmq",
            Self::Redis(_) => "redis",
        }
    }

    pub(crate) async fn receive(&self, queue: &'static str) -> Message {
        match self {
            Self::Kafka(kafka) => kafka.receive(queue).await,
            Self::RabbitMq(rabbit) => rabbit.receive(queue).await,
            Self::Redis(redis) => redis.receive(queue).await,
        }
    }

    pub(crate) async fn acknowledge(&self, queue: &'static str, message: &Message) {
        match self {
            // How far it has read is what Kafka is told, not what is done with.
            Self::Kafka(_) => {}
            Self::RabbitMq(rabbit) => rabbit.acknowledge(message).await,
            Self::Redis(redis) => redis.acknowledge(queue, message).await,
        }
    }

    pub(crate) fn comes_again(&self, queue: &'static str, message: Message) {
        match self {
            Self::Kafka(kafka) => kafka.comes_again(queue, message),
            Self::RabbitMq(rabbit) => rabbit.comes_again(&message),
            // It sees by itself that nothing was acknowledged.
            Self::Redis(_) => {}
        }
    }
}

/// A system that does not do what it was asked for.
fn fault(what: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{what}: {error}"))
}
