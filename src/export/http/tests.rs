//! The proof of one exchange over gRPC: what is sent, what each answer means, and when a connection is made anew.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Version};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use super::Wire;
use crate::export::collector::{Answer, Collector};
use crate::export::{Delivery, Link, TRACES};

const ATTEMPT: Duration = Duration::from_secs(10);

fn link(url: String) -> Link {
    Link { url, grpc: Some(TRACES.method), ..Link::default() }
}

fn wire(collector: &Collector) -> Wire {
    Wire::new(&link(collector.endpoint())).unwrap()
}

fn batch() -> Request<Bytes> {
    Request::new(ExportTraceServiceRequest::default().encode_to_vec().into())
}

async fn answered(wire: &Wire, collector: &Collector, answer: Answer) -> Result<Bytes, Delivery> {
    collector.next([answer]);
    wire.forward(batch(), ATTEMPT).await
}

fn retry(after: Option<u64>, reason: &str) -> Result<Bytes, Delivery> {
    Err(Delivery::Retry { after: after.map(Duration::from_secs), reason: reason.to_owned() })
}

fn refused(reason: &str) -> Result<Bytes, Delivery> {
    Err(Delivery::Refused { reason: reason.to_owned() })
}

#[tokio::test]
async fn a_call_is_a_post_of_http_2_with_our_headers_and_no_credentials() {
    let collector = Collector::start();
    let url = collector.endpoint().replace("http://", "http://ann:s3cr3t@");
    let headers = vec![("api-key".to_owned(), "k".to_owned())];
    let wire = Wire::new(&Link { headers, ..link(url) }).unwrap();
    assert_eq!(wire.forward(batch(), ATTEMPT).await, Ok(Bytes::new()));
    let [received] = &collector.received()[..] else { panic!("not one request") };
    assert_eq!((&*received.path, received.version), (TRACES.method, Version::HTTP_2));
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers"), ("api-key", "k")] {
        assert_eq!(received.header(name), value, "{name}");
    }
    assert!(received.header("user-agent").starts_with("tower-observability/"));
    assert!(received.headers.get("grpc-encoding").is_none() && !format!("{received:?}").contains("s3cr3t"));
    assert!(!format!("{wire:?}").contains("s3cr3t"), "{wire:?}");
}

#[tokio::test]
async fn each_status_is_what_the_specification_makes_of_it_and_nothing_is_tried_again_here() {
    let collector = Collector::start();
    let wire = wire(&collector);
    let script = [
        (Answer::Grpc(14, "full"), retry(None, "the collector answered UNAVAILABLE: full")),
        (
            Answer::GrpcRetry(14, Duration::from_secs(3)),
            retry(Some(3), "the collector answered UNAVAILABLE: later"),
        ),
        (Answer::Grpc(8, ""), refused("the collector answered RESOURCE_EXHAUSTED")),
        (
            Answer::GrpcRetry(8, Duration::from_secs(4)),
            retry(Some(4), "the collector answered RESOURCE_EXHAUSTED: later"),
        ),
        (Answer::Grpc(3, "strange%20span"), refused("the collector answered INVALID_ARGUMENT: strange span")),
        (Answer::Status(503), retry(None, "the collector answered 503 Service Unavailable")),
        (Answer::Status(404), refused("the collector answered 404 Not Found")),
        (Answer::Status(200), refused("what answers there does not speak gRPC")),
    ];
    for (place, (answer, expected)) in script.into_iter().enumerate() {
        assert_eq!(answered(&wire, &collector, answer).await, expected);
        assert_eq!((collector.received().len(), wire.has_left()), (place + 1, true));
    }
    let partial = answered(&wire, &collector, Answer::Partial(2, "too old".to_owned())).await.unwrap();
    let accepted = Delivery::Accepted { rejected: 2, message: Some("too old".to_owned()) };
    assert_eq!(crate::export::accepted(&partial), accepted);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_sent_again() {
    let collector = Collector::start();
    let broken = answered(&wire(&collector), &collector, Answer::Disconnect).await;
    assert!(matches!(broken, Err(Delivery::Unanswered { again: true, .. })), "{broken:?}");
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_an_attempt_and_the_next_one_has_a_connection_of_its_own() {
    let collector = Collector::start();
    let wire = wire(&collector);
    collector.next([Answer::Hang]);
    let silent = wire.forward(batch(), Duration::from_millis(300)).await;
    assert!(matches!(silent, Err(Delivery::Unanswered { again: false, .. })), "{silent:?}");
    assert!(wire.has_left());
    assert_eq!(wire.forward(batch(), ATTEMPT).await, Ok(Bytes::new()));
}

#[tokio::test]
async fn a_collector_that_was_started_again_is_reached_without_a_new_wire() {
    let collector = Collector::start();
    let wire = wire(&collector);
    assert_eq!(wire.forward(batch(), ATTEMPT).await, Ok(Bytes::new()));
    let address = collector.address();
    drop(collector);
    let gone = wire.forward(batch(), ATTEMPT).await;
    let is_tried_again =
        matches!(gone, Err(Delivery::Retry { .. } | Delivery::Unanswered { again: true, .. }));
    assert!(is_tried_again, "{gone:?}");
    let collector = Collector::start_at(address, None);
    assert_eq!(wire.forward(batch(), ATTEMPT).await, Ok(Bytes::new()));
    assert_eq!(collector.received().len(), 1);
}

#[tokio::test]
async fn a_batch_beyond_64_mebibytes_is_not_sent() {
    let collector = Collector::start();
    let batch = Request::new(Bytes::from(vec![0; 64 * 1024 * 1024 + 1]));
    let sent = wire(&collector).forward(batch, ATTEMPT).await;
    assert_eq!(sent, Err(Delivery::TooLarge { bytes: 64 * 1024 * 1024 + 1 }));
    assert!(collector.received().is_empty());
}
