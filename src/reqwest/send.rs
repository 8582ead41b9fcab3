//! One call: its hop, what goes out with it, and the answer that comes back.

use std::future::Future;
use std::sync::Arc;

use ::reqwest::{Body, Client as Inner, Error, Request, Response, ResponseBuilderExt, Url};

use super::redirects::{Carried, Guarded};
use crate::current::{current, top_hop};
use crate::layer::{Expects, Options, ResponseFuture, inject, is_of, is_running, next_attempt, open};
use crate::names::header::BAGGAGE;
use crate::propagation::clear_headers;
use crate::record::{Hop, Http, HttpVersion, Kind, Method, Scheme, Subject};
use crate::signals::{Observation, Signals, global};

/// The client that sends, and the layer that records.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) inner: Inner,
    pub(super) signals: Option<&'static Signals>,
    pub(super) options: Option<Arc<Options>>,
}

/// A request that is sent again where a redirect of its first sending was held back.
struct Sending {
    client: Inner,
    request: Request,
    carried: Carried,
    again: Option<Request>,
}

impl Sender {
    /// Sends the request within a new hop, unless an outer layer observes it or a filter excludes it.
    ///
    /// The hop begins here, not at the first poll: a task that polls it elsewhere is in no request.
    pub(super) fn send(
        &self,
        mut request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send + use<> {
        let observation = self.begin(&mut request);
        let Self { inner, options, .. } = self.clone();
        async move {
            let Some(mut observation) = observation else { return inner.execute(request).await };
            let options = Options::of(options.as_ref());
            let sending = Sending::new(options, inner, request);
            let sent = observation.run(|| sending.send());
            let choices = options.choices.clone();
            let response = ResponseFuture::observed(observation, Expects::Head, choices, sent).await?;
            Ok(response.map(Body::wrap).into())
        }
    }

    /// Begins the hop and writes its context onto the request.
    fn begin(&self, request: &mut Request) -> Option<Observation> {
        let options = Options::of(self.options.as_ref());
        // Before the signals are looked up: without `init` that is a complaint.
        if options.filter.as_ref().is_some_and(|wants| !wants(&asked(request).into_parts().0)) {
            return None;
        }
        let signals = self.signals.or_else(global).filter(|signals| !signals.is_off())?;
        if is_observed(request) {
            return None;
        }
        let attempt = next_attempt(&http::Extensions::new(), request.headers());
        let here = current();
        let hop = open(signals, here.as_ref(), attempt, |hop| {
            if let Subject::Http(http) = &mut hop.subject {
                describe(http, request);
            }
            if let Some(choices) = &options.choices {
                choices.begin(hop, request.headers(), None, false);
            }
        });
        inject(signals, options, &hop, request.headers_mut());
        let observation = Observation::begin(signals, hop);
        if let Some(choices) = &options.choices {
            choices.request(&observation, &mut asked(request));
        }
        Some(observation)
    }
}

/// The request in the words of those who choose by it, without its body.
fn asked(request: &Request) -> http::Request<()> {
    let mut asked = http::Request::new(());
    *asked.method_mut() = request.method().clone();
    *asked.uri_mut() = request.url().as_str().parse().unwrap_or_default();
    *asked.version_mut() = request.version();
    *asked.headers_mut() = request.headers().clone();
    asked
}

fn is_observed(request: &Request) -> bool {
    let url = request.url();
    let is_this = |hop: &Hop| {
        is_running(hop, Kind::Client)
            && is_of(hop, request.method(), url.path(), || {
                Some((url.host_str()?, url.port_or_known_default()))
            })
    };
    top_hop(|hop| is_this(hop)).unwrap_or(false)
}

fn describe(http: &mut Http, request: &Request) {
    let url = request.url();
    http.method = Method::from(request.method());
    http.scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
    http.version = HttpVersion::from(request.version());
    http.port = url.port_or_known_default();
    let (query, host) = (url.query().unwrap_or_default(), url.host_str().unwrap_or_default());
    let sent = http.unknown_method(request.method());
    http.set([url.path(), query, host, "", sent].map(str::as_bytes));
}

impl Sending {
    fn new(options: &Options, client: Inner, request: Request) -> Self {
        let mut sending = Self { client, request, carried: Carried::NOTHING, again: None };
        if options.has_lists() {
            let host = || sending.request.url().host_str().unwrap_or_default();
            let baggage = sending.request.headers().contains_key(BAGGAGE);
            sending.carried = Carried::new(!options.denies(host), baggage);
            sending.again = sending.without(options);
        }
        sending
    }

    /// The request without what a redirect could carry to where it must not go; `None` if it cannot be sent twice.
    fn without(&self, options: &Options) -> Option<Request> {
        let mut again = self.request.try_clone().filter(|request| request.method().is_safe())?;
        if options.no_context_to.is_empty() {
            again.headers_mut().remove(BAGGAGE);
        } else {
            clear_headers(again.headers_mut());
        }
        Some(again)
    }

    async fn send(self) -> Result<http::Response<Body>, Error> {
        let Self { client, request, carried, again } = self;
        let (response, held) = Guarded::new(client.execute(request), carried).await;
        match again {
            Some(again) if held => {
                // Its body is dropped first, so that the connection is free again.
                drop(response);
                client.execute(again).await.map(taken_apart)
            }
            _ => response.map(taken_apart),
        }
    }
}

/// The way there and back forgets the URL, unless it is kept beside the response.
fn taken_apart(response: Response) -> http::Response<Body> {
    let url: Url = response.url().clone();
    let mut response = http::Response::<Body>::from(response);
    if let Ok(beside) = http::Response::builder().url(url).body(()) {
        response.extensions_mut().extend(beside.into_parts().0.extensions);
    }
    response
}
