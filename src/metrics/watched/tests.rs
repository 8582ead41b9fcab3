//! Tests: what pools and queues show, and what becomes of a reader that hangs, fails or panics.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::metrics::{Exposition, Metrics, Recorder};

fn page(recorder: &Recorder) -> String {
    recorder.render(Exposition::Text)
}

/// Lets the spawned readings run.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_pool_is_asked_at_each_scrape_and_what_it_does_not_say_is_absent() {
    let (recorder, watched) = (Recorder::new(&Metrics::default()), Watched::default());
    let used = Arc::new(std::sync::atomic::AtomicUsize::new(7));
    let seen = Arc::clone(&used);
    let state = move || PoolState {
        used: Some(seen.load(Ordering::Relaxed)),
        idle: Some(3),
        max: Some(10),
        waiting: None,
    };
    recorder.add_source(watched.pool("bookings".to_owned(), state).expect("the first"));
    assert!(watched.pool("rude".to_owned(), || panic!("for the test")).is_none(), "one source for all");
    let pool = "db_client_connection_pool_name=\"bookings\"";
    let first = page(&recorder);
    let count = |state, value| {
        format!("db_client_connection_count{{{pool},db_client_connection_state=\"{state}\"}} {value}\n")
    };
    assert!(first.contains(&count("used", 7)) && first.contains(&count("idle", 3)), "{first}");
    assert!(first.contains(&format!("db_client_connection_max{{{pool}}} 10\n")), "{first}");
    assert!(!first.contains("pending_requests") && !first.contains("rude"), "{first}");
    used.store(8, Ordering::Relaxed);
    assert!(page(&recorder).contains(&count("used", 8)));
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_read_in_the_background_and_its_absence_is_no_zero() {
    let (recorder, watched) = (Recorder::new(&Metrics::default()), Watched::default());
    tokio::spawn(watched.clone().read_queues());
    let up = Arc::new(AtomicBool::new(true));
    let is_up = Arc::clone(&up);
    let votes = move || {
        let is_up = is_up.load(Ordering::Relaxed);
        async move { is_up.then_some(QueueState { depth: Some(12), oldest: Some(Duration::from_secs(90)) }) }
    };
    recorder.add_source(watched.queue("votes".to_owned(), votes).expect("the first"));
    watched.queue("hangs".to_owned(), std::future::pending::<Option<QueueState>>);
    watched.queue("rude".to_owned(), || -> std::future::Ready<Option<QueueState>> { panic!("for the test") });
    settle().await;
    let first = page(&recorder);
    assert!(first.contains("queue_depth{queue=\"votes\"} 12\n"), "{first}");
    assert!(first.contains("queue_oldest_message_age_seconds{queue=\"votes\"} 90"), "{first}");
    assert!(first.contains("queue_read_failures_total{queue=\"rude\"} 1\n"), "{first}");
    up.store(false, Ordering::Relaxed);
    tokio::time::sleep(EVERY + LIMIT).await;
    settle().await;
    let down = page(&recorder);
    assert!(!down.contains("queue_depth"), "{down}");
    assert!(down.contains("queue_read_failures_total{queue=\"votes\"} 1\n"), "{down}");
    assert!(down.contains("queue_read_failures_total{queue=\"hangs\"} 2\n"), "{down}");
    up.store(true, Ordering::Relaxed);
    tokio::time::sleep(EVERY).await;
    settle().await;
    assert!(page(&recorder).contains("queue_depth{queue=\"votes\"} 12\n"), "it recovers");
}

#[test]
fn a_reader_without_a_runtime_may_block_and_delays_no_other() {
    let (recorder, watched) = (Recorder::new(&Metrics::default()), Watched::default());
    let (go_on, blocks) = std::sync::mpsc::channel::<()>();
    let blocks = Mutex::new(blocks);
    let blocking = move || {
        let _ = blocks.lock().map(|blocks| blocks.recv());
        async { Some(QueueState { depth: Some(1), oldest: None }) }
    };
    recorder.add_source(watched.queue("blocking".to_owned(), blocking).expect("the first"));
    watched.queue("good".to_owned(), || async { Some(QueueState { depth: Some(12), oldest: None }) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seen = |line: &str| {
        let until = std::time::Instant::now() + Duration::from_secs(60);
        runtime.block_on(async {
            while !page(&recorder).contains(line) {
                assert!(std::time::Instant::now() < until, "{line}: {}", page(&recorder));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
    };
    runtime.spawn(watched.clone().read_queues());
    seen("queue_depth{queue=\"good\"} 12\n");
    seen("queue_read_failures_total{queue=\"blocking\"} 1\n");
    drop(go_on);
    // It is read again when something is added, and at once.
    watched.queue("good".to_owned(), std::future::pending::<Option<QueueState>>);
    seen("queue_depth{queue=\"blocking\"} 1\n");
}
