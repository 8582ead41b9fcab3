//! Promise: a job or a message is a hop like any other, in the trace of whoever asked for it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, Outcome, Query, Work, propagation, request};

fn named(seen: &Instance, name: &str) -> Span {
    seen.request(name).span().clone()
}

/// Sends a message, and hands out its headers.
async fn sent(seen: &Instance) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    seen.adopt(Work::producer("send bookings").destination("bookings"))
        .run(async { propagation::inject(&mut headers) })
        .await;
    headers
}

#[tokio::test]
async fn a_consumer_continues_the_producers_trace() {
    let seen = Instance::new();
    let headers = sent(&seen).await;
    let consumer = Work::consumer("process bookings").system("queue").destination("bookings");
    seen.adopt(consumer.parent(propagation::extract(&headers)))
        .run(async { request::add("booking", 7) })
        .await;
    let (sent, processed) = (named(&seen, "send bookings"), named(&seen, "process bookings"));
    assert_eq!((sent.kind, processed.kind), (Kind::Producer, Kind::Consumer));
    assert!(processed.is_child_of(&sent), "{seen}");
    assert_eq!(processed.attribute("messaging.system"), "queue");
    assert_eq!(processed.attribute("messaging.destination.name"), "bookings");
    assert_eq!(processed.attribute("booking"), 7);
}

#[tokio::test]
async fn a_linked_consumer_has_a_trace_of_its_own_and_links_to_each_message() {
    let seen = Instance::new();
    let (first, second) = (sent(&seen).await, sent(&seen).await);
    let batch = Work::consumer("process batch")
        .link(propagation::extract(&first))
        .link(propagation::extract(&second));
    seen.adopt(batch).run(async {}).await;
    let batch = named(&seen, "process batch");
    assert_eq!((batch.parent, batch.links.len()), (None, 2));
    assert!(batch.links.iter().all(|link| link.trace_id != batch.trace.trace_id));
}

#[tokio::test]
async fn work_that_fails_is_an_error_with_its_text_in_span_and_line() {
    let seen = Instance::new();
    let result: Result<(), _> =
        seen.adopt(Work::internal("clean up")).try_run(async { Err(std::io::Error::other("no disk")) }).await;
    assert_eq!(result.unwrap_err().to_string(), "no disk");
    let span = named(&seen, "clean up");
    assert!(span.is_error() && span.kind == Kind::Internal);
    assert_eq!(span.attribute("error.type"), "server_error");
    let line = &seen.lines()[0];
    assert_eq!(
        (&line["outcome"], &line["error"], &line["level"]),
        (&"server_error".into(), &"no disk".into(), &"ERROR".into())
    );
}

#[tokio::test]
async fn a_url_in_the_text_of_an_error_has_neither_credentials_nor_a_query_wherever_it_failed() {
    const ERROR: &str = "cannot reach https://ada:s3cret@bank.example/pay?key=s3cret (refused)";
    let seen = Instance::new();
    let failing = || async { Err::<(), _>(ERROR) };
    let pay = Work::internal("pay").run(async {
        Work::internal("by hand").try_run(failing()).await.unwrap_err();
        Query::new("elasticsearch", "search").try_run(failing()).await.unwrap_err();
    });
    seen.scope(pay).await;
    let lines = seen.lines();
    assert_eq!(lines.iter().filter(|line| line.get("error").is_some()).count(), 2, "{seen}");
    assert!(!format!("{seen}{:?}{lines:?}", seen.spans()).contains("s3cret"), "{seen}");
}

#[tokio::test]
async fn errors_of_any_type_fail_the_work_without_an_annotation_and_with_their_sources() {
    let seen = Instance::new();
    let work = seen.adopt(Work::internal("clean up"));
    let failed = work.run_result(async {
        let age: u32 = "7".parse()?;
        std::fs::read("/does/not/exist")?;
        Ok(age)
    });
    assert!(failed.await.unwrap_err().is::<std::io::Error>());
    let work = seen.adopt(Work::internal("report"));
    let failed = work.run_result(async {
        Err::<(), _>(anyhow::anyhow!("no disk").context("no report"))?;
        Ok(())
    });
    failed.await.unwrap_err();
    let line = &seen.request("report").closing_line().clone();
    assert_eq!((&line["error"], &line["outcome"]), (&"no report".into(), &"server_error".into()), "{line:#}");
    assert!(line["error_chain"].to_string().contains("no disk"), "{line:#}");
}

#[tokio::test]
async fn work_has_the_attributes_that_it_is_given() {
    let (seen, tenant) = (Instance::new(), String::from("red"));
    let work = Work::consumer("process")
        .attribute("messaging.kafka.offset", 4_711)
        .attribute("tenant", "blue")
        .attribute("tenant", &tenant)
        .attribute("voucher", None::<u32>);
    seen.adopt(work).run(async { request::add("lines", 3) }).await;
    let (job, line) = (seen.request("process"), seen.lines().remove(0));
    assert_eq!(job.span().attribute("messaging.kafka.offset"), 4_711);
    assert_eq!(job.span().attribute("tenant"), "red");
    assert_eq!((&line["tenant"], &line["lines"]), (&"red".into(), &3.into()), "{line:#}");
    assert!(!job.span().attributes.contains_key("voucher"));
}

#[tokio::test]
async fn work_that_is_dropped_is_cancelled_and_a_panic_is_a_panic() {
    let seen = Instance::new();
    drop(seen.adopt(Work::internal("dropped")).begin());
    let panicking = seen.adopt(Work::internal("panicking"));
    let task = tokio::spawn(panicking.run(async { panic!("the job's own") }));
    assert!(task.await.unwrap_err().is_panic());
    let outcomes: Vec<_> =
        seen.lines().iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["cancelled", "panic"]);
}

#[tokio::test]
async fn a_panic_in_a_destructor_of_work_that_is_cancelled_is_a_panic_and_belongs_to_it() {
    struct Fails;
    impl Drop for Fails {
        fn drop(&mut self) {
            assert!(!request::add("dropped", true), "not closed");
        }
    }
    let seen = Instance::new();
    let endless = || async {
        let _fails = Fails;
        std::future::pending::<()>().await;
    };
    let mut job = Box::pin(seen.adopt(Work::internal("job")).run(endless()));
    assert!(futures_util::poll!(job.as_mut()).is_pending());
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(job)));
    assert!(dropped.is_err(), "the panic goes on");
    let line = seen.request("job").closing_line().clone();
    assert_eq!((&line["outcome"], &line["dropped"]), (&"panic".into(), &true.into()), "{line:#}");
    assert_eq!(request::trace(), None, "nothing is current");
    let query = seen.scope(async {
        let mut query = Box::pin(Query::new("redis", "GET").run(endless()));
        assert!(futures_util::poll!(query.as_mut()).is_pending());
        _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(query)));
    });
    seen.adopt(Work::internal("asks")).run(query).await;
    let spans = seen.spans();
    assert_eq!(spans.iter().find(|span| span.name == "GET").unwrap().attribute("error.type"), "panic");
}

#[tokio::test]
async fn work_begun_by_hand_gives_its_context_to_what_runs_within() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let mut running = seen.adopt(Work::internal("by hand")).begin();
    running.within(|| tracing::info!("within"));
    running.finish(Outcome::Ok);
    let work = seen.request("by hand");
    assert_eq!(work.line("within")["span_id"], work.span().trace.span_id.to_string());
    assert_eq!(work.metric("work_duration_seconds_count"), 1.0);
}

#[tokio::test]
async fn an_error_whose_text_cannot_be_had_fails_the_job_and_nothing_else() {
    #[derive(Debug)]
    struct Rude(bool);
    impl std::fmt::Display for Rude {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            // It may speak of the work itself while it is read.
            request::add("read", true);
            f.write_str("so far")?;
            if self.0 { panic!("the error's own") } else { Err(std::fmt::Error) }
        }
    }
    impl std::error::Error for Rude {}
    for (panics, said) in [(true, "<panicked>"), (false, "so far")] {
        let seen = Instance::new();
        let failing = async {
            assert!(request::error(&Rude(panics)));
            Err::<(), _>(Rude(panics))
        };
        seen.adopt(Work::internal("rude")).try_run(failing).await.unwrap_err();
        let line = &seen.lines()[0];
        assert_eq!((&line["error"], &line["outcome"]), (&said.into(), &"server_error".into()), "{line:#}");
        assert_eq!(line["read"], true, "{line:#}");
    }
}

#[tokio::test]
async fn a_message_has_what_the_conventions_ask_for_and_how_long_it_waited() {
    let seen = Instance::new();
    let sent = SystemTime::now() - Duration::from_millis(1_500);
    let work = Work::consumer("process booking")
        .system("kafka")
        .destination("bookings")
        .group("workers")
        .partition(3)
        .offset(4_711)
        .message("0b1f")
        .batch(2)
        .sent_at(sent);
    seen.adopt(work).run(async {}).await;
    let ack = Work::settler("ack booking").system("rabbitmq").destination("bookings").operation("ack");
    seen.adopt(ack).run(async {}).await;
    seen.adopt(Work::receiver("poll bookings").system("kafka").destination("bookings")).run(async {}).await;
    seen.adopt(Work::producer("send booking").system("kafka").destination("bookings")).run(async {}).await;

    let span = named(&seen, "process booking");
    for (name, value) in [
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.consumer.group.name", "workers"),
        ("messaging.destination.partition.id", "3"),
        ("messaging.message.id", "0b1f"),
    ] {
        assert_eq!(span.attribute(name), value);
    }
    assert_eq!(span.attribute("messaging.kafka.offset"), 4_711);
    assert_eq!(span.attribute("messaging.batch.message_count"), 2);
    let waited = seen.request("process booking").closing_line()["observability.message.waited_ms"].as_f64();
    assert!((1_500.0..20_000.0).contains(&waited.unwrap()), "{waited:?}");
    // A call that ended well has no line.
    let spans = seen.spans();
    let call = |name| spans.iter().find(|span| span.name == name).unwrap();
    let acked = call("ack booking");
    assert_eq!(
        (acked.kind, acked.attribute("messaging.operation.name").to_string()),
        (Kind::Client, "ack".into())
    );
    assert_eq!(acked.attribute("messaging.operation.type"), "settle");
    assert_eq!(call("poll bookings").attribute("messaging.operation.type"), "receive");

    let kafka = [("messaging_system", "kafka"), ("messaging_destination_name", "bookings")];
    let of_group = [kafka[0], kafka[1], ("messaging_consumer_group_name", "workers")];
    assert_eq!(seen.metric("messaging_process_duration_seconds_count", &of_group), 1.0);
    assert_eq!(seen.metric("messaging_client_operation_duration_seconds_count", &kafka), 2.0);
    assert_eq!(seen.metric("messaging_client_sent_messages_total", &kafka), 1.0);
    assert_eq!(seen.metric("messaging_client_consumed_messages_total", &kafka), 2.0, "a batch of two");
    assert_eq!(seen.metric("messages_wait_duration_seconds_count", &kafka), 1.0);
}

#[tokio::test]
async fn a_failed_message_is_counted_as_such_and_a_future_time_of_sending_as_none() {
    let seen = Instance::new();
    let work =
        Work::consumer("process").system("kafka").sent_at(SystemTime::now() + Duration::from_secs(3_600));
    seen.adopt(work).try_run(async { Err::<(), _>("no seats") }).await.unwrap_err();
    let failed = [("messaging_system", "kafka"), ("error_type", "server_error")];
    assert_eq!(seen.metric("messaging_process_duration_seconds_count", &failed), 1.0);
    assert_eq!(seen.metric("messaging_client_consumed_messages_total", &failed), 1.0);
    assert!(!named(&seen, "process").attributes.contains_key("observability.message.waited_ms"));
}

#[tokio::test]
async fn an_older_message_of_a_key_is_told_with_the_trace_that_processed_the_newer_one() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let update = |name: &'static str, id: &str, version| {
        Work::consumer(name).destination("customers").message(id).version("customer-4711", version)
    };
    update("first", "a", 6).run(async {}).await;
    update("second", "b", 7).run(async {}).await;
    update("redelivered", "a", 6).run(async {}).await;
    update("of another key", "c", 1).version("customer-4712", 1).run(async {}).await;
    update("third", "d", 8).run(async {}).await;

    let (second, again) = (named(&seen, "second"), named(&seen, "redelivered"));
    assert_eq!(again.attribute("observability.message.out_of_order"), true);
    assert_eq!(again.attribute("observability.message.newer_version"), 7);
    assert_eq!(again.attribute("observability.message.duplicate"), true);
    let linked: Vec<_> = again.links.iter().map(|link| link.span_id).collect();
    assert_eq!(linked, [named(&seen, "first").trace.span_id, second.trace.span_id]);
    let job = seen.request("redelivered");
    assert_eq!(job.closing_line()["observability.message.out_of_order"], true);
    assert_eq!(job.line("a newer message of this key was processed before")["level"], "WARN");
    for in_order in ["first", "second", "of another key", "third"] {
        assert!(
            !named(&seen, in_order).attributes.contains_key("observability.message.out_of_order"),
            "{in_order}"
        );
    }
    let customers = [("messaging_destination_name", "customers")];
    assert_eq!(seen.metric("messages_out_of_order_total", &customers), 1.0);
    assert_eq!(seen.metric("messages_duplicate_total", &customers), 1.0);
    assert!(!format!("{seen}").contains("customer-4711"), "the key is not recorded");
}

#[tokio::test]
async fn a_message_that_failed_may_come_again_and_is_no_duplicate() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let message = |name| Work::consumer(name).destination("bookings").message(7).version("k", 7);
    message("fails").try_run(async { Err::<(), _>("for the test") }).await.unwrap_err();
    drop(message("is given up").begin());
    message("again").run(async {}).await;
    assert!(!named(&seen, "again").attributes.contains_key("observability.message.duplicate"), "{seen}");
    message("once more").run(async {}).await;
    assert_eq!(named(&seen, "once more").attribute("observability.message.duplicate"), true);
}

#[tokio::test]
async fn two_closures_are_a_carrier_whatever_the_brokers_headers_are() {
    let seen = Instance::new();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    seen.adopt(Work::producer("send"))
        .run(async {
            request::set_baggage("tenant", "blue");
            propagation::inject_with(|key, value| {
                headers.push((key.to_uppercase(), value.as_bytes().to_vec()))
            });
        })
        .await;
    let remote = propagation::extract_with(|key| {
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    });
    assert_eq!(remote.baggage.get("tenant"), Some("blue"));
    seen.adopt(Work::consumer("process").parent(remote)).run(async {}).await;
    assert!(named(&seen, "process").is_child_of(&named(&seen, "send")), "{seen}");
    assert!(propagation::extract_with(|_| None::<&str>).trace.is_none());
}
