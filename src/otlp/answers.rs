//! The proof that a transport of OTLP understands each answer of a collector, for the signals' own tests.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::export::collector::{Answer, Collector};
use crate::export::{Delivery, Sent, Transport};

const ATTEMPT: Duration = Duration::from_secs(10);

/// Encodes a batch and sends all its requests; what became of the last one, and whether bytes of it left.
pub(crate) async fn deliver<R>(
    transport: &mut dyn Transport<R>,
    batch: &[R],
    timeout: Duration,
) -> (Delivery, bool) {
    let mut delivered = None;
    for payload in transport.encode(batch).payloads {
        let sent = Sent::default();
        let delivery = transport.send(payload, timeout, Sent::clone(&sent)).await;
        delivered = Some((delivery, sent.load(Ordering::Relaxed)));
    }
    delivered.expect("a request")
}

/// Refused, asked for later, partly taken: each is what it is, and nothing is tried again by the transport.
pub(crate) async fn are_understood<R>(collector: &Collector, transport: &mut dyn Transport<R>, batch: &[R]) {
    let script = [
        (Answer::Status(400), Delivery::Refused { reason: "the collector answered 400 Bad Request".into() }),
        (
            Answer::RetryAfter(429, "3".into()),
            Delivery::Retry {
                after: Some(Duration::from_secs(3)),
                reason: "the collector answered 429 Too Many Requests".into(),
            },
        ),
        (
            Answer::Partial(2, "too old".into()),
            Delivery::Accepted { rejected: 2, message: Some("too old".into()) },
        ),
    ];
    for (place, (answer, delivery)) in script.into_iter().enumerate() {
        collector.next([answer]);
        assert_eq!(deliver(transport, batch, ATTEMPT).await, (delivery, true));
        assert_eq!(collector.received().len(), place + 1);
    }
}
