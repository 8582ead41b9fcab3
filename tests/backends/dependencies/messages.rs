//! RabbitMQ through lapin, Redis through redis: the context on the message, how long it waited, the cache and the depth.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use redis::AsyncCommands as _;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;
use tower_observability::testing::Instance;
use tower_observability::{Query, Work, cache, propagation};

use super::{named, unique};
use crate::support::systems::{RABBITMQ, REDIS};

async fn redis() -> MultiplexedConnection {
    redis::Client::open(REDIS.value()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn channel(queue: &str) -> (Connection, Channel) {
    let connection = Connection::connect(&RABBITMQ.value(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await.unwrap();
    (connection, channel)
}

/// Milliseconds since the epoch.
fn milliseconds() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

async fn publish(channel: &Channel, queue: &str, id: &str) {
    let mut headers = FieldTable::default();
    propagation::inject_with(|key, value| {
        headers.insert(key.into(), AMQPValue::LongString(value.into()));
    });
    let sent = milliseconds();
    headers.insert("sent-ms".into(), AMQPValue::Timestamp(sent));
    let properties = BasicProperties::default().with_headers(headers).with_message_id(id.into());
    let published =
        channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), b"{}", properties);
    published.await.unwrap().await.unwrap();
}

async fn consume(channel: &Channel, queue: &str, messages: usize) {
    let consumer =
        channel.basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let mut deliveries = consumer.await.unwrap().take(messages);
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery.unwrap();
        let headers = delivery.properties.headers().clone().unwrap_or_default();
        let remote = propagation::extract_with(|key| match headers.inner().get(key)? {
            AMQPValue::LongString(value) => Some(value.as_bytes().to_vec()),
            _ => None,
        });
        let mut work =
            Work::consumer("process booking").system("rabbitmq").destination(queue.to_owned()).parent(remote);
        if let Some(id) = delivery.properties.message_id() {
            work = work.message(id.as_str());
        }
        if let Some(AMQPValue::Timestamp(sent)) = headers.inner().get("sent-ms") {
            work = work.sent_at(UNIX_EPOCH + Duration::from_millis(*sent));
        }
        work.run(async {
            Work::settler("ack booking")
                .system("rabbitmq")
                .operation("ack")
                .run(async { delivery.ack(BasicAckOptions::default()).await.unwrap() })
                .await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_over_rabbitmq_is_processed_in_the_senders_trace_and_a_second_time_as_a_duplicate() {
    let (seen, queue) = (Instance::new(), unique("bookings"));
    let (_connection, channel) = channel(&queue).await;
    let _subscriber = seen.subscribe();
    let send = Work::producer("send booking").system("rabbitmq").destination(queue.clone());
    send.run(publish(&channel, &queue, "message-1")).await;
    // It comes a second time.
    publish(&channel, &queue, "message-1").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_secs(20), consume(&channel, &queue, 2))
        .await
        .expect("two deliveries");
    let (sent, spans) = (named(&seen, "send booking"), seen.spans());
    let processed: Vec<_> = spans.iter().filter(|span| span.name == "process booking").collect();
    let [first, second] = *processed else { panic!("{seen}") };
    assert!(first.is_child_of(&sent), "{seen}");
    assert_eq!(first.attribute("messaging.message.id"), "message-1");
    assert!(!first.attributes.contains_key("observability.message.duplicate"));
    assert_eq!(second.attribute("observability.message.duplicate"), true);
    assert_eq!(second.links[0].span_id, first.trace.span_id);
    for processed in [first, second] {
        assert!(spans.iter().any(|span| span.name == "ack booking" && span.is_child_of(processed)), "{seen}");
        let waited = processed.attribute("observability.message.waited_ms").to_string();
        assert!(waited.parse::<f64>().unwrap() >= 45.0, "{waited}");
    }
    let place = [("messaging_system", "rabbitmq"), ("messaging_destination_name", &*queue)];
    assert_eq!(seen.metric("messaging_client_sent_messages_total", &place), 1.0);
    assert_eq!(seen.metric("messages_duplicate_total", &place), 1.0);
    assert_eq!(seen.metric("messaging_process_duration_seconds_count", &place), 2.0);
}

#[tokio::test]
async fn a_stream_of_redis_carries_the_context_in_its_fields() {
    let (seen, mut redis, stream) = (Instance::new(), redis().await, unique("votes"));
    let _subscriber = seen.subscribe();
    Work::producer("send vote")
        .system("redis")
        .destination(stream.clone())
        .run(async {
            let mut fields = vec![("vote".to_owned(), "blue".to_owned())];
            propagation::inject_with(|key, value| fields.push((key.to_owned(), value.to_owned())));
            let _id: String = redis.xadd(&stream, "*", &fields).await.unwrap();
        })
        .await;
    let read: StreamReadReply = redis.xread(&[&*stream], &["0"]).await.unwrap();
    let entry = &read.keys[0].ids[0];
    let remote = propagation::extract_with(|key| entry.get::<String>(key));
    // Its id begins with the milliseconds at which it was added.
    let sent: u64 = entry.id.split('-').next().unwrap().parse().unwrap();
    Work::consumer("process vote")
        .system("redis")
        .destination(stream.clone())
        .parent(remote)
        .message(&entry.id)
        .sent_at(UNIX_EPOCH + Duration::from_millis(sent))
        .run(async {})
        .await;
    assert!(named(&seen, "process vote").is_child_of(&named(&seen, "send vote")), "{seen}");
    let _: () = redis.del(&stream).await.unwrap();
}

#[tokio::test]
async fn a_cache_in_redis_is_a_call_of_the_request_and_a_miss_stands_on_its_line() {
    let (seen, mut redis, key) = (Instance::new(), redis().await, unique("vehicle"));
    let _subscriber = seen.subscribe();
    let vehicles = cache("vehicles");
    for round in ["first", "second"] {
        Work::internal(round)
            .run(async {
                let found: Option<String> =
                    Query::new("redis", "GET").try_run(redis.get(&key)).await.unwrap();
                match found {
                    Some(_) => vehicles.hit(),
                    None => {
                        let loaded = vehicles.load(&key, async { "from the database" }).await;
                        let set = redis.set_ex::<_, _, ()>(&key, loaded, 60);
                        Query::new("redis", "SETEX").try_run(set).await.unwrap();
                    }
                }
            })
            .await;
    }
    assert_eq!(seen.request("first").closing_line()["observability.cache.vehicles"], "miss");
    assert!(seen.request("second").closing_line()["observability.cache.vehicles"].is_null());
    let of = |result| seen.metric("cache_requests_total", &[("cache", "vehicles"), ("result", result)]);
    assert_eq!((of("hit"), of("miss")), (1.0, 1.0));
    let gets = [("db_system_name", "redis"), ("db_operation_name", "GET")];
    assert_eq!(seen.metric("db_client_operation_duration_seconds_count", &gets), 2.0);
    assert!(
        !seen.scrape().contains(&key) && !seen.spans().iter().any(|span| format!("{span:?}").contains(&key))
    );
}
