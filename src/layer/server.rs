//! Owns the begin of a request that we serve: what is read from it, and whose trace it joins.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Uri, Version};

use super::options::{Options, Side, Trust};
use super::route;
use super::twice::is_observed;
use crate::clock::Moment;
use crate::context::{RequestId, TraceContext};
use crate::hop::{Core, Observation};
use crate::propagation::{Known, Remote};
use crate::scope::{Hop, Http, Kind, RouteCell, Scheme, Subject, unknown_method};

/// Begins the hop of a request; `None` if an outer layer did.
pub(super) fn begin<B>(core: &'static Core, options: &Options, request: &Request<B>) -> Option<Observation> {
    if is_observed(Kind::Server, request) {
        return None;
    }
    let start = Moment::now();
    let known = Known::of(request.headers());
    let remote = core.propagators.read_headers(&known, request.headers());
    let mut hop = joined(core, options.trust, remote, start, |trace| {
        let recorded = trace.flags.is_sampled() && core.spans.is_on();
        facts(request, &known, recorded)
    });
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

/// The request id's header for the response.
pub(super) fn echo(side: Side, observation: &Observation) -> Option<HeaderValue> {
    if side == Side::Client {
        return None;
    }
    observation.hop()?.request_id.as_ref().map(RequestId::to_header_value)
}

/// The hop's place in a trace, by what came in and how far it is trusted.
fn joined(
    core: &Core,
    trust: Trust,
    remote: Remote,
    start: Moment,
    facts: impl FnOnce(TraceContext) -> Http,
) -> Hop {
    // Whoever asks may always name the request.
    let only_named = |remote: Remote| Remote { request_id: remote.request_id, ..Remote::default() };
    let (from, foreign) = match trust {
        Trust::Continue => (remote, None),
        Trust::Link => {
            let foreign = remote.trace;
            (only_named(remote), foreign)
        }
        Trust::Ignore => (only_named(remote), None),
    };
    let mut hop = core.hop(from.into(), Kind::Server, start, |trace| Subject::Http(facts(trace)));
    hop.links.extend(foreign);
    if core.propagators.request_id && hop.request_id.is_none() {
        hop.request_id = Some(RequestId::make(start.unix_nanos() / 1_000_000));
    }
    hop
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
    let (host, port) = destination(uri, known.host).unwrap_or_default();
    let agent = known.user_agent.map_or(&b""[..], HeaderValue::as_bytes);
    let query = uri.query().unwrap_or_default();
    let pieces = [uri.path().as_bytes(), query.as_bytes(), host, agent, sent.as_bytes()];
    let mut http = Http::new(method.into(), scheme, version, pieces);
    http.port = port;
    http.peer = route::peer(request.extensions());
    http
}

/// Host and port as the client asked for them: `:authority`, else `Host`.
pub(super) fn destination<'a>(
    uri: &'a Uri,
    host: Option<&'a HeaderValue>,
) -> Option<(&'a [u8], Option<u16>)> {
    if let Some(authority) = uri.authority() {
        return Some((authority.host().as_bytes(), authority.port_u16()));
    }
    let host = host?.as_bytes();
    // A `Host` that is none is shown to nobody: it is the client's to invent.
    if host.is_empty() || !host.iter().all(|byte| HOST_BYTES[usize::from(*byte)]) {
        return None;
    }
    // A port is short; what ends in a bracket is an address of version 6 without one.
    match host.iter().rposition(|byte| matches!(byte, b':' | b']')) {
        Some(at) if host[at] == b':' => Some((host.get(..at)?, text_of(host.get(at + 1..)?).parse().ok())),
        _ => Some((host, None)),
    }
}

/// What a host and its port are written with (RFC 3986, 3.2.2, without escapes).
const HOST_BYTES: [bool; 256] = {
    let (mut allowed, mut byte) = ([false; 256], 0);
    while byte < 128 {
        let letter = byte as u8;
        allowed[byte] = letter.is_ascii_alphanumeric()
            || matches!(letter, b'.' | b'-' | b'_' | b'~' | b':' | b'[' | b']');
        byte += 1;
    }
    allowed
};

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.map_or("", |value| text_of(value.as_bytes()))
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

    fn asked(uri: &str, host: &str) -> Option<(String, Option<u16>)> {
        let uri: Uri = uri.parse().expect("a uri");
        let host = HeaderValue::from_str(host).ok().filter(|host| !host.is_empty());
        destination(&uri, host.as_ref()).map(|(host, port)| (text_of(host).to_owned(), port))
    }

    #[test]
    fn the_destination_is_the_authority_or_the_host_header() {
        assert_eq!(asked("http://a.example:81/x", "b"), Some(("a.example".into(), Some(81))));
        assert_eq!(asked("/x", "b.example:8080"), Some(("b.example".into(), Some(8080))));
        assert_eq!(asked("/x", "b.example"), Some(("b.example".into(), None)));
        assert_eq!(asked("/x", "[::1]:80"), Some(("[::1]".into(), Some(80))));
        assert_eq!(asked("/x", "[::1]"), Some(("[::1]".into(), None)));
        assert_eq!(asked("/x", ""), None);
        assert_eq!(asked("/x", "no host<at all"), None);
    }

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
