//! The carrier: any map of strings that travels with a message.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};

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

    /// Removes the key, so that no earlier context is passed on. Default: sets it to an empty value, which every reader
    /// treats as absent.
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

/// The key of the address.
pub(super) const PEER_KEY: &str = "observability-peer";

/// A longer address is none.
const LONGEST_PEER: usize = 300;

/// What a context is written under, beside the other formats' keys.
pub(super) const KEYS: [&str; 4] = ["traceparent", "tracestate", "baggage", "x-request-id"];

/// Where this process is told that a trace is kept; unset where it is not told.
static PEER: OnceLock<Arc<str>> = OnceLock::new();

/// From now on messages name this address.
pub(crate) fn set_peer(address: &str) {
    let _ = PEER.set(address.into());
}

/// Our address, for a trace that may be kept later.
pub(super) fn own_peer() -> Option<&'static Arc<str>> {
    PEER.get()
}

/// The sender's address, which is believed only where the message is taken.
pub(super) fn read_peer(carrier: &impl Carrier) -> Option<Arc<str>> {
    own_peer()?;
    std::str::from_utf8(only(carrier, PEER_KEY)?)
        .ok()
        .filter(|text| text.len() <= LONGEST_PEER)
        .map(Into::into)
}

/// The value if there is exactly one.
pub(super) fn only<'a>(carrier: &'a impl Carrier, key: &str) -> Option<&'a [u8]> {
    match carrier.values_of(key).as_slice() {
        [value] => Some(value),
        _ => None,
    }
}

pub(super) fn replace(carrier: &mut impl Carrier, key: &'static str, value: Option<String>) {
    match value {
        Some(value) => carrier.put(key, value),
        None if carrier.values_of(key).is_empty() => {}
        None => carrier.remove(key),
    }
}
