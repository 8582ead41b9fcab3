//! What of an endpoint will most likely not work, once everything is known that was set beside it.

use http::Uri;

use super::service::{LOGS, METRICS, Service, TRACES};
use super::settings::Protocol;
use crate::export::{join, masked_url};

/// Of an endpoint that is a URL, or gRPC's host and port; `is_own` if it is in the signal's own variable, so that nothing
/// is appended to it.
pub(super) fn advice(endpoint: &str, is_own: bool, protocol: Protocol, service: &Service) -> Option<String> {
    let uri: Uri = endpoint.parse().ok()?;
    match (protocol, uri.port_u16(), uri.path().trim_end_matches('/')) {
        (Protocol::Http, Some(4317), _) => Some(
            "4317 is the port of OTLP over gRPC; write 4318, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc, unless this \
             collector speaks HTTP on 4317"
                .to_owned(),
        ),
        (Protocol::Grpc, Some(4318), _) => Some(
            "4318 is the port of OTLP over HTTP; write 4317, or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, \
             unless this collector speaks gRPC on 4318"
                .to_owned(),
        ),
        (Protocol::Http, _, "") if is_own => Some(format!(
            "it is used as it is and has no path; write {}",
            masked_url(&join(endpoint, service.path))
        )),
        (Protocol::Http, _, path) if !is_own => path_of_signal(path).map(|signal| {
            format!(
                "{} is appended to it; write it without {signal}, or the whole URL in OTEL_EXPORTER_OTLP_{}_ENDPOINT",
                service.path, service.word
            )
        }),
        (Protocol::Grpc, _, path) if !path.is_empty() => {
            Some(format!("gRPC has no use for the path {path}; the host and the port are enough"))
        }
        (Protocol::Grpc, _, _) if uri.query().is_some() => {
            Some("gRPC has no use for its query; OTEL_EXPORTER_OTLP_HEADERS sends a key".to_owned())
        }
        _ => None,
    }
}

/// The path of one signal that this one ends with: nothing is to be appended to it.
fn path_of_signal(path: &str) -> Option<&'static str> {
    [TRACES, LOGS, METRICS].iter().map(|service| service.path).find(|signal| path.ends_with(signal))
}
