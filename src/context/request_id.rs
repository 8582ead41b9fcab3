//! Owns the request id: an incoming `x-request-id` if it is harmless, else a UUID v7.

use smallvec::SmallVec;

/// The id that a person reads out on the telephone. At most 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(SmallVec<[u8; 36]>);

impl RequestId {
    /// An incoming id: 1 to 128 visible ASCII characters (0x21 to 0x7E), else `None`.
    #[must_use]
    pub fn parse(_value: &[u8]) -> Option<Self> {
        None
    }

    /// A UUID v7 from a clock reading that was already taken.
    #[must_use]
    pub fn make(_unix_millis: u64) -> Self {
        Self(SmallVec::new())
    }

    /// The id as a header's value.
    #[must_use]
    pub fn to_header_value(&self) -> http::HeaderValue {
        http::HeaderValue::from_bytes(&self.0).unwrap_or(http::HeaderValue::from_static(""))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}
