//! The proof that a hop's span is what the semantic conventions 1.44 say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::clock::Moment;
use crate::context::{Flags, RequestId, SpanId, TraceContext, TraceId};
use crate::record::{ErrorType, HttpVersion, Outcome, Route, Scheme, Value, Work};
use crate::traces::Finished;
use crate::traces::finished::Collect;

fn here() -> TraceContext {
    TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::SAMPLED }
}

fn request(method: Method, pieces: &[(Piece, &str)]) -> Http {
    let mut texts: [&[u8]; 5] = [b""; 5];
    for (piece, text) in pieces {
        texts[*piece as usize] = text.as_bytes();
    }
    let mut http = Http::new(method, Scheme::Http, HttpVersion::V11);
    http.set(texts);
    http
}

fn hop(kind: Kind, http: Http) -> Hop {
    Hop::new(here(), kind, Moment::now(), Subject::Http(http))
}

fn end(outcome: Outcome, error_type: ErrorType, status: Option<u16>) -> End {
    End { outcome, error_type, status, rpc: None, at: Moment::now(), first_byte: None, response_bytes: 0 }
}

fn of_hop(hop: &Hop) -> Option<Finished> {
    let mut collect = Collect::default();
    assert_eq!(write(hop, &Limits::default(), &mut collect), collect.0.is_some());
    collect.0
}

fn ended(hop: &Hop, end: End) -> Finished {
    hop.finish(|_| end);
    of_hop(hop).unwrap()
}

fn ok(hop: &Hop) -> Finished {
    ended(hop, end(Outcome::Ok, ErrorType::None, Some(200)))
}

/// The attributes as text, each name once.
fn texts(span: &Finished) -> BTreeMap<&str, String> {
    let text = |value: &Value| match value {
        Value::Str(text) => text.to_string(),
        Value::I64(value) => value.to_string(),
        Value::U64(value) => value.to_string(),
        other => format!("{other:?}"),
    };
    let texts: BTreeMap<_, _> = span.attributes.iter().map(|(name, value)| (&**name, text(value))).collect();
    assert_eq!(texts.len(), span.attributes.len(), "a name twice: {:?}", span.attributes);
    texts
}

#[test]
fn a_request_served_says_all_that_the_conventions_ask_for() {
    let mut http = request(
        Method::Get,
        &[
            (Piece::Path, "/users/7"),
            (Piece::Query, "full=1&token=s3cr3t"),
            (Piece::Host, "api.example"),
            (Piece::UserAgent, "curl/8"),
        ],
    );
    http.port = Some(8080);
    http.peer = Some("10.0.0.9:5123".parse().unwrap());
    let mut hop = hop(Kind::Server, http);
    hop.route.set(Route::of("/users/{id}")).unwrap();
    hop.request_id = RequestId::parse(b"r-1");
    let span =
        ended(&hop, End { first_byte: Some(hop.start), ..end(Outcome::Ok, ErrorType::None, Some(200)) });
    assert_eq!((&*span.name, span.kind, &span.status), ("GET /users/{id}", Kind::Server, &Status::Unset));
    let expected = BTreeMap::from([
        ("client.address", "10.0.0.9"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/users/{id}"),
        ("network.peer.address", "10.0.0.9"),
        ("network.peer.port", "5123"),
        ("network.protocol.version", "1.1"),
        ("observability.outcome", "ok"),
        ("observability.request_id", "r-1"),
        ("observability.ttfb_ms", "F64(0.0)"),
        ("server.address", "api.example"),
        ("server.port", "8080"),
        ("url.path", "/users/7"),
        ("url.query", "full=REDACTED&token=REDACTED"),
        ("url.scheme", "http"),
        ("user_agent.original", "curl/8"),
    ]);
    assert_eq!(texts(&span), expected.into_iter().map(|(name, text)| (name, text.to_owned())).collect());
}

#[test]
fn a_request_served_with_nothing_known_says_only_what_is_required() {
    let span = ok(&hop(Kind::Server, request(Method::Post, &[(Piece::Path, "/")])));
    assert_eq!(span.name, "POST");
    let names: Vec<_> = texts(&span).into_keys().collect();
    assert_eq!(
        names,
        [
            "http.request.method",
            "http.response.status_code",
            "network.protocol.version",
            "observability.outcome",
            "url.path",
            "url.scheme",
        ]
    );
}

#[test]
fn an_unknown_method_is_named_http_and_kept_as_it_was() {
    let http = request(Method::Other, &[(Piece::Path, "/"), (Piece::Method, "BREW")]);
    let hop = hop(Kind::Server, http);
    hop.route.set(Route::of("/pot")).unwrap();
    let span = ok(&hop);
    assert_eq!(span.name, "HTTP /pot");
    assert_eq!(texts(&span)["http.request.method"], "_OTHER");
    assert_eq!(texts(&span)["http.request.method_original"], "BREW");
}

#[test]
fn a_call_says_where_it_went_without_credentials_and_query_values() {
    let pieces = [(Piece::Path, "/pay"), (Piece::Query, "sig=abc"), (Piece::Host, "me:pw@pay.example")];
    let span = ok(&hop(Kind::Client, request(Method::Post, &pieces)));
    assert_eq!((&*span.name, span.kind), ("POST", Kind::Client));
    let texts = texts(&span);
    assert_eq!(texts["server.address"], "pay.example");
    assert_eq!(texts["server.port"], "80");
    assert_eq!(texts["url.full"], "http://pay.example/pay?sig=REDACTED");
    assert!(!texts.contains_key("url.path") && !texts.contains_key("url.query"));

    let mut http = request(Method::Get, &[(Piece::Path, "/"), (Piece::Host, "[::1]")]);
    http.port = Some(8443);
    http.scheme = Scheme::Https;
    let span = ok(&hop(Kind::Client, http));
    assert_eq!(self::texts(&span)["server.address"], "::1");
    assert_eq!(self::texts(&span)["url.full"], "https://[::1]:8443/");
}

#[test]
fn a_span_failed_if_the_hop_says_of_what_and_only_then() {
    use ErrorType as E;
    use Outcome as O;
    let table = [
        (Kind::Server, O::Ok, E::None, Some(200), None),
        (Kind::Server, O::Upgraded, E::None, Some(101), None),
        (Kind::Server, O::ClientError, E::None, Some(404), None),
        (Kind::Server, O::ServerError, E::Status(500), Some(500), Some("500")),
        (Kind::Server, O::Timeout, E::Status(504), Some(504), Some("504")),
        (Kind::Server, O::Panic, E::Word("panic"), None, Some("panic")),
        (Kind::Server, O::BodyError, E::Word("body_error"), Some(200), Some("body_error")),
        (Kind::Server, O::Cancelled, E::Word("cancelled"), None, Some("cancelled")),
        (Kind::Client, O::ClientError, E::Status(404), Some(404), Some("404")),
        (Kind::Client, O::ServerError, E::Word("connect"), None, Some("connect")),
        (Kind::Client, O::Cancelled, E::None, None, None),
        (Kind::Consumer, O::ServerError, E::Word("server_error"), None, Some("server_error")),
    ];
    for (kind, outcome, error, status, expected) in table {
        let span = ended(&hop(kind, request(Method::Get, &[])), end(outcome, error, status));
        let mut texts = texts(&span);
        assert_eq!(texts.remove("error.type").as_deref(), expected, "{kind:?} {outcome} {error:?}");
        assert_eq!(texts["observability.outcome"], outcome.as_str());
        assert_eq!(texts.remove("http.response.status_code"), status.map(|status| status.to_string()));
        let failed = if expected.is_some() { Status::Error("".into()) } else { Status::Unset };
        assert_eq!(span.status, failed, "{kind:?} {outcome} {error:?}");
    }
}

#[test]
fn what_the_handler_said_is_on_the_span() {
    let hop = hop(Kind::Server, request(Method::Get, &[]));
    hop.add("customer_id", &Value::from(4711));
    hop.add("field_url.path", "mine too");
    hop.add("url.path", "moved twice");
    hop.add("", "without a name");
    hop.add("http.request.method", "mine");
    hop.notes().as_mut().unwrap().error =
        Some(vec!["no seats".into(), "row locked".into(), "timeout".into()]);
    let span = ended(&hop, end(Outcome::ServerError, ErrorType::Status(500), Some(500)));
    let texts = texts(&span);
    assert_eq!(texts["customer_id"], "4711");
    assert_eq!((&*texts["http.request.method"], &*texts["field_http.request.method"]), ("GET", "mine"));
    assert_eq!((&*texts["field_url.path"], &*texts["field_field_url.path"]), ("mine too", "moved twice"));
    assert_eq!(texts["field_"], "without a name");
    assert_eq!(texts["exception.message"], "no seats");
    assert_eq!(texts["exception.stacktrace"], "no seats\ncaused by: row locked\ncaused by: timeout");
    assert_eq!(span.status, Status::Error("no seats".into()));
}

#[test]
fn an_error_that_was_handled_is_no_failure() {
    let hop = hop(Kind::Server, request(Method::Get, &[]));
    hop.notes().get_or_insert_default().error = Some(vec!["retried".into()]);
    let span = ok(&hop);
    assert_eq!((span.status.clone(), &*texts(&span)["exception.message"]), (Status::Unset, "retried"));
}

#[test]
fn a_hops_place_in_the_trace_is_the_spans() {
    let mut hop = hop(Kind::Server, request(Method::Get, &[]));
    hop.parent = Some(SpanId::random());
    hop.parent_is_remote = true;
    hop.links.push(here());
    let span = ok(&hop);
    assert_eq!((span.trace, span.parent, span.parent_is_remote), (hop.trace, hop.parent, true));
    assert_eq!((span.links.clone(), span.links_dropped), (hop.links.clone(), 0));
    assert!(span.end.since(span.start) < Duration::from_secs(10));
}

#[test]
fn a_message_is_described_by_the_messaging_conventions() {
    let work = |system: Option<&'static str>| Work {
        name: "process booking".into(),
        system: system.map(Cow::Borrowed),
        destination: Some("bookings".into()),
        ..Work::default()
    };
    for (kind, operation) in [(Kind::Consumer, "process"), (Kind::Producer, "send")] {
        let hop = Hop::new(here(), kind, Moment::now(), Subject::Work(work(Some("kafka"))));
        let span = ended(&hop, end(Outcome::Ok, ErrorType::None, None));
        assert_eq!((&*span.name, span.kind), ("process booking", kind));
        let texts = texts(&span);
        assert_eq!(texts["messaging.system"], "kafka");
        assert_eq!(texts["messaging.destination.name"], "bookings");
        assert_eq!(texts["messaging.operation.name"], operation);
        assert_eq!(texts["messaging.operation.type"], operation);
        assert!(!texts.contains_key("http.response.status_code"));
    }
    let job = Hop::new(here(), Kind::Internal, Moment::now(), Subject::Work(work(None)));
    let span = ended(&job, end(Outcome::Ok, ErrorType::None, None));
    assert!(!texts(&span).contains_key("messaging.operation.name"));
}

#[test]
fn a_hop_that_runs_is_no_span_yet() {
    assert!(of_hop(&hop(Kind::Server, request(Method::Get, &[]))).is_none());
}

#[test]
fn fields_beyond_the_limit_are_counted_with_those_dropped_before() {
    let hop = hop(Kind::Server, request(Method::Get, &[]));
    for number in 0..140 {
        hop.add(&format!("field{number}"), &Value::from(number));
    }
    let span = ok(&hop);
    assert_eq!(span.attributes.len(), 128);
    // Six are ours; of the fields, twelve never reached the hop.
    assert_eq!(span.attributes.len() as u32 + span.attributes_dropped, 140 + 6);
}
