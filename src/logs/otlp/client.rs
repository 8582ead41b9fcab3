//! The client under opentelemetry-otlp: ours, which keeps the whole answer of one attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use opentelemetry_http::{Bytes, HttpClient, HttpError};

use super::dropped;
use crate::export::{Delivery, Link, Wire, accepted};

/// The client.
#[derive(Debug)]
pub(super) struct Client {
    wire: Wire,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    timeout: Duration,
    has_dropped: bool,
    delivery: Option<Delivery>,
}

impl Client {
    pub(super) fn new(link: &Link) -> Result<Self, String> {
        Ok(Self { wire: Wire::new(link)?, state: Mutex::default() })
    }

    /// The next request is an attempt of this length; `has_dropped` if one of its records lacks attributes.
    pub(super) fn begin(&self, timeout: Duration, has_dropped: bool) {
        *self.state() = State { timeout, has_dropped, delivery: None };
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

    async fn attempt(&self, encoded: Request<Bytes>) -> Delivery {
        let State { timeout, has_dropped, .. } = *self.state();
        // Compressed by the library: that is a feature of its own, which somebody else in the process may want.
        let is_plain = !encoded.headers().contains_key(CONTENT_ENCODING);
        let encoded = encoded.map(|bytes| {
            let settled = (has_dropped && is_plain).then(|| dropped::settle(&bytes)).flatten();
            settled.map_or(bytes, Bytes::from)
        });
        match self.wire.forward(encoded, timeout).await {
            Ok(answer) => accepted(&answer),
            Err(delivery) => delivery,
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, encoded: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let delivery = self.attempt(encoded).await;
        self.state().delivery = Some(delivery);
        Ok(Response::new(Bytes::new()))
    }
}
