//! The carrier: any map of strings that travels with a message.

use std::collections::{BTreeMap, HashMap};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::formats;
use super::{OutgoingContext, Propagators, Remote};
use crate::context::{Baggage, RequestId, TraceContext, Tracestate};
use crate::names::header::{BAGGAGE, REQUEST_ID, TRACEPARENT, TRACESTATE};

/// A map of strings that travels with a message: its headers, its attributes, its properties.
///
/// ```
/// use tower_observability::propagation::Carrier;
///
/// let mut headers = std::collections::BTreeMap::new();
/// headers.put("traceparent", "00-…".to_owned());
/// assert_eq!(headers.values_of("traceparent"), ["00-…".as_bytes()]);
/// ```
pub trait Carrier {
    /// All values under this lower-case key, in order.
    fn values_of(&self, key: &str) -> Vec<&[u8]>;

    /// Sets the key to this one value.
    fn put(&mut self, key: &'static str, value: String);

    /// Takes the key away, so that nothing of an earlier hop travels on. Default: sets it to an empty value, which
    /// every reader takes for absent.
    fn remove(&mut self, key: &'static str) {
        self.put(key, String::new());
    }
}

macro_rules! carrier_for_map {
    ($map:ident) => {
        impl Carrier for $map<String, String> {
            fn values_of(&self, key: &str) -> Vec<&[u8]> {
                self.get(key).map(|value| value.as_bytes()).into_iter().collect()
            }

            fn put(&mut self, key: &'static str, value: String) {
                self.insert(key.to_owned(), value);
            }

            fn remove(&mut self, key: &'static str) {
                self.remove(key);
            }
        }
    };
}

carrier_for_map!(HashMap);
carrier_for_map!(BTreeMap);

/// Headers of a request that does not go through the client layer, or of a message whose headers are HTTP's.
impl Carrier for HeaderMap {
    fn values_of(&self, key: &str) -> Vec<&[u8]> {
        self.get_all(key).iter().map(HeaderValue::as_bytes).collect()
    }

    /// What is no name or no value of a header is left out.
    fn put(&mut self, key: &'static str, value: String) {
        if let (Ok(key), Ok(value)) = (HeaderName::from_bytes(key.as_bytes()), HeaderValue::try_from(value)) {
            self.insert(key, value);
        }
    }

    fn remove(&mut self, key: &'static str) {
        self.remove(key);
    }
}

/// What a context is written under, beside the other formats' keys.
pub(super) const KEYS: [&str; 4] = ["traceparent", "tracestate", "baggage", "x-request-id"];

/// The value if there is exactly one.
fn only<'a>(carrier: &'a impl Carrier, key: &str) -> Option<&'a [u8]> {
    match carrier.values_of(key).as_slice() {
        [value] => Some(value),
        _ => None,
    }
}

fn replace(carrier: &mut impl Carrier, key: &'static str, value: Option<String>) {
    match value {
        Some(value) => carrier.put(key, value),
        None if carrier.values_of(key).is_empty() => {}
        None => carrier.remove(key),
    }
}

impl Propagators {
    /// Every key that a context may be written under.
    pub(super) fn keys() -> impl Iterator<Item = &'static str> {
        KEYS.into_iter().chain(formats::KEYS)
    }

    /// Reads every enabled format; the rules are those of [`Self::read_headers`].
    pub(crate) fn read(&self, carrier: &impl Carrier) -> Remote {
        let mut remote = Remote::default();
        if self.tracecontext {
            remote.trace = only(carrier, TRACEPARENT.as_str()).and_then(TraceContext::from_traceparent);
        }
        if remote.trace.is_some() {
            remote.tracestate = Tracestate::parse(carrier.values_of(TRACESTATE.as_str()));
        }
        if self.baggage {
            remote.baggage = Baggage::parse(carrier.values_of(BAGGAGE.as_str()));
        }
        if self.request_id {
            remote.request_id = only(carrier, REQUEST_ID.as_str()).and_then(RequestId::parse);
        }
        if !self.formats.is_empty() {
            self.formats.read(&mut remote, &|key| only(carrier, key));
        }
        remote
    }

    /// Writes every enabled format; the rules are those of [`Self::write_headers`].
    pub(crate) fn write(&self, carrier: &mut impl Carrier, outgoing: OutgoingContext<'_>) {
        let Some(trace) = outgoing.trace else {
            return Self::keys().for_each(|key| replace(carrier, key, None));
        };
        let [traceparent, tracestate, baggage, request_id] = KEYS;
        if self.tracecontext {
            let value = String::from_utf8_lossy(&trace.to_traceparent()).into_owned();
            let list = Some(outgoing.tracestate).filter(|list| !list.is_empty());
            replace(carrier, traceparent, Some(value));
            replace(carrier, tracestate, list.map(|list| list.as_str().to_owned()));
        }
        if !self.formats.is_empty() {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            self.formats.write(trace, &mut |key, value| replace(carrier, key, value.map(text)));
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
