//! A hop in another language, with the official SDK, in the middle of the workshop.

mod front;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::jaeger::Trace;
use crate::support::systems::{JAEGER_OTLP, PYTHON};
use crate::support::workshop::{Answer, Line, SERVICES, Workshop, ask, order};
use front::Front;

/// Everyone but the gateway, which believes no caller's trace context.
const BEHIND_THE_EDGE: [&str; 7] =
    ["bookings", "customers", "vehicles", "inventory", "payments", "worker", "notifications"];

const CALLER: &str = "00f067aa0ba902b7";

/// The workshop with `bookings` in Python; all spans go to Jaeger.
fn workshop(variables: &[(&str, &str)]) -> Workshop {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/backends/foreign/bookings.py");
    let command = format!("{} {program}", PYTHON.value());
    let (endpoint, delay) = (JAEGER_OTLP.value(), "200");
    let mut all = vec![
        ("BOOKINGS_COMMAND", &*command),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
        ("OTEL_BSP_SCHEDULE_DELAY", delay),
    ];
    all.extend(variables);
    Workshop::start(&all)
}

/// Books at the service in Python itself.
fn book_in_python(workshop: &Workshop, customer_id: u64, headers: &[(&str, &str)]) -> Answer {
    let url = format!("{}/bookings", workshop.addresses("bookings").url);
    ask("POST", &url, headers, Some(&order(customer_id)))
}

fn fresh_trace_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn is_of(line: &Value, service: &str, trace_id: &str) -> bool {
    line["service"] == service && line["trace_id"] == trace_id
}

/// Each of these services' last word on a trace.
fn last_words<'a>(lines: &'a [Line], trace_id: &'a str) -> impl Fn(&str) -> Value + 'a {
    move |service| {
        let mut lines = lines.iter().rev().map(Line::json);
        lines.find(|line| is_of(line, service, trace_id)).unwrap_or_default()
    }
}

fn services_in(lines: &[Line], trace_id: &str) -> BTreeSet<String> {
    let lines = lines.iter().map(Line::json).filter(|line| line["trace_id"] == trace_id);
    lines.map(|line| line["service"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_trace_stays_whole_with_python_in_its_middle() {
    let workshop = workshop(&[]);
    let booking = workshop.book(4_711, &[]);
    assert_eq!(booking.answer.status, 201, "{:?}", booking.answer);
    for line in workshop.lines_of(&booking.trace_id) {
        assert_eq!(line.json()["trace_flags"], "03", "sampled and random, said on both sides: {}", line.text);
    }
    workshop.stop();

    let trace = Trace::whole(&booking.trace_id, &SERVICES, "").await;
    let python = trace.one("bookings", "server");
    assert_eq!(trace.parent_of(python).id, trace.one("gateway", "client").id);
    assert_eq!(trace.parent_of(trace.one("gateway", "client")).id, trace.one("gateway", "server").id);
    for (service, path) in [
        ("customers", "/customers/4711"),
        ("vehicles", "/vehicles/B-WS-11"),
        ("inventory", "/reservations"),
        ("payments", "/payments"),
    ] {
        let call = trace.parent_of(trace.one(service, "server"));
        assert_eq!((&*call.service, &*call.tag("span.kind")), ("bookings", "client"), "{service}");
        assert!(call.tag("url.full").ends_with(path), "{service}: {call:?}");
        assert_eq!(call.parent, python.id, "{service}");
    }
    let sent = trace.one("bookings", "producer");
    assert_eq!((&*sent.name, &*sent.parent), ("send bookings", &*python.id));
    assert_eq!(trace.one("worker", "consumer").parent, sent.id);
    assert_eq!(trace.parent_of(trace.one("notifications", "server")).service, "worker");
}

/// Which traces a sampler of one half keeps. Ours goes by the last 56 bits and keeps the high ones, as the standard
/// says by now; the SDK of Python by the last 64, and keeps the low ones, as all did before. A service that decided
/// for itself would contradict the other for every second trace.
fn is_kept_by_rust(trace_id: &str) -> bool {
    trace_id.as_bytes()[18] >= b'8'
}

fn is_kept_by_python(trace_id: &str) -> bool {
    trace_id.as_bytes()[16] < b'8'
}

#[tokio::test]
async fn a_trace_is_kept_by_all_services_or_by_none_whoever_begins_it() {
    let workshop =
        workshop(&[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
    let mut begun = Vec::new();
    for customer_id in 4_100..4_140 {
        let booking = workshop.book(customer_id, &[]);
        // Some fail on the way, since the payment provider does.
        if booking.answer.status == 201 {
            workshop.lines_of(&booking.trace_id);
        }
        begun.push((is_kept_by_rust(&booking.trace_id), "ot=th:8", booking.trace_id));
    }
    for customer_id in 4_200..4_220 {
        let status = book_in_python(&workshop, customer_id, &[]).status;
        let trace_id = workshop.lines_once("the customer's line", |lines| {
            let mut lines = lines.iter().map(Line::json);
            let line =
                lines.find(|line| line["service"] == "customers" && line["customer_id"] == customer_id)?;
            Some(line["trace_id"].as_str()?.to_owned())
        });
        if status == 200 {
            workshop.lines_of_these(&BEHIND_THE_EDGE, &trace_id);
        }
        begun.push((is_kept_by_python(&trace_id), "", trace_id));
    }
    let lines = workshop.stop();

    let (kept, not_kept): (Vec<_>, Vec<_>) = begun.iter().partition(|(is_kept, ..)| *is_kept);
    assert!(kept.len() > 10 && not_kept.len() > 10, "{begun:?}");
    let whole = kept.iter().filter(|(_, _, id)| services_in(&lines, id).len() >= 7).count();
    assert!(whole > 10, "not all of these fail: {whole}");
    for (_, tracestate, trace_id) in &kept {
        let took_part = services_in(&lines, trace_id);
        let took_part: Vec<&str> = took_part.iter().map(String::as_str).collect();
        let trace = Trace::whole(trace_id, &took_part, "").await;
        assert!(trace.0.iter().all(|span| span.tracestate() == *tracestate), "{trace:?}");
    }
    // All that was kept is there, so what is not there was not sent.
    for (_, _, trace_id) in &not_kept {
        let trace = Trace::so_far(trace_id).await;
        assert!(trace.0.is_empty(), "{trace:?}");
    }
    for (is_kept, _, trace_id) in &begun {
        let flags = if *is_kept { "03" } else { "02" };
        for line in lines.iter().map(Line::json).filter(|line| line["trace_id"] == **trace_id) {
            assert_eq!(line["trace_flags"], flags, "{line}");
        }
    }
}

#[tokio::test]
async fn what_a_caller_has_decided_holds_behind_python() {
    let workshop = workshop(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")]);
    let vendors = "fw529a3039@dt=FfAz;x:1,congo=t61rcWkgMzE,vendor=a-b_c*d/e";
    let begun = ["00", "01", "02", "03"].map(|flags| (flags, fresh_trace_id()));
    for (flags, trace_id) in &begun {
        let traceparent = format!("00-{trace_id}-{CALLER}-{flags}");
        let headers = [("traceparent", &*traceparent), ("tracestate", vendors)];
        assert_eq!(book_in_python(&workshop, 4_300, &headers).status, 200);
        for line in workshop.lines_of_these(&BEHIND_THE_EDGE, trace_id) {
            assert_eq!(line.json()["trace_flags"], **flags, "{}", line.text);
        }
    }
    workshop.stop();
    for (flags, trace_id) in begun.iter().filter(|(flags, _)| ["01", "03"].contains(flags)) {
        let trace = Trace::whole(trace_id, &BEHIND_THE_EDGE, CALLER).await;
        for span in &trace.0 {
            assert_eq!(span.tracestate(), vendors, "{flags}, {span:?}");
        }
    }
    for (flags, trace_id) in begun.iter().filter(|(flags, _)| ["00", "02"].contains(flags)) {
        let trace = Trace::so_far(trace_id).await;
        assert!(trace.0.is_empty(), "{flags}: {trace:?}");
    }
}

/// The SDK of Python does not look into `ot=`: it hands on what it got. We do look, and erase a threshold that the
/// sampled flag contradicts; what others wrote stays as it is.
#[tokio::test]
async fn of_the_tracestate_only_our_own_member_changes_behind_python() {
    let workshop = workshop(&[]);
    let trace_id = fresh_trace_id();
    let traceparent = format!("00-{trace_id}-{CALLER}-03");
    let (sent, corrected) =
        ("vendor=1,ot=th:8;rv:00000000000000,congo=2", "ot=rv:00000000000000,vendor=1,congo=2");
    let headers = [("traceparent", &*traceparent), ("tracestate", sent)];
    assert_eq!(book_in_python(&workshop, 4_301, &headers).status, 200);
    workshop.lines_of_these(&BEHIND_THE_EDGE, &trace_id);
    workshop.stop();
    let trace = Trace::whole(&trace_id, &BEHIND_THE_EDGE, CALLER).await;
    for span in &trace.0 {
        let expected = if span.service == "bookings" { sent } else { corrected };
        assert_eq!(span.tracestate(), expected, "{span:?}");
    }
}

#[tokio::test]
async fn from_rust_through_python_to_rust_goes_the_callers_tracestate() {
    let workshop = workshop(&[]);
    let front = Front::new(&workshop.addresses("bookings").url, []);
    let (trace_id, vendors) = (fresh_trace_id(), "vendor=1,congo=2");
    let traceparent = format!("00-{trace_id}-{CALLER}-01");
    front.book(4_400, &[("traceparent", &traceparent), ("tracestate", vendors)]).await;
    workshop.lines_of_these(&BEHIND_THE_EDGE, &trace_id);
    workshop.stop();
    let call = front.call();
    assert_eq!(call.trace.trace_id.to_string(), trace_id);
    let trace = Trace::whole(&trace_id, &BEHIND_THE_EDGE, &call.trace.span_id.to_string()).await;
    assert!(trace.0.iter().all(|span| span.tracestate() == vendors), "{trace:?}");
}

/// Sends this branch over Python; returns the trace's id.
async fn send_branch(workshop: &Workshop, front: &Front, customer_id: u64, branch: &str) -> String {
    let trace_id = fresh_trace_id();
    let traceparent = format!("00-{trace_id}-{CALLER}-01");
    front.book(customer_id, &[("traceparent", &traceparent), ("baggage", &format!("branch={branch}"))]).await;
    workshop.lines_of_these(&BEHIND_THE_EDGE, &trace_id);
    trace_id
}

/// Which services have seen which branch in the baggage?
fn branches_seen(lines: &[Line], trace_id: &str) -> Vec<(&'static str, String)> {
    // On its closing line, which need not be its last: two threads of a service may write in either order.
    let seen = ["bookings", "customers", "worker", "notifications"].map(|service| {
        let mut lines = lines.iter().map(Line::json).filter(|line| is_of(line, service, trace_id));
        let branch = |line: Value| {
            let branch = line["branch"].as_str().or(line["baggage"]["branch"].as_str());
            branch.map(str::to_owned)
        };
        lines.find_map(branch).map(|branch| (service, branch))
    });
    seen.into_iter().flatten().collect()
}

/// Our side sends it to listed hosts only, Python to everyone whom it calls, and in its messages.
#[tokio::test]
async fn baggage_arrives_where_it_is_allowed_and_nowhere_else() {
    let workshop = workshop(&[]);
    let python = &workshop.addresses("bookings").url;
    let allowed = send_branch(&workshop, &Front::new(python, ["127.0.0.1"]), 4_500, "D%C3%BCsseldorf").await;
    let not_allowed = send_branch(&workshop, &Front::new(python, []), 4_501, "Bonn").await;
    // The public edge takes nothing from strangers, neither baggage nor trace.
    let stranger = format!("00-{}-{CALLER}-01", fresh_trace_id());
    let headers = [("baggage", "branch=Bonn"), ("traceparent", &*stranger), ("tracestate", "vendor=1")];
    let booking = workshop.book(4_502, &headers);
    workshop.lines_of(&booking.trace_id);
    let lines = workshop.stop();

    // The worker's client lists no host: notifications gets none.
    let expected = ["bookings", "customers", "worker"].map(|service| (service, "Düsseldorf".to_owned()));
    assert_eq!(branches_seen(&lines, &allowed), expected);
    assert_eq!(branches_seen(&lines, &not_allowed), []);
    assert!(!stranger.contains(&booking.trace_id));
    assert!(!lines.iter().any(|line| line.text.contains("Bonn")), "{lines:#?}");
    let of_python = last_words(&lines, &booking.trace_id)("bookings");
    assert_eq!((&of_python["baggage"], &of_python["tracestate"]), (&serde_json::json!({}), &"".into()));
}
