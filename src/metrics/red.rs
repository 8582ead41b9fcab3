//! Owns rate, errors and duration: handles of the `metrics` facade, resolved once per label set.

use crate::scope::{End, Hop, Method, Scheme};

/// The handle that the request's thread uses.
#[derive(Debug, Default)]
pub(crate) struct Red {}

impl Red {
    /// Is anything recorded?
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    /// A server hop begins: in-flight +1.
    pub(crate) fn server_begins(&self, _method: Method, _scheme: Scheme) {}

    /// A server hop that is not observed after all (a healthy probe) ends: in-flight -1.
    pub(crate) fn server_leaves(&self, _method: Method, _scheme: Scheme) {}

    /// A hop ends: its duration is recorded, with the hop's trace as exemplar if it is sampled.
    pub(crate) fn hop(&self, _hop: &Hop, _end: &End) {}

    /// The body of a call's answer failed after its head.
    pub(crate) fn client_body_failed(&self) {}
}
