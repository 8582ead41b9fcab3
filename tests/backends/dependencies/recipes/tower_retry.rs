//! tower's retry, with its budget.

use std::future::{Ready, ready};
use std::sync::Arc;

use http::{Request, Response};
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};
use tower_observability::retries;

const MOST_ATTEMPTS: u32 = 3;

#[derive(Clone)]
struct Seen {
    budget: Arc<TpsBudget>,
    attempt: u32,
}

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for Seen {
    type Future = Ready<()>;

    fn retry(&mut self, request: &mut Request<B>, result: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
        let seen = retries("provider");
        if result.as_ref().is_ok_and(|response| !response.status().is_server_error()) {
            self.budget.deposit();
            return None;
        }
        if !request.method().is_idempotent() && !request.headers().contains_key("idempotency-key") {
            seen.not_retryable("not idempotent, and without a key");
        } else if self.attempt == MOST_ATTEMPTS {
            seen.gave_up(self.attempt);
        } else if !self.budget.withdraw() {
            seen.out_of_budget();
        } else {
            self.attempt += 1;
            seen.retried();
            return Some(ready(()));
        }
        None
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use tower::{Service as _, ServiceBuilder, ServiceExt as _, retry::RetryLayer, service_fn};
    use tower_observability::testing::Instance;
    use tower_observability::{AttemptsLayer, Work};

    use super::*;

    /// Asks a provider that always fails.
    async fn pay(job: &'static str, method: &str, budget: &Arc<TpsBudget>) {
        let failing = service_fn(|_: Request<String>| {
            let response = Response::builder().status(503).body(String::new());
            ready(Ok::<_, Infallible>(response.unwrap()))
        });
        let policy = Seen { budget: Arc::clone(budget), attempt: 1 };
        let layers = ServiceBuilder::new().layer(AttemptsLayer::new()).layer(RetryLayer::new(policy));
        let mut client = layers.service(failing);
        let request = Request::builder().method(method).uri("http://provider/").body(String::new()).unwrap();
        Work::internal(job).run(async { client.ready().await.unwrap().call(request).await.unwrap() }).await;
    }

    #[tokio::test]
    async fn towers_retry_says_what_it_did_and_why_it_stopped() {
        let seen = Instance::new();
        let _subscriber = seen.subscribe();
        let budget = Arc::new(TpsBudget::new(Duration::from_secs(10), 1, 0.2));
        pay("retried", "GET", &budget).await;
        pay("once", "POST", &budget).await;
        let empty = Arc::new(TpsBudget::new(Duration::from_secs(10), 0, 0.0));
        pay("poor", "GET", &empty).await;
        for (job, word) in [("retried", "gave_up"), ("once", "not_retryable"), ("poor", "out_of_budget")] {
            assert_eq!(seen.request(job).closing_line()["observability.retry"], word, "{job}");
            let of = [("retry", "provider"), ("result", word)];
            assert_eq!(seen.metric("retries_total", &of), 1.0, "{job}");
        }
        assert_eq!(seen.request("retried").closing_line()["observability.retry_attempts"], 3);
        assert_eq!(seen.metric("retries_total", &[("retry", "provider"), ("result", "retried")]), 2.0);
    }
}
