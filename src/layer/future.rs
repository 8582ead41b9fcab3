//! The time until the response's head.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use super::ResponseBody;
use super::body::Promised;
use super::client;
use super::fault::Fault;
use super::grpc;
use super::options::Choices;
use crate::names::header;
use crate::record::{Hop, Http, KeepReason, Outcome};
use crate::signals::Observation;

pin_project! {
    /// The response of an [`Observed`](super::Observed) service, until its head is there.
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower::Service;
    /// use tower_observability::{Observed, ResponseFuture};
    ///
    /// fn ask<S>(service: &mut Observed<S>) -> ResponseFuture<S::Future>
    /// where
    ///     S: Service<Request<String>, Response = Response<String>, Error = std::io::Error>,
    /// {
    ///     service.call(Request::new(String::new()))
    /// }
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        // Taken only by the drop.
        #[pin]
        inner: Option<F>,
        watch: Option<Watch>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(watch) = this.watch {
                // What a cancelled service says in its destructors belongs to the request.
                watch.observation.run(|| this.inner.set(None));
            }
        }
    }
}

#[derive(Debug)]
struct Watch {
    observation: Observation,
    head: Expects,
    /// What is wanted of the response's head.
    choices: Option<Arc<Choices>>,
}

/// What the request's method and side say about the response before it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    /// A response to be followed to its last byte.
    Body,
    /// HEAD: the head is all that the caller gets.
    NoBody,
    /// The client's side: the hop ends at the head (HTTP spans, "HTTP client span duration"), unless it is one of gRPC.
    Head,
}

impl<F> ResponseFuture<F> {
    pub(super) fn passed(inner: F) -> Self {
        Self { inner: Some(inner), watch: None }
    }

    /// Watches what the request was passed on to.
    #[inline(always)]
    pub(crate) fn observed(
        observation: Observation,
        head: Expects,
        choices: Option<Arc<Choices>>,
        inner: F,
    ) -> Self {
        Self { inner: Some(inner), watch: Some(Watch { observation, head, choices }) }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    E: 'static,
{
    type Output = Result<Response<ResponseBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Pending };
        let Some(watch) = this.watch else {
            return inner.poll(cx).map_ok(|response| response.map(ResponseBody::passed));
        };
        // Not by `run`, which copies what it returns.
        let guard = watch.observation.enter();
        let polled = inner.poll(cx);
        guard.returned();
        let result = ready!(polled);
        let Some(watch) = this.watch.take() else {
            return Poll::Ready(result.map(|response| response.map(ResponseBody::passed)));
        };
        Poll::Ready(match result {
            Ok(response) => Ok(watch.head_is_there(response)),
            Err(error) => {
                watch.failed(&error);
                Err(error)
            }
        })
    }
}

impl Watch {
    fn failed(mut self, error: &dyn Any) {
        let mut fault = Fault::of(error);
        fault.note(&self.observation);
        self.observation.finish(fault.outcome, fault.word);
    }

    /// What the head says of the outcome.
    fn outcome<R>(&self, head: &Response<R>) -> Outcome {
        let status = head.status();
        let http = self.observation.hop().and_then(|hop| hop.http());
        // A CONNECT's 2xx turns the connection into a tunnel.
        if status.is_success() && http.is_some_and(Http::is_connect) {
            return Outcome::Upgraded;
        }
        Outcome::of_status(status.as_u16())
    }

    /// Tells the caller the request's id, unless the service did, and its trace, where that is chosen.
    #[inline]
    fn echo(&self, headers: &mut HeaderMap) {
        let Some(hop) = self.observation.hop() else { return };
        // A response that is full of headers stays as it is.
        if let Some(id) = &hop.request_id
            && let Ok(entry) = headers.try_entry(header::REQUEST_ID)
        {
            entry.or_insert_with(|| id.to_header_value());
        }
        if self.observation.tells_trace {
            tell_trace(hop, headers);
        }
    }

    // It would copy the response and what is watched once more.
    #[inline(always)]
    fn head_is_there<R: Body>(mut self, mut response: Response<R>) -> Response<ResponseBody<R>> {
        let status = response.status();
        self.observation.status = Some(status.as_u16());
        if self.head == Expects::Head {
            self.observation.head_leaves();
            if let Some(http) = self.observation.hop().and_then(|hop| hop.http()) {
                http.is_answered_in(response.version().into());
            }
        }
        if self.observation.signals().spans.peers().is_some() {
            self.meet_peer(&mut response);
        }
        if self.observation.call.is_some() {
            self.prove_call(&response);
        }
        if let Some(choices) = self.choices.take() {
            choices.capture(&self.observation, &response);
            if choices.show_response() {
                response = choices.response(&self.observation, response);
            }
        }
        if self.observation.call.is_some() {
            return self.grpc_head_is_there(response);
        }
        let outcome = self.outcome(&response);
        // By hand and not by `map`, which copies the response once more.
        if self.head == Expects::Head {
            let (head, body) = response.into_parts();
            return Response::from_parts(head, ResponseBody::of_call(body, self.observation, outcome));
        }
        self.echo(response.headers_mut());
        if outcome == Outcome::Upgraded {
            self.observation.finish(outcome, None);
        }
        let promised = if self.head.ends_with(status) {
            Promised::Head
        } else {
            // hyper sends the length that the body knows, if the head names none.
            let length = ResponseBody::<R>::length(response.headers());
            length.or_else(|| response.body().size_hint().exact()).map_or(Promised::Body, Promised::Bytes)
        };
        let (head, body) = response.into_parts();
        Response::from_parts(head, ResponseBody::of_response(body, self.observation, outcome, promised))
    }

    /// Services that keep traces together say so in the response.
    #[cold]
    fn meet_peer<R>(&self, response: &mut Response<R>) {
        let (signals, Some(hop)) = (self.observation.signals(), self.observation.hop()) else { return };
        if self.head == Expects::Head {
            return client::meet_peer(signals, hop, response.headers());
        }
        let has_peer = hop.notes().as_ref().is_some_and(|notes| notes.peer.is_some());
        if !has_peer {
            return;
        }
        if matches!(self.outcome(response), Outcome::ServerError | Outcome::Timeout) {
            signals.spans.has_failed(hop, KeepReason::Error);
        }
        let said = signals.spans.peers().and_then(|peers| peers.response(hop.kept.reason().is_some()));
        if let Some(said) = said.and_then(|said| HeaderValue::try_from(said).ok()) {
            // A response that is full of headers stays as it is.
            let _ = response.headers_mut().try_insert(header::PEER, said);
        }
    }

    /// Anybody may ask us for gRPC; what answers otherwise has served a request of HTTP.
    #[inline(never)]
    fn prove_call<R>(&mut self, response: &Response<R>) {
        if self.head == Expects::Head {
            return;
        }
        let is_answer = grpc::is_answer(response);
        match &mut self.observation.call {
            Some(call) if is_answer => call.is_answered = true,
            _ => return self.observation.is_no_call(),
        }
        if let (Some(choices), Some(hop)) = (&self.choices, self.observation.hop()) {
            choices.is_grpc(hop);
        }
    }

    /// On either side the hop ends with the status, which mostly comes behind the body; no length tells its end.
    // Out of the way of HTTP's requests.
    #[inline(never)]
    fn grpc_head_is_there<R: Body>(mut self, mut response: Response<R>) -> Response<ResponseBody<R>> {
        if self.head != Expects::Head {
            self.echo(response.headers_mut());
        }
        grpc::head(&mut self.observation, &response);
        response.map(|body| ResponseBody::of_response(body, self.observation, Outcome::Ok, Promised::Body))
    }
}

/// Says which trace the response belongs to, beside the service's own timings (trace context level 2, "server
/// timing").
#[cold]
fn tell_trace(hop: &Hop, headers: &mut HeaderMap) {
    let value = [&b"trace;desc="[..], &hop.trace_now().to_traceparent()[..]].concat();
    if let Ok(value) = HeaderValue::try_from(value) {
        // A response that is full of headers stays as it is.
        let _ = headers.try_append(header::SERVER_TIMING, value);
    }
}

impl Expects {
    /// What is expected of a response that we serve.
    pub(super) fn served(method: &http::Method) -> Self {
        if *method == http::Method::HEAD { Self::NoBody } else { Self::Body }
    }

    /// Is the response over with its head, as far as its caller knows? Of those below 200 hyper sends none as a response: it
    /// answers 500 in its place.
    fn ends_with(self, status: StatusCode) -> bool {
        let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        bodiless || self == Self::NoBody || status.is_informational()
    }
}
