//! What HTTP says of a gRPC call: that it is one, until when its caller waits, and how it ended.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use percent_encoding::percent_decode;

use crate::clock::Moment;
use crate::record::{Code, error_text};
use crate::signals::Observation;

const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const TIMEOUT: &str = "grpc-timeout";

/// Is what we ask for a call of gRPC? Then it goes over HTTP/2, which spares the others the look at their headers.
#[inline]
pub(super) fn is_call<B>(request: &Request<B>) -> bool {
    request.version() >= Version::HTTP_2
        && *request.method() == Method::POST
        && is_content(request.headers().get(CONTENT_TYPE))
}

/// Is this the content of gRPC? That of gRPC-Web has its status where no header is, so it stays one of HTTP; but what
/// translates it makes gRPC of it in every version of HTTP.
#[inline]
pub(super) fn is_content(kind: Option<&HeaderValue>) -> bool {
    let kind = kind.and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
    kind.is_some_and(|kind| matches!(kind, [] | [b'+' | b';' | b' ', ..]))
}

/// When the caller gives up: `grpc-timeout` is up to eight digits and a unit.
#[inline(never)]
pub(super) fn deadline(headers: &HeaderMap, start: Moment) -> Option<Moment> {
    let timeout = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = timeout.split_at_checked(timeout.len().checked_sub(1)?)?;
    let nanos = match unit {
        "H" => 3_600_000_000_000,
        "M" => 60_000_000_000,
        "S" => 1_000_000_000,
        "m" => 1_000_000,
        "u" => 1_000,
        "n" => 1,
        _ => return None,
    };
    let count: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(start.after_nanos(count.saturating_mul(nanos)))
}

/// Does what answers speak gRPC?
pub(super) fn is_answer<R>(head: &Response<R>) -> bool {
    is_content(head.headers().get(CONTENT_TYPE))
}

/// Reads the head. A call that was not answered by gRPC is over with it, and one that is refused: its status stands in a
/// head behind which nothing comes (gRPC over HTTP/2, "Trailers-Only").
pub(super) fn head<R: Body>(observation: &mut Observation, head: &Response<R>) {
    let fields = head.headers();
    let said = said(fields);
    let is_answer = head.status() == StatusCode::OK && is_answer(head);
    if let Some(call) = &mut observation.call {
        call.is_implemented = is_answer && said.is_none_or(|code| !code.is_of_any_method());
        call.in_head = said;
    }
    if !is_answer || said.is_some() && head.body().is_end_stream() {
        answered(observation, said.unwrap_or(Code::of_http(head.status().as_u16())), fields);
    }
}

/// The stream is over; without trailers it broke off, and nothing says how the call ended. Only where it was empty, the
/// head's status is the last word.
#[inline(never)]
pub(super) fn over(observation: &mut Observation, trailers: Option<&HeaderMap>) {
    if let Some(trailers) = trailers {
        return answered(observation, said(trailers).unwrap_or(Code::UNKNOWN), trailers);
    }
    let in_head = observation.call.and_then(|call| call.in_head).filter(|_| observation.response_bytes == 0);
    answered(observation, in_head.unwrap_or(Code::UNKNOWN), &HeaderMap::new());
}

fn said(fields: &HeaderMap) -> Option<Code> {
    fields.get(STATUS).map(|status| Code::read(status.as_bytes()))
}

/// Ends the hop with this status, and with what the service said about it.
fn answered(observation: &mut Observation, code: Code, fields: &HeaderMap) {
    let Some(hop) = observation.hop() else { return };
    if let Some(message) = fields.get(MESSAGE).filter(|message| code != Code::OK && !message.is_empty()) {
        let message = error_text(&percent_decode(message.as_bytes()).decode_utf8_lossy());
        // What the service noted itself says more.
        hop.notes().get_or_insert_default().error.get_or_insert_with(|| vec![message]);
    }
    if let Some(call) = &mut observation.call {
        call.code = Some(code);
    }
    observation.finish(code.outcome(), None);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_patience_is_digits_and_a_unit() {
        let mut headers = HeaderMap::new();
        let start = Moment::now();
        headers.insert("grpc-timeout", HeaderValue::from_static("20m"));
        assert_eq!(deadline(&headers, start), Some(start.after_nanos(20_000_000)));
        for bad in ["", "m", "20", "20x", "123456789S", "é"] {
            headers.insert("grpc-timeout", HeaderValue::from_bytes(bad.as_bytes()).expect("a header"));
            assert_eq!(deadline(&headers, start), None, "{bad}");
        }
    }

    #[test]
    fn grpc_is_told_by_its_content_type() {
        let is = |kind: &'static str| is_content(Some(&HeaderValue::from_static(kind)));
        assert!(!is_content(None));
        for kind in ["application/grpc", "application/grpc+proto", "application/grpc; charset=utf-8"] {
            assert!(is(kind), "{kind}");
        }
        for kind in ["application/grpc-web", "application/grpc-web-text+proto", "application/json"] {
            assert!(!is(kind), "{kind}");
        }
    }
}
