//! Owns the begin of a request that we serve: what is read from it, and whose trace it joins.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Version};

use super::options::{Options, Trust};
use super::route;
use super::twice::is_observed;
use crate::clock::Moment;
use crate::context::{RequestId, TraceContext};
use crate::hop::{Core, Observation, Origin};
use crate::propagation::{Known, Remote};
use crate::scope::{Http, Kind, RouteCell, Scheme, Subject, unknown_method};

/// Begins the hop of a request; `None` if an outer layer did.
pub(super) fn begin<B>(core: &'static Core, options: &Options, request: &Request<B>) -> Option<Observation> {
    if is_observed(Kind::Server, request) {
        return None;
    }
    let start = Moment::now();
    let known = Known::of(request.headers());
    let remote = core.propagators.read_headers(&known, request.headers());
    let (origin, foreign) = trusted(options.trust, remote);
    let mut hop = core.hop(origin, Kind::Server, start, |trace| {
        let recorded = trace.flags.is_sampled() && core.spans.is_on();
        Subject::Http(facts(request, &known, recorded))
    });
    hop.links.extend(foreign);
    if core.propagators.request_id && hop.request_id.is_none() {
        hop.request_id = Some(RequestId::make(start.unix_nanos() / 1_000_000));
    }
    hop.route = RouteCell::new(route::matched(request.extensions()));
    let mut observation = Observation::begin(core, hop);
    observation.quiet = options.is_health_path(request.uri().path());
    if is_grpc(request.version(), request.headers()) {
        observation.grpc = true;
        observation.deadline = deadline(request.headers(), start);
    }
    if let Some(make) = &options.request_span {
        observation.open_span(&**make);
    }
    Some(observation)
}

/// What of a stranger's context the hop continues, and what it only links to.
fn trusted(trust: Trust, remote: Remote) -> (Origin, Option<TraceContext>) {
    let foreign = remote.trace.filter(|_| trust == Trust::Link);
    let from = match trust {
        Trust::Continue => remote,
        // Whoever asks may always name the request.
        Trust::Link | Trust::Ignore => Remote { request_id: remote.request_id, ..Remote::default() },
    };
    (from.into(), foreign)
}

/// Copies what span and line need; a request that is not recorded is spared what only its span would show.
fn facts<B>(request: &Request<B>, known: &Known<'_>, recorded: bool) -> Http {
    let (uri, method) = (request.uri(), request.method());
    let scheme = Scheme::of(uri);
    let (sent, version) = (unknown_method(method), request.version().into());
    if !recorded {
        return Http::new(
            method.into(),
            scheme,
            version,
            [uri.path().as_bytes(), b"", b"", b"", sent.as_bytes()],
        );
    }
    let (host, port) = match uri.authority() {
        Some(authority) => (authority.host().as_bytes(), authority.port_u16()),
        None => (bytes(known.host), None),
    };
    let query = uri.query().unwrap_or_default();
    let pieces = [uri.path().as_bytes(), query.as_bytes(), host, bytes(known.user_agent), sent.as_bytes()];
    let mut http = Http::new(method.into(), scheme, version, pieces);
    http.port = port;
    http.host_as_sent = uri.authority().is_none();
    http.peer = route::peer(request.extensions());
    http
}

fn bytes(value: Option<&HeaderValue>) -> &[u8] {
    value.map_or(b"", HeaderValue::as_bytes)
}

fn text(value: Option<&HeaderValue>) -> &str {
    std::str::from_utf8(bytes(value)).unwrap_or_default()
}

fn is_grpc(version: Version, headers: &HeaderMap) -> bool {
    version == Version::HTTP_2 && text(headers.get(CONTENT_TYPE)).starts_with("application/grpc")
}

/// When a gRPC caller gives up: `grpc-timeout` is up to eight digits and a unit.
fn deadline(headers: &HeaderMap, start: Moment) -> Option<Moment> {
    let timeout = text(headers.get("grpc-timeout"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_callers_patience_is_digits_and_a_unit() {
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
    fn grpc_is_told_by_version_and_content_type() {
        let mut headers = HeaderMap::new();
        assert!(!is_grpc(Version::HTTP_2, &headers));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc+proto"));
        assert!(is_grpc(Version::HTTP_2, &headers));
        assert!(!is_grpc(Version::HTTP_11, &headers));
    }
}
