//! The general variables: what holds for every exported signal that has no word of its own.

use super::endpoint::{check, shown};
use super::headers;
use super::pem::shown_path;
use super::protocol::shown_compression;
use super::read::{shown_limit, shown_millis, whole};
use super::target::Target;
use crate::variable::Variable;

/// What the general variables say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) target: Target,
    /// Maximum number of attributes of a span, a link or a log record.
    pub(crate) attributes: Option<usize>,
    /// Maximum length of a text attribute, in characters.
    pub(crate) value_length: Option<usize>,
}

/// The variable that most operators set.
pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The endpoint is read by what stands before it.
const TARGET: [Variable<Shared>; 6] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_PROTOCOL",
        default: "http/protobuf",
        secret: false,
        about: "The transport: `http/protobuf`, or `grpc` (feature `otlp-grpc`).",
        set: |shared, text| shared.target.take_protocol(text),
        show: |shared| shared.target.protocol.unwrap_or_default().as_str().to_owned(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_INSECURE",
        default: "false",
        secret: false,
        about: "`true`: a gRPC endpoint without a scheme, such as `collector:4317`, is used without TLS.",
        set: |shared, text| shared.target.take_insecure(text),
        show: |shared| shared.target.insecure.unwrap_or_default().to_string(),
    },
    Variable {
        name: ENDPOINT,
        default: "",
        secret: false,
        about: "The collector, such as `http://collector:4318`; `/v1/traces` or `/v1/logs` is appended. For gRPC \
                `http://collector:4317`, to which nothing is appended. Turns on traces.",
        set: |shared, url| {
            let checked = check(url, shared.target.protocol.unwrap_or_default());
            shared.target.take_endpoint(url, checked)
        },
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
        about: "Timeout of one attempt, in milliseconds; 0 is no timeout.",
        set: |shared, text| shared.target.take_timeout(text),
        show: |shared| shared.target.timeout.map(shown_millis).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_COMPRESSION",
        default: "none",
        secret: false,
        about: "Compression of every export: `none`, or `gzip` (feature `gzip`).",
        set: |shared, text| shared.target.take_compression(text),
        show: |shared| shown_compression(shared.target.gzip.unwrap_or_default()).to_owned(),
    },
];

const TLS: [Variable<Shared>; 3] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_CERTIFICATE",
        default: "",
        secret: false,
        about: "PEM file with the CAs that are trusted for the collector's certificate, instead of the machine's \
                (feature `tls`).",
        set: |shared, path| shared.target.pem.take_certificate(path),
        show: |shared| shown_path(shared.target.pem.certificate.as_ref()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        default: "",
        secret: false,
        about: "PEM file with the key of the client certificate (feature `tls`).",
        set: |shared, path| shared.target.pem.take_client_key(path),
        show: |shared| shown_path(shared.target.pem.client_key.as_ref()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        default: "",
        secret: false,
        about: "PEM file with the client certificate and its chain (feature `tls`).",
        set: |shared, path| shared.target.pem.take_client_certificate(path),
        show: |shared| shown_path(shared.target.pem.client_certificate.as_ref()),
    },
];

const LIMITS: [Variable<Shared>; 2] = [
    Variable {
        name: "OTEL_ATTRIBUTE_COUNT_LIMIT",
        default: "128",
        secret: false,
        about: "Maximum number of attributes of a span, a link or a log record.",
        set: |shared, text| whole(text, 0).map(|count| shared.attributes = Some(count)),
        show: |shared| shown_limit(shared.attributes),
    },
    Variable {
        name: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default: "",
        secret: false,
        about: "Maximum length of a text attribute, in characters.",
        set: |shared, text| whole(text, 0).map(|length| shared.value_length = Some(length)),
        show: |shared| shown_limit(shared.value_length),
    },
];

impl Shared {
    /// The rows, by subject.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &{
        let [a, b, c, d, e, f] = TARGET;
        let [g, h, i] = TLS;
        let [j, k] = LIMITS;
        [a, b, c, d, e, f, g, h, i, j, k]
    };
}
