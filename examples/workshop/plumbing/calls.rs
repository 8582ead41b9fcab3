//! Calls to other services: JSON out, JSON in, observed by the layer's client side.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::timeout::Timeout;
use tower::{Layer, Service, ServiceExt};
use tower_observability::{ObservabilityLayer, Observed, side};

use super::{BoxError, Failure};

/// A client. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Calls {
    http: Observed<Timeout<Client<HttpConnector, Full<Bytes>>>, side::Client>,
}

impl Default for Calls {
    fn default() -> Self {
        Self::within(Duration::from_secs(5))
    }
}

impl Calls {
    /// Each call may take so long. The time limit is inside of the layer, which so can tell a timeout from a
    /// caller who lost interest.
    pub(crate) fn within(limit: Duration) -> Self {
        Self::new(ObservabilityLayer::client(), limit)
    }

    /// Calls that leave no trace and carry none.
    pub(crate) fn unseen() -> Self {
        Self::unseen_within(Duration::from_secs(5))
    }

    /// The same; each may take so long.
    pub(crate) fn unseen_within(limit: Duration) -> Self {
        Self::new(ObservabilityLayer::client().filter(|_| false), limit)
    }

    fn new(layer: ObservabilityLayer<side::Client>, limit: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { http: layer.layer(Timeout::new(client, limit)) }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, url: String) -> Result<T, Failure> {
        self.send(Method::GET, url, None, Bytes::new()).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        url: String,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::POST, url, None, serde_json::to_vec(body)?.into()).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, url: String) -> Result<T, Failure> {
        self.send(Method::DELETE, url, None, Bytes::new()).await
    }

    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        url: String,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::PUT, url, None, serde_json::to_vec(body)?.into()).await
    }

    /// With a key by which the other side knows the same wish, however often it arrives.
    pub(crate) async fn post_once<T: DeserializeOwned>(
        &self,
        url: String,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.send(Method::POST, url, Some(key), serde_json::to_vec(body)?.into()).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        url: String,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<T, Failure> {
        let bytes = self.text(method, url, key, body).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// The body of a good answer.
    pub(crate) async fn text(
        &self,
        method: Method,
        url: String,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<Bytes, Failure> {
        let mut request =
            Request::builder().method(method).uri(&url).header(CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(body)).map_err(|error| unreachable(&url, &error.into()))?;
        let mut http = self.http.clone();
        let ready = http.ready().await.map_err(|error| unreachable(&url, &error))?;
        let response = ready.call(request).await.map_err(|error| unreachable(&url, &error))?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| unreachable(&url, &error.into()))?
            .to_bytes();
        match status {
            good if good.is_success() => Ok(body),
            theirs if theirs.is_client_error() => Err(Failure::new(theirs, String::from_utf8_lossy(&body))),
            bad => Err(Failure::new(StatusCode::BAD_GATEWAY, format!("{url} answered {bad}"))),
        }
    }
}

fn unreachable(url: &str, error: &BoxError) -> Failure {
    let status = if error.is::<tower::timeout::error::Elapsed>() {
        StatusCode::GATEWAY_TIMEOUT
    } else {
        StatusCode::BAD_GATEWAY
    };
    Failure::new(status, format!("{url}: {error}"))
}
