//! The body of a request of ours.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::export::Sent;
use crate::threads::rest_after_long_step;

/// What is handed to the socket at once: the copying of it is a piece of work like any other.
const PIECE: usize = 32 * 1024;

/// An encoded request; it notes when its bytes are asked for, which is when a connection stands.
pub(super) struct Outgoing {
    bytes: Bytes,
    sent: Sent,
    /// Was a piece handed out since the last pause?
    is_sending: bool,
}

impl Outgoing {
    pub(super) fn new(bytes: Bytes, sent: Sent) -> Self {
        Self { bytes, sent, is_sending: false }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.sent.store(true, Ordering::Relaxed);
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if std::mem::take(&mut self.is_sending) {
            // The connection gathers all that is ready before it writes any of it.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        rest_after_long_step();
        self.is_sending = true;
        let piece = self.bytes.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.bytes.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
