//! One call of gRPC: the frame around a batch, and where its answer stands.
//!
//! hyper does all of HTTP/2. What is left of gRPC for a call with one message each way is here and not tonic's,
//! because we have to know whether bytes left, and a client of gRPC turns what became of the connection into statuses.

mod status;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Builder;

use super::{LARGEST_ANSWER, answer};
use crate::export::Delivery;

pub(crate) const IS_BUILT_IN: bool = true;

/// One byte tells whether the message is compressed, four its length.
const PREFIX: usize = 5;

/// gRPC is always HTTP/2, also without TLS.
pub(super) fn prepare(client: &mut Builder) {
    client.http2_only(true);
}

/// What every call says of itself.
pub(super) fn address(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    // Without it, a proxy may take the trailers off.
    headers.insert(TE, HeaderValue::from_static("trailers"));
}

/// The message as it stands in the body. It has less than 64 MiB.
pub(super) fn frame(message: Bytes, is_packed: bool) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(u8::from(is_packed));
    framed.put_u32(message.len() as u32);
    framed.put(message);
    framed.freeze()
}

/// The message of an answer that says that the batch was taken; else what became of it.
pub(super) async fn read(answer: Response<Incoming>) -> Result<Bytes, Delivery> {
    let (head, body) = answer.into_parts();
    if !head.status.is_success() {
        // A proxy speaks; the same four of its statuses are `UNAVAILABLE`.
        return answer::read(head.status, &head.headers, Some(Bytes::new()), true);
    }
    if status::is_in(&head.headers) {
        return status::settle(&head.headers).map(|()| Bytes::new());
    }
    let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| Delivery::Unanswered {
        again: !error.is::<LengthLimitError>(),
        reason: "the collector's answer broke off".to_owned(),
    })?;
    match body.trailers() {
        Some(trailers) if status::is_in(trailers) => {
            status::settle(trailers)?;
            Ok(message(body.to_bytes()))
        }
        _ => Err(Delivery::Refused { reason: "what answers there does not speak gRPC".to_owned() }),
    }
}

/// The answer's message. One that cannot be read says nothing, but the status did; we asked for none that is compressed.
fn message(body: Bytes) -> Bytes {
    match body.first() {
        Some(0) if body.len() >= PREFIX => body.slice(PREFIX..),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_and_found_again() {
        assert_eq!(frame(Bytes::from_static(b"abc"), false), b"\0\0\0\0\x03abc"[..]);
        assert_eq!(frame(Bytes::from_static(b"abc"), true), b"\x01\0\0\0\x03abc"[..]);
        assert_eq!(message(frame(Bytes::from_static(b"abc"), false)), b"abc"[..]);
        for strange in [&b""[..], b"\0", b"\0\0\0\0", b"\x01\0\0\0\x03abc"] {
            assert_eq!(message(Bytes::copy_from_slice(strange)), b""[..]);
        }
    }
}
