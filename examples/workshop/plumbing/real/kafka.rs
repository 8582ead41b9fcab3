//! Kafka: a topic of one partition for each queue. Who could not process a message sends it once more, behind all others.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rskafka::client::ClientBuilder;
use rskafka::client::error::Error;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::record::{Record, RecordAndOffset};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tower_observability::{Observability, QueueState};

use super::fault;
use crate::plumbing::{Failure, LEASE, Message, QUEUES};

/// The client itself tries for ever.
const MAY_TAKE: Duration = Duration::from_secs(5);
const CREATION_MS: i32 = 5_000;
const NEWS_MS: i32 = 150;
const MOST_BYTES: i32 = 1_000_000;

/// The partitions to send to.
#[derive(Clone)]
pub(crate) struct Kafka(Arc<HashMap<&'static str, Arc<PartitionClient>>>);

/// The partitions to receive from.
pub(crate) struct Reader {
    kafka: Kafka,
    logs: HashMap<&'static str, Log>,
}

/// How far one was read.
struct Log {
    partition: Arc<PartitionClient>,
    fetched: Mutex<VecDeque<RecordAndOffset>>,
    /// The first that nobody has yet.
    position: Arc<AtomicI64>,
}

impl Kafka {
    pub(crate) async fn open(brokers: &str) -> Result<Self, Failure> {
        let opened = timeout(MAY_TAKE, partitions(brokers)).await;
        let opened = opened.map_err(|late| fault("KAFKA_BROKERS", &late))?;
        opened.map(|partitions| Self(Arc::new(partitions))).map_err(|error| fault("KAFKA_BROKERS", &error))
    }

    pub(crate) async fn send(&self, queue: &str, message: &Message) -> Result<(), Failure> {
        let partition = self.0.get(queue).ok_or_else(|| fault("Kafka", &"no such topic"))?;
        let own = [("message-id", message.id.clone()), ("delivery", message.delivery.to_string())];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
        let others = message.headers.iter().map(|(key, value)| (key.clone(), value.clone()));
        let headers: BTreeMap<_, _> =
            own.chain(others).map(|(key, value)| (key, value.into_bytes())).collect();
        let value = Some(message.body.to_string().into_bytes());
        let record = Record { key: None, value, headers, timestamp: Utc::now() };
        let produced = timeout(MAY_TAKE, partition.produce(vec![record], Compression::NoCompression)).await;
        produced.map_err(|late| fault("Kafka", &late))?.map(drop).map_err(|error| fault("Kafka", &error))
    }
}

async fn partitions(brokers: &str) -> Result<HashMap<&'static str, Arc<PartitionClient>>, Error> {
    let brokers = brokers.split(',').map(|broker| broker.trim().to_owned()).collect();
    let (kafka, mut partitions) = (ClientBuilder::new(brokers).build().await?, HashMap::new());
    for queue in QUEUES {
        let topic = format!("workshop-{queue}");
        if !kafka.list_topics().await?.iter().any(|known| known.name == topic) {
            // Another one may have been quicker.
            let _ = kafka.controller_client()?.create_topic(&topic, 1, 1, CREATION_MS).await;
        }
        let partition = kafka.partition_client(topic, 0, UnknownTopicHandling::Retry).await?;
        partitions.insert(queue, Arc::new(partition));
    }
    Ok(partitions)
}

impl Reader {
    /// What was sent before is nobody's business.
    pub(crate) async fn open(kafka: Kafka, observability: &Observability) -> Result<Self, Failure> {
        let mut logs = HashMap::new();
        for (queue, partition) in &*kafka.0 {
            let newest = timeout(MAY_TAKE, partition.get_offset(OffsetAt::Latest)).await;
            let newest =
                newest.map_err(|late| fault("Kafka", &late))?.map_err(|error| fault("Kafka", &error))?;
            let position = Arc::new(AtomicI64::new(newest));
            let (watched, so_far) = (Arc::clone(partition), Arc::clone(&position));
            observability.queue(*queue, move || {
                let (partition, position) = (Arc::clone(&watched), so_far.load(Ordering::Relaxed));
                async move {
                    let newest = partition.get_offset(OffsetAt::Latest).await.ok()?;
                    Some(QueueState { depth: u64::try_from(newest - position).ok(), ..QueueState::default() })
                }
            });
            let log = Log { partition: Arc::clone(partition), fetched: Mutex::default(), position };
            logs.insert(*queue, log);
        }
        Ok(Self { kafka, logs })
    }

    pub(crate) async fn receive(&self, queue: &str) -> Message {
        let Some(log) = self.logs.get(queue) else { return std::future::pending().await };
        let mut fetched = log.fetched.lock().await;
        loop {
            if let Some(record) = fetched.pop_front() {
                log.position.store(record.offset + 1, Ordering::Relaxed);
                return message(record);
            }
            let position = log.position.load(Ordering::Relaxed);
            match log.partition.fetch_records(position, 1..MOST_BYTES, NEWS_MS).await {
                Ok((records, _)) => fetched.extend(records),
                Err(error) => {
                    tracing::warn!(error = %error, queue, "Kafka has no message");
                    sleep(LEASE).await;
                }
            }
        }
    }

    pub(crate) fn comes_again(&self, queue: &'static str, message: Message) {
        let kafka = self.kafka.clone();
        tokio::spawn(async move {
            sleep(LEASE).await;
            if let Err(error) = kafka.send(queue, &message).await {
                tracing::error!(error = %error, message_id = message.id, "a message is lost");
            }
        });
    }
}

fn message(RecordAndOffset { record, offset }: RecordAndOffset) -> Message {
    let text = |(key, value): (String, Vec<u8>)| Some((key, String::from_utf8(value).ok()?));
    let mut headers: HashMap<_, _> = record.headers.into_iter().filter_map(text).collect();
    let before: u32 = headers.remove("delivery").and_then(|before| before.parse().ok()).unwrap_or_default();
    let sent: DateTime<Utc> = record.timestamp;
    Message {
        id: headers.remove("message-id").unwrap_or_default(),
        headers,
        body: record.value.and_then(|value| serde_json::from_slice(&value).ok()).unwrap_or_default(),
        delivery: before + 1,
        sent_ms: u64::try_from(sent.timestamp_millis()).ok(),
        receipt: offset.to_string(),
    }
}
