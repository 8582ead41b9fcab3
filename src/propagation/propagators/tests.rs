//! The proof that what is written is what is read, in every format and on every carrier.

use std::collections::BTreeMap;

use super::*;
use crate::context::{Flags, SpanId, TraceId};
use crate::names::header::{REQUEST_ID, TRACEPARENT};
use crate::propagation::Carrier;
use crate::propagation::carrier::KEYS;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ALL: Propagators = Propagators::DEFAULT;
const NONE: Propagators =
    Propagators { list: [None; 5], tracecontext: false, baggage: false, others: false, request_id: false };

fn received(headers: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    map
}

fn shown(headers: &impl Carrier) -> Vec<String> {
    let names = KEYS.iter().chain(&formats::KEYS);
    let values: Vec<_> = names.map(|name| (name, headers.values_of(name))).collect();
    let present = values.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    present.map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
}

fn trace() -> TraceContext {
    let span_id = SpanId::new(0xab).expect("not zero");
    TraceContext { trace_id: TraceId::new(0xcd).expect("not zero"), span_id, flags: Flags::SAMPLED }
}

/// Writes onto headers and onto a map with the same content, and shows both.
fn written(
    propagators: Propagators,
    before: &[(&'static str, &str)],
    outgoing: OutgoingContext<'_>,
) -> Vec<String> {
    let mut headers = received(before);
    propagators.write_headers(&mut headers, outgoing);

    let mut carried = received(before);
    propagators.write(&mut carried, outgoing);
    assert_eq!(shown(&carried), shown(&headers), "headers as a carrier");

    let mut map: BTreeMap<_, _> =
        before.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    propagators.write(&mut map, outgoing);
    assert_eq!(shown(&map), shown(&headers), "a map as a carrier");
    shown(&headers)
}

fn listed(list: &str) -> Propagators {
    Propagators::from_list(list).expect(list)
}

fn read(propagators: Propagators, headers: &[(&'static str, &str)]) -> Remote {
    let headers = received(headers);
    let known = KnownHeaders::of(&headers);
    let request_id = propagators.read_request_id(&known);
    let remote = Remote { request_id, ..propagators.read_headers(&known, &headers) };
    assert_eq!(format!("{:?}", propagators.read(&headers)), format!("{remote:?}"), "headers as a carrier");
    remote
}

const FULL: [(&str, &str); 4] =
    [("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "k=v"), ("x-request-id", "id-1")];

#[test]
fn every_enabled_format_is_read_and_no_other() {
    let remote = read(ALL, &FULL);
    assert_eq!(remote.trace.map(|trace| trace.to_traceparent().to_vec()).as_deref(), Some(PARENT.as_bytes()));
    assert_eq!((remote.tracestate.as_str(), remote.baggage.get("k")), ("a=1", Some("v")));
    assert_eq!(remote.request_id.as_ref().map(RequestId::as_str), Some("id-1"));

    let remote = read(NONE, &FULL);
    assert!(remote.trace.is_none() && remote.tracestate.is_empty());
    assert!(remote.baggage.is_empty() && remote.request_id.is_none());
}

#[test]
fn what_may_come_once_is_absent_when_it_comes_twice() {
    let twice = [FULL, FULL].concat();
    let remote = read(ALL, &twice);
    assert!(remote.trace.is_none() && remote.tracestate.is_empty() && remote.request_id.is_none());
    assert_eq!(remote.baggage.get("k"), Some("v"));
}

#[test]
fn a_bad_tracestate_leaves_the_trace_and_a_bad_trace_no_tracestate() {
    let remote = read(ALL, &[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "A")]);
    assert!(remote.trace.is_some() && remote.tracestate.is_empty());
    let remote = read(ALL, &[("traceparent", "00-bad"), ("tracestate", "a=1")]);
    assert!(remote.trace.is_none() && remote.tracestate.is_empty());
}

#[test]
fn what_was_there_is_replaced() {
    let (list, baggage) = (Tracestate::default().with("b", "2"), Baggage::default().with("mine", "1"));
    let id = RequestId::parse(b"id-2").expect("valid");
    let outgoing = OutgoingContext {
        trace: Some(trace()),
        tracestate: &list,
        baggage: Some(&baggage),
        request_id: Some(&id),
    };
    let expected = [
        "traceparent: 00-000000000000000000000000000000cd-00000000000000ab-01",
        "tracestate: b=2",
        "baggage: mine=1",
        "x-request-id: id-2",
    ];
    assert_eq!(written(ALL, &FULL, outgoing), expected);
    assert_eq!(written(ALL, &[], outgoing), expected);
    assert!(written(NONE, &[], outgoing).is_empty());
    assert_eq!(written(NONE, &FULL, outgoing).len(), 4, "formats that are off pass through");
}

#[test]
fn the_value_of_an_id_of_any_length_is_made_once() {
    let (list, value) = (Tracestate::default(), |headers: &HeaderMap| headers[REQUEST_ID].clone());
    for length in [1, 36, 37, 128] {
        let id = RequestId::parse("x".repeat(length).as_bytes()).expect("an id");
        let request_id = Some(&id);
        let outgoing = OutgoingContext { trace: Some(trace()), tracestate: &list, baggage: None, request_id };
        let (mut first, mut second) = (HeaderMap::new(), HeaderMap::new());
        ALL.write_headers(&mut first, outgoing);
        ALL.write_headers(&mut second, outgoing);
        for value in [&first, &second].map(value) {
            assert_eq!(value, id.as_str());
            assert_eq!(value.as_bytes().as_ptr(), id.as_bytes().as_ptr(), "{length} bytes");
        }
        assert_eq!(first[TRACEPARENT], second[TRACEPARENT]);
    }
}

#[test]
fn a_trace_without_a_list_takes_the_old_list_away() {
    let list = Tracestate::default();
    let outgoing =
        OutgoingContext { trace: Some(trace()), tracestate: &list, baggage: None, request_id: None };
    let left = written(ALL, &FULL, outgoing);
    assert_eq!(left.len(), 2, "the trace and the id");
    assert!(!left.iter().any(|header| header.starts_with("tracestate")));
}

#[test]
fn a_host_that_must_see_nothing_gets_nothing_that_a_proxy_copied() {
    let (list, baggage) = (Tracestate::default().with("b", "2"), Baggage::default().with("mine", "1"));
    let outgoing = OutgoingContext { trace: None, tracestate: &list, baggage: None, request_id: None };
    for propagators in [ALL, NONE] {
        assert!(written(propagators, &FULL, outgoing).is_empty());
        assert!(
            written(propagators, &FULL, OutgoingContext { baggage: Some(&baggage), ..outgoing }).is_empty()
        );
    }
}

#[test]
fn baggage_goes_to_trusted_hosts_alone_and_there_the_users_own_stays() {
    let (list, empty) = (Tracestate::default(), Baggage::default());
    let outgoing =
        OutgoingContext { trace: Some(trace()), tracestate: &list, baggage: None, request_id: None };
    assert_eq!(written(ALL, &FULL[2..3], outgoing).len(), 1, "the trace alone");
    let trusted = OutgoingContext { baggage: Some(&empty), ..outgoing };
    assert_eq!(written(ALL, &FULL[2..3], trusted)[1], "baggage: k=v");
    assert_eq!(written(NONE, &FULL[2..3], outgoing), ["baggage: k=v"], "a format that is off passes through");
}

#[test]
fn every_format_of_the_list_is_written_and_what_b3_left_elsewhere_goes() {
    let list = Tracestate::default();
    let outgoing =
        OutgoingContext { trace: Some(trace()), tracestate: &list, baggage: None, request_id: None };
    const COPIED: [(&str, &str); 4] =
        [("b3", "0"), ("x-b3-traceid", "1"), ("x-b3-parentspanid", "2"), ("x-b3-flags", "1")];
    const TRACE: &str = "000000000000000000000000000000cd";
    let single = format!("b3: {TRACE}-00000000000000ab-1");
    let multi = [
        format!("x-b3-traceid: {TRACE}"),
        "x-b3-spanid: 00000000000000ab".to_owned(),
        "x-b3-sampled: 1".to_owned(),
    ];
    for before in [&COPIED[..], &[]] {
        assert_eq!(written(listed("b3"), before, outgoing), std::slice::from_ref(&single));
        assert_eq!(written(listed("b3multi"), before, outgoing), multi);
        let both = [std::slice::from_ref(&single), &multi].concat();
        assert_eq!(written(listed("b3multi,b3"), before, outgoing), both);
    }
    assert_eq!(
        written(listed("jaeger"), &[], outgoing),
        [format!("uber-trace-id: {TRACE}:00000000000000ab:0:1")]
    );
    let nothing = OutgoingContext { trace: None, ..outgoing };
    assert!(written(listed("tracecontext"), &COPIED, nothing).is_empty());
}

#[test]
fn a_later_format_wins_if_it_is_valid_and_destroys_nothing_if_not() {
    fn b3(value: &str) -> Remote {
        read(listed("tracecontext,b3"), &[FULL[0], FULL[1], ("b3", value)])
    }
    // With what the byte does not say.
    let shown = |flags: Flags| format!("{flags:?}");
    let parts = |remote: &Remote| {
        let trace = remote.trace.expect("a trace");
        (trace.span_id.value(), shown(trace.flags), remote.tracestate.as_str().to_owned())
    };
    let w3c = (0x00f067aa0ba902b7, shown(Flags::SAMPLED), "a=1".to_owned());
    assert_eq!(parts(&b3("80f198ee56343ba864fe8b2a57d3eff7-ab-0")), w3c, "not valid");
    let other = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-0";
    assert_eq!(parts(&b3(other)), (0xe457b5a2e4d86bd1, shown(Flags::NONE), String::new()), "another trace");
    for (said, flags) in
        [("", Flags::SAMPLED), ("-1", Flags::SAMPLED), ("-0", Flags::NONE), ("-d", Flags::DEBUG)]
    {
        let same = format!("4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7{said}");
        assert_eq!(parts(&b3(&same)), (w3c.0, shown(flags), w3c.2.clone()), "the same span{said}");
    }
    assert_eq!(parts(&b3("0")), (w3c.0, shown(Flags::NONE), w3c.2.clone()), "a decision alone");

    let first = read(listed("b3,tracecontext"), &[FULL[0], FULL[1], ("b3", other)]);
    assert_eq!(parts(&first), w3c, "tracecontext is later in the list");
    let first = read(listed("b3,tracecontext"), &[("traceparent", "00-bad"), ("b3", other)]);
    assert_eq!(parts(&first).0, 0xe457b5a2e4d86bd1, "and finds nothing");
    let none = read(listed("tracecontext"), &[("b3", other), ("uber-trace-id", "ab:cd:0:1")]);
    assert!(none.trace.is_none(), "what is not in the list is not read");
}

#[test]
fn served_lists_are_taken_and_shown_as_one_would_write_them() {
    for (list, shown) in [
        ("tracecontext,baggage", "tracecontext,baggage"),
        (" baggage , TraceContext,baggage,", "baggage,tracecontext"),
        ("tracecontext", "tracecontext"),
        ("baggage,baggage", "baggage"),
        ("b3,B3,b3", "b3"),
        ("jaeger,baggage,b3multi", "jaeger,baggage,b3multi"),
        ("b3,tracecontext,jaeger,b3,tracecontext,baggage", "b3,tracecontext,jaeger,baggage"),
        ("tracecontext,baggage,jaeger,b3multi,b3", "tracecontext,baggage,jaeger,b3multi,b3"),
        ("none", "none"),
        ("None,none", "none"),
    ] {
        let taken = Propagators::from_list(list).expect(list);
        assert_eq!(taken.list(), shown);
        assert_eq!(Propagators::from_list(shown), Ok(taken), "and read back");
        assert!(taken.request_id);
    }
}

#[test]
fn a_known_format_that_is_not_served_is_named() {
    for name in NOT_SERVED {
        let refusal = Propagators::from_list(&format!("tracecontext,{name}"));
        assert!(matches!(refusal, Err(Refusal::NotServed(text)) if text.contains(name)), "{name}");
    }
}

#[test]
fn everything_else_is_refused_with_what_was_expected() {
    for list in
        ["w3c", "tracecontext;baggage", ",", "none,baggage", "tracecontext,none", "b3,none", "b3-multi"]
    {
        assert!(matches!(Propagators::from_list(list), Err(Refusal::Expected(_))), "{list}");
    }
}

#[test]
fn the_list_of_the_code_is_that_of_the_variable() {
    let code = Propagators::from_iter([Propagator::B3, Propagator::TraceContext, Propagator::B3]);
    assert_eq!(Ok(code), Propagators::from_list("b3,tracecontext"));
    assert_eq!(
        Propagators::default(),
        Propagators::from_iter([Propagator::TraceContext, Propagator::Baggage])
    );
    assert_eq!(Propagators::from_iter([]).list(), "none");
}
