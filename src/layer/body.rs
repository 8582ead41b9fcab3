//! The time from the response's head to its last byte or trailer.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::fault::Fault;
use super::grpc;
use crate::record::{Hop, HttpVersion, Outcome};
use crate::signals::{Observation, Signals};

pin_project! {
    /// The body of an [`Observed`](super::Observed) service's response: the inner body, frame by frame, with
    /// its own size hint and end. It may be finished on any thread; dropped before its end, the request was cancelled.
    ///
    /// ```
    /// use http_body::Body;
    /// use tower_observability::ResponseBody;
    ///
    /// // Of no request, for layers that answer themselves.
    /// assert!(ResponseBody::<String>::default().is_end_stream());
    /// ```
    #[derive(Debug)]
    #[must_use = "dropped unread, its request is reported as cancelled"]
    pub struct ResponseBody<B> {
        // Taken only by the drop.
        #[pin]
        inner: Option<B>,
        watch: Watch,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Watch::Serving(serving) = this.watch {
                // What a cancelled body says in its destructors belongs to the request.
                serving.observation.run(|| this.inner.set(None));
                if serving.promised == Promised::Head {
                    serving.over(None);
                }
            }
        }
    }
}

#[derive(Debug)]
enum Watch {
    /// Not observed.
    Passed,
    /// A response that we serve, or one of gRPC: its hop lasts until the body's end.
    Serving(Serving),
    /// The response of a call: its hop ended at the head, but a body that fails is counted.
    Calling(&'static Signals, Arc<Hop>),
}

#[derive(Debug)]
struct Serving {
    observation: Observation,
    /// What the head said; the body can only make it worse.
    outcome: Outcome,
    promised: Promised,
    /// The caller stops reading at that length: over HTTP/1 it needs no other end.
    ends_at_length: bool,
}

/// What the head lets the caller expect behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promised {
    /// Nothing: HEAD, 204, 304. Over HTTP/1 hyper drops such a body, over HTTP/2 it sends it all the same.
    Head,
    /// So many bytes, as far as the head or the body knows.
    Bytes(u64),
    Body,
}

impl<B> ResponseBody<B> {
    pub(super) fn passed(inner: B) -> Self {
        Self { inner: Some(inner), watch: Watch::Passed }
    }

    /// The `Content-Length` of a head.
    pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
        // A response has few of them by now, and to hash the name takes longer than to look at each.
        let (_, length) = headers.iter().find(|(name, _)| **name == header::CONTENT_LENGTH)?;
        length.to_str().ok()?.trim().parse().ok()
    }
}

impl<B: Body> ResponseBody<B> {
    #[inline(always)]
    pub(super) fn of_response(
        inner: B,
        observation: Observation,
        outcome: Outcome,
        mut promised: Promised,
    ) -> Self {
        let version = observation.hop().and_then(|hop| hop.http()).map(|http| http.version);
        let ends_at_length = version.is_none_or(|version| version < HttpVersion::V2);
        // hyper takes the length away from a head of HTTP/1 whose body is over before it began.
        if matches!(promised, Promised::Bytes(_)) && ends_at_length && inner.is_end_stream() {
            promised = Promised::Body;
        }
        let mut serving = Serving { observation, outcome, promised, ends_at_length };
        serving.finish_if_over(&inner);
        Self { inner: Some(inner), watch: Watch::Serving(serving) }
    }

    #[inline(always)]
    pub(super) fn of_call(inner: B, mut observation: Observation, outcome: Outcome) -> Self {
        let watch = match observation.hop() {
            // What is over with its head cannot fail behind it.
            Some(hop) if !inner.is_end_stream() => Watch::Calling(observation.signals(), Arc::clone(hop)),
            _ => Watch::Passed,
        };
        observation.finish(outcome, None);
        Self { inner: Some(inner), watch }
    }
}

impl Serving {
    /// The last frame was seen; trailers are one, and hyper does not ask for another.
    fn over(&mut self, trailers: Option<&HeaderMap>) {
        if self.observation.call.is_some() {
            grpc::over(&mut self.observation, trailers);
        } else {
            let is_as_promised = !matches!(self.promised, Promised::Bytes(length) if self.observation.response_bytes != length);
            self.observation.finish(if is_as_promised { self.outcome } else { Outcome::BodyError }, None);
        }
    }

    /// The body said why it goes no further.
    #[cold]
    fn failed(&mut self, error: &dyn Any) {
        Fault::of(error).note(&self.observation);
        self.observation.finish(Outcome::BodyError, None);
    }

    /// So many bytes more. Over HTTP/1 those beyond the length that was promised are not sent.
    #[inline]
    fn sends(&mut self, bytes: u64) {
        let sent = self.observation.response_bytes + bytes;
        self.observation.response_bytes = match self.promised {
            Promised::Bytes(most) if self.ends_at_length => sent.min(most),
            _ => sent,
        };
    }

    /// Asked at construction and after every frame: with a `Content-Length` the caller stops polling here.
    fn finish_if_over(&mut self, inner: &impl Body) {
        let all_sent = match self.promised {
            Promised::Head => true,
            Promised::Bytes(length) => self.observation.response_bytes >= length,
            Promised::Body => false,
        };
        if all_sent && self.ends_at_length || inner.is_end_stream() {
            self.over(None);
        }
    }

    fn is_over(&self) -> bool {
        self.observation.hop().is_none()
    }
}

impl<B: Body> Body for ResponseBody<B>
where
    B::Error: 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        match this.watch {
            Watch::Passed => inner.poll_frame(cx),
            Watch::Serving(serving) => {
                let guard = serving.observation.enter();
                let polled = inner.as_mut().poll_frame(cx);
                guard.returned();
                // What serves the response sends its head once it has asked for a frame, there or not.
                let Poll::Ready(frame) = polled else {
                    serving.observation.head_leaves();
                    return Poll::Pending;
                };
                match &frame {
                    Some(Err(error)) => serving.failed(error),
                    Some(Ok(frame)) => {
                        serving.sends(frame.data_ref().map_or(0, |data| data.remaining() as u64));
                        match frame.trailers_ref() {
                            Some(trailers) => serving.over(Some(trailers)),
                            None => serving.finish_if_over(&*inner),
                        }
                    }
                    None => serving.over(None),
                }
                // Most bodies are asked once more behind their last byte.
                if serving.is_over() {
                    *this.watch = Watch::Passed;
                } else {
                    serving.observation.head_leaves();
                }
                Poll::Ready(frame)
            }
            Watch::Calling(signals, hop) => {
                let frame = ready!(inner.poll_frame(cx));
                if let Some(Err(error)) = &frame {
                    signals.red.client_body_failed();
                    signals.lines.body_failed(hop, Fault::of(error).chain.as_deref());
                    *this.watch = Watch::Passed;
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, B::size_hint)
    }
}

impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::passed(B::default())
    }
}
