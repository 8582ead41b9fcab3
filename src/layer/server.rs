//! Owns the begin of a request that we serve: what is read from it, and whose trace it joins.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Version};

use super::options::{Options, Trust};
use super::route;
use super::twice::is_observed;
use crate::clock::Moment;
use crate::context::{RequestId, TraceContext};
use crate::hop::{Core, Observation};
use crate::propagation::{Known, Remote};
use crate::scope::{Http, Kind, RouteCell, Subject, split_authority};

/// Begins the hop of a request; `None` if an outer layer did.
pub(super) fn begin<B>(core: &'static Core, options: &Options, request: &Request<B>) -> Option<Observation> {
    if is_observed(Kind::Server, request) {
        return None;
    }
    let start = Moment::now();
    let known = Known::of(request.headers());
    let mut remote = core.propagators.read_headers(&known, request.headers());
    let foreign = distrust(options.trust, &mut remote);
    let hop = core.hop(remote.into(), Kind::Server, start, |hop| {
        hop.links.extend(foreign);
        if core.propagators.request_id && hop.request_id.is_none() {
            hop.request_id = Some(RequestId::make(start.unix_nanos() / 1_000_000));
        }
        hop.route = RouteCell::new(route::matched(request.extensions()));
        let recorded = hop.trace.flags.is_sampled() && core.spans.is_on();
        if let Subject::Http(http) = &mut hop.subject {
            http.begin(request);
            describe(http, request, &known, recorded);
        }
        if let Some(choices) = &options.choices {
            choices.begin(hop, request.headers());
        }
    });
    let mut observation = Observation::begin(core, hop);
    observation.tells_trace = options.server_timing;
    observation.quiet = options.health_paths.contains(request.uri().path());
    if is_grpc(request.version(), request.headers()) {
        observation.grpc = true;
        observation.deadline = deadline(request.headers(), start);
    }
    if let Some(make) = &options.request_span {
        observation.open_span(&**make);
    }
    Some(observation)
}

/// Takes away what of a stranger's context the hop does not continue; returns what it links to instead.
#[inline]
fn distrust(trust: Trust, remote: &mut Remote) -> Option<TraceContext> {
    if trust == Trust::Continue {
        return None;
    }
    // Nobody has the ids of a caller who only said "do not sample" (B3).
    let foreign = remote.trace.filter(|trace| trust == Trust::Link && !trace.flags.is_invented());
    // Whoever asks may always name the request.
    *remote = Remote { request_id: remote.request_id.take(), ..Remote::default() };
    foreign
}

/// Copies what span and line need; a request that is not recorded is spared what only its span would show.
fn describe<B>(http: &mut Http, request: &Request<B>, known: &Known<'_>, recorded: bool) {
    let uri = request.uri();
    let (path, sent) = (uri.path().as_bytes(), http.unknown_method(request.method()).as_bytes());
    if !recorded {
        return http.set([path, b"", b"", b"", sent]);
    }
    let host = match uri.authority() {
        Some(authority) => {
            let (host, port) = split_authority(authority.as_str());
            http.port = port;
            host.as_bytes()
        }
        None => {
            http.host_as_sent = true;
            bytes(known.host)
        }
    };
    let query = uri.query().unwrap_or_default().as_bytes();
    http.set([path, query, host, bytes(known.user_agent), sent]);
    http.peer = route::peer(request.extensions());
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
