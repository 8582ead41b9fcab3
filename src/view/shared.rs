//! What all routes share: the store, and how much is done at once.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::model::now;
use super::receive::{MOST_BYTES, Refused, TOO_MANY_BYTES};
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
        // Both are given back by the thread that decodes: whoever asked may have gone by then.
        let reading = permit(&self.reading).await?;
        let read = tokio::time::timeout(MAY_TAKE, to_bytes(body, MOST_BYTES)).await;
        let late = |_| Refused::Unavailable("the request did not arrive in time".to_owned());
        let body = read.map_err(late)?.map_err(|error| {
            let too_large = Error::source(&error).is_some_and(|why| why.is::<LengthLimitError>());
            if too_large { Refused::TooLarge(TOO_MANY_BYTES) } else { Refused::Malformed(error.to_string()) }
        })?;
        let store = self.store.clone();
        let permits = (reading, permit(&self.decoding).await?);
        let keep = move || {
            let _permits = permits;
            keep(&store, body)
        };
        let kept = tokio::task::spawn_blocking(keep).await;
        kept.unwrap_or_else(|error| Err(Refused::Unavailable(error.to_string())))
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

async fn permit(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refused> {
    of.clone().acquire_owned().await.map_err(|error| Refused::Unavailable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// What `take` waits for is there already, so that it is polled until it waits for the thread.
    #[tokio::test]
    async fn one_is_decoded_at_once_although_whoever_asked_has_gone() {
        let shared = Shared::new(Arc::new(Store::new(1 << 20)), "");
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let keep = move |_: &Store, _: Bytes| {
            begin.send(()).unwrap();
            Ok(ended.recv().is_ok())
        };
        let asked = shared.clone();
        let task = tokio::spawn(async move { asked.take(Body::from("a"), keep).await });
        tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        let free =
            |shared: &Shared| (shared.reading.available_permits(), shared.decoding.available_permits());
        assert_eq!(free(&shared), (READ_AT_ONCE - 1, DECODED_AT_ONCE - 1), "it is decoded still");
        end.send(()).unwrap();
        let decoding = shared.decoding.acquire().await.unwrap();
        drop(decoding);
        assert_eq!(free(&shared).1, DECODED_AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_too_late_or_fails_here_may_be_sent_again() {
        let shared = Shared::new(Arc::new(Store::new(1 << 20)), "");
        let (_sender, body) = http_body_util::channel::Channel::<Bytes>::new(1);
        let late = shared.take(Body::new(body), |_, _| Ok(())).await;
        assert!(matches!(late, Err(Refused::Unavailable(_))), "{late:?}");
        let failed = shared.take(Body::from("a"), |_, _| -> Result<(), _> { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(Refused::Unavailable(_))), "{failed:?}");
        assert_eq!(Refused::Unavailable(String::new()).code(), 14);
    }
}
