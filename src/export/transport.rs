//! The one seam of export: a batch in, encoded as requests; accepted, rejected, reason, retry-after out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

/// What became of one attempt to send a request.
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
    /// The bytes left, and no answer came that says what became of them. `again`: the peer hung up, so that sending
    /// again is right.
    Unanswered { again: bool, reason: String },
}

/// One request: so many records, encoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Payload {
    pub(crate) records: u64,
    pub(crate) body: Bytes,
    /// Who made it may ask whether it was lost.
    pub(crate) lost: Option<Lost>,
}

/// Was a request given up of which the receiver has stored nothing? One that may have been stored is not lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lost(Arc<AtomicBool>);

/// A batch as requests, each of which the receiver takes.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    pub(crate) payloads: Vec<Payload>,
    /// Records that are larger than a request may be, also with their texts shortened.
    pub(crate) too_large: u64,
    /// Records whose texts were shortened to fit into a request.
    pub(crate) shortened: u64,
}

/// Set once bytes of a request have left.
pub(crate) type Sent = Arc<AtomicBool>;

/// One attempt under way.
pub(crate) type Attempt = Pin<Box<dyn Future<Output = Delivery> + Send>>;

/// A way out of the process for records of one kind.
pub(crate) trait Transport<R>: Send + Sync {
    /// Encodes a batch, once however often it is sent.
    fn encode(&mut self, batch: &[R]) -> Encoded;

    /// Sends a request once, within `timeout`.
    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt;

    /// There will be no further batch; what was taken and is still held leaves now.
    fn end(&mut self) -> Attempt {
        Box::pin(std::future::ready(Delivery::Accepted { rejected: 0, message: None }))
    }
}

impl Payload {
    /// Nothing of it was stored, and it is not sent again.
    pub(super) fn lose(&self) {
        if let Some(Lost(lost)) = &self.lost {
            lost.store(true, Ordering::Release);
        }
    }
}

#[cfg(any(feature = "otlp", feature = "reports"))]
impl Lost {
    pub(crate) fn is_lost(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Is the request gone, delivered or lost?
    #[cfg(feature = "reports")]
    pub(crate) fn is_settled(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// One that is lost.
    #[cfg(all(test, feature = "otlp"))]
    pub(crate) fn of_test() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Delivery {
    /// Did the receiver not say what became of the request?
    pub(super) fn is_unsettled(&self) -> bool {
        matches!(self, Self::Retry { .. } | Self::Unreachable { .. } | Self::Unanswered { .. })
    }
}
