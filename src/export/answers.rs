//! The proof that a transport of OTLP understands each answer of a collector, for the signals' own tests.

use std::time::Duration;

use super::collector::{Answer, Collector};
use super::{Delivery, Transport};

const ATTEMPT: Duration = Duration::from_secs(10);

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
        assert_eq!(transport.send(batch, ATTEMPT).await, delivery);
        assert_eq!((collector.received().len(), transport.has_left()), (place + 1, true));
    }
}
