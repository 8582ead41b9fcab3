//! Owns the request id: an incoming `x-request-id` if it is harmless, else a UUID v7.

use std::fmt;

use http::HeaderValue;
use smallvec::SmallVec;

use super::hex;
use super::id::random;

/// The id that a person reads out on the telephone. At most 128 visible ASCII characters.
///
/// ```
/// use tower_observability::context::RequestId;
///
/// let id = RequestId::make(1_764_000_000_000);
/// assert_eq!(id.as_str().len(), 36);
/// assert_eq!(RequestId::parse(b"order-4711").map(|id| id.to_string()).as_deref(), Some("order-4711"));
/// assert_eq!(RequestId::parse(b"two words"), None);
/// ```
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct RequestId(SmallVec<[u8; Self::LENGTH]>);

/// Version 7 and the variant, at their places in a UUID (RFC 9562, 5.7).
const VERSION_7: u128 = 0x7 << 76 | 0b10 << 62;
/// The bits that are random: neither the time before them nor those two.
const RANDOM: u128 = !(u128::MAX << 80 | 0xf << 76 | 0b11 << 62);

impl RequestId {
    /// How long those are that we make.
    pub(crate) const LENGTH: usize = 36;
    /// The longest id that a stranger may put on our log lines.
    pub(crate) const LONGEST: usize = 128;

    /// An incoming id: 1 to 128 visible ASCII characters (0x21 to 0x7E), else `None`.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self(SmallVec::from_slice(value)))
    }

    /// A UUID v7 from a clock reading that was already taken, in milliseconds since 1970.
    #[must_use]
    #[inline]
    pub fn make(unix_millis: u64) -> Self {
        // The thread's own random bits: uuid's own v7 takes a global lock for its counter.
        let id = u128::from(unix_millis) << 80 | VERSION_7 | random::<u128>() & RANDOM;
        let digits = hex::pairs(&id.to_be_bytes());
        let digits = digits.as_flattened();
        let mut text = *b"00000000-0000-0000-0000-000000000000";
        text[..8].copy_from_slice(&digits[..8]);
        text[9..13].copy_from_slice(&digits[8..12]);
        text[14..18].copy_from_slice(&digits[12..16]);
        text[19..23].copy_from_slice(&digits[16..20]);
        text[24..].copy_from_slice(&digits[20..]);
        Self(SmallVec::from_buf(text))
    }

    /// The id's bytes, all visible ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id as the value of a header.
    #[must_use]
    #[inline]
    pub fn to_header_value(&self) -> HeaderValue {
        // Visible ASCII is always a header's value.
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl Clone for RequestId {
    #[inline]
    fn clone(&self) -> Self {
        // Derived, it would copy byte by byte. Most ids are ours, and copied at once.
        match <[u8; Self::LENGTH]>::try_from(self.as_bytes()) {
            Ok(text) => Self(SmallVec::from_buf(text)),
            Err(_) => Self(SmallVec::from_slice(&self.0)),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_up_to_128_is_taken() {
        let text = [b'x'; 129];
        for length in 0..=129 {
            let id = RequestId::parse(&text[..length]);
            assert_eq!(id.is_some(), (1..=128).contains(&length), "{length}");
            if let Some(id) = id {
                assert_eq!(id.as_str().as_bytes(), &text[..length]);
                assert_eq!(id.to_header_value().as_bytes(), &text[..length]);
            }
        }
    }

    #[test]
    fn only_visible_ascii_is_taken() {
        for byte in 0..=255u8 {
            assert_eq!(
                RequestId::parse(&[b'a', byte]).is_some(),
                (0x21..=0x7e).contains(&byte),
                "{byte:#04x}"
            );
        }
    }

    #[test]
    fn a_made_id_is_a_uuid_of_version_7_with_the_given_time() {
        let id = RequestId::make(0x0190_1234_5678);
        let uuid = uuid::Uuid::parse_str(id.as_str()).expect("a uuid");
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        assert!(id.as_str().starts_with("01901234-5678-7"), "{id}");
        assert_eq!(id.as_str(), id.as_str().to_lowercase());
        assert!(!id.0.spilled());
        assert_eq!(RequestId::parse(id.as_str().as_bytes()), Some(id));
    }

    #[test]
    fn two_ids_of_one_millisecond_differ() {
        assert_ne!(RequestId::make(1), RequestId::make(1));
    }
}
