//! A carrier as two closures, so that the headers of any broker's client are written and read without its version here.

use super::{Carrier, Remote, carrier, extract, formats, inject};

/// A carrier that is only written to: a new message.
struct Written<F>(F);

/// What a carrier had under each key that is asked for.
struct Read(Vec<(&'static str, Vec<u8>)>);

impl<F: FnMut(&'static str, &str)> Carrier for Written<F> {
    fn values_of(&self, _: &str) -> Vec<&[u8]> {
        Vec::new()
    }

    fn put(&mut self, key: &'static str, value: String) {
        (self.0)(key, &value);
    }
}

impl Carrier for Read {
    fn values_of(&self, key: &str) -> Vec<&[u8]> {
        let of_key = self.0.iter().filter(|(known, _)| *known == key);
        of_key.map(|(_, value)| value.as_slice()).collect()
    }

    fn put(&mut self, _: &'static str, _: String) {}
}

/// Writes the current context onto a new message by a closure that sets one header; keys are in lower case. For the headers
/// of any broker's client. As [`inject`], but what is on the message already stays.
///
/// ```
/// use tower_observability::propagation;
///
/// let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
/// propagation::inject_with(|key, value| headers.push((key.to_owned(), value.as_bytes().to_vec())));
/// # assert!(headers.is_empty(), "outside of a request");
/// ```
pub fn inject_with(set: impl FnMut(&'static str, &str)) {
    inject(&mut Written(set));
}

/// Reads a context by a closure that returns the value of one header, if there is exactly one. As [`extract`]. The key is
/// in lower case; if your client's headers have other cases, compare without it.
///
/// ```
/// use tower_observability::propagation;
///
/// let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let headers = [("traceparent", traceparent.as_bytes())];
/// let remote = propagation::extract_with(|key| {
///     headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.to_vec())
/// });
/// assert!(remote.trace.is_some());
/// ```
#[must_use]
pub fn extract_with<V: AsRef<[u8]>>(get: impl Fn(&str) -> Option<V>) -> Remote {
    let keys = carrier::KEYS.into_iter().chain(formats::KEYS).chain([carrier::PEER_KEY]);
    let read = keys.filter_map(|key| Some((key, get(key)?.as_ref().to_vec()))).collect();
    extract(&Read(read))
}
