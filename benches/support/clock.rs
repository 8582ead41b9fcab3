//! Time as a ratio: rounds of the bare router and of ours in turn, so that the machine's mood meets both.

use std::time::{Duration, Instant};

use axum::Router;

use super::noop::NoopLayer;
use super::service::{USUAL, Work};

const ROUNDS: usize = 401;
const REQUESTS: u32 = 100;
// As long as the exporter needs for a round: a queue that is always full would be another situation.
const PAUSE: Duration = Duration::from_millis(2);

/// The medians of one request's time: in the bare router, and in `app`.
pub(crate) async fn compare(app: &mut Router, work: Work) -> (Duration, Duration) {
    let mut bare = USUAL.router(NoopLayer).with_state(());
    let (mut bares, mut apps) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bares.push(round(&mut bare, USUAL).await);
        apps.push(round(app, work).await);
    }
    (median(bares), median(apps))
}

async fn round(app: &mut Router, work: Work) -> Duration {
    std::thread::sleep(PAUSE);
    // The first request after a pause finds cold caches.
    work.ask(app).await;
    let start = Instant::now();
    for _ in 0..REQUESTS {
        work.ask(app).await;
    }
    start.elapsed() / REQUESTS
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
