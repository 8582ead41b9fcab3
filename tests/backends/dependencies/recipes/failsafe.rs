//! The circuit breaker failsafe, by its own hook.

use std::time::Duration;

use failsafe::failure_policy::consecutive_failures;
use failsafe::{CircuitBreaker, Config, Instrument, backoff};
use tower_observability::{Breaker, breaker};

struct Seen(Breaker);

impl Instrument for Seen {
    fn on_call_rejected(&self) {
        self.0.rejected();
    }
    fn on_open(&self) {
        self.0.opened();
    }
    fn on_half_open(&self) {
        self.0.half_opened();
    }
    fn on_closed(&self) {
        self.0.closed();
    }
}

fn provider(rest: Duration) -> impl CircuitBreaker {
    let policy = consecutive_failures(3, backoff::constant(rest));
    Config::new().failure_policy(policy).instrument(Seen(breaker("provider"))).build()
}

mod tests {
    use tower_observability::Work;
    use tower_observability::testing::Instance;

    use super::{CircuitBreaker as _, Duration, provider};

    #[tokio::test]
    async fn failsafe_tells_its_changes_and_what_it_rejected() {
        let seen = Instance::new();
        let _subscriber = seen.subscribe();
        let rest = Duration::from_millis(50);
        let provider = provider(rest);
        let state = |state| seen.metric("breaker_state", &[("breaker", "provider"), ("state", state)]);
        assert_eq!((state("closed"), state("open")), (1.0, 0.0));
        for _ in 0..3 {
            let _ = provider.call(|| Err::<(), _>("down"));
        }
        assert_eq!((state("closed"), state("open")), (0.0, 1.0));
        Work::internal("pay").run(async { provider.call(|| Ok::<_, &str>(())).unwrap_err() }).await;
        assert_eq!(seen.request("pay").closing_line()["observability.breaker_open"], "provider");
        assert_eq!(seen.metric("breaker_rejected_total", &[("breaker", "provider")]), 1.0);
        tokio::time::sleep(rest * 2).await;
        provider.call(|| Ok::<_, &str>(())).unwrap();
        assert_eq!(state("closed"), 1.0);
        // It says that it is closed when it is made as well.
        for (to, times) in [("open", 1.0), ("half_open", 1.0), ("closed", 2.0)] {
            let of = [("breaker", "provider"), ("state", to)];
            assert_eq!(seen.metric("breaker_transitions_total", &of), times, "{to}");
        }
    }
}
