//! The figures of pools, by the closures of the guide, with the real deadpool and bb8.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::FutureExt as _;
use tower_observability::testing::Instance;
use tower_observability::{PoolState, acquire};

/// Makes connections that are none.
struct Making;

impl deadpool::managed::Manager for Making {
    type Type = u8;
    type Error = Infallible;

    async fn create(&self) -> Result<u8, Infallible> {
        Ok(7)
    }

    async fn recycle(
        &self,
        _: &mut u8,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

impl bb8::ManageConnection for Making {
    type Connection = u8;
    type Error = Infallible;

    async fn connect(&self) -> Result<u8, Infallible> {
        Ok(7)
    }

    async fn is_valid(&self, _: &mut u8) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u8) -> bool {
        false
    }
}

/// Used, idle, most, and waiting.
fn figures(seen: &Instance, pool: &str) -> [f64; 3] {
    let of = ("db_client_connection_pool_name", pool);
    let count =
        |state| seen.metric("db_client_connection_count", &[of, ("db_client_connection_state", state)]);
    [count("used"), count("idle"), seen.metric("db_client_connection_max", &[of])]
}

#[tokio::test]
async fn deadpool_says_all_four_figures() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let pool = deadpool::managed::Pool::<Making>::builder(Making).max_size(2).build().unwrap();
    let observed = pool.clone();
    seen.pool("deadpool", move || {
        let status = observed.status();
        PoolState {
            used: Some(status.size - status.available),
            idle: Some(status.available),
            max: Some(status.max_size),
            waiting: Some(status.waiting),
        }
    });
    let first = acquire("deadpool", pool.get()).await.unwrap();
    let second = acquire("deadpool", pool.get()).await.unwrap();
    assert_eq!(figures(&seen, "deadpool"), [2.0, 0.0, 2.0]);
    let mut third = Box::pin(acquire("deadpool", pool.get()));
    assert!(third.as_mut().now_or_never().is_none());
    let of = [("db_client_connection_pool_name", "deadpool")];
    assert_eq!(seen.metric("db_client_connection_pending_requests", &of), 1.0);
    drop(first);
    drop(third.await.unwrap());
    drop(second);
    assert_eq!(figures(&seen, "deadpool"), [0.0, 2.0, 2.0]);
    assert_eq!(seen.metric("db_client_connection_wait_time_seconds_count", &of), 3.0);
}

#[tokio::test]
async fn bb8_says_three_figures_and_a_wait_that_ends_without_a_connection_is_seen() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let builder = bb8::Pool::builder().max_size(1).connection_timeout(Duration::from_millis(20));
    let pool = builder.build(Making).await.unwrap();
    let observed = pool.clone();
    seen.pool("bb8", move || {
        let state = observed.state();
        let (all, idle) = (state.connections as usize, state.idle_connections as usize);
        PoolState { used: Some(all - idle), idle: Some(idle), max: Some(1), ..PoolState::default() }
    });
    let held = acquire("bb8", pool.get()).await.unwrap();
    assert_eq!(figures(&seen, "bb8"), [1.0, 0.0, 1.0]);
    assert!(acquire("bb8", pool.get()).await.is_err());
    drop(held);
    assert_eq!(figures(&seen, "bb8"), [0.0, 1.0, 1.0]);
    let of = [("db_client_connection_pool_name", "bb8")];
    assert_eq!(seen.metric("db_client_connection_timeouts_total", &of), 1.0);
    assert!(!seen.scrape().contains("pending_requests"));
}
