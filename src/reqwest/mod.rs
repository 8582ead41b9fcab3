//! Reqwest's client with each of its calls observed.
//!
//! It is an adapter of its own, because reqwest follows redirects and retries within itself, where no layer can stand.
//! Change the client where it is made, and every `client.get(url).json(&body).send().await?` stays as it is:
//!
//! ```
//! use std::time::Duration;
//! use tower_observability::reqwest::Client; // was: use reqwest::Client
//!
//! # fn main() -> Result<(), reqwest::Error> {
//! let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
//! let client = Client::from(client); // one more line
//! let call = client.get("http://127.0.0.1:3000/bookings/7").send();
//! # Ok(())
//! # }
//! ```
//!
//! Where the layer has something to choose, it makes the client:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use tower_observability::ObservabilityLayer;
//! #
//! # async fn book(url: &str, booking: serde_json::Value) -> Result<(), reqwest::Error> {
//! let client = reqwest::Client::builder().timeout(Duration::from_secs(2));
//! let client = ObservabilityLayer::client().no_context_to(["api.example.org"]).reqwest(client)?;
//! // or, where no host gets less than another: tower_observability::reqwest::Client::from(client.build()?)
//!
//! client.post(url).json(&booking).send().await?.error_for_status()?; // as ever
//! # Ok(())
//! # }
//! ```
//!
//! One `send` is one CLIENT span and one value of the histogram, redirects and reqwest's own retries included: it begins
//! with the first request and ends with the head of the last answer. Its URL and host are those that you asked for, its
//! status is the last one. What comes back is [`reqwest::Response`] itself; a body that fails after
//! the head is counted.
//!
//! # Redirects
//!
//! reqwest carries headers on to wherever a redirect points, save the few that it knows to be secret. So a client with
//! lists ([`baggage_to`](ObservabilityLayer::baggage_to), [`no_context_to`](ObservabilityLayer::no_context_to)) is made
//! by [`ObservabilityLayer::reqwest`], which puts a redirect policy around yours: a redirect that would carry baggage to
//! a host that is not listed, or context to one that is denied, is held back. A GET, HEAD or OPTIONS is then sent once
//! more without what must not go, and reqwest follows as ever; to any other method the answer is the redirect itself,
//! because it may have had its effect.

mod redirect;
mod request;
mod send;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use ::reqwest::redirect::Policy;
use ::reqwest::{ClientBuilder, Error, IntoUrl, Method, Request, Response};

pub use self::request::RequestBuilder;

use self::send::Sender;
use crate::layer::ObservabilityLayer;

/// reqwest's client with each of its calls observed: see [the module](self).
///
/// Made from a client with [`From`], or by [`ObservabilityLayer::reqwest`] where the layer has something to choose.
/// Cloning it is cheap, and clones share the pool of connections.
///
/// ```
/// use tower_observability::{ObservabilityLayer, reqwest::Client};
///
/// # fn main() -> Result<(), reqwest::Error> {
/// let client: Client = ObservabilityLayer::client()
///     .baggage_to([".internal"])
///     .no_context_to(["api.example.org"])
///     .reqwest(reqwest::Client::builder())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Sender);

/// Without lists of hosts nothing is kept from any host, and so any client will do.
impl From<::reqwest::Client> for Client {
    fn from(inner: ::reqwest::Client) -> Self {
        Self(Sender { inner, signals: None, options: None })
    }
}

impl ObservabilityLayer {
    /// A client of reqwest whose calls are observed as this layer, one of the client's side, was told. It follows up to
    /// 10 redirects, as reqwest does by itself; [`reqwest_with`](Self::reqwest_with) takes another policy.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`].
    pub fn reqwest(self, client: ClientBuilder) -> Result<Client, Error> {
        self.reqwest_with(client, Policy::default())
    }

    /// The same with a redirect policy of yours. It has to be handed in here: one that the builder already has is
    /// replaced, because ours must stand around it.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`].
    pub fn reqwest_with(self, client: ClientBuilder, redirects: Policy) -> Result<Client, Error> {
        let Self { signals, options, .. } = self;
        let redirects = match &options {
            Some(options) if options.has_lists() => redirect::around(redirects, Arc::clone(options)),
            _ => redirects,
        };
        Ok(Client(Sender { inner: client.redirect(redirects).build()?, signals, options }))
    }
}

impl Client {
    /// reqwest's default client, observed.
    ///
    /// # Panics
    ///
    /// Where [`reqwest::Client::new`](::reqwest::Client::new) does: the system's TLS cannot be used.
    #[must_use]
    pub fn new() -> Self {
        ::reqwest::Client::new().into()
    }

    /// The client within, whose calls nobody observes.
    #[must_use]
    pub fn inner(&self) -> &::reqwest::Client {
        &self.0.inner
    }

    /// Begins a GET.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Begins a POST.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Begins a PUT.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Begins a PATCH.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Begins a DELETE.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Begins a HEAD.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Begins a request.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), self.0.inner.request(method, url))
    }

    /// Sends a request that is complete.
    ///
    /// # Errors
    ///
    /// Those of [`reqwest::Client::execute`](::reqwest::Client::execute), untouched.
    pub fn execute(&self, request: Request) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        self.0.send(request)
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client within shows its default headers.
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
