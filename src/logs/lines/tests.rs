//! The proof of what stands on the lines of finished hops and on our own.

use std::sync::Arc;

use super::*;
use crate::clock::Moment;
use crate::context::{Flags, RequestId, SpanId, TraceContext, TraceId};
use crate::current::enter_hop;
use crate::logs::panic::fatal;
use crate::names::attribute;
use crate::record::{ErrorType, Http, HttpVersion, Kind, Method, Outcome, Route, Scheme, Subject, Work};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn lines(logs: Logs) -> (Lines, MemoryLines) {
    let mut resource = Resource::default();
    resource.set(attribute::SERVICE_NAME, "book\"ings");
    resource.set(attribute::SERVICE_VERSION, "1.2.3");
    resource.set(attribute::SERVICE_INSTANCE_ID, "i-1");
    Lines::in_memory_of(&logs, &resource)
}

fn a_hop(kind: Kind, subject: Subject) -> Hop {
    let trace_id = TraceId::new(u128::from_str_radix(TRACE, 16).expect("hex")).expect("not zero");
    let trace =
        TraceContext { trace_id, span_id: SpanId::new(0xab).expect("not zero"), flags: Flags::SAMPLED };
    Hop::new(trace, kind, Moment::now(), subject)
}

fn request(kind: Kind) -> Arc<Hop> {
    let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
    http.set([b"/users/7", b"", b"payments", b"", b""]);
    http.port = Some(8080);
    let mut hop = a_hop(kind, Subject::Http(http));
    hop.request_id = RequestId::parse(b"r-1");
    Arc::new(hop)
}

fn ended(hop: &Hop, outcome: Outcome, status: Option<u16>) -> End {
    End {
        outcome,
        error_type: ErrorType::None,
        status,
        rpc: None,
        at: hop.start.after_nanos(12_345_678),
        first_byte: status.map(|_| hop.start.after_nanos(1_000_000)),
        response_bytes: 46,
    }
}

fn line_of(hop: &Arc<Hop>, outcome: Outcome, status: Option<u16>) -> Option<serde_json::Value> {
    let (lines, seen) = lines(Logs::new().json());
    lines.hop(hop, &ended(hop, outcome, status));
    let written = seen.all();
    assert!(written.len() <= 1);
    written.first().map(|line| serde_json::from_str(line).expect("JSON"))
}

#[test]
fn the_requests_line_has_every_key_of_the_contract_and_no_other() {
    let hop = request(Kind::Server);
    hop.route.set(Route::of("/users/{id}")).expect("not set");
    let mut line = line_of(&hop, Outcome::Ok, Some(200)).expect("a line");
    let members = line.as_object_mut().expect("an object");
    let timestamp = members.remove("timestamp").expect("always");
    assert_eq!(timestamp.as_str().map(str::len), Some("2026-11-21T11:47:38.123456Z".len()));
    let request_id = members.remove("request_id");
    assert_eq!(request_id.as_ref().and_then(|id| id.as_str()), hop.request_id.as_ref().map(|id| id.as_str()));
    let expected = serde_json::json!({
        "level": "INFO", "service": "book\"ings", "target": "tower_observability::request",
        "message": "GET /users/{id} 200", "trace_id": TRACE, "span_id": "00000000000000ab",
        "trace_flags": "01", "method": "GET", "path": "/users/7", "route": "/users/{id}", "status": 200,
        "duration_ms": 12.345, "ttfb_ms": 1.0, "outcome": "ok", "response_bytes": 46,
        "version": "1.2.3", "instance": "i-1",
    });
    assert_eq!(line, expected);
}

#[test]
fn level_and_message_follow_from_the_outcome() {
    let said = |outcome, status| {
        let line = line_of(&request(Kind::Server), outcome, status).expect("a line");
        format!("{} {}", line["level"].as_str().expect("text"), line["message"].as_str().expect("text"))
    };
    assert_eq!(said(Outcome::ClientError, Some(404)), "INFO GET /users/7 404");
    assert_eq!(said(Outcome::Upgraded, Some(101)), "INFO GET /users/7 101");
    assert_eq!(said(Outcome::ServerError, Some(500)), "ERROR GET /users/7 500");
    assert_eq!(said(Outcome::ServerError, None), "ERROR GET /users/7 server_error");
    assert_eq!(said(Outcome::Panic, None), "ERROR GET /users/7 panic");
    assert_eq!(said(Outcome::BodyError, Some(200)), "ERROR GET /users/7 200 body_error");
    assert_eq!(said(Outcome::Timeout, Some(504)), "WARN GET /users/7 504");
    assert_eq!(said(Outcome::Cancelled, None), "WARN GET /users/7 cancelled");
}

#[test]
fn a_call_has_a_line_only_if_it_did_not_end_well() {
    let hop = request(Kind::Client);
    assert_eq!(line_of(&hop, Outcome::Ok, Some(200)), None);
    let line = line_of(&request(Kind::Client), Outcome::ServerError, Some(503)).expect("a line");
    assert_eq!(line["target"], "tower_observability::client");
    assert_eq!((&line["server_address"], &line["server_port"]), (&"payments".into(), &8080.into()));
    assert!(line.get("response_bytes").is_none());
    assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"GET payments:8080/users/7 503".into()));
}

#[test]
fn a_call_whose_body_failed_after_its_head_has_a_line() {
    let (lines, seen) = lines(Logs::new().json());
    lines.body_failed(&request(Kind::Client), Some(&["no end".into(), "connection reset".into()]));
    let line: serde_json::Value = serde_json::from_str(&seen.all()[0]).expect("JSON");
    assert_eq!(line["message"], "GET payments:8080/users/7 response body failed");
    assert_eq!(line["error"], "no end: connection reset");
    assert_eq!((&line["level"], &line["trace_id"]), (&"WARN".into(), &TRACE.into()));
}

#[test]
fn work_that_is_not_http_has_a_line_too() {
    let work = Work { name: "process booking".into(), system: None, destination: None, ..Work::default() };
    let line =
        line_of(&Arc::new(a_hop(Kind::Consumer, Subject::Work(work))), Outcome::Ok, None).expect("a line");
    assert_eq!(
        (&line["message"], &line["target"]),
        (&"process booking ok".into(), &"tower_observability::work".into())
    );
    assert!(line.get("method").is_none() && line.get("response_bytes").is_none());
    assert_eq!(line["work_name"], "process booking");
}

#[test]
fn what_the_user_said_of_the_request_is_on_its_line_only() {
    let hop = request(Kind::Server);
    hop.add("customer_id", &Value::from(4711));
    hop.add("status", "gold");
    hop.add("error", "the user's");
    hop.notes().get_or_insert_default().error = Some(vec!["outer".into(), "root".into()]);
    let line = line_of(&hop, Outcome::Ok, Some(200)).expect("a line");
    assert_eq!(
        (&line["customer_id"], &line["status"], &line["field_status"]),
        (&4711.into(), &200.into(), &"gold".into())
    );
    assert_eq!((&line["error"], &line["error_chain"]), (&"outer".into(), &"outer: root".into()));
    assert_eq!(line["field_error"], "the user's");
    let (lines, seen) = lines(Logs::new().json());
    lines.body_failed(&hop, None);
    assert!(!seen.all()[0].contains("customer_id"));
}

#[test]
fn a_requests_line_says_who_asked_only_if_that_is_wanted() {
    let asked = |names_client: bool| {
        let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
        http.set([b"/users/7", b"", b"", b"curl/8 \"x\"", b""]);
        http.peer = Some("[::ffff:10.0.0.9]:5123".parse().expect("an address"));
        http.names_client = names_client;
        let hop = Arc::new(a_hop(Kind::Server, Subject::Http(http)));
        let (lines, seen) = lines(Logs::new().json());
        lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
        serde_json::from_str::<serde_json::Value>(&seen.all()[0]).expect("JSON")
    };
    let line = asked(true);
    assert_eq!((&line["client_address"], &line["user_agent"]), (&"10.0.0.9".into(), &"curl/8 \"x\"".into()));
    let line = asked(false);
    assert!(line.get("client_address").is_none() && line.get("user_agent").is_none(), "{line}");
}

#[test]
fn the_requests_line_obeys_the_level_of_its_target() {
    let (lines, seen) = lines(Logs::new().json().level("info,tower_observability::request=warn"));
    let hop = request(Kind::Server);
    lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
    lines.hop(&hop, &ended(&hop, Outcome::ServerError, Some(500)));
    assert_eq!(seen.all().len(), 1);
}

#[test]
fn what_we_say_of_ourselves_obeys_its_own_level_and_not_the_services() {
    let mut logs = Logs::new().json().level("off");
    let own = Logs::VARIABLES.iter().find(|row| row.name == "OTEL_LOG_LEVEL").expect("a row");
    (own.set)(&mut logs, "warn").expect("a level");
    let (lines, seen) = lines(logs);
    lines.say(Level::INFO, "tower_observability", "started", &[]);
    lines.say(Level::WARN, "tower_observability", "spans are lost", &[("lost", Value::from(3))]);
    let written = seen.all();
    assert_eq!(written.len(), 1);
    let line: serde_json::Value = serde_json::from_str(&written[0]).expect("JSON");
    assert_eq!((&line["message"], &line["lost"]), (&"spans are lost".into(), &3.into()));
}

#[test]
fn a_panics_line_is_fatal_and_stands_in_the_request() {
    let (lines, seen) = lines(Logs::new().json());
    let hop = request(Kind::Server);
    let _entered = enter_hop(&hop);
    lines.fatal(fatal("index out of range", "worker", Some(("src/app.rs", 7)), Some("0: main")));
    let line: serde_json::Value = serde_json::from_str(&seen.all()[0]).expect("JSON");
    assert_eq!(
        (&line["level"], &line["trace_id"], &line["path"]),
        (&"FATAL".into(), &TRACE.into(), &"/users/7".into())
    );
    assert_eq!(
        (&line["file"], &line["line"], &line["thread"]),
        (&"src/app.rs".into(), &7.into(), &"worker".into())
    );
    assert_eq!(line["backtrace"], "0: main");
}

#[test]
fn a_path_that_is_too_long_is_cut_and_counted() {
    let path = "x".repeat(300 * 1024);
    let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
    http.set([path.as_bytes(), b"", b"", b"", b""]);
    let hop = Arc::new(a_hop(Kind::Server, Subject::Http(http)));
    let (lines, seen) = lines(Logs::new().json());
    lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
    assert!(seen.all()[0].len() < 256 * 1024);
    serde_json::from_str::<serde_json::Value>(&seen.all()[0]).expect("JSON");
    assert_eq!((lines.shortened(), lines.report().delivered), (1, 1));
}

#[test]
fn a_person_reads_one_line_with_a_trace_id_to_paste() {
    let (lines, seen) = lines(Logs::new().pretty());
    let hop = request(Kind::Server);
    hop.add("customer", "Ada L");
    lines.hop(&hop, &ended(&hop, Outcome::Ok, Some(200)));
    let line = seen.all().remove(0);
    assert_eq!(
        line.get(13..),
        Some(
            " INFO request: GET /users/7 200 12.3ms 46B customer=\"Ada L\" trace=4bf92f3577b34da6a3ce929d0e0e4736"
        )
    );
}
