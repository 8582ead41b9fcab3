//! Kafka through rskafka.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;
use rskafka::client::error::Error;
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient};
use rskafka::record::{Record, RecordAndOffset};
use tower_observability::{Observability, QueueState, Work, propagation};

pub(crate) async fn send(
    orders: &PartitionClient,
    id: &str,
    customer: &str,
    version: u64,
) -> Result<(), Error> {
    let work = Work::producer("send order").system("kafka").destination(orders.topic().to_owned());
    let produced = work.partition(orders.partition()).message(id).try_run(async {
        let mut headers = BTreeMap::from([
            ("id".to_owned(), id.into()),
            ("version".to_owned(), version.to_string().into()),
        ]);
        propagation::inject_with(|key, value| drop(headers.insert(key.to_owned(), value.into())));
        let record = Record { key: Some(customer.into()), value: None, headers, timestamp: Utc::now() };
        orders.produce(vec![record], Compression::NoCompression).await
    });
    produced.await.map(drop)
}

pub(crate) async fn process(orders: &PartitionClient, RecordAndOffset { record, offset }: RecordAndOffset) {
    let text = |name: &str| record.headers.get(name).and_then(|value| str::from_utf8(value).ok());
    let key = record.key.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    Work::consumer("process order")
        .system("kafka")
        .destination(orders.topic().to_owned())
        .group("shipping")
        .partition(orders.partition())
        .offset(offset)
        .parent(propagation::extract_with(|key| record.headers.get(key)))
        .message(text("id").unwrap_or_default())
        .version(key, text("version").and_then(|version| version.parse().ok()).unwrap_or_default())
        .sent_at(record.timestamp.into())
        .run(async { /* … */ })
        .await;
}

pub(crate) fn show(observability: &Observability, orders: Arc<PartitionClient>, position: Arc<AtomicI64>) {
    observability.queue("orders", move || {
        let (orders, position) = (Arc::clone(&orders), position.load(Ordering::Relaxed));
        async move {
            let newest = orders.get_offset(OffsetAt::Latest).await.ok()?;
            Some(QueueState { depth: u64::try_from(newest - position).ok(), ..QueueState::default() })
        }
    });
}
