//! The request id: an incoming `x-request-id` if it is harmless, else a UUID v7.

use std::fmt;

use http::HeaderValue;

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
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Text);

/// Copied with each hop: most ids are ours, or no longer, and then it is one copy of so many bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Text {
    /// Behind its length it is zero.
    Short {
        length: u8,
        text: [u8; RequestId::LENGTH],
    },
    Long(Box<[u8]>),
}

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
        fits.then(|| Self(Text::of(value)))
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
        Self(Text::Short { length: Self::LENGTH as u8, text })
    }

    /// The id's bytes, all visible ASCII.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Short { length, text } => text.get(..usize::from(*length)).unwrap_or_default(),
            Text::Long(text) => text,
        }
    }

    /// The id and zeros behind it, if it is no longer than ours: bytes of a known number are copied at once.
    #[inline]
    pub(crate) fn padded(&self) -> Option<&[u8; Self::LENGTH]> {
        match &self.0 {
            Text::Short { text, .. } => Some(text),
            Text::Long(_) => None,
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as the value of a header.
    #[must_use]
    #[inline]
    pub fn to_header_value(&self) -> HeaderValue {
        // Visible ASCII is always a header's value.
        HeaderValue::from_bytes(self.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

impl Text {
    fn of(value: &[u8]) -> Self {
        let mut text = [0; RequestId::LENGTH];
        match text.get_mut(..value.len()) {
            Some(place) => {
                place.copy_from_slice(value);
                Self::Short { length: value.len() as u8, text }
            }
            None => Self::Long(value.into()),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.as_str()).finish()
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
                assert_eq!(id.padded().is_some(), length <= RequestId::LENGTH);
                assert_eq!(id.clone(), id);
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
        assert!(id.padded().is_some_and(|text| text == id.as_bytes()));
        assert_eq!(RequestId::parse(id.as_str().as_bytes()), Some(id));
    }

    #[test]
    fn two_ids_of_one_millisecond_differ() {
        assert_ne!(RequestId::make(1), RequestId::make(1));
    }
}
