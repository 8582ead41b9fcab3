//! The workshop on real systems: one booking through PostgreSQL, Redis and each of the brokers, found in the real Jaeger and by
//! Prometheus' queries, and both of its stories.

use std::process::{Command, Stdio};

use tokio::task::spawn_blocking;

use super::unique;
use crate::support::database::fresh;
use crate::support::jaeger::{Span, Trace};
use crate::support::prometheus::{Scraped, Target, value};
use crate::support::systems::{JAEGER_OTLP, KAFKA, RABBITMQ, REDIS};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop, program};

type Variables = Vec<(&'static str, String)>;

/// A database of its own in PostgreSQL, and one of these in Redis.
async fn variables(redis: u8) -> Variables {
    let database = fresh(&unique("workshop")).await;
    vec![("DATABASE_URL", database), ("REDIS_URL", format!("{}/{redis}", REDIS.value()))]
}

#[tokio::test]
async fn a_booking_over_postgresql_and_redis() {
    holds("redis", variables(1).await).await;
}

#[tokio::test]
async fn a_booking_over_postgresql_redis_and_rabbitmq() {
    let mut variables = variables(2).await;
    variables.push(("AMQP_URL", RABBITMQ.value()));
    holds("rabbitmq", variables).await;
}

#[tokio::test]
async fn a_booking_over_postgresql_redis_and_kafka() {
    let mut variables = variables(3).await;
    variables.push(("KAFKA_BROKERS", KAFKA.value()));
    holds("kafka", variables).await;
}

/// With the queue in this system.
async fn holds(queue: &'static str, variables: Variables) {
    let booked = variables.clone();
    let workshop = spawn_blocking(move || {
        let endpoint = JAEGER_OTLP.value();
        let mut all: Vec<_> = booked.iter().map(|(name, value)| (*name, &**value)).collect();
        all.push(("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint));
        let workshop = Workshop::start(&all);
        let booking = workshop.book(4_711, &[]);
        assert_eq!(booking.answer.status, 201, "{:?}", booking.answer);
        workshop.lines_of(&booking.trace_id);
        (workshop, booking.trace_id)
    });
    let (workshop, trace_id) = workshop.await.unwrap();
    is_counted(&workshop, queue).await;
    spawn_blocking(|| workshop.stop()).await.unwrap();
    is_whole(&whole_trace(&trace_id).await, queue);
    spawn_blocking(move || {
        let request = shown_by("--request", &variables);
        assert!(request.contains("8 services, one trace id, every parent present."), "{request}");
        let vanished = shown_by("--vanished", &variables);
        assert!(vanished.contains("Cause: the queue delivered CustomerUpdated"), "{vanished}");
    })
    .await
    .unwrap();
}

/// The trace, once each of the eight has a span in it and each of the systems: one without children may be the last to come.
async fn whole_trace(trace_id: &str) -> Trace {
    let of_systems = [
        ("customers", "SELECT workshop_customers"),
        ("vehicles", "GET"),
        ("vehicles", "SET"),
        ("worker", "SELECT workshop_handled"),
        ("worker", "INSERT workshop_handled"),
    ];
    eventually(SOON, &format!("the whole trace {trace_id}"), async || {
        let trace = Trace::so_far(trace_id).await;
        let has = |(service, name): &(&str, &str)| {
            trace.0.iter().any(|span| span.service == *service && span.name == *name)
        };
        let is_whole = of_systems.iter().all(has) && trace.services() == SERVICES.into_iter().collect();
        if is_whole { Ok(trace) } else { Err(format!("{trace:?}")) }
    })
    .await
}

/// The query, the cache, the message and its processing.
fn is_whole(trace: &Trace, queue: &str) {
    let named = |service: &str, name: &str| -> &Span {
        let found = trace.0.iter().find(|span| span.service == service && span.name == name);
        found.unwrap_or_else(|| panic!("no {name} of {service}: {trace:?}"))
    };
    let select = named("customers", "SELECT workshop_customers");
    assert_eq!(select.tag("db.system.name"), "postgresql");
    assert_eq!(select.tag("db.query.text"), "SELECT value FROM workshop_customers WHERE key = $1");
    assert_eq!(trace.parent_of(select).name, "GET /customers/{id}");
    for command in ["GET", "SET"] {
        let cached = named("vehicles", command);
        assert_eq!(cached.tag("db.system.name"), "redis");
        assert_eq!(trace.parent_of(cached).tag("observability.cache.vehicles"), "miss");
    }
    let (sent, processed) = (named("bookings", "send bookings"), named("worker", "process bookings"));
    assert_eq!(trace.parent_of(processed).id, sent.id);
    for span in [sent, processed] {
        assert_eq!(
            (&*span.tag("messaging.system"), &*span.tag("messaging.destination.name")),
            (queue, "bookings")
        );
        assert_eq!(span.tag("messaging.message.id"), sent.tag("messaging.message.id"));
    }
    assert!(processed.tag("observability.message.waited_ms").parse::<f64>().unwrap() >= 0.0, "{processed:?}");
    assert_eq!(trace.parent_of(named("worker", "INSERT workshop_handled")).id, processed.id);
}

async fn is_counted(workshop: &Workshop, queue: &str) {
    let job = unique(queue);
    let target = |service: &&str| Target {
        job: job.clone(),
        instance: (*service).to_owned(),
        admin: workshop.addresses(service).admin.clone(),
    };
    let targets: Vec<_> =
        ["bookings", "customers", "payments", "vehicles", "worker"].iter().map(target).collect();
    let _scraped = Scraped::start(&job, &targets);
    let of = |metric: &str, labels: &str| format!("sum({metric}{{job=\"{job}\",{labels}}})");
    let message = format!("messaging_system=\"{queue}\",messaging_destination_name=\"bookings\"");
    for (promql, expected) in [
        (
            of(
                "db_client_operation_duration_seconds_count",
                "db_query_summary=\"SELECT workshop_customers\"",
            ),
            1.0,
        ),
        (of("db_client_connection_max", "instance=\"customers\""), 5.0),
        (
            of(
                "db_client_operation_duration_seconds_count",
                "db_system_name=\"redis\",instance=\"vehicles\"",
            ),
            2.0,
        ),
        (of("cache_requests_total", "cache=\"vehicles\",result=\"miss\""), 1.0),
        (of("messaging_client_sent_messages_total", &message), 1.0),
        (of("messaging_client_consumed_messages_total", &message), 1.0),
        (of("messaging_process_duration_seconds_count", &message), 1.0),
        (of("messages_wait_duration_seconds_count", &message), 1.0),
        (of("queue_depth", "queue=\"bookings\""), 0.0),
        (of("retries_total", "retry=\"provider\",result=\"retried\""), 2.0),
        (of("breaker_state", "breaker=\"provider\",state=\"closed\""), 1.0),
    ] {
        eventually(SOON, &promql, async || {
            let found = value(&promql).await;
            if found == Some(expected) { Ok(()) } else { Err(format!("{found:?}")) }
        })
        .await;
    }
}

/// What it printed, if it ended well.
fn shown_by(option: &str, variables: &Variables) -> String {
    let mut command = Command::new(program());
    command.arg(option).envs(variables.iter().cloned()).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "{option} of {variables:?} ended with {}\n{text}\n{errors}",
        output.status
    );
    text.into_owned()
}
