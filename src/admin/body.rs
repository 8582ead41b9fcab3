//! The page as a response body: a piece at a time, as fast as the scraper reads, with room for other work between.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::metrics::Pieces;
use crate::threads::rest_after_long_step;

/// A page as a body. It holds one piece at most, and its length is known if that is all.
pub(crate) struct PageBody {
    page: Box<dyn Pieces>,
    piece: Option<Bytes>,
    pause: Option<Pause>,
}

type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

impl PageBody {
    pub(super) fn new(mut page: Box<dyn Pieces>) -> Self {
        let piece = page.next_piece();
        Self { page, piece, pause: None }
    }
}

impl fmt::Debug for PageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageBody").field("page", &self.page).finish_non_exhaustive()
    }
}

impl Body for PageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(context));
            this.pause = None;
            rest_after_long_step();
        }
        let piece = this.piece.take().or_else(|| this.page.next_piece());
        if !this.page.is_complete() {
            // A socket may well take the whole page without a pause. This one also lets the runtime look at its
            // other sockets, which waking oneself does not.
            this.pause = Some(Box::pin(tokio::task::yield_now()));
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none() && self.page.is_complete()
    }

    fn size_hint(&self) -> SizeHint {
        let written = self.piece.as_ref().map_or(0, Bytes::len) as u64;
        if self.page.is_complete() {
            return SizeHint::with_exact(written);
        }
        let mut hint = SizeHint::new();
        hint.set_lower(written);
        hint
    }
}

#[cfg(test)]
mod tests;
