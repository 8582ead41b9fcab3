//! The choice of a protocol and of compression, and what is said of those that are not built in.

use crate::export::feature::{GRPC, GZIP};
use crate::variable::Refusal;

/// How batches of OTLP travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    Http,
    Grpc,
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http/protobuf",
            Self::Grpc => "grpc",
        }
    }

    /// Where a collector of the same machine listens.
    pub(super) const fn local(self) -> &'static str {
        match self {
            Self::Http => "http://localhost:4318",
            Self::Grpc => "http://localhost:4317",
        }
    }

    /// The protocol, and what is wrong with it: one that is not built in is chosen all the same, because whoever
    /// listens there understands no other.
    pub(super) fn read(text: &str) -> (Option<Self>, Result<(), Refusal>) {
        match text {
            "http/protobuf" => (Some(Self::Http), Ok(())),
            "grpc" => (Some(Self::Grpc), GRPC.check().map_err(Refusal::NotServed)),
            "http/json" => {
                let instead = "what is exported leaves as http/protobuf, which goes to the same port";
                (Some(Self::Http), Err(Refusal::NotServed(instead.to_owned())))
            }
            _ => (None, Err(Refusal::expected("http/protobuf or grpc"))),
        }
    }
}

/// Is what is exported compressed?
pub(super) fn read_compression(text: &str) -> Result<bool, Refusal> {
    match text {
        "none" => Ok(false),
        "gzip" => GZIP.check().map(|()| true).map_err(|missing| {
            Refusal::NotServed(format!("what is exported leaves uncompressed. {missing}"))
        }),
        _ => Err(Refusal::expected("gzip or none")),
    }
}

pub(super) const fn shown_compression(gzip: bool) -> &'static str {
    if gzip { "gzip" } else { "none" }
}
