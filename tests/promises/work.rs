//! Promise: a job or a message is a hop like any other, in the trace of whoever asked for it.

use std::collections::HashMap;

use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, Outcome, Work, propagation, request};

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
