//! Owns the `traceparent` header: text in, [`TraceContext`] out, and back.

use super::TraceContext;

impl TraceContext {
    /// Reads one `traceparent` value; `None` if it is not valid.
    #[must_use]
    pub fn from_traceparent(_value: &[u8]) -> Option<Self> {
        None
    }

    /// The 55 bytes of a version 00 `traceparent`, without an allocation.
    #[must_use]
    pub fn to_traceparent(self) -> [u8; 55] {
        [b'0'; 55]
    }
}
