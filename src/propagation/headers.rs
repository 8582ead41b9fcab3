//! HTTP headers as a carrier, without an allocation on the common path.

use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::carrier::KEYS;
use super::formats;
use super::{OutgoingContext, Propagators, Remote};
use crate::context::{Baggage, RequestId, TraceContext, Tracestate};
use crate::names::header::{BAGGAGE, REQUEST_ID, TRACEPARENT, TRACESTATE};

/// The headers that a hop reads, found in one pass: looking each of them up would hash each name.
#[derive(Debug, Default)]
pub(crate) struct KnownHeaders<'a> {
    traceparent: Single<'a>,
    tracestate: bool,
    baggage: bool,
    request_id: Single<'a>,
    pub(crate) host: Single<'a>,
    pub(crate) user_agent: Single<'a>,
    pub(crate) content_type: Option<&'a HeaderValue>,
}

/// A header that counts only if there is exactly one: whichever of two is taken, the caller chose it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Single<'a> {
    #[default]
    Absent,
    Once(&'a HeaderValue),
    Repeated,
}

impl<'a> KnownHeaders<'a> {
    #[inline]
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut known = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "traceparent" => known.traceparent.meet(value),
                "tracestate" => known.tracestate = true,
                "baggage" => known.baggage = true,
                "x-request-id" => known.request_id.meet(value),
                "host" => known.host.meet(value),
                "user-agent" => known.user_agent.meet(value),
                "content-type" => known.content_type = Some(value),
                _ => {}
            }
        }
        known
    }
}

impl<'a> Single<'a> {
    fn meet(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }

    pub(crate) fn only(self) -> Option<&'a [u8]> {
        match self {
            Self::Once(value) => Some(value.as_bytes()),
            Self::Absent | Self::Repeated => None,
        }
    }
}

fn all(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

/// The value of a header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
}

fn set(headers: &mut HeaderMap, name: &'static str, value: Option<&[u8]>) {
    match value.map(HeaderValue::from_bytes) {
        Some(Ok(value)) => {
            let _ = headers.try_insert(name, value);
        }
        _ => {
            headers.remove(name);
        }
    }
}

/// Takes away every header that any format writes.
pub(crate) fn clear_headers(headers: &mut HeaderMap) {
    for name in KEYS.iter().chain(&formats::KEYS) {
        headers.remove(*name);
    }
}

impl Propagators {
    /// The caller's place in its trace, if that is all there is to read besides the request's id.
    #[inline]
    pub(crate) fn read_trace_alone(&self, known: &KnownHeaders<'_>) -> Option<Option<TraceContext>> {
        let alone = !known.tracestate && !known.baggage && self.formats.is_empty() && self.tracecontext;
        alone.then(|| known.traceparent.only().and_then(TraceContext::from_traceparent))
    }

    /// Reads every enabled format from request headers but the request's id; repeated headers are read whole.
    ///
    /// Without a valid `traceparent` a `tracestate` is not looked at (trace context level 2, 3.4).
    pub(crate) fn read_headers(&self, known: &KnownHeaders<'_>, headers: &HeaderMap) -> Remote {
        let mut remote = Remote::default();
        if self.tracecontext {
            remote.trace = known.traceparent.only().and_then(TraceContext::from_traceparent);
        }
        if known.tracestate && remote.trace.is_some() {
            remote.tracestate = Tracestate::parse(all(headers, TRACESTATE));
        }
        if known.baggage && self.baggage {
            remote.baggage = Baggage::parse(all(headers, BAGGAGE));
        }
        if !self.formats.is_empty() {
            self.formats.read(&mut remote, &|name| only(headers, name));
        }
        remote
    }

    /// Reads the request's id. Apart, because it is large: it is read where it stays.
    #[inline]
    pub(crate) fn read_request_id(&self, known: &KnownHeaders<'_>) -> Option<RequestId> {
        known.request_id.only().filter(|_| self.request_id).and_then(RequestId::parse)
    }

    fn write_others(&self, headers: &mut HeaderMap, trace: TraceContext) {
        self.formats.write(trace, &mut |name, value| set(headers, name, value));
    }

    /// Writes every enabled format; what was there before under the same names is replaced.
    ///
    /// A forwarding proxy copies the headers that it got. So a host that must see nothing of ours gets none of these
    /// headers, whatever formats are enabled, and one that is not trusted with baggage gets no baggage at all. Baggage
    /// that the user set himself stays where the host is trusted and we have none to write. A request that is full of
    /// headers stays as it is.
    #[inline]
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap, outgoing: OutgoingContext<'_>) {
        let Some(trace) = outgoing.trace else { return clear_headers(headers) };
        if !headers.is_empty() || self.is_more_than_ids(&outgoing) {
            self.write_more(headers, trace, outgoing);
        }
        if self.tracecontext {
            insert(headers, TRACEPARENT, HeaderValue::from_bytes(&trace.to_traceparent()));
        }
        if let Some(id) = outgoing.request_id.filter(|_| self.request_id) {
            insert(headers, REQUEST_ID, Ok(id.to_header_value()));
        }
    }

    /// Is anything written but the trace and the request's id?
    #[inline]
    fn is_more_than_ids(&self, outgoing: &OutgoingContext<'_>) -> bool {
        let has_baggage = outgoing.baggage.is_some_and(|baggage| !baggage.is_empty());
        has_baggage || !outgoing.tracestate.is_empty() || !self.formats.is_empty()
    }

    /// Writes what few calls carry on, and takes away what was there under its names. Apart from the others, which have
    /// no header yet: nothing is looked for among none.
    fn write_more(&self, headers: &mut HeaderMap, trace: TraceContext, outgoing: OutgoingContext<'_>) {
        match outgoing.baggage {
            _ if !self.baggage => {}
            None => remove(headers, BAGGAGE),
            Some(baggage) => {
                if let Some(Ok(value)) = baggage.to_header().map(HeaderValue::try_from) {
                    let _ = headers.try_insert(BAGGAGE, value);
                }
            }
        }
        if self.tracecontext {
            write_tracestate(headers, outgoing.tracestate);
        }
        if !self.formats.is_empty() {
            self.write_others(headers, trace);
        }
    }
}

fn write_tracestate(headers: &mut HeaderMap, tracestate: &Tracestate) {
    let list = Some(tracestate.as_str()).filter(|list| !list.is_empty()).map(HeaderValue::from_str);
    match list {
        Some(Ok(list)) => insert(headers, TRACESTATE, Ok(list)),
        _ => remove(headers, TRACESTATE),
    }
}

fn remove(headers: &mut HeaderMap, name: HeaderName) {
    if !headers.is_empty() {
        headers.remove(name);
    }
}

#[inline]
fn insert(headers: &mut HeaderMap, name: HeaderName, value: Result<HeaderValue, InvalidHeaderValue>) {
    if let Ok(value) = value {
        let _ = headers.try_insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::context::{Flags, SpanId, TraceId};
    use crate::propagation::{Carrier, Formats};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const ALL: Propagators =
        Propagators { tracecontext: true, baggage: true, request_id: true, formats: Formats::NONE };
    const NONE: Propagators =
        Propagators { tracecontext: false, baggage: false, request_id: false, formats: Formats::NONE };

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

    /// Writes onto headers and onto a map that begin alike, and shows both.
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
        assert_eq!(
            format!("{:?}", propagators.read(&headers)),
            format!("{remote:?}"),
            "headers as a carrier"
        );
        remote
    }

    const FULL: [(&str, &str); 4] =
        [("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "k=v"), ("x-request-id", "id-1")];

    #[test]
    fn every_enabled_format_is_read_and_no_other() {
        let remote = read(ALL, &FULL);
        assert_eq!(
            remote.trace.map(|trace| trace.to_traceparent().to_vec()).as_deref(),
            Some(PARENT.as_bytes())
        );
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
            let outgoing =
                OutgoingContext { trace: Some(trace()), tracestate: &list, baggage: None, request_id };
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
                written(propagators, &FULL, OutgoingContext { baggage: Some(&baggage), ..outgoing })
                    .is_empty()
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
        assert_eq!(
            written(NONE, &FULL[2..3], outgoing),
            ["baggage: k=v"],
            "a format that is off passes through"
        );
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
        assert_eq!(
            parts(&b3(other)),
            (0xe457b5a2e4d86bd1, shown(Flags::NONE), String::new()),
            "another trace"
        );
        for (said, flags) in
            [("", Flags::SAMPLED), ("-1", Flags::SAMPLED), ("-0", Flags::NONE), ("-d", Flags::DEBUG)]
        {
            let same = format!("4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7{said}");
            assert_eq!(parts(&b3(&same)), (w3c.0, shown(flags), w3c.2.clone()), "the same span{said}");
        }
        assert_eq!(parts(&b3("0")), (w3c.0, shown(Flags::NONE), w3c.2.clone()), "a decision alone");

        let first = read(listed("b3,tracecontext"), &[FULL[0], FULL[1], ("b3", other)]);
        assert_eq!(parts(&first), w3c, "tracecontext stands later");
        let first = read(listed("b3,tracecontext"), &[("traceparent", "00-bad"), ("b3", other)]);
        assert_eq!(parts(&first).0, 0xe457b5a2e4d86bd1, "and finds nothing");
        let none = read(listed("tracecontext"), &[("b3", other), ("uber-trace-id", "ab:cd:0:1")]);
        assert!(none.trace.is_none(), "what is not in the list is not read");
    }
}
