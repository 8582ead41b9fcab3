//! Owns the general variables: what holds for every exported signal that has no word of its own.

use super::endpoint::{check, shown};
use super::headers;
use super::read::{shown_limit, shown_millis, whole};
use super::target::{Target, check_compression, check_protocol};
use super::unserved::{NO_GRPC, NO_TLS, not_served};
use crate::variable::Variable;

/// What the general variables say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) target: Target,
    /// How many attributes anything may have.
    pub(crate) attributes: Option<usize>,
    /// How many characters any text attribute may have.
    pub(crate) value_length: Option<usize>,
}

const TARGET: [Variable<Shared>; 5] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        default: "",
        secret: false,
        about: "The collector, such as `http://collector:4318`; `/v1/traces` or `/v1/logs` is appended. Switches \
                traces on.",
        set: |shared, url| shared.target.take_endpoint(url, check(url)),
        show: |shared| shared.target.endpoint.as_deref().map(shown).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        default: "",
        secret: true,
        about: "Headers of every export: `name=value,name=value`, values percent-encoded.",
        set: |shared, text| shared.target.take_headers(text),
        show: |shared| headers::names(shared.target.headers.as_deref().unwrap_or_default()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TIMEOUT",
        default: "10000",
        secret: false,
        about: "One attempt's time, in milliseconds; 0 is without end.",
        set: |shared, text| shared.target.take_timeout(text),
        show: |shared| shared.target.timeout.map(shown_millis).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_PROTOCOL",
        default: "http/protobuf",
        secret: false,
        about: "The transport: `http/protobuf`, the only one served yet.",
        set: |_, text| check_protocol(text),
        show: |_| "http/protobuf".to_owned(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_COMPRESSION",
        default: "none",
        secret: false,
        about: "Compression of every export: `none`, the only one served yet.",
        set: |_, text| check_compression(text),
        show: |_| "none".to_owned(),
    },
];

const TLS: [Variable<Shared>; 4] = not_served! {
    "OTEL_EXPORTER_OTLP_CERTIFICATE", "Not served yet: the collector's certificate, a file.", NO_TLS;
    "OTEL_EXPORTER_OTLP_CLIENT_KEY", "Not served yet: the client's key, a file.", NO_TLS;
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "Not served yet: the client's certificate, a file.", NO_TLS;
    "OTEL_EXPORTER_OTLP_INSECURE", "Not served yet: no TLS for gRPC.", NO_GRPC;
};

const LIMITS: [Variable<Shared>; 2] = [
    Variable {
        name: "OTEL_ATTRIBUTE_COUNT_LIMIT",
        default: "128",
        secret: false,
        about: "How many attributes anything may have.",
        set: |shared, text| whole(text, 0).map(|count| shared.attributes = Some(count)),
        show: |shared| shown_limit(shared.attributes),
    },
    Variable {
        name: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default: "",
        secret: false,
        about: "How many characters any text attribute may have.",
        set: |shared, text| whole(text, 0).map(|length| shared.value_length = Some(length)),
        show: |shared| shown_limit(shared.value_length),
    },
];

impl Shared {
    /// The rows, by subject.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &{
        let [a, b, c, d, e] = TARGET;
        let [f, g, h, i] = TLS;
        let [j, k] = LIMITS;
        [a, b, c, d, e, f, g, h, i, j, k]
    };
}
