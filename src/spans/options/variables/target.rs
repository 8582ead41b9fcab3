//! Owns the variables of the way out: where to, with which headers, in which time, over which transport.

use super::read::{millis, shown_millis};
use crate::spans::Traces;
use crate::spans::options::{endpoint, headers};
use crate::variable::{Refusal, Variable};

/// A row that is known, but whose values change nothing yet.
macro_rules! not_served {
    ($($name:literal, $about:literal, $instead:literal;)+) => {
        [$(Variable {
            name: $name,
            default: "",
            secret: false,
            about: $about,
            set: |_, _| Err(Refusal::NotServed($instead.to_owned())),
            show: |_| String::new(),
        }),+]
    };
}

pub(super) const TARGET: [Variable<Traces>; 8] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        default: "",
        secret: false,
        about: "The collector, such as `http://collector:4318`; `/v1/traces` is appended. Switches traces on.",
        set: |traces, url| take_url(&mut traces.general.endpoint, url, endpoint::check(url)),
        show: |traces| {
            let base = traces.general.endpoint.as_deref().or(traces.code.endpoint.as_deref());
            base.map(endpoint::shown).unwrap_or_default()
        },
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        default: "",
        secret: false,
        about: "The collector's full URL for spans, used as it is, with its path.",
        set: |traces, url| take_url(&mut traces.own.endpoint, url, endpoint::check_as_is(url)),
        show: |traces| traces.own.endpoint.as_deref().map(endpoint::shown).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        default: "",
        secret: true,
        about: "Headers of every export: `name=value,name=value`, values percent-encoded.",
        set: |traces, text| headers::parse(text).map(|list| traces.general.headers = Some(list)),
        show: |traces| headers::names(traces.general.headers.as_deref().unwrap_or_default()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        default: "",
        secret: true,
        about: "The same for spans only; it replaces the general list.",
        set: |traces, text| headers::parse(text).map(|list| traces.own.headers = Some(list)),
        show: |traces| headers::names(traces.headers()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TIMEOUT",
        default: "10000",
        secret: false,
        about: "One attempt's time, in milliseconds; 0 is without end.",
        set: |traces, text| millis(text).map(|time| traces.general.timeout = Some(time)),
        show: |traces| traces.general.timeout.map(shown_millis).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        default: "10000",
        secret: false,
        about: "The same for spans only.",
        set: |traces, text| millis(text).map(|time| traces.own.timeout = Some(time)),
        show: |traces| shown_millis(traces.attempt_timeout()),
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
        name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        default: "http/protobuf",
        secret: false,
        about: "The same for spans only.",
        set: |_, text| check_protocol(text),
        show: |_| "http/protobuf".to_owned(),
    },
];

pub(super) const COMPRESSION: [Variable<Traces>; 2] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_COMPRESSION",
        default: "none",
        secret: false,
        about: "Compression of every export: `none`, the only one served yet.",
        set: |_, text| check_compression(text),
        show: |_| "none".to_owned(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        default: "none",
        secret: false,
        about: "The same for spans only.",
        set: |_, text| check_compression(text),
        show: |_| "none".to_owned(),
    },
];

pub(super) const TLS: [Variable<Traces>; 8] = not_served! {
    "OTEL_EXPORTER_OTLP_CERTIFICATE", "Not served yet: the collector's certificate, a file.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "Not served yet: the same for spans only.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_CLIENT_KEY", "Not served yet: the client's key, a file.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "Not served yet: the same for spans only.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "Not served yet: the client's certificate, a file.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "Not served yet: the same for spans only.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_INSECURE", "Not served yet: no TLS for gRPC.", "gRPC is not built in yet; over HTTP the URL decides";
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE", "Not served yet: the same for spans only.",
        "gRPC is not built in yet; over HTTP the URL decides";
};

/// An address that is not served is kept all the same: spans must not go to another one instead.
fn take_url(slot: &mut Option<String>, url: &str, checked: Result<(), Refusal>) -> Result<(), Refusal> {
    if !matches!(checked, Err(Refusal::Expected(_))) {
        *slot = Some(url.to_owned());
    }
    checked
}

fn check_protocol(text: &str) -> Result<(), Refusal> {
    match text {
        "http/protobuf" => Ok(()),
        "grpc" | "http/json" => Err(Refusal::NotServed("spans leave as http/protobuf".to_owned())),
        _ => Err(Refusal::Expected("http/protobuf".to_owned())),
    }
}

fn check_compression(text: &str) -> Result<(), Refusal> {
    match text {
        "none" => Ok(()),
        "gzip" => Err(Refusal::NotServed("spans leave uncompressed".to_owned())),
        _ => Err(Refusal::Expected("none".to_owned())),
    }
}
