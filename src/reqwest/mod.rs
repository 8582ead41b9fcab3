//! Reqwest's client with each of its calls observed.
//!
//! It is not a layer, because reqwest follows redirects and retries internally, where no layer can be put. Change the `use`
//! line and wrap the client where it is built; every `client.get(url).json(&body).send().await?` stays as it is. All other names of reqwest ([`Error`], [`Response`], [`StatusCode`], [`Method`], [`Url`], …) are re-exported
//! here:
//!
//! ```
//! use std::time::Duration;
//! use tower_observability::reqwest::{Client, Error}; // was: use reqwest::{Client, Error}
//!
//! # fn main() -> Result<(), Error> {
//! let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
//! let client = Client::from(client); // one more line
//! let call = client.get("http://127.0.0.1:3000/bookings/7").send();
//! # Ok(())
//! # }
//! ```
//!
//! With options, the layer builds the client:
//!
//! ```no_run
//! # use std::time::Duration;
//! # use tower_observability::ObservabilityLayer;
//! #
//! # async fn book(url: &str, booking: serde_json::Value) -> Result<(), Box<dyn std::error::Error>> {
//! let client = reqwest::Client::builder().timeout(Duration::from_secs(2));
//! let client = ObservabilityLayer::client().span_name(|method, _| method.to_lowercase()).reqwest(client)?;
//! client.post(url).json(&booking).send().await?.error_for_status()?; // as before
//! # Ok(())
//! # }
//! ```
//!
//! One `send` is one CLIENT span and one value in the histogram, including redirects and reqwest's own retries: from the
//! first request to the head of the last response. URL and host are those that you requested, the status is the last one.
//! The response is [`reqwest::Response`] itself; a body that fails after the head is counted.
//!
//! # Redirects
//!
//! The redirect policy of your client is kept. Only a layer with lists of hosts
//! ([`baggage_to`](ObservabilityLayer::baggage_to), [`no_context_to`](ObservabilityLayer::no_context_to)) needs to act
//! on redirects, because reqwest sends headers on to wherever a redirect points, except the few that it knows to be
//! secret. reqwest does not say which policy a builder has, so such a layer takes it as an argument,
//! [`ObservabilityLayer::reqwest_with`], and puts its own around it: a redirect that would send baggage to a host that
//! is not listed, or context to one that is denied, is not followed. A GET, HEAD or OPTIONS is then sent again without
//! these headers, and reqwest follows as usual; for any other method the response is the redirect itself, because the
//! request may have had its effect.

mod build_error;
mod redirects;
mod request;
mod send;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use ::reqwest::redirect::Policy;
#[doc(no_inline)]
pub use ::reqwest::*;

pub use self::build_error::BuildError;
pub use self::request::RequestBuilder;

use self::send::Sender;
use crate::layer::{ObservabilityLayer, side};

/// reqwest's client with each of its calls observed: see [the module](self).
///
/// Created from a client with [`From`], or with options by [`ObservabilityLayer::reqwest`]. Cloning is cheap, and clones
/// share the connection pool.
///
/// ```
/// use tower_observability::{ObservabilityLayer, reqwest::Client};
///
/// # fn main() -> Result<(), reqwest::Error> {
/// let client: Client = ObservabilityLayer::client()
///     .baggage_to([".internal"])
///     .no_context_to(["api.example.org"])
///     .reqwest_with(reqwest::Client::builder(), reqwest::redirect::Policy::default())?;
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

impl ObservabilityLayer<side::Client> {
    /// Builds a reqwest client whose calls are observed with the options of this layer. The builder's settings, including
    /// its redirect policy, are kept.
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`]; and a layer with a list of hosts
    /// ([`baggage_to`](Self::baggage_to), [`no_context_to`](Self::no_context_to)) is refused, because it must know the
    /// redirect policy: use [`reqwest_with`](Self::reqwest_with).
    pub fn reqwest(self, client: ClientBuilder) -> std::result::Result<Client, BuildError> {
        if self.options.as_ref().is_some_and(|options| options.has_lists()) {
            return Err(BuildError::policy_missing());
        }
        Ok(self.reqwest_of(client.build()?))
    }

    /// Builds a reqwest client like [`reqwest`](Self::reqwest), for a layer with a list of hosts: `redirects` replaces the
    /// builder's redirect policy, and decides about each redirect to which the request's headers may be sent. reqwest's own default is
    /// [`Policy::default`], up to 10 redirects.
    ///
    /// ```
    /// use tower_observability::ObservabilityLayer;
    /// use tower_observability::reqwest::redirect::Policy;
    ///
    /// # fn main() -> Result<(), reqwest::Error> {
    /// let client = ObservabilityLayer::client()
    ///     .no_context_to(["api.example.org"])
    ///     .reqwest_with(reqwest::Client::builder(), Policy::none())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`].
    pub fn reqwest_with(self, client: ClientBuilder, redirects: Policy) -> Result<Client> {
        let redirects = match &self.options {
            Some(options) if options.has_lists() => redirects::around(redirects, Arc::clone(options)),
            _ => redirects,
        };
        Ok(self.reqwest_of(client.redirect(redirects).build()?))
    }

    fn reqwest_of(self, inner: ::reqwest::Client) -> Client {
        Client(Sender { inner, signals: self.signals, options: self.options })
    }
}

/// Sends an observed GET with a new client. For more than one call, create a [`Client`].
///
/// # Errors
///
/// Those of [`reqwest::get`], untouched.
pub async fn get(url: impl IntoUrl) -> Result<Response> {
    Client::from(::reqwest::Client::builder().build()?).get(url).send().await
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

    /// The client within, whose calls are not observed.
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
    pub fn execute(&self, request: Request) -> impl Future<Output = Result<Response>> + Send + use<> {
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
