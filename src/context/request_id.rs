//! The request id: an incoming `x-request-id` if it is harmless, else a UUID v7.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::HeaderValue;
use serde_core::{Serialize, Serializer};
use smallvec::SmallVec;
use uuid::Builder;

use super::id::{InvalidId, random};

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
// As the value of a header: one allocation when it begins, and none for each call and each answer that carries it.
pub struct RequestId(HeaderValue);

/// How long a UUID's text is.
const LENGTH: usize = 36;
/// The longest id that a caller may put on our log lines.
const LONGEST: usize = 128;

impl RequestId {
    /// An incoming id: 1 to 128 visible ASCII characters (0x21 to 0x7E), else `None`.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let fits = (1..=LONGEST).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self::of(SmallVec::<[u8; LENGTH]>::from_slice(value)))
    }

    /// A UUID v7 from a clock reading that was already taken, in milliseconds since 1970.
    #[must_use]
    pub fn make(unix_millis: u64) -> Self {
        // The thread's own random bits: `Uuid::now_v7` takes a lock of the process for its counter.
        let [random @ .., _, _, _, _, _, _] = random::<u128>().to_le_bytes();
        let id = Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid();
        let mut text = [0; LENGTH];
        id.hyphenated().encode_lower(&mut text);
        Self::of(text)
    }

    fn of(text: impl AsRef<[u8]> + Send + 'static) -> Self {
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        // Visible ASCII is always a header's value.
        Self(value.unwrap_or(HeaderValue::from_static("")))
    }

    /// The id's bytes, all visible ASCII.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the value of a header, without an allocation.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// From 1 to 128 visible ASCII characters.
impl FromStr for RequestId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let id = Self::parse(text.as_bytes());
        id.ok_or(InvalidId("a request id has 1 to 128 visible ASCII characters"))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
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
        assert_eq!(RequestId::parse(id.as_str().as_bytes()), Some(id));
    }

    #[test]
    fn an_id_is_read_from_its_text_and_serialized_as_it() {
        let id: RequestId = "order-4711".parse().expect("an id");
        assert_eq!((id.as_str(), serde_json::json!(id)), ("order-4711", serde_json::json!("order-4711")));
        assert!("two words".parse::<RequestId>().is_err() && "".parse::<RequestId>().is_err());
    }

    #[test]
    fn two_ids_of_one_millisecond_differ() {
        assert_ne!(RequestId::make(1), RequestId::make(1));
    }
}
