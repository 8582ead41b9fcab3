//! The one seam of export: a batch in; accepted, rejected, reason, retry-after out.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// What became of one attempt to send a batch.
#[allow(dead_code)] // transports are features; without any nothing is delivered
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Answered: all but `rejected` are stored.
    Accepted { rejected: u64, message: Option<String> },
    /// Answered: nothing is stored, and trying again is useless.
    Refused { reason: String },
    /// Not stored; try again, after this time if the receiver named one.
    Retry { after: Option<Duration>, reason: String },
    /// There was no connection; try again.
    Unreachable { reason: String },
    /// The bytes left, no answer came. `again`: the peer hung up, so that sending again is right.
    Unanswered { again: bool, reason: String },
    /// The batch is larger than the transport may send.
    TooLarge { bytes: usize },
}

impl Delivery {
    /// Did the receiver say nothing of what became of the batch?
    pub(super) fn is_unsettled(&self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Unreachable { .. } | Self::Unanswered { .. })
    }
}

/// One attempt under way.
pub(crate) type Attempt<'a> = Pin<Box<dyn Future<Output = Delivery> + Send + 'a>>;

/// A way out of the process for records of one kind; one file per transport implements it.
pub(crate) trait Transport<R>: Send {
    /// Until this is called again, whatever is sent is one and the same batch: what its records cost is counted once.
    fn begin(&mut self) {}

    /// Sends one batch once, within `timeout`.
    fn send<'a>(&'a mut self, batch: &'a [R], timeout: Duration) -> Attempt<'a>;

    /// Had bytes of the last attempt left, if it was cut short?
    fn has_left(&self) -> bool;

    /// There will be no further batch; what was taken and is still held leaves now.
    fn end(&mut self) -> Attempt<'_> {
        Box::pin(std::future::ready(Delivery::Accepted { rejected: 0, message: None }))
    }
}
