//! Owns the client under opentelemetry-otlp: ours, which keeps the whole answer of one attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};

use crate::export::{Delivery, Wire, accepted};

/// The client.
#[derive(Debug)]
pub(super) struct Client {
    wire: Wire,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    timeout: Duration,
    delivery: Option<Delivery>,
}

impl Client {
    pub(super) fn new(url: &str, headers: &[(String, String)]) -> Result<Self, String> {
        Ok(Self { wire: Wire::new(url, headers)?, state: Mutex::default() })
    }

    /// The next request is an attempt of this length.
    pub(super) fn begin(&self, timeout: Duration) {
        *self.state() = State { timeout, delivery: None };
    }

    /// What became of the attempt; `None` if no request was made.
    pub(super) fn delivery(&self) -> Option<Delivery> {
        self.state().delivery.take()
    }

    pub(super) fn has_left(&self) -> bool {
        self.wire.has_left()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, encoded: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let timeout = self.state().timeout;
        let delivery = match self.wire.forward(encoded, timeout).await {
            Ok(body) => accepted(&body),
            Err(delivery) => delivery,
        };
        self.state().delivery = Some(delivery);
        Ok(Response::new(Bytes::new()))
    }
}
