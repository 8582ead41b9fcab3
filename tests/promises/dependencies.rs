//! Promise: what a service reports of its pools, caches, circuit breakers and retries is on the page, and on the line of the
//! request that it happened to.

use std::future::pending;

use futures_util::FutureExt;
use tower_observability::testing::Instance;
use tower_observability::{Outcome, PoolState, Work, acquire, breaker, cache, retries};

/// Runs this within a job of the instance.
fn within(seen: &Instance, job: &'static str, work: impl FnOnce()) {
    let _subscriber = seen.subscribe();
    let mut running = Work::internal(job).begin();
    running.within(work);
    running.finish(Outcome::Ok);
}

#[test]
fn a_cache_counts_its_look_ups_by_result_and_the_request_names_the_one_that_missed() {
    let seen = Instance::new();
    within(&seen, "look up", || {
        let vehicles = cache("vehicles");
        (0..3).for_each(|_| vehicles.hit());
        vehicles.miss();
        cache("customers").stale();
        cache("prices").hit();
    });
    let requests =
        |cache, result| seen.metric("cache_requests_total", &[("cache", cache), ("result", result)]);
    let counted = ["hit", "miss", "stale", "coalesced"].map(|result| requests("vehicles", result));
    assert_eq!(counted, [3.0, 1.0, 0.0, 0.0], "{seen}");
    let job = seen.request("look up");
    assert_eq!(job.span().attribute("observability.cache.vehicles"), "miss");
    assert_eq!(job.closing_line()["observability.cache.customers"], "stale");
    assert!(!job.span().attributes.contains_key("observability.cache.prices"), "a hit is the usual case");
}

#[tokio::test]
async fn many_loads_of_one_key_at_once_are_one_stampede() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let cache = cache("stampeded");
    let begun = |key: u64| {
        let mut load = Box::pin(cache.load(key, pending::<()>()));
        assert!(load.as_mut().now_or_never().is_none());
        load
    };
    let loads: Vec<_> = (0..25).map(|_| begun(7)).chain((100..150).map(begun)).collect();
    assert_eq!(seen.metric("cache_stampedes_total", &[("cache", "stampeded")]), 1.0);
    assert_eq!(seen.metric("cache_requests_total", &[("cache", "stampeded"), ("result", "miss")]), 75.0);
    let lines = seen.lines();
    assert_eq!(
        (&lines[0]["level"], &lines[0]["cache"], lines.len()),
        (&"WARN".into(), &"stampeded".into(), 1)
    );
    // Given up, a load is over; the next stampede is another.
    drop(loads);
    let _loads: Vec<_> = (0..10).map(|_| begun(7)).collect();
    assert_eq!(seen.metric("cache_stampedes_total", &[("cache", "stampeded")]), 2.0);
}

#[test]
fn a_breaker_shows_the_state_that_it_is_in_and_each_change() {
    let seen = Instance::new();
    let states = || {
        ["closed", "open", "half_open"]
            .map(|state| seen.metric("breaker_state", &[("breaker", "provider"), ("state", state)]))
    };
    within(&seen, "pay", || {
        let provider = breaker("provider");
        assert_eq!(states(), [1.0, 0.0, 0.0]);
        provider.opened();
        breaker("provider").rejected();
        assert_eq!(states(), [0.0, 1.0, 0.0]);
        provider.half_opened();
        assert_eq!(states(), [0.0, 0.0, 1.0]);
        provider.closed();
        assert_eq!(states(), [1.0, 0.0, 0.0]);
    });
    assert_eq!(seen.metric("breaker_rejected_total", &[("breaker", "provider")]), 1.0);
    assert_eq!(seen.metric("breaker_transitions_total", &[("breaker", "provider"), ("state", "open")]), 1.0);
    let job = seen.request("pay");
    assert_eq!(job.line("circuit breaker opened")["level"], "WARN");
    assert_eq!(job.closing_line()["observability.breaker_open"], "provider");
}

#[test]
fn a_retry_says_why_it_ended() {
    let seen = Instance::new();
    within(&seen, "pay", || {
        let provider = retries("provider");
        provider.retried();
        provider.retried();
        provider.gave_up(3);
    });
    within(&seen, "book", || retries("provider").not_retryable("POST without an idempotency key"));
    within(&seen, "refund", || retries("provider").out_of_budget());
    let counted = ["retried", "gave_up", "out_of_budget", "not_retryable"]
        .map(|result| seen.metric("retries_total", &[("retry", "provider"), ("result", result)]));
    assert_eq!(counted, [2.0, 1.0, 1.0, 1.0]);
    let pay = seen.request("pay");
    assert_eq!(pay.span().attribute("observability.retry"), "gave_up");
    assert_eq!(pay.closing_line()["observability.retry_attempts"], 3);
    let line = seen.request("book").line("a call that must not be retried").clone();
    assert_eq!(line["why"], "POST without an idempotency key", "{line:#}");
}

#[test]
fn a_pool_is_asked_when_the_page_is_made() {
    let seen = Instance::new();
    seen.pool("bookings", || PoolState { used: Some(10), idle: Some(0), max: Some(10), waiting: Some(4) });
    let pool = ("db_client_connection_pool_name", "bookings");
    assert_eq!(
        seen.metric("db_client_connection_count", &[pool, ("db_client_connection_state", "used")]),
        10.0
    );
    assert_eq!(seen.metric("db_client_connection_pending_requests", &[pool]), 4.0);
    assert_eq!(seen.metric("db_client_connection_max", &[pool]), 10.0);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_connection_is_on_metric_line_and_trace_and_so_is_that_there_was_none() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let slow = async {
        // By the real clock, which a paused runtime does not stop.
        std::thread::sleep(std::time::Duration::from_millis(3));
        Ok::<_, &str>(7)
    };
    Work::internal("waits").run(async { assert_eq!(acquire("waited", slow).await, Ok(7)) }).await;
    let refused = acquire("waited", async { Err::<u8, _>("pool timed out") });
    Work::internal("gets none").try_run(refused).await.unwrap_err();
    let given_up = acquire("waited", pending::<Result<u8, &str>>());
    Work::internal("gives up").run(async { assert!(given_up.now_or_never().is_none()) }).await;
    Work::internal("at once")
        .run(async { acquire("waited", async { Ok::<_, &str>(7) }).await.unwrap() })
        .await;

    let pool = [("db_client_connection_pool_name", "waited")];
    assert_eq!(seen.metric("db_client_connection_wait_time_seconds_count", &pool), 4.0);
    assert_eq!(seen.metric("db_client_connection_timeouts_total", &pool), 2.0);
    let waits = seen.request("waits");
    let waited = waits.closing_line()["observability.connection_wait_ms"].as_f64().unwrap();
    assert!((3.0..5_000.0).contains(&waited), "{waited}");
    assert!(!waits.child("acquire waited").is_error());
    for none in ["gets none", "gives up"] {
        let job = seen.request(none);
        assert_eq!(job.span().attribute("observability.connection_missing"), "waited");
        assert!(job.child("acquire waited").is_error());
    }
    let at_once = seen.request("at once");
    assert!(!at_once.span().attributes.contains_key("observability.connection_wait_ms"));
}
