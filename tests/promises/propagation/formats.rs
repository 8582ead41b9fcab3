//! B3, in one header and in several, and Jaeger's header: by their own pages and by the requirements of
//! OpenTelemetry's "Propagators API".

use tower_observability::Kind;

use super::*;

const ID: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SHORT: &str = "64fe8b2a57d3eff7";
const PADDED: &str = "000000000000000064fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";
const PARENT: &str = "05e3ac9a4f6e3b90";

/// What a service that speaks this list made of a request.
struct Served {
    /// Trace and parent of its span, if one was recorded.
    span: Option<(String, Option<String>)>,
    /// What it sent on its one call, without the request's id.
    sent: Vec<(String, String)>,
}

impl Served {
    fn sent(&self, name: &str) -> Option<&str> {
        self.sent.iter().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    fn names(&self) -> Vec<&str> {
        self.sent.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What of B3's single header follows the ids.
    #[track_caller]
    fn decision(&self) -> &str {
        self.sent("b3").and_then(|value| value.get(50..)).expect("a b3 header")
    }
}

fn served(list: &str, received: &[(&str, &str)]) -> Served {
    let seen = Instance::with_propagators(list);
    let headers = calls_of(&seen, received, 1).remove(0).0;
    let span = seen.spans().into_iter().find(|span| span.kind == Kind::Server);
    let span = span.map(|span| (span.trace.trace_id.to_string(), span.parent.map(|id| id.to_string())));
    let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
    let sent = headers.iter().filter(|(name, _)| *name != "x-request-id");
    Served { span, sent: sent.map(|(name, value)| (name.to_string(), text(value))).collect() }
}

fn below(trace: &str) -> Option<(String, Option<String>)> {
    Some((trace.to_owned(), Some(SPAN.to_owned())))
}

/// Received under B3's single header: the trace it goes on in if it is recorded, and the decision that goes on.
#[test]
fn b3_in_one_header_goes_on_with_its_decision() {
    let cases = [
        (format!("{ID}-{SPAN}-1"), below(ID), "1"),
        (format!("{ID}-{SPAN}-1-{PARENT}"), below(ID), "1"),
        (format!("{SHORT}-{SPAN}-1"), below(PADDED), "1"),
        (format!("{ID}-{SPAN}-0"), None, "0"),
        (format!("{ID}-{SPAN}-d"), below(ID), "d"),
        (format!("{ID}-{SPAN}-d-{PARENT}"), below(ID), "d"),
        // No decision: ours, which is "yes" here.
        (format!("{ID}-{SPAN}"), below(ID), "1"),
    ];
    for (value, span, decision) in cases {
        for list in ["b3", "b3,b3multi", "tracecontext,baggage,b3"] {
            let served = served(list, &[("b3", &value)]);
            assert_eq!(served.span, span, "{list}: {value}");
            assert_eq!(served.decision(), decision, "{list}: {value}");
            let id = if value.starts_with(SHORT) { PADDED } else { ID };
            assert!(served.sent("b3").is_some_and(|sent| sent.starts_with(id) && !sent.contains(SPAN)));
        }
    }
}

#[test]
fn who_says_no_without_a_trace_is_obeyed_in_a_trace_of_its_own() {
    for received in [[("b3", "0")], [("x-b3-sampled", "0")], [("x-b3-sampled", "false")]] {
        let served = served("b3", &received);
        assert_eq!((served.span.as_ref(), served.decision()), (None, "0"), "{received:?}");
    }
}

#[test]
fn what_is_no_b3_starts_a_trace() {
    for value in [
        "",
        "1",
        "d",
        "0-0",
        "80f198ee-e457b5a2e4d86bd1-1",
        &format!("{ID}-{SPAN}-x"),
        &format!("{ID}-{SPAN}-1-"),
    ] {
        let served = served("b3", &[("b3", value)]);
        let (trace, parent) = served.span.as_ref().expect("a span");
        assert!(trace != ID && parent.is_none(), "{value}");
        assert_eq!(served.decision(), "1", "{value}");
    }
    let twice = [("b3", &*format!("{ID}-{SPAN}-1")), ("b3", &*format!("{ID}-{SPAN}-1"))];
    assert_eq!(served("b3", &twice).span.expect("a span").1, None, "whichever is taken, a stranger chose it");
}

/// Received under B3's several headers: trace, flags of the decision, what is recorded, what goes on.
#[test]
fn b3_in_several_headers_goes_on_with_its_decision() {
    type Case<'a> = (&'a [(&'a str, &'a str)], bool, &'a str);
    let cases: [Case<'_>; 9] = [
        (&[("X-B3-Sampled", "1")], true, "x-b3-sampled: 1"),
        (&[("X-B3-Sampled", "true")], true, "x-b3-sampled: 1"),
        (&[("X-B3-Sampled", "1"), ("X-B3-ParentSpanId", PARENT)], true, "x-b3-sampled: 1"),
        (&[("X-B3-Sampled", "0")], false, "x-b3-sampled: 0"),
        (&[("X-B3-Sampled", "false")], false, "x-b3-sampled: 0"),
        (&[("X-B3-Flags", "1")], true, "x-b3-flags: 1"),
        (&[("X-B3-Flags", "1"), ("X-B3-Sampled", "0")], true, "x-b3-flags: 1"),
        (&[("X-B3-Flags", "0"), ("X-B3-Sampled", "0")], false, "x-b3-sampled: 0"),
        (&[], true, "x-b3-sampled: 1"),
    ];
    for (said, recorded, decision) in cases {
        for (id, trace) in [(ID, ID), (SHORT, PADDED)] {
            let received = [&[("X-B3-TraceId", id), ("X-B3-SpanId", SPAN)][..], said].concat();
            let served = served("b3multi", &received);
            assert_eq!(served.span, below(trace).filter(|_| recorded), "{said:?}");
            assert_eq!(served.sent("x-b3-traceid"), Some(trace));
            assert!(served.sent("x-b3-spanid").is_some_and(|id| id.len() == 16 && id != SPAN));
            let (name, value) = decision.split_once(": ").unwrap();
            assert_eq!(served.sent(name), Some(value), "{said:?}");
            assert_eq!(served.names().len(), 3, "no parent's id, and one decision: {:?}", served.sent);
        }
    }
}

#[test]
fn both_of_b3s_encodings_are_read_and_the_one_header_goes_before_the_several() {
    let several = [("x-b3-traceid", ID), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")];
    assert_eq!(served("b3", &several).span, below(ID));
    let one = [("b3", &*format!("{SHORT}-{SPAN}-1"))];
    assert_eq!(served("b3multi", &one).span, below(PADDED));
    assert_eq!(served("b3multi", &[&several[..], &one].concat()).span, below(PADDED));
    let bad = [&several[..], &[("b3", "bad")]].concat();
    assert_eq!(served("b3", &bad).span, below(ID), "a bad one destroys nothing");
}

#[test]
fn jaegers_header_goes_on_with_its_flags() {
    let cases = [
        (format!("{ID}:{SPAN}:0:1"), ID, true, "1"),
        (format!("{ID}%3A{SPAN}%3A{PARENT}%3a01"), ID, true, "1"),
        (format!("{SHORT}:{SPAN}::1"), PADDED, true, "1"),
        (format!("{ID}:{SPAN}:0:0"), ID, false, "0"),
        (format!("{ID}:{SPAN}:0:3"), ID, true, "3"),
        (format!("{ID}:{SPAN}:0:2"), ID, true, "3"),
    ];
    for (value, trace, recorded, flags) in cases {
        let served = served("jaeger", &[("uber-trace-id", &value)]);
        assert_eq!(served.span, below(trace).filter(|_| recorded), "{value}");
        let sent = served.sent("uber-trace-id").expect("a header");
        assert!(sent.starts_with(trace) && !sent.contains(SPAN), "{sent}");
        assert!(sent.ends_with(&format!(":0:{flags}")), "{sent}");
    }
    for value in
        ["", "0:0:0:1", &format!("{ID}:{SPAN}:0"), &format!("{ID}:{SPAN}:0:1:"), &format!("{ID}:{SPAN}:0:x")]
    {
        let (trace, parent) = served("jaeger", &[("uber-trace-id", value)]).span.expect("a span");
        assert!(trace != ID && parent.is_none(), "{value}");
    }
}

#[test]
fn a_list_is_written_whole_and_each_format_once() {
    let all = "tracecontext,baggage,b3,b3multi,jaeger,b3,jaeger,tracecontext";
    let served = served(all, &[("b3", &format!("{ID}-{SPAN}-1"))]);
    let mut names = served.names();
    names.sort_unstable();
    assert_eq!(names, ["b3", "traceparent", "uber-trace-id", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid"]);
    let span = served.sent("x-b3-spanid").unwrap();
    assert_eq!(served.sent("b3"), Some(&*format!("{ID}-{span}-1")), "one span, whatever the format");
    assert_eq!(served.sent("uber-trace-id"), Some(&*format!("{ID}:{span}:0:1")));
    assert_eq!(served.sent("traceparent"), Some(&*format!("00-{ID}-{span}-01")));
}

#[test]
fn the_later_of_two_formats_wins_if_it_is_valid() {
    let w3c = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let jaeger = ("uber-trace-id", &*format!("{ID}:{SPAN}:0:1"));
    let trace = |list, received: &[_]| served(list, received).span.expect("a span").0;
    assert_eq!(trace("tracecontext,jaeger", &[w3c, jaeger]), ID);
    assert_eq!(trace("jaeger,tracecontext", &[w3c, jaeger]), &w3c.1[3..35]);
    assert_eq!(trace("tracecontext,jaeger", &[w3c, ("uber-trace-id", "bad")]), &w3c.1[3..35]);
    assert_eq!(trace("jaeger,tracecontext", &[("traceparent", "bad"), jaeger]), ID);
}

#[test]
fn none_reads_nothing_and_writes_nothing() {
    let received = [("b3", &*format!("{ID}-{SPAN}-1")), ("baggage", "a=1"), ("uber-trace-id", "ab:cd:0:1")];
    let served = served("none", &received);
    assert_eq!(served.span.as_ref().expect("a span").1, None);
    assert!(served.names().is_empty(), "{:?}", served.sent);
}
