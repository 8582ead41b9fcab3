//! Owns the `tracestate` header: the vendors' list, kept in order, changed only by `ot=`.

use std::sync::Arc;

/// The members of `tracestate`, validated. Empty is free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracestate(Option<Arc<str>>);

impl Tracestate {
    /// Reads all header values, in order, as one list; empty if the list is not valid.
    #[must_use]
    pub fn parse<'a>(_values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(None)
    }

    /// The list as sent in one header; empty if there is nothing to send.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Is there nothing to send?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A member's value.
    #[must_use]
    pub fn get(&self, _key: &str) -> Option<&str> {
        None
    }

    /// The list with this member on its left; the list as it was if key or value are not valid.
    #[must_use]
    pub fn with(&self, _key: &str, _value: &str) -> Self {
        self.clone()
    }

    /// The sampling threshold `ot=th:…`.
    pub(crate) fn ot_threshold(&self) -> Option<u64> {
        None
    }

    /// The explicit randomness `ot=rv:…`.
    pub(crate) fn ot_random(&self) -> Option<u64> {
        None
    }

    /// The list with this sampling threshold.
    pub(crate) fn with_ot_threshold(&self, _threshold: u64) -> Self {
        self.clone()
    }

    /// The list without a sampling threshold.
    pub(crate) fn without_ot_threshold(&self) -> Self {
        self.clone()
    }
}
