//! Owns the carrier: any map of strings that travels with a message.

use std::collections::{BTreeMap, HashMap};

use super::{Outgoing, Propagators, Remote};

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
        }
    };
}

carrier_for_map!(HashMap);
carrier_for_map!(BTreeMap);

impl Propagators {
    /// Reads every enabled format.
    pub(crate) fn read(&self, _carrier: &impl Carrier) -> Remote {
        Remote::default()
    }

    /// Writes every enabled format.
    pub(crate) fn write(&self, _carrier: &mut impl Carrier, _outgoing: Outgoing<'_>) {}
}
