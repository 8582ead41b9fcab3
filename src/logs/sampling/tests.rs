//! The proof of which finished hops have a line, and that none is left out uncounted.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId, Tracestate};
use crate::logs::{Lines, Logs};
use crate::record::{End, ErrorType, Hop, Kind, Outcome, Subject, Work};
use crate::resource::Resource;

fn a_hop(trace_id: TraceId) -> Hop {
    let trace = TraceContext { trace_id, span_id: SpanId::random(), flags: Flags::RANDOM };
    let work = Work { name: "work".into(), system: None, destination: None, ..Work::default() };
    Hop::new(trace, Kind::Consumer, Moment::now(), Subject::Work(work))
}

/// How many lines these hops have, each ended like this.
fn written(logs: &Logs, hops: &[Arc<Hop>], outcome: Outcome, took: Duration) -> Vec<String> {
    let (lines, seen) = Lines::in_memory_of(logs, &Resource::default());
    for hop in hops {
        let at = hop.start.after_nanos(took.as_nanos() as u64);
        let end = End {
            outcome,
            rpc: None,
            error_type: ErrorType::None,
            status: None,
            at,
            first_byte: None,
            response_bytes: 0,
        };
        lines.hop(hop, &end);
    }
    let report = lines.report();
    assert_eq!((report.created, report.queued()), (hops.len() as u64, 0), "{report}");
    assert_eq!(report.delivered + report.left_out_total(), hops.len() as u64, "{report}");
    seen.all()
}

fn trace_of(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    line["trace_id"].as_str().expect("text").to_owned()
}

fn hops(count: usize) -> Vec<Arc<Hop>> {
    (0..count).map(|_| Arc::new(a_hop(TraceId::random()))).collect()
}

const FAST: Duration = Duration::from_millis(3);

#[test]
fn of_ok_lines_the_share_is_kept_and_every_service_keeps_the_same_traces() {
    let hops = hops(4_000);
    let quarter = Logs::new().json().sample_ok(0.25);
    let [one, other] = ["one", "other"].map(|_| {
        written(&quarter, &hops, Outcome::Ok, FAST).iter().map(|line| trace_of(line)).collect::<Vec<_>>()
    });
    assert_eq!(one, other);
    // Ten standard deviations: 27 each.
    assert!((730..=1_270).contains(&one.len()), "{}", one.len());
    assert!(one.iter().all(|trace| trace[18..] >= *"c0000000000000"), "kept below the threshold");
    assert_eq!(written(&Logs::new().json().sample_ok(0.0), &hops, Outcome::Upgraded, FAST).len(), 0);
    assert_eq!(written(&Logs::new().json(), &hops, Outcome::Ok, FAST).len(), hops.len());
}

#[test]
fn what_did_not_end_well_was_slow_or_noted_an_error_always_has_its_line() {
    let none = Logs::new().json().sample_ok(0.0);
    let hops = hops(10);
    for outcome in [
        Outcome::ClientError,
        Outcome::ServerError,
        Outcome::Cancelled,
        Outcome::Timeout,
        Outcome::Panic,
        Outcome::BodyError,
    ] {
        assert_eq!(written(&none, &hops, outcome, FAST).len(), 10, "{outcome}");
    }
    let second = Duration::from_secs(1);
    assert_eq!(written(&none, &hops, Outcome::Ok, second).len(), 10);
    assert_eq!(written(&none, &hops, Outcome::Ok, second - FAST).len(), 0);
    assert_eq!(written(&none.clone().slow(FAST), &hops, Outcome::Ok, FAST).len(), 10);
    hops[0].notes().get_or_insert_default().error = Some(vec!["the cache is gone".to_owned()]);
    assert_eq!(written(&none, &hops, Outcome::Ok, FAST).len(), 1);
}

#[test]
fn explicit_randomness_decides_as_it_does_for_spans() {
    let mut hop = a_hop(TraceId::new(1).expect("not zero"));
    let few = Logs::new().json().sample_ok(0.01);
    assert_eq!(written(&few, &[Arc::new(a_hop(hop.trace.trace_id))], Outcome::Ok, FAST).len(), 0);
    hop.tracestate = Tracestate::parse([&b"ot=rv:ffffffffffffff"[..]]);
    assert_eq!(written(&few, &[Arc::new(hop)], Outcome::Ok, FAST).len(), 1);
}
