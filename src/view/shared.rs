//! What all routes share: the store, and how much is done at once.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use tokio::sync::Semaphore;

use super::model::now;
use super::receive::{MOST_BYTES, Refused};
use super::store::{Held, Store};

/// So many pages are told what comes.
const LIVE_AT_ONCE: usize = 32;
/// So many requests of services are read at once; the others wait.
const READ_AT_ONCE: usize = 8;
/// And one of them is decoded at once, which takes several times its bytes.
const DECODED_AT_ONCE: usize = 1;
/// A request that has not arrived in full by then is given up.
const MAY_TAKE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) store: Arc<Store>,
    reading: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
    pub(super) live: Arc<Semaphore>,
    pub(super) address: Arc<str>,
    pub(super) started: i64,
}

impl Shared {
    pub(super) fn new(store: Arc<Store>, address: &str) -> Self {
        Self {
            store,
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
            decoding: Arc::new(Semaphore::new(DECODED_AT_ONCE)),
            live: Arc::new(Semaphore::new(LIVE_AT_ONCE)),
            address: address.into(),
            started: now(),
        }
    }

    /// Reads a request's body, of which only so many are in memory at once, and keeps what it says.
    pub(super) async fn take<T: Send + 'static>(
        &self,
        body: Body,
        keep: impl FnOnce(&Store, Bytes) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        let _permit = self.reading.acquire().await;
        let read = tokio::time::timeout(MAY_TAKE, to_bytes(body, MOST_BYTES)).await;
        let late = |_| Refused::Malformed("the request did not arrive in time".to_owned());
        let body = read.map_err(late)?.map_err(|error| {
            let too_large = Error::source(&error).is_some_and(|why| why.is::<LengthLimitError>());
            if too_large { Refused::TooLarge } else { Refused::Malformed(error.to_string()) }
        })?;
        let store = self.store.clone();
        let _decoding = self.decoding.acquire().await;
        let kept = tokio::task::spawn_blocking(move || keep(&store, body)).await;
        kept.unwrap_or_else(|error| Err(Refused::Malformed(error.to_string())))
    }

    /// Answers a question from what is held now, as JSON.
    pub(super) async fn answer<F>(self, answer: F) -> Response
    where
        F: FnOnce(&Store, &Held) -> Result<Vec<u8>, (StatusCode, String)> + Send + 'static,
    {
        let answered = tokio::task::spawn_blocking(move || answer(&self.store, &self.store.read())).await;
        let json = [(header::CONTENT_TYPE, "application/json")];
        match answered.unwrap_or_else(|error| Err((StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))) {
            Ok(body) => (json, body).into_response(),
            Err((status, why)) => {
                (status, json, serde_json::json!({ "error": why }).to_string()).into_response()
            }
        }
    }
}
