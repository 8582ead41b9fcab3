//! The chosen formats, and how a context is read and written with them.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue};

use super::carrier::{self, Carrier, KEYS, replace};
use super::formats::{self, Propagator, write_others};
use super::headers::{self, KnownHeaders};
use super::{OutgoingContext, Remote};
use crate::context::{Baggage, RequestId, TraceContext, Tracestate};
use crate::names::header::{BAGGAGE, REQUEST_ID, TRACEPARENT, TRACESTATE};
use crate::variable::{Refusal, words};

/// Which formats are read and written (`OTEL_PROPAGATORS`), and whether the request's id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Propagators {
    /// In the order in which they are read, each once.
    list: [Option<Propagator>; Propagator::ALL.len()],
    // What the list says, as it is asked for each request.
    tracecontext: bool,
    baggage: bool,
    others: bool,
    pub(crate) request_id: bool,
}

/// Formats of the specification that are not served.
const NOT_SERVED: &[&str] = &["xray", "ottrace"];

static PROCESS: OnceLock<Propagators> = OnceLock::new();

/// Every key that a context may be written under.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(formats::KEYS)
}

fn expected() -> Refusal {
    let formats = "`tracecontext`, `baggage`, `b3`, `b3multi` and `jaeger`";
    Refusal::Expected(format!("`none`, or a comma-separated list of {formats}"))
}

impl Propagators {
    const DEFAULT: Self = Self {
        list: [Some(Propagator::TraceContext), Some(Propagator::Baggage), None, None, None],
        tracecontext: true,
        baggage: true,
        others: false,
        request_id: true,
    };

    /// Reads the variable's list. The request's id is no format of it.
    pub(crate) fn from_list(list: &str) -> Result<Self, Refusal> {
        let mut chosen = Vec::new();
        let mut none = false;
        for name in words(list) {
            match Propagator::ALL.into_iter().find(|format| format.name() == name) {
                Some(format) => chosen.push(format),
                None if name == "none" => none = true,
                None if NOT_SERVED.contains(&&*name) => {
                    let instead = "the propagators stay as they are without this variable";
                    return Err(Refusal::NotServed(format!("`{name}` is not built in; {instead}")));
                }
                None => return Err(expected()),
            }
        }
        // Exactly one of the two: `none` beside a format contradicts it, and neither is an empty list.
        if none == chosen.is_empty() { Ok(chosen.into_iter().collect()) } else { Err(expected()) }
    }

    /// These formats, with or without the request id.
    pub(crate) fn with_request_id(self, request_id: bool) -> Self {
        Self { request_id, ..self }
    }

    /// The list as the variable would have it.
    pub(crate) fn list(self) -> String {
        let names: Vec<_> = self.list.into_iter().flatten().map(Propagator::name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(",") }
    }

    /// Those of the process; before `init` chose them, the default.
    pub(crate) fn of_process() -> Self {
        PROCESS.get().copied().unwrap_or_default()
    }

    /// Makes these the process's; the first call counts.
    pub(crate) fn set_of_process(self) {
        let _ = PROCESS.set(self);
    }

    fn has(&self, format: Propagator) -> bool {
        self.list.contains(&Some(format))
    }

    /// Is anything at all handed on?
    pub(crate) fn pass_on(&self) -> bool {
        self.tracecontext || self.baggage || self.others || self.request_id
    }

    /// The caller's place in its trace, if that is all there is to read besides the request's id.
    #[inline]
    pub(crate) fn read_trace_alone(&self, known: &KnownHeaders<'_>) -> Option<Option<TraceContext>> {
        let alone = !known.tracestate && !known.baggage && !self.others && self.tracecontext;
        alone.then(|| known.traceparent.only().and_then(TraceContext::from_traceparent))
    }

    /// Reads every enabled format from request headers but the request's id; repeated headers are read whole.
    pub(crate) fn read_headers(&self, known: &KnownHeaders<'_>, map: &HeaderMap) -> Remote {
        let mut remote = Remote::default();
        let find =
            |name| if TRACEPARENT == name { known.traceparent.only() } else { headers::only(map, name) };
        self.read_trace(&mut remote, &find, &|| Tracestate::parse(headers::all(map, TRACESTATE)));
        if known.baggage && self.baggage {
            remote.baggage = Baggage::parse(headers::all(map, BAGGAGE));
        }
        remote
    }

    /// Reads every enabled format from any map of strings.
    pub(crate) fn read(&self, carrier: &impl Carrier) -> Remote {
        let mut remote = Remote::default();
        let tracestate = || Tracestate::parse(carrier.values_of(TRACESTATE.as_str()));
        self.read_trace(&mut remote, &|key| carrier::only(carrier, key), &tracestate);
        if self.baggage {
            remote.baggage = Baggage::parse(carrier.values_of(BAGGAGE.as_str()));
        }
        if self.request_id {
            remote.request_id = carrier::only(carrier, REQUEST_ID.as_str()).and_then(RequestId::parse);
        }
        remote.peer = carrier::read_peer(carrier);
        remote
    }

    /// Reads each format of a trace, in the list's order: a later one that finds something valid counts (Propagators
    /// API, "composite propagator"). What `find` says of a name is its value, if there is exactly one.
    ///
    /// Without a valid `traceparent` a `tracestate` is not looked at (trace context level 2, 3.4).
    fn read_trace<'a>(
        &self,
        remote: &mut Remote,
        find: &dyn Fn(&'static str) -> Option<&'a [u8]>,
        tracestate: &dyn Fn() -> Tracestate,
    ) {
        for format in self.list.into_iter().flatten() {
            if format != Propagator::TraceContext {
                format.join(remote, find);
            } else if let Some(trace) = find("traceparent").and_then(TraceContext::from_traceparent) {
                (remote.trace, remote.tracestate) = (Some(trace), tracestate());
            }
        }
    }

    /// Reads the request's id from request headers.
    #[inline]
    pub(crate) fn read_request_id(&self, known: &KnownHeaders<'_>) -> Option<RequestId> {
        known.request_id.only().filter(|_| self.request_id).and_then(RequestId::parse)
    }

    /// Writes every enabled format; what was there before under the same names is replaced.
    ///
    /// A forwarding proxy copies the headers that it got. So a host that must see nothing of ours gets none of these
    /// headers, whatever formats are enabled, and one that is not trusted with baggage gets no baggage at all. Baggage
    /// that the user set himself stays where the host is trusted and we have none to write. A request that is full of
    /// headers stays as it is.
    #[inline]
    pub(crate) fn write_headers(&self, map: &mut HeaderMap, outgoing: OutgoingContext<'_>) {
        let Some(trace) = outgoing.trace else { return headers::clear_headers(map) };
        if !map.is_empty() || self.is_more_than_ids(&outgoing) {
            self.write_more(map, trace, outgoing);
        }
        if self.tracecontext {
            headers::insert(map, TRACEPARENT, HeaderValue::from_bytes(&trace.to_traceparent()));
        }
        if let Some(id) = outgoing.request_id.filter(|_| self.request_id) {
            headers::insert(map, REQUEST_ID, Ok(id.to_header_value()));
        }
    }

    /// Is anything written but the trace and the request's id?
    #[inline]
    fn is_more_than_ids(&self, outgoing: &OutgoingContext<'_>) -> bool {
        let has_baggage = outgoing.baggage.is_some_and(|baggage| !baggage.is_empty());
        has_baggage || !outgoing.tracestate.is_empty() || self.others
    }

    /// Writes what few calls carry on, and takes away what was there under its names.
    fn write_more(&self, map: &mut HeaderMap, trace: TraceContext, outgoing: OutgoingContext<'_>) {
        match outgoing.baggage {
            _ if !self.baggage => {}
            None => headers::remove(map, BAGGAGE),
            Some(baggage) => {
                if let Some(Ok(value)) = baggage.to_header().map(HeaderValue::try_from) {
                    let _ = map.try_insert(BAGGAGE, value);
                }
            }
        }
        if self.tracecontext {
            headers::write_tracestate(map, outgoing.tracestate);
        }
        if self.others {
            write_others(|format| self.has(format), trace, &mut |name, value| headers::set(map, name, value));
        }
    }

    /// Writes every enabled format; the rules are those of [`Self::write_headers`].
    pub(crate) fn write(&self, carrier: &mut impl Carrier, outgoing: OutgoingContext<'_>) {
        let Some(trace) = outgoing.trace else {
            return keys().for_each(|key| replace(carrier, key, None));
        };
        let [traceparent, tracestate, baggage, request_id] = KEYS;
        if self.tracecontext {
            let value = String::from_utf8_lossy(&trace.to_traceparent()).into_owned();
            let list = Some(outgoing.tracestate).filter(|list| !list.is_empty());
            replace(carrier, traceparent, Some(value));
            replace(carrier, tracestate, list.map(|list| list.as_str().to_owned()));
        }
        if self.others {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            write_others(|format| self.has(format), trace, &mut |key, value| {
                replace(carrier, key, value.map(text))
            });
        }
        match outgoing.baggage {
            _ if !self.baggage => {}
            None => replace(carrier, baggage, None),
            Some(pairs) => {
                if let Some(header) = pairs.to_header() {
                    carrier.put(baggage, header);
                }
            }
        }
        if let Some(id) = outgoing.request_id.filter(|_| self.request_id) {
            carrier.put(request_id, id.to_string());
        }
    }
}

impl Default for Propagators {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// In this order; a format that is named twice counts once, where it is named first.
impl FromIterator<Propagator> for Propagators {
    fn from_iter<I: IntoIterator<Item = Propagator>>(formats: I) -> Self {
        let mut list = [None; Propagator::ALL.len()];
        for format in formats {
            let place = list.iter().position(|known| known.is_none_or(|known| known == format));
            if let Some(place) = place.and_then(|place| list.get_mut(place)) {
                *place = Some(format);
            }
        }
        let has = |format| list.contains(&Some(format));
        let others = [Propagator::B3, Propagator::B3Multi, Propagator::Jaeger].into_iter().any(has);
        let (tracecontext, baggage) = (has(Propagator::TraceContext), has(Propagator::Baggage));
        Self { list, tracecontext, baggage, others, request_id: true }
    }
}

#[cfg(test)]
mod tests;
