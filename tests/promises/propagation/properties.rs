//! Properties of the parsers: no input panics, what is emitted reads back as itself, limits hold.

use http::{HeaderMap, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;
use tower_observability::context::{Baggage, RequestId, TraceContext, Tracestate};
use tower_observability::propagation;

/// Bytes that look like a header's: mostly the characters that the grammars care for.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = proptest::sample::select(b"0aAfz-_*/@=,;:% \t\"\\~.\xc3\xa9".to_vec());
    vec(prop_oneof![8 => telling, 1 => any::<u8>()], 0..200)
}

fn member() -> impl Strategy<Value = (String, String)> {
    ("[a-z0-9][a-z0-9_*/@-]{0,40}", "[ -+\\--<>-~]{0,200}[!-+\\--<>-~]")
}

fn emitted(baggage: &Baggage) -> String {
    baggage.to_header().unwrap_or_default()
}

proptest! {
    #[test]
    fn any_headers_are_read(values in vec((0..4usize, bytes()), 0..8)) {
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            let name = ["traceparent", "tracestate", "baggage", "x-request-id"][name];
            // What is no header's value never reaches us over HTTP.
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        let remote = propagation::extract(&headers);
        prop_assert!(remote.trace.is_some() || remote.tracestate.is_empty());
    }

    #[test]
    fn any_bytes_are_read_and_what_is_kept_reads_back(value in bytes(), other in bytes()) {
        if let Some(trace) = TraceContext::from_traceparent(&value) {
            prop_assert_eq!(TraceContext::from_traceparent(&trace.to_traceparent()), Some(trace));
        }
        if let Some(id) = RequestId::parse(&value) {
            prop_assert_eq!(id.as_str().as_bytes(), &*value);
        }
        let list = Tracestate::parse([&*value, &*other]);
        prop_assert_eq!(Tracestate::parse([list.as_str().as_bytes()]), list);
        let baggage = Baggage::parse([&*value, &*other]);
        prop_assert_eq!(Baggage::parse([emitted(&baggage).as_bytes()]), baggage);
    }

    #[test]
    fn a_traceparent_that_was_changed_in_one_byte_is_read_or_refused(place in 0..55usize, byte: u8) {
        let mut value = *b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        value[place] = byte;
        if let Some(trace) = TraceContext::from_traceparent(&value) {
            prop_assert_eq!(&trace.to_traceparent()[2..53], &value[2..53]);
        }
    }

    #[test]
    fn a_traceparent_reads_back(trace in 1..u128::MAX, span in 1..u64::MAX, flags in 0..4u8) {
        let text = format!("00-{trace:032x}-{span:016x}-{flags:02x}");
        let context = TraceContext::from_traceparent(text.as_bytes()).expect("valid");
        prop_assert_eq!(context.to_traceparent(), text.as_bytes());
    }

    #[test]
    fn a_valid_tracestate_of_512_bytes_travels_whole(members in vec(member(), 1..32)) {
        let mut kept: Vec<(String, String)> = Vec::new();
        for (key, value) in members {
            let length: usize = kept.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
            let fits = length + key.len() + value.len() < 512;
            if fits && kept.iter().all(|(known, _)| *known != key) {
                kept.push((key, value));
            }
        }
        let text = kept.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        let list = Tracestate::parse([text.as_bytes()]);
        prop_assert_eq!(list.as_str(), text);
    }

    #[test]
    fn whatever_is_set_a_tracestate_stays_valid(members in vec(member(), 0..80)) {
        let list = members.iter().fold(Tracestate::default(), |list, (key, value)| {
            let list = list.with(key, value);
            assert_eq!(list.get(key), Some(value.as_str()), "what was set last is there");
            assert!(list.as_str().starts_with(&format!("{key}={value}")), "and leftmost");
            list
        });
        prop_assert!(list.as_str().split(',').count() <= 32);
        prop_assert_eq!(Tracestate::parse([list.as_str().as_bytes()]), list);
    }

    #[test]
    fn any_value_of_baggage_reads_back(key in "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", value in any::<String>()) {
        let baggage = Baggage::default().with(&key, &value);
        prop_assert_eq!(baggage.get(&key), Some(value.as_str()));
        let header = emitted(&baggage);
        prop_assert!(HeaderValue::from_str(&header).is_ok());
        prop_assert_eq!(Baggage::parse([header.as_bytes()]), baggage);
    }

    #[test]
    fn baggage_never_grows_beyond_its_limit(members in vec(("[a-z]{1,4}", "[ -~é]{0,900}"), 0..16)) {
        let set = members.iter().fold(Baggage::default(), |baggage, (key, value)| baggage.with(key, value));
        prop_assert!(emitted(&set).len() <= 8192);
        let text: Vec<_> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
        prop_assert!(emitted(&Baggage::parse([text.join(",").as_bytes()])).len() <= 8192);
    }

    #[test]
    fn a_made_request_id_is_taken_by_the_next_service(millis in 0..1u64 << 48) {
        let id = RequestId::make(millis);
        prop_assert_eq!(RequestId::parse(id.as_str().as_bytes()), Some(id));
    }
}
