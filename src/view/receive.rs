//! Receives OTLP: what a request says becomes what is kept, or is refused as OTLP wants it.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use prost::Message;
use serde::de::DeserializeOwned;

use super::decode::{self, Decoded};
pub(super) use super::messages::Signal;
use super::messages::{MOST_OPENINGS, Unfit, count, openings};
use super::model::now;
use super::samples;
use super::store::Store;

/// The largest request, compressed or not.
pub(super) const MOST_BYTES: usize = 16 << 20;
const TOO_MANY_MESSAGES: &str =
    "a request may have 200,000 spans, lines, points and attributes: send less at once";
pub(super) const TOO_MANY_BYTES: &str = "a request may have 16 MiB, uncompressed";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed(String),
    /// What there is too much of.
    TooLarge(&'static str),
    /// Not the sender's fault: it may send it again.
    Unavailable(String),
}

/// The answer to a request that was taken: what of it was not kept, and why. The three answers have the same fields.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Answer {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

/// `google.rpc.Status`, the answer to a request that was not.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

/// What a compressed body is in full.
pub(super) fn decompress(body: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut whole = Vec::new();
    let read = MultiGzDecoder::new(body).take(MOST_BYTES as u64 + 1).read_to_end(&mut whole);
    read.map_err(|error| Refused::Malformed(format!("no gzip: {error}")))?;
    if whole.len() > MOST_BYTES { Err(Refused::TooLarge(TOO_MANY_BYTES)) } else { Ok(whole) }
}

/// Keeps what the request says.
pub(super) fn keep(
    store: &Store,
    signal: Signal,
    encoding: Encoding,
    body: &[u8],
) -> Result<Answer, Refused> {
    let began = now();
    let intern = |resource| store.intern(resource, began);
    let rejected = match signal {
        Signal::Traces => {
            kept(decode::spans(message(signal, encoding, body)?, &intern), |spans| store.add_spans(spans))
        }
        Signal::Logs => {
            kept(decode::lines(message(signal, encoding, body)?, &intern), |lines| store.add_lines(lines))
        }
        Signal::Metrics => kept(samples::samples(message(signal, encoding, body)?, &intern), |samples| {
            store.add_samples(samples)
        }),
    };
    let partial_success = (rejected > 0).then(|| PartialSuccess {
        rejected: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: "no valid id, or too many resources".to_owned(),
    });
    Ok(Answer { partial_success })
}

/// Adds what was decoded; returns how much of the request is not.
fn kept<T>(decoded: Decoded<T>, add: impl FnOnce(Decoded<T>)) -> u64 {
    let rejected = decoded.rejected();
    add(decoded);
    rejected
}

fn message<T: Message + Default + DeserializeOwned>(
    signal: Signal,
    encoding: Encoding,
    body: &[u8],
) -> Result<T, Refused> {
    let fits = match encoding {
        Encoding::Json if openings(body) > MOST_OPENINGS => Err(Unfit::TooMany),
        Encoding::Json => Ok(()),
        Encoding::Protobuf => count(signal, body).map(drop),
    };
    fits.map_err(|unfit| match unfit {
        Unfit::TooMany => Refused::TooLarge(TOO_MANY_MESSAGES),
        Unfit::Malformed => Refused::Malformed("the body is no message of protobuf".to_owned()),
    })?;
    let decoded = match encoding {
        Encoding::Protobuf => T::decode(body).map_err(|error| error.to_string()),
        Encoding::Json => serde_json::from_slice(body).map_err(|error| error.to_string()),
    };
    decoded.map_err(Refused::Malformed)
}

impl Refused {
    /// The code of gRPC.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Malformed(_) => 3,
            Self::TooLarge(_) => 8,
            Self::Unavailable(_) => 14,
        }
    }

    pub(super) fn why(&self) -> &str {
        match self {
            Self::Malformed(why) | Self::Unavailable(why) => why,
            Self::TooLarge(why) => why,
        }
    }
}

impl Encoding {
    /// By the content type; parameters do not matter.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    pub(super) fn answer(self, signal: Signal, answer: &Answer) -> Vec<u8> {
        match (self, &answer.partial_success) {
            (Self::Protobuf, _) => answer.encode_to_vec(),
            (Self::Json, None) => b"{}".to_vec(),
            (Self::Json, Some(partial)) => {
                let rejected = partial.rejected.to_string();
                let partial =
                    serde_json::json!({ signal.rejected(): rejected, "errorMessage": partial.error_message });
                serde_json::json!({ "partialSuccess": partial }).to_string().into_bytes()
            }
        }
    }

    pub(super) fn status(self, code: i32, message: &str) -> Vec<u8> {
        match self {
            Self::Protobuf => RpcStatus { code, message: message.to_owned() }.encode_to_vec(),
            Self::Json => serde_json::json!({ "code": code, "message": message }).to_string().into_bytes(),
        }
    }
}

#[cfg(test)]
#[test]
fn what_would_decode_to_gigabytes_is_refused_before() {
    let store = Store::new(1 << 20);
    // A request is a group, a scope in it, and spans of two bytes each in that.
    let spans = [0x12, 0].repeat(MOST_BYTES / 2 - 10);
    let whole = |number: u8, inside: &[u8]| {
        let mut whole = vec![number << 3 | 2];
        prost::encoding::encode_varint(inside.len() as u64, &mut whole);
        whole.extend_from_slice(inside);
        whole
    };
    let protobuf = whole(1, &whole(2, &spans));
    let json = |span: &str| {
        let spans = vec![span; MOST_OPENINGS].join(",");
        format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}").into_bytes()
    };
    for (encoding, body) in
        [(Encoding::Protobuf, protobuf), (Encoding::Json, json("{}")), (Encoding::Json, json("[]"))]
    {
        let refused = keep(&store, Signal::Traces, encoding, &body);
        assert_eq!(refused, Err(Refused::TooLarge(TOO_MANY_MESSAGES)));
    }
}
