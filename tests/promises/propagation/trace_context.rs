//! The public conformance suite of W3C trace context, level 2 and strict: its 41 cases, each under its own name.

use std::collections::HashSet;

use tower_observability::context::Tracestate;

use super::{Sent, calls, hop};

const TRACE: &str = "12345678901234567890123456789012";
const SAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-01";
const UNSAMPLED: &str = "00-12345678901234567890123456789012-1234567890123456-00";

fn trace_id(sent: &Sent) -> String {
    sent.trace().trace_id.to_string()
}

/// The call belongs to the caller's trace and has a span of its own.
fn continues(received: &[(&str, &str)]) -> Sent {
    let sent = hop(received);
    assert_eq!(trace_id(&sent), TRACE, "{received:?}");
    assert_ne!(sent.trace().span_id.to_string(), "1234567890123456", "{received:?}");
    sent
}

/// The call begins a trace of its own, with nothing left of the caller's.
fn restarts(received: &[(&str, &str)]) {
    let received = [received, &[("tracestate", "foo=1")]].concat();
    let sent = hop(&received);
    assert_ne!(trace_id(&sent), TRACE, "{received:?}");
    assert!(sent.tracestate().is_empty(), "{received:?}");
}

fn restarts_on(traceparents: &[&str]) {
    for traceparent in traceparents {
        restarts(&[("traceparent", traceparent)]);
    }
}

/// The list that is sent on after a valid `traceparent` and these values of `tracestate`.
fn list_of(values: &[&str]) -> Tracestate {
    let mut received = vec![("traceparent", UNSAMPLED)];
    received.extend(values.iter().map(|value| ("tracestate", *value)));
    continues(&received).tracestate()
}

fn dropped(values: &[&str]) {
    assert!(list_of(values).is_empty(), "{values:?}");
}

#[test]
fn both_traceparent_and_tracestate_missing() {
    let sent = hop(&[]);
    assert!(sent.trace().flags.is_random() && sent.tracestate().is_empty());
}

#[test]
fn traceparent_included_tracestate_missing() {
    assert!(continues(&[("traceparent", SAMPLED)]).tracestate().is_empty());
}

#[test]
fn traceparent_duplicated() {
    let other = "00-12345678901234567890123456789011-1234567890123456-01";
    restarts(&[("traceparent", other), ("traceparent", SAMPLED)]);
    restarts(&[("traceparent", SAMPLED), ("traceparent", other)]);
    restarts(&[("traceparent", SAMPLED), ("traceparent", SAMPLED)]);
    assert_ne!(trace_id(&hop(&[("traceparent", other), ("traceparent", SAMPLED)])), &other[3..35]);
}

#[test]
fn traceparent_header_name() {
    restarts(&[("trace-parent", SAMPLED)]);
    restarts(&[("trace.parent", SAMPLED)]);
}

#[test]
fn traceparent_header_name_valid_casing() {
    for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        continues(&[(name, SAMPLED)]);
    }
}

#[test]
fn traceparent_version_0x00() {
    restarts_on(&[&format!("{SAMPLED}."), &format!("{SAMPLED}-what-the-future-will-be-like")]);
}

#[test]
fn traceparent_version_0xcc() {
    let later = SAMPLED.replacen("00", "cc", 1);
    continues(&[("traceparent", &later)]);
    continues(&[("traceparent", &format!("{later}-what-the-future-will-be-like"))]);
    restarts_on(&[&format!("{later}.what-the-future-will-be-like")]);
}

#[test]
fn traceparent_version_0xff() {
    restarts_on(&[&SAMPLED.replacen("00", "ff", 1)]);
}

#[test]
fn traceparent_version_illegal_characters() {
    restarts_on(&[&SAMPLED.replacen("00", ".0", 1), &SAMPLED.replacen("00", "0.", 1)]);
}

#[test]
fn traceparent_version_too_long() {
    restarts_on(&[&SAMPLED.replacen("00", "000", 1), &SAMPLED.replacen("00", "0000", 1)]);
}

#[test]
fn traceparent_version_too_short() {
    restarts_on(&[&SAMPLED.replacen("00", "0", 1)]);
}

#[test]
fn traceparent_trace_id_all_zero() {
    let zero = "0".repeat(32);
    let sent = hop(&[("traceparent", &SAMPLED.replace(TRACE, &zero))]);
    assert_ne!(trace_id(&sent), zero);
}

#[test]
fn traceparent_trace_id_illegal_characters() {
    let first = "00-.2345678901234567890123456789012-1234567890123456-01";
    let last = "00-1234567890123456789012345678901.-1234567890123456-01";
    restarts_on(&[first, last]);
}

#[test]
fn traceparent_trace_id_too_long() {
    let long = "00-123456789012345678901234567890123-1234567890123456-01";
    restarts_on(&[long]);
    assert_ne!(trace_id(&hop(&[("traceparent", long)])), "23456789012345678901234567890123");
}

#[test]
fn traceparent_trace_id_too_short() {
    restarts_on(&["00-1234567890123456789012345678901-1234567890123456-01"]);
}

#[test]
fn traceparent_parent_id_all_zero() {
    restarts_on(&[&SAMPLED.replace("-1234567890123456-", "-0000000000000000-")]);
}

#[test]
fn traceparent_parent_id_illegal_characters() {
    for bad in ["-.234567890123456-", "-123456789012345.-"] {
        restarts_on(&[&SAMPLED.replace("-1234567890123456-", bad)]);
    }
}

#[test]
fn traceparent_parent_id_too_long() {
    restarts_on(&[&SAMPLED.replace("-1234567890123456-", "-12345678901234567-")]);
}

#[test]
fn traceparent_parent_id_too_short() {
    restarts_on(&[&SAMPLED.replace("-1234567890123456-", "-123456789012345-")]);
}

#[test]
fn traceparent_trace_flags_illegal_characters() {
    restarts_on(&[&SAMPLED.replace("-01", "-.0"), &SAMPLED.replace("-01", "-0.")]);
}

#[test]
fn traceparent_trace_flags_too_long() {
    restarts_on(&[&SAMPLED.replace("-01", "-001")]);
}

#[test]
fn traceparent_trace_flags_too_short() {
    restarts_on(&[&SAMPLED.replace("-01", "-1")]);
}

#[test]
fn traceparent_ows_handling() {
    for (before, after) in [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), ("\t ", " \t")] {
        continues(&[("traceparent", &format!("{before}{SAMPLED}{after}"))]);
    }
}

#[test]
fn tracestate_included_traceparent_missing() {
    for list in ["foo=1", "foo=1,bar=2"] {
        assert!(hop(&[("tracestate", list)]).tracestate().is_empty());
    }
}

#[test]
fn tracestate_included_traceparent_included() {
    let list = list_of(&["foo=1,bar=2"]);
    assert_eq!((list.get("foo"), list.get("bar")), (Some("1"), Some("2")));
}

#[test]
fn tracestate_header_name() {
    for name in ["trace-state", "trace.state"] {
        let sent = continues(&[("traceparent", UNSAMPLED), (name, "foo=1")]);
        assert!(sent.tracestate().is_empty(), "{name}");
    }
}

#[test]
fn tracestate_header_name_valid_casing() {
    for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
        let sent = continues(&[("traceparent", UNSAMPLED), (name, "foo=1")]);
        assert_eq!(sent.tracestate().get("foo"), Some("1"), "{name}");
    }
}

#[test]
fn tracestate_empty_header() {
    let sent = continues(&[("traceparent", UNSAMPLED), ("tracestate", "")]);
    assert!(!sent.0.contains_key("tracestate"));
    assert_eq!(list_of(&["foo=1", ""]).as_str(), "foo=1");
    assert_eq!(list_of(&["", "foo=1"]).as_str(), "foo=1");
}

#[test]
fn tracestate_multiple_headers_different_keys() {
    let list = list_of(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]);
    assert_eq!(list.as_str(), "foo=1,bar=2,rojo=1,congo=2,baz=3");
}

#[test]
fn tracestate_duplicated_keys() {
    assert_eq!(list_of(&["foo=1,foo=1"]).as_str(), "foo=1");
    assert_eq!(list_of(&["foo=1,foo=2"]).as_str(), "foo=1");
    assert_eq!(list_of(&["foo=1", "foo=1"]).as_str(), "foo=1");
    assert_eq!(list_of(&["foo=1", "foo=2"]).as_str(), "foo=1");
}

#[test]
fn tracestate_all_allowed_characters() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|letter| !matches!(letter, ',' | '=')).collect();
    for key in [key.to_owned(), format!("{key}@a-z0-9_-*/")] {
        assert_eq!(list_of(&[&format!("{key}={value}")]).get(&key), Some(&*value));
    }
}

#[test]
fn tracestate_ows_handling() {
    for spaced in ["foo=1 \t , \t bar=2, \t baz=3", "foo=1\t \t,\t \tbar=2,\t \tbaz=3"] {
        assert_eq!(list_of(&[spaced]).as_str(), "foo=1,bar=2,baz=3");
    }
    for spaced in [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"] {
        assert_eq!(list_of(&[spaced]).as_str(), "foo=1");
    }
}

#[test]
fn tracestate_key_illegal_characters() {
    for bad in ["foo =1", "FOO=1", "foo.bar=1"] {
        dropped(&[bad]);
    }
}

/// Since level 2 an `@` may stand anywhere but first; the suite kept the name of its case.
#[test]
fn tracestate_key_illegal_vendor_format() {
    for key in ["foo@", "foo@@bar", "foo@bar@baz"] {
        let list = list_of(&[&format!("{key}=1,bar=2")]);
        assert_eq!((list.get(key), list.get("bar")), (Some("1"), Some("2")));
    }
    dropped(&["@foo=1,bar=2"]);
}

#[test]
fn tracestate_member_count_limit() {
    let members = |from: usize, to: usize| {
        (from..=to).map(|number| format!("bar{number:02}={number:02}")).collect::<Vec<_>>().join(",")
    };
    let (first, second, third) = (members(1, 10), members(11, 20), members(21, 30));
    let whole = list_of(&[&first, &second, &third, &members(31, 32)]);
    assert_eq!(whole.as_str(), members(1, 32));
    dropped(&[&first, &second, &third, &members(31, 33)]);
}

#[test]
fn tracestate_key_length_limit() {
    let longest = ["z".repeat(256), "t".repeat(241) + "@" + &"v".repeat(14), "t".repeat(242) + "@v"];
    for key in longest.into_iter().chain(["t@".to_owned() + &"v".repeat(15)]) {
        let list = list_of(&["foo=1", &format!("{key}=1")]);
        assert_eq!((list.get("foo"), list.get(&key)), (Some("1"), Some("1")));
    }
    dropped(&["foo=1", &("z".repeat(257) + "=1")]);
}

#[test]
fn tracestate_value_illegal_characters() {
    dropped(&["foo=bar=baz"]);
    dropped(&["foo=,bar=3"]);
}

fn ids_of_three_calls(received: &[(&str, &str)]) -> HashSet<String> {
    let sent = calls(received, 3);
    let spans: HashSet<_> = sent.iter().map(|sent| sent.trace().span_id).collect();
    assert_eq!(spans.len(), 3, "each call is a span of its own");
    sent.iter().map(trace_id).collect()
}

#[test]
fn multiple_requests_with_valid_traceparent() {
    assert_eq!(ids_of_three_calls(&[("traceparent", SAMPLED)]), HashSet::from([TRACE.to_owned()]));
}

#[test]
fn multiple_requests_without_traceparent() {
    assert_eq!(ids_of_three_calls(&[]).len(), 1);
}

#[test]
fn multiple_requests_with_illegal_traceparent() {
    let zero = "0".repeat(32);
    let ids = ids_of_three_calls(&[("traceparent", &SAMPLED.replace(TRACE, &zero))]);
    assert!(!ids.contains(&zero));
}

/// The one case of level 2; when a trace is continued, the flag goes on as it came (random-trace-id flag).
#[test]
fn propagates_random_flag() {
    for (sent, random) in [("-02", true), ("-03", true), ("-01", false), ("-00", false)] {
        let sent = continues(&[("traceparent", &SAMPLED.replace("-01", sent))]);
        assert_eq!(sent.trace().flags.is_random(), random);
    }
}
