//! The proof of one exchange over gRPC: what is sent, what each answer means, and when a connection is made anew.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Version;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

use crate::export::collector::{Answer, Collector};
use crate::export::{Delivery, Encoded, Payload, Sent};
use crate::otlp::{Otlp, OtlpClient, OtlpConfig, TRACES};

const ATTEMPT: Duration = Duration::from_secs(10);
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

fn client_to(otlp: Otlp, url: &str) -> OtlpClient {
    let mut config = OtlpConfig::new(&TRACES);
    config.choose(otlp.grpc());
    OtlpClient::new(&config, url).unwrap()
}

fn client(collector: &Collector) -> OtlpClient {
    client_to(Otlp::new(), &collector.endpoint())
}

/// Sends an empty batch; says what became of it, and whether bytes left.
async fn send_within(client: &OtlpClient, timeout: Duration) -> (Delivery, bool) {
    let body = Bytes::from(ExportTraceServiceRequest::default().encode_to_vec());
    let encoded =
        Encoded { payloads: vec![Payload { records: 1, body, ..Payload::default() }], ..Encoded::default() };
    let sent = Sent::default();
    let payload = client.wrapped(encoded).payloads.remove(0);
    let delivery = client.send(payload, timeout, Sent::clone(&sent)).await;
    (delivery, sent.load(Ordering::Relaxed))
}

async fn send(client: &OtlpClient) -> Delivery {
    send_within(client, ATTEMPT).await.0
}

fn stored() -> Delivery {
    Delivery::Accepted { rejected: 0, message: None }
}

fn retry(after: Option<u64>, reason: &str) -> Delivery {
    Delivery::Retry { after: after.map(Duration::from_secs), reason: reason.to_owned() }
}

fn refused(reason: &str) -> Delivery {
    Delivery::Refused { reason: reason.to_owned() }
}

#[tokio::test]
async fn a_call_is_a_post_of_http_2_with_our_headers_and_no_credentials() {
    let collector = Collector::start();
    let url = collector.endpoint().replace("http://", "http://ann:s3cr3t@");
    let client = client_to(Otlp::new().header("api-key", "k"), &url);
    assert_eq!(send(&client).await, stored());
    let [received] = &collector.received()[..] else { panic!("not one request") };
    assert_eq!((&*received.path, received.version), (METHOD, Version::HTTP_2));
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers"), ("api-key", "k")] {
        assert_eq!(received.header(name), value, "{name}");
    }
    assert!(received.header("user-agent").starts_with("tower-observability/"));
    assert!(received.headers.get("grpc-encoding").is_none() && !format!("{received:?}").contains("s3cr3t"));
    assert!(!format!("{client:?}").contains("s3cr3t"), "{client:?}");
}

#[tokio::test]
async fn each_status_is_what_the_specification_makes_of_it_and_nothing_is_tried_again_here() {
    let collector = Collector::start();
    let client = client(&collector);
    let strange = Delivery::Unanswered {
        again: false,
        reason: "what answers there does not speak gRPC (200 OK with no content type: \"\")".to_owned(),
    };
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
        (Answer::Status(200), strange),
        (
            Answer::Partial(2, "too old".to_owned()),
            Delivery::Accepted { rejected: 2, message: Some("too old".to_owned()) },
        ),
    ];
    for (place, (answer, expected)) in script.into_iter().enumerate() {
        collector.next([answer]);
        assert_eq!(send_within(&client, ATTEMPT).await, (expected, true));
        assert_eq!(collector.received().len(), place + 1);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_sent_again() {
    let collector = Collector::start();
    collector.next([Answer::Disconnect]);
    let broken = send(&client(&collector)).await;
    assert!(matches!(broken, Delivery::Unanswered { again: true, .. }), "{broken:?}");
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_an_attempt_and_the_next_one_has_a_connection_of_its_own() {
    let collector = Collector::start();
    let client = client(&collector);
    collector.next([Answer::Hang]);
    let (silent, sent) = send_within(&client, Duration::from_millis(300)).await;
    assert!(matches!(silent, Delivery::Unanswered { again: false, .. }) && sent, "{silent:?}");
    assert_eq!(send(&client).await, stored());
}

#[tokio::test]
async fn a_collector_that_was_started_again_is_reached_without_a_new_client() {
    let collector = Collector::start();
    let client = client(&collector);
    assert_eq!(send(&client).await, stored());
    let address = collector.address();
    drop(collector);
    let gone = send(&client).await;
    let is_tried_again =
        matches!(gone, Delivery::Unreachable { .. } | Delivery::Unanswered { again: true, .. });
    assert!(is_tried_again, "{gone:?}");
    let collector = Collector::start_at(address, None);
    assert_eq!(send(&client).await, stored());
    assert_eq!(collector.received().len(), 1);
}
