//! Kafka through rskafka: what is sent and processed over a real broker, in the real Jaeger and by Prometheus' queries.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rskafka::client::partition::{PartitionClient, UnknownTopicHandling};
use tower_observability::{Work, request};

use super::recipes::rskafka::{process, send, show};
use super::unique;
use crate::shared::child::{Child, run};
use crate::support::jaeger::Trace;
use crate::support::prometheus::{Scraped, Target, value};
use crate::support::systems::{JAEGER_OTLP, KAFKA};
use crate::support::wait::{SOON, eventually};

#[test]
fn program() {
    run(&[("ships", ships)]);
}

/// The only partition of a new topic.
async fn partition(topic: &str) -> PartitionClient {
    let kafka = rskafka::client::ClientBuilder::new(vec![KAFKA.value()]).build().await.unwrap();
    kafka.controller_client().unwrap().create_topic(topic, 1, 1, 20_000).await.unwrap();
    kafka.partition_client(topic, 0, UnknownTopicHandling::Retry).await.unwrap()
}

/// Sends four orders, of which the third is the first once more, and processes three.
fn ships() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("shipping").unwrap();
        let orders = Arc::new(partition(&std::env::var("TOPIC").unwrap()).await);
        let position = Arc::new(AtomicI64::new(0));
        Work::internal("ship")
            .run(async {
                for (id, version) in [("order-1", 1), ("order-2", 2), ("order-1", 1), ("order-3", 3)] {
                    send(&orders, id, "4711", version).await.unwrap();
                }
                eprintln!("trace: {}", request::trace().unwrap().trace_id);
            })
            .await;
        let (records, watermark) = orders.fetch_records(0, 1..1_000_000, 1_000).await.unwrap();
        assert_eq!((records.len(), watermark), (4, 4));
        for record in records.into_iter().take(3) {
            process(&orders, record).await;
            position.fetch_add(1, Ordering::Relaxed);
        }
        show(&observability, orders, position);
        eprintln!("admin: {}", observability.admin_address().unwrap());
        std::future::pending::<()>().await;
    });
}

#[tokio::test]
async fn orders_over_kafka_are_processed_in_the_senders_trace_and_the_lag_is_known() {
    let topic = unique("orders");
    let child = Child::new("dependencies::kafka", "ships").env("TOPIC", &topic);
    let mut child = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", JAEGER_OTLP.value()).start();
    let trace_id = child.line("trace: ").rsplit(' ').next().unwrap().to_owned();
    let admin = child.line("admin: ").rsplit(' ').next().unwrap().to_owned();
    let target = Target { job: topic.clone(), instance: "shipping-1".into(), admin };
    let _scraped = Scraped::start(&topic, &[target]);

    let trace = eventually(SOON, "eight spans", async || {
        let trace = Trace::whole(&trace_id, &["shipping"], "").await;
        if trace.0.len() == 8 { Ok(trace) } else { Err(format!("{trace:?}")) }
    })
    .await;
    let mut processed: Vec<_> = trace.of("shipping", "consumer").collect();
    processed.sort_by_key(|span| span.start);
    for (offset, span) in processed.iter().enumerate() {
        let sent = trace.parent_of(span);
        assert_eq!((&*sent.name, &*sent.tag("span.kind")), ("send order", "producer"), "{trace:?}");
        assert_eq!(sent.tag("messaging.message.id"), span.tag("messaging.message.id"));
        assert_eq!(trace.parent_of(sent).name, "ship");
        assert_eq!(span.tag("messaging.kafka.offset"), offset.to_string());
        assert_eq!(span.tag("messaging.destination.partition.id"), "0");
        assert_eq!(span.tag("messaging.consumer.group.name"), "shipping");
        assert_eq!(span.tag("messaging.destination.name"), topic);
        assert!(span.tag("observability.message.waited_ms").parse::<f64>().unwrap() >= 0.0);
    }
    let marks = ["observability.message.duplicate", "observability.message.out_of_order"];
    for (span, marked) in processed.iter().zip(["", "", "true"]) {
        assert_eq!(marks.map(|mark| span.tag(mark)), [marked; 2], "{span:?}");
    }
    let [first, second, again] = *processed else { panic!("{trace:?}") };
    assert_eq!(again.links, [&*first.id, &second.id], "the one that it repeats, and the one that is newer");

    let place = format!("job=\"{topic}\",messaging_destination_name=\"{topic}\"");
    for (promql, expected) in [
        (format!("queue_depth{{job=\"{topic}\",queue=\"orders\"}}"), 1.0),
        (format!("sum(messaging_client_sent_messages_total{{{place}}})"), 4.0),
        (format!("sum(messaging_client_consumed_messages_total{{{place}}})"), 3.0),
        (format!("sum(messaging_client_operation_duration_seconds_count{{{place}}})"), 4.0),
        (format!("sum(messaging_process_duration_seconds_count{{{place}}})"), 3.0),
        (format!("sum(messages_wait_duration_seconds_count{{{place}}})"), 3.0),
        (format!("sum(messages_duplicate_total{{{place}}})"), 1.0),
        (format!("sum(messages_out_of_order_total{{{place}}})"), 1.0),
    ] {
        eventually(SOON, &promql, async || {
            let found = value(&promql).await;
            if found == Some(expected) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }
}
