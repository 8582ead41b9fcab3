//! What a collector says in the answer to a request that it took.

use serde_json::Value;

use super::protobuf::{Field, fields};
use crate::export::{Answer, Delivery, confirmed, in_short, media_type, on_one_line};

/// `ExportTracePartialSuccess` and the like: how many records were rejected, and why.
#[derive(Debug, Default, PartialEq, Eq)]
struct Partial {
    rejected: u64,
    message: String,
}

/// What an answer over HTTP means. A status of success alone confirms nothing: any web server has one.
pub(super) fn of_http(answer: &Answer) -> Result<Delivery, Delivery> {
    let body = confirmed(answer, true)?;
    let partial = match &*media_type(&answer.headers) {
        "text/html" => None,
        // An empty body is a valid, empty protobuf message, which most receivers send.
        _ if body.is_empty() => Some(Partial::default()),
        "application/x-protobuf" | "application/protobuf" | "" => of_protobuf(&body),
        "application/json" => of_json(&body),
        _ => None,
    };
    let reason = || format!("what answers there does not speak OTLP ({})", in_short(answer));
    let partial = partial.ok_or_else(|| Delivery::Unanswered { again: false, reason: reason() })?;
    Ok(partial.into())
}

/// What the message of an answer over gRPC means. One that cannot be read says nothing, but the status did.
pub(super) fn of_grpc(body: &[u8]) -> Delivery {
    of_protobuf(body).unwrap_or_default().into()
}

/// Reads the answer of any signal: they differ in the names of their fields only, which protobuf does not send. `None`
/// if it is no message of protobuf.
fn of_protobuf(body: &[u8]) -> Option<Partial> {
    let mut partial = Partial::default();
    for field in fields(body) {
        let (1, Field::Bytes(message)) = field? else { continue };
        for field in fields(message) {
            match field? {
                (1, Field::Number(rejected)) => partial.rejected = rejected,
                (2, Field::Bytes(text)) => partial.message = String::from_utf8_lossy(text).into_owned(),
                _ => {}
            }
        }
    }
    // It is signed there.
    partial.rejected = i64::try_from(partial.rejected).map_or(0, i64::unsigned_abs);
    Some(partial)
}

/// OTLP's JSON. `None` if it is none, or an answer to something else.
fn of_json(body: &[u8]) -> Option<Partial> {
    let Value::Object(answer) = serde_json::from_slice(body).ok()? else { return None };
    let Some(partial) = answer.get("partialSuccess").or_else(|| answer.get("partial_success")) else {
        return answer.is_empty().then(Partial::default);
    };
    let rejected = [
        "rejectedSpans",
        "rejectedLogRecords",
        "rejectedDataPoints",
        "rejected_spans",
        "rejected_log_records",
        "rejected_data_points",
    ];
    let rejected = rejected.iter().find_map(|name| partial.get(name));
    // Numbers of 64 bits are texts there.
    let rejected = rejected.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
    let message = ["errorMessage", "error_message"].iter().find_map(|name| partial.get(name)?.as_str());
    Some(Partial { rejected: rejected.unwrap_or(0), message: message.unwrap_or_default().to_owned() })
}

impl From<Partial> for Delivery {
    fn from(Partial { rejected, message }: Partial) -> Self {
        // A stranger's text, as that of a refusal is.
        let message = on_one_line(message.as_bytes());
        Self::Accepted { rejected, message: Some(message).filter(|message| !message.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use opentelemetry_proto::tonic::collector::logs::v1::{
        ExportLogsPartialSuccess, ExportLogsServiceResponse,
    };
    use prost::Message as _;

    use super::*;
    use crate::export::Body;

    fn answer(status: u16, kind: &str, body: impl Into<Bytes>) -> Result<Delivery, Delivery> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        of_http(&Answer { status, headers, body: Body::Whole(body.into()), trailers: None })
    }

    fn partial(rejected: u64, message: &str) -> Result<Delivery, Delivery> {
        Ok(Partial { rejected, message: message.to_owned() }.into())
    }

    fn encoded(rejected: i64, message: &str) -> Vec<u8> {
        let partial =
            ExportLogsPartialSuccess { rejected_log_records: rejected, error_message: message.to_owned() };
        ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
    }

    #[test]
    fn a_partial_success_is_read_in_protobuf_and_in_json() {
        assert_eq!(answer(200, "application/x-protobuf", encoded(3, "too old")), partial(3, "too old"));
        assert_eq!(answer(200, "", encoded(0, "slow down")), partial(0, "slow down"));
        assert_eq!(answer(200, "application/x-protobuf", encoded(-1, "")), partial(0, ""));
        let json = r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}"#;
        for kind in ["application/json; charset=utf-8", "Application/JSON", "application/json;v=1"] {
            assert_eq!(answer(200, kind, json), partial(3, "too old"), "{kind}");
        }
        assert_eq!(answer(200, "Application/X-Protobuf", encoded(3, "too old")), partial(3, "too old"));
        assert_eq!(answer(200, "application/json", r#"{"partial_success":{}}"#), partial(0, ""));
        assert_eq!(answer(200, "application/json", "{}"), partial(0, ""));
    }

    #[test]
    fn what_a_receiver_says_of_a_partial_success_is_one_short_line_without_secrets() {
        let said = "see\n\u{202e}http://ann:s3cr3t@host/x?api_key=s3cr3t \x1b[2J";
        let shown = "see http://REDACTED@host/x?REDACTED [2J";
        let json = format!(r#"{{"partialSuccess":{{"errorMessage":{}}}}}"#, Value::from(said));
        let endless = "x".repeat(1_000_000);
        for (delivery, expected) in [
            (answer(200, "application/x-protobuf", encoded(3, said)), shown),
            (answer(200, "application/json", json), shown),
            (Ok(of_grpc(&encoded(3, said))), shown),
            (Ok(of_grpc(&encoded(3, &endless))), &endless[..300]),
        ] {
            let Ok(Delivery::Accepted { message, .. }) = delivery else { panic!("{delivery:?}") };
            assert_eq!(message.as_deref(), Some(expected));
        }
        assert_eq!(of_grpc(&encoded(3, " \n")), Delivery::Accepted { rejected: 3, message: None });
    }

    #[test]
    fn an_answer_without_anything_in_it_confirms() {
        for kind in ["", "application/x-protobuf", "application/json", "text/plain; charset=utf-8"] {
            assert_eq!(answer(200, kind, ""), partial(0, ""), "{kind}");
        }
        assert_eq!(answer(204, "", ""), partial(0, ""));
    }

    #[test]
    fn a_success_that_is_not_otlps_confirms_nothing_and_says_what_it_looked_like() {
        for (kind, body) in [
            ("text/html", "<!DOCTYPE html><h1>Welcome to nginx!</h1>"),
            ("text/html; charset=utf-8", ""),
            ("TEXT/HTML", ""),
            ("", "<html>"),
            ("application/x-protobuf", "<html>"),
            ("text/plain", "OK"),
            ("application/json", r#"{"status":"ok"}"#),
            ("application/json", "[]"),
            ("application/json", "<html>"),
            ("application/octet-stream", "x"),
        ] {
            match answer(200, kind, body) {
                Err(Delivery::Unanswered { again: false, reason }) => {
                    let begin = "what answers there does not speak OTLP (200 OK with ";
                    assert!(reason.starts_with(begin), "{reason}");
                    assert!(reason.contains(&body.replace('"', "\\\"")), "{reason}");
                }
                other => panic!("{kind} {body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_message_of_grpc_that_cannot_be_read_says_nothing() {
        assert_eq!(Ok(of_grpc(&encoded(3, "too old"))), partial(3, "too old"));
        assert_eq!(Ok(of_grpc(b"{}")), partial(0, ""));
        assert_eq!(Ok(of_grpc(b"")), partial(0, ""));
    }
}
