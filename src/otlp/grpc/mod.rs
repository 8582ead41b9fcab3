//! One call of gRPC: the frame around a batch, and where its status is.
//!
//! hyper does all of HTTP/2. What is left of gRPC for a call with one message each way is here and not tonic's, because
//! an exporter has to know whether bytes left, and a client of gRPC turns a lost connection into a status.

mod status;

use bytes::{BufMut, Bytes, BytesMut};

use crate::export::{Answer, Body, Delivery, confirmed, in_short};

/// One byte says whether the message is compressed, four its length.
const PREFIX: usize = 5;

/// The message as in the body. It has less than 64 MiB.
pub(super) fn frame(message: Bytes, is_packed: bool) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(u8::from(is_packed));
    framed.put_u32(message.len() as u32);
    framed.put(message);
    framed.freeze()
}

/// The message of an answer that says that the batch was taken; else what became of it.
pub(super) fn read(answer: Answer) -> Result<Bytes, Delivery> {
    if !answer.status.is_success() {
        // A proxy answers; the same four of its statuses are `UNAVAILABLE`.
        return confirmed(&answer, true);
    }
    if status::is_in(&answer.headers) {
        return status::settle(&answer.headers).map(|()| Bytes::new());
    }
    match (&answer.body, &answer.trailers) {
        (Body::Whole(body), Some(trailers)) if status::is_in(trailers) => {
            status::settle(trailers)?;
            Ok(message(body))
        }
        (Body::BrokenOff, _) => {
            Err(Delivery::Unanswered { again: true, reason: "the collector's answer broke off".to_owned() })
        }
        // Any web server may answer like that, and nothing says that the batch was stored.
        _ => {
            let reason = format!("what answers there does not speak gRPC ({})", in_short(&answer));
            Err(Delivery::Unanswered { again: false, reason })
        }
    }
}

/// The answer's message. One that cannot be read says nothing, but the status did; we asked for none that is compressed.
fn message(body: &Bytes) -> Bytes {
    match body.first() {
        Some(0) if body.len() >= PREFIX => body.slice(PREFIX..),
        _ => Bytes::new(),
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod framing {
    use super::*;

    #[test]
    fn a_message_is_framed_and_found_again() {
        assert_eq!(frame(Bytes::from_static(b"abc"), false), b"\0\0\0\0\x03abc"[..]);
        assert_eq!(frame(Bytes::from_static(b"abc"), true), b"\x01\0\0\0\x03abc"[..]);
        assert_eq!(message(&frame(Bytes::from_static(b"abc"), false)), b"abc"[..]);
        for strange in [&b""[..], b"\0", b"\0\0\0\0", b"\x01\0\0\0\x03abc"] {
            assert_eq!(message(&Bytes::copy_from_slice(strange)), b""[..]);
        }
    }
}
