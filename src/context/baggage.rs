//! Owns the `baggage` header: the user's own key-value pairs that travel with a request.

use std::sync::Arc;

/// W3C baggage. Empty is free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baggage(Option<Arc<[Member]>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    key: Box<str>,
    value: Box<str>,
    properties: Box<str>,
}

impl Baggage {
    /// Reads all header values as one list; members that are not valid are left out.
    #[must_use]
    pub fn parse<'a>(_values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(None)
    }

    /// Has it no member?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A member's decoded value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.as_deref()?.iter().find(|member| &*member.key == key).map(|member| &*member.value)
    }

    /// The baggage with this member set; unchanged if the key is not a token or the limits are reached.
    #[must_use]
    pub fn with(&self, _key: &str, _value: &str) -> Self {
        self.clone()
    }

    /// The header's value; `None` if there is nothing to send.
    #[must_use]
    pub fn to_header(&self) -> Option<String> {
        self.0.as_ref().map(|members| members.iter().map(|member| &*member.properties).collect())
    }
}
