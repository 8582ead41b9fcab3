//! The variables of OTLP: the general ones, for every signal that has no value of its own, and each signal's own rows.

use super::settings::{Settings, masked_headers};
use crate::export::{TlsFile, masked_url, shown_limit, shown_milliseconds, whole};
use crate::variable::Variable;

/// What the general variables say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// How many bytes a request may have, whatever the protocol.
    pub(crate) request: Option<usize>,
    /// Maximum number of attributes of a span, a link or a log record.
    pub(crate) attributes: Option<usize>,
    /// Maximum length of a text attribute, in characters.
    pub(crate) value_length: Option<usize>,
}

/// The variable that most operators set.
pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// In less than this a span with its ids and its resource has no room.
const SMALLEST_REQUEST: usize = 1_024;

impl Shared {
    /// The endpoint comes after the rows that decide how it is read.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &[
        Variable {
            name: "OTEL_EXPORTER_OTLP_PROTOCOL",
            default: "http/protobuf",
            about: "The transport: `http/protobuf`, or `grpc` (feature `otlp-grpc`).",
            set: |shared, text| shared.settings.set_protocol(text),
            show: |shared| shared.settings.protocol.unwrap_or_default().as_str().to_owned(),
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_INSECURE",
            default: "false",
            about: "`true`: a gRPC endpoint without a scheme, such as `collector:4317`, is used without TLS.",
            set: |shared, text| shared.settings.set_insecure(text),
            show: |shared| shared.settings.insecure.unwrap_or_default().to_string(),
        },
        Variable {
            name: ENDPOINT,
            default: "",
            about: "The collector, such as `http://collector:4318`; `/v1/traces`, `/v1/logs` or `/v1/metrics` is appended. For gRPC \
                `http://collector:4317`, to which nothing is appended. Turns on traces.",
            set: |shared, url| {
                let protocol = shared.settings.protocol.unwrap_or_default();
                shared.settings.set_endpoint(url, protocol)
            },
            show: |shared| {
                shared.settings.endpoint.as_deref().map(masked_url).unwrap_or_default().into_owned()
            },
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_HEADERS",
            default: "",
            about: "Headers of every export: `name=value,name=value`, values percent-encoded.",
            set: |shared, text| shared.settings.set_headers(text),
            show: |shared| masked_headers(shared.settings.headers.as_deref().unwrap_or_default()),
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_TIMEOUT",
            default: "10000",
            about: "Timeout of one attempt, in milliseconds; 0 means no timeout.",
            set: |shared, text| shared.settings.set_timeout(text),
            show: |shared| shared.settings.timeout.map(shown_milliseconds).unwrap_or_default(),
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_COMPRESSION",
            default: "none",
            about: "Compression of every export: `none`, or `gzip` (feature `gzip`).",
            set: |shared, text| shared.settings.set_compression(text),
            show: |shared| shown_compression(shared.settings.gzip.unwrap_or_default()),
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_CERTIFICATE",
            default: "",
            about: "PEM file with the CAs that are trusted for the collector's certificate, instead of the machine's \
                (feature `tls`).",
            set: |shared, path| shared.settings.tls.set_certificate(path),
            show: |shared| shown_path(&shared.settings.tls.certificate),
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            default: "",
            about: "PEM file with the key of the client certificate (feature `tls`).",
            set: |shared, path| shared.settings.tls.set_client_key(path),
            show: |shared| shown_path(&shared.settings.tls.client_key),
        },
        Variable {
            name: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            default: "",
            about: "PEM file with the client certificate and its chain (feature `tls`).",
            set: |shared, path| shared.settings.tls.set_client_certificate(path),
            show: |shared| shown_path(&shared.settings.tls.client_certificate),
        },
        Variable {
            name: "OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE",
            default: "",
            about: "Maximum size of an export's request in bytes before compression, from 1024; larger batches are split. \
                    Without it 4194304 over gRPC, 20971520 over HTTP, 10485760 to Zipkin.",
            set: |shared, text| whole(text, SMALLEST_REQUEST).map(|bytes| shared.request = Some(bytes)),
            show: |shared| shown_limit(shared.request),
        },
        Variable {
            name: "OTEL_ATTRIBUTE_COUNT_LIMIT",
            default: "128",
            about: "Maximum number of attributes of a span, a link or a log record.",
            set: |shared, text| whole(text, 0).map(|count| shared.attributes = Some(count)),
            show: |shared| shown_limit(shared.attributes),
        },
        Variable {
            name: "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            default: "",
            about: "Maximum length of a text attribute, in characters.",
            set: |shared, text| whole(text, 0).map(|length| shared.value_length = Some(length)),
            show: |shared| shown_limit(shared.value_length),
        },
    ];
}

/// The path in force; empty if there is none.
fn shown_path(file: &Option<TlsFile>) -> String {
    file.clone().and_then(Result::ok).unwrap_or_default()
}

pub(crate) fn shown_compression(gzip: bool) -> String {
    if gzip { "gzip" } else { "none" }.to_owned()
}

/// The nine rows of a signal's own [`OtlpConfig`](crate::otlp::OtlpConfig), the endpoint after what decides how it is
/// read: the options, the field that holds it, the signal's word in the variables' names, what it sends.
macro_rules! endpoint_rows {
    ($options:ty, $($config:ident).+, $signal:literal, $items:literal) => {{
        const ROWS: &[$crate::variable::Variable<$options>] = &[
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_PROTOCOL"),
                default: "http/protobuf",
                about: concat!("The transport of ", $items, ": `http/protobuf`, or `grpc` (feature `otlp-grpc`)."),
                set: |options, text| options.$($config).+.own.set_protocol(text),
                show: |options| options.$($config).+.protocol().as_str().to_owned(),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_INSECURE"),
                default: "false",
                about: concat!("`true`: no TLS for a gRPC endpoint without a scheme, for ", $items, " only."),
                set: |options, text| options.$($config).+.own.set_insecure(text),
                show: |options| options.$($config).+.is_insecure().to_string(),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_ENDPOINT"),
                default: "",
                about: concat!("The collector's full URL for ", $items, ", with its path; for gRPC without one. \
                               Nothing is appended."),
                set: |options, url| {
                    let protocol = options.$($config).+.protocol();
                    options.$($config).+.own.set_endpoint(url, protocol)
                },
                show: |options| options.$($config).+.masked_url(),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_HEADERS"),
                default: "",
                about: concat!("Headers of exports of ", $items, "; they replace the general list."),
                set: |options, text| options.$($config).+.own.set_headers(text),
                show: |options| options.$($config).+.masked_headers(),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_TIMEOUT"),
                default: "10000",
                about: concat!("Timeout of one attempt for ", $items, ", in milliseconds; 0 means no timeout."),
                set: |options, text| options.$($config).+.own.set_timeout(text),
                show: |options| $crate::export::shown_milliseconds(options.$($config).+.timeout()),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_COMPRESSION"),
                default: "none",
                about: concat!("Compression of ", $items, ": `none`, or `gzip` (feature `gzip`)."),
                set: |options, text| options.$($config).+.own.set_compression(text),
                show: |options| $crate::otlp::shown_compression(options.$($config).+.is_compressed()),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_CERTIFICATE"),
                default: "",
                about: concat!("PEM file with the CAs trusted for ", $items, " (feature `tls`)."),
                set: |options, path| options.$($config).+.own.tls.set_certificate(path),
                show: |options| options.$($config).+.path(|tls| &tls.certificate),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_KEY"),
                default: "",
                about: concat!("PEM file with the client key for ", $items, " (feature `tls`)."),
                set: |options, path| options.$($config).+.own.tls.set_client_key(path),
                show: |options| options.$($config).+.path(|tls| &tls.client_key),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_CERTIFICATE"),
                default: "",
                about: concat!("PEM file with the client certificate for ", $items, " (feature `tls`)."),
                set: |options, path| options.$($config).+.own.tls.set_client_certificate(path),
                show: |options| options.$($config).+.path(|tls| &tls.client_certificate),
            },
        ];
        ROWS
    }};
}

/// The four rows of a signal's batches: the field of its [`OtlpConfig`](crate::otlp::OtlpConfig), the processor's word in
/// the variables' names, its default delay, what it sends.
macro_rules! batch_rows {
    ($options:ty, $($config:ident).+, $processor:literal, $delay:literal, $item:literal, $items:literal) => {{
        const ROWS: &[$crate::variable::Variable<$options>] = &[
            $crate::variable::Variable {
                name: concat!("OTEL_", $processor, "_SCHEDULE_DELAY"),
                default: $delay,
                about: concat!(
                    "How long ",
                    $item,
                    " waits at most for a full batch, in milliseconds (500 on a terminal)."
                ),
                set: |options, text| $crate::variable::milliseconds(text).map(|delay| {
                    options.$($config).+.batching.delay = Some(delay);
                }),
                show: |options| $crate::export::shown_milliseconds(
                    options.$($config).+.batch_limits(std::time::Duration::ZERO).delay
                ),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_", $processor, "_EXPORT_TIMEOUT"),
                default: "30000",
                about: concat!(
                    "Timeout of a batch of ",
                    $items,
                    " over all attempts, in milliseconds; 0 means no timeout."
                ),
                set: |options, text| $crate::export::set_milliseconds(&mut options.$($config).+.batching.timeout, text),
                show: |options| $crate::export::shown_milliseconds(options.$($config).+.batching.timeout),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_", $processor, "_MAX_QUEUE_SIZE"),
                default: "32768",
                about: concat!(
                    "Capacity of the queue of finished ",
                    $items,
                    ", those under way included; when it is full, the newest is dropped and counted."
                ),
                set: |options, text| $crate::export::whole(text, 1).map(|records| {
                    options.$($config).+.batching.queue = records;
                }),
                show: |options| options.$($config).+.batching.queue.to_string(),
            },
            $crate::variable::Variable {
                name: concat!("OTEL_", $processor, "_MAX_EXPORT_BATCH_SIZE"),
                default: "512",
                about: concat!(
                    "Maximum number of ",
                    $items,
                    " in a batch; never more than the queue holds. Unset: up to 2048 while 8 requests are under way."
                ),
                set: |options, text| $crate::export::whole(text, 1).map(|records| {
                    options.$($config).+.batching.batch = Some(records);
                }),
                show: |options| options.$($config).+.batch_limits(std::time::Duration::ZERO).batch_size.to_string(),
            },
        ];
        ROWS
    }};
}

pub(crate) use {batch_rows, endpoint_rows};
