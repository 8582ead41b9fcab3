//! A request while it is being put together: reqwest's own builder, which knows who will send it.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use ::reqwest::{Body, Error, Request, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use serde::Serialize;

use super::Client;

/// [`reqwest::RequestBuilder`](::reqwest::RequestBuilder), whose call is observed.
///
/// What it has no method for, such as a multipart form, goes through [`with`](Self::with).
///
/// ```
/// # fn of(client: tower_observability::reqwest::Client) {
/// let call = client
///     .post("http://127.0.0.1:3000/bookings")
///     .query(&[("dry", "true")])
///     .json(&["oil change"])
///     .with(|request| request.bearer_auth("token"))
///     .send();
/// # }
/// ```
#[must_use = "nothing is sent before `.send().await`"]
pub struct RequestBuilder {
    client: Client,
    inner: ::reqwest::RequestBuilder,
}

impl RequestBuilder {
    pub(super) fn new(client: Client, inner: ::reqwest::RequestBuilder) -> Self {
        Self { client, inner }
    }

    /// Changes the request by whatever reqwest's own builder offers.
    pub fn with(self, change: impl FnOnce(::reqwest::RequestBuilder) -> ::reqwest::RequestBuilder) -> Self {
        Self { inner: change(self.inner), ..self }
    }

    /// Adds a header.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: Into<http::Error>>,
        HeaderValue: TryFrom<V, Error: Into<http::Error>>,
    {
        self.with(|request| request.header(name, value))
    }

    /// Adds headers; those that are there under the same names are replaced.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| request.headers(headers))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| request.body(body))
    }

    /// Sends a value as JSON.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.with(|request| request.json(value))
    }

    /// Sends a value as a form.
    pub fn form<T: Serialize + ?Sized>(self, value: &T) -> Self {
        self.with(|request| request.form(value))
    }

    /// Adds to the URL's query.
    pub fn query<T: Serialize + ?Sized>(self, query: &T) -> Self {
        self.with(|request| request.query(query))
    }

    /// Sends a name and a password.
    pub fn basic_auth(self, name: impl fmt::Display, password: Option<impl fmt::Display>) -> Self {
        self.with(|request| request.basic_auth(name, password))
    }

    /// Sends a token.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.with(|request| request.bearer_auth(token))
    }

    /// How long the call may take, to the end of its body; instead of the client's.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|request| request.timeout(timeout))
    }

    /// The protocol's version.
    pub fn version(self, version: Version) -> Self {
        self.with(|request| request.version(version))
    }

    /// Clones the request; `None` if its body is a stream.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        Some(Self { client: self.client.clone(), inner: self.inner.try_clone()? })
    }

    /// The request, for [`Client::execute`].
    ///
    /// # Errors
    ///
    /// Something that it was made of is not valid.
    pub fn build(self) -> Result<Request, Error> {
        self.inner.build()
    }

    /// Sends the request. One that could not be made is no call: it has no span.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::RequestBuilder::send`](::reqwest::RequestBuilder::send), untouched.
    pub fn send(self) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        // Begun now, not at the first poll.
        let call = self.inner.build().map(|request| self.client.execute(request));
        async move { call?.await }
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").finish_non_exhaustive()
    }
}
