//! The `baggage` header: the user's own key-value pairs that travel with a request.

use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, percent_decode, utf8_percent_encode};

use super::text::{is_token, trim};

/// W3C baggage. Empty is free.
///
/// What fits into a header of 8192 bytes is kept; a member that does not fit is left out as a whole. `Debug` shows only the
/// keys, because values may be personal.
///
/// ```
/// use tower_observability::context::Baggage;
///
/// let baggage = Baggage::parse([&b"userId=alice, node=DF%2028;ttl=30"[..]]).with("paid", "50 %");
/// assert_eq!(baggage.get("node"), Some("DF 28"));
/// assert_eq!(baggage.to_header().as_deref(), Some("userId=alice,node=DF%2028;ttl=30,paid=50%20%25"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Baggage(Option<Arc<List>>);

#[derive(Default, PartialEq, Eq)]
struct List {
    // Keys, decoded values and properties one after the other: few allocations, however many members there are.
    text: String,
    members: Vec<Member>,
    /// The length of the header for these members.
    length: usize,
}

/// Where the member's parts end in the list's text, which [`MOST_BYTES`] keeps below 2^16.
#[derive(PartialEq, Eq)]
struct Member {
    start: u16,
    key: u16,
    value: u16,
    properties: u16,
}

#[derive(Clone, Copy)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
    /// As sent, without white space: `a;b=c`.
    properties: &'a str,
}

/// The least that the standard asks for. It also asks for at least 64 members, which are not counted here.
const MOST_BYTES: usize = 8192;

/// All but `baggage-octet`, and the percent sign itself.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

fn encoded(value: &str) -> PercentEncode<'_> {
    utf8_percent_encode(value, ENCODED)
}

fn is_value(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

/// `key OWS "=" OWS value`, or the key alone.
fn pair(text: &[u8]) -> Option<(&str, Option<&str>)> {
    let mut parts = text.splitn(2, |byte| *byte == b'=').map(trim);
    let key = parts.next().filter(|key| is_token(key))?;
    let value = match parts.next() {
        Some(value) if !is_value(value) => return None,
        Some(value) => Some(std::str::from_utf8(value).ok()?),
        None => None,
    };
    Some((std::str::from_utf8(key).ok()?, value))
}

impl Baggage {
    /// Reads all header values as one list; members that are not valid are left out.
    #[must_use]
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut list = List::default();
        for text in values.into_iter().flat_map(|value| value.split(|byte| *byte == b',')) {
            list.read(text);
        }
        Self::of(list)
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        let members = |list: &Arc<List>| size_of::<Member>() * list.members.capacity();
        self.0.as_ref().map_or(0, |list| list.text.capacity() + members(list))
    }

    /// Is it empty?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A member's decoded value; the first one's if the key was sent more than once.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries().find(|entry| entry.key == key).map(|entry| entry.value)
    }

    /// A member's properties as sent, separated by `;`; empty text if it has none.
    #[must_use]
    pub fn properties(&self, key: &str) -> Option<&str> {
        self.entries().find(|entry| entry.key == key).map(|entry| entry.properties)
    }

    /// All keys with their decoded values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().map(|entry| (entry.key, entry.value))
    }

    /// The baggage with this member set; unchanged if the key is not a token or the limits are reached.
    ///
    /// An earlier member of the same key is replaced, with its properties.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        let new = Pair { key, value, properties: "" };
        let mut list = List::default();
        let mut fits = is_token(key.as_bytes());
        let mut set = false;
        for entry in self.entries() {
            if entry.key != key {
                fits &= list.push(entry);
            } else if !set {
                set = true;
                fits &= list.push(new);
            }
        }
        fits = fits && (set || list.push(new));
        if fits { Self::of(list) } else { self.clone() }
    }

    /// The header's value; `None` if there is nothing to send.
    #[must_use]
    pub fn to_header(&self) -> Option<String> {
        let mut header = String::with_capacity(self.0.as_ref()?.length);
        for entry in self.entries() {
            if !header.is_empty() {
                header.push(',');
            }
            header.push_str(entry.key);
            header.push('=');
            header.extend(encoded(entry.value));
            if !entry.properties.is_empty() {
                header.push(';');
                header.push_str(entry.properties);
            }
        }
        Some(header)
    }

    fn of(list: List) -> Self {
        Self((!list.members.is_empty()).then(|| Arc::new(list)))
    }

    fn entries(&self) -> impl Iterator<Item = Pair<'_>> {
        self.0.iter().flat_map(|list| list.members.iter().map(|member| list.entry(member)))
    }
}

impl List {
    /// Reads one member; nothing if it is not valid or does not fit.
    fn read(&mut self, text: &[u8]) -> Option<()> {
        let mut parts = text.split(|byte| *byte == b';').map(trim);
        let (key, value) = pair(parts.next()?)?;
        let mut properties = String::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let (key, value) = pair(part)?;
            if !properties.is_empty() {
                properties.push(';');
            }
            properties.push_str(key);
            properties.extend(value.map(|value| ["=", value]).into_iter().flatten());
        }
        let value = percent_decode(value?.as_bytes()).decode_utf8_lossy();
        self.push(Pair { key, value: &value, properties: &properties }).then_some(())
    }

    /// Adds the member if it fits.
    fn push(&mut self, entry: Pair<'_>) -> bool {
        let Pair { key, value, properties } = entry;
        let separators = usize::from(!self.members.is_empty()) + 1 + usize::from(!properties.is_empty());
        let value_length = encoded(value).map(str::len).sum::<usize>();
        let length = self.length + separators + key.len() + value_length + properties.len();
        if length > MOST_BYTES {
            return false;
        }
        let mut add = |part: &str| {
            self.text.push_str(part);
            self.text.len() as u16
        };
        let member = Member { start: add(""), key: add(key), value: add(value), properties: add(properties) };
        self.members.push(member);
        self.length = length;
        true
    }

    fn entry(&self, member: &Member) -> Pair<'_> {
        let part = |start: u16, end: u16| self.text.get(start.into()..end.into()).unwrap_or_default();
        Pair {
            key: part(member.start, member.key),
            value: part(member.key, member.value),
            properties: part(member.value, member.properties),
        }
    }
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Baggage ")?;
        f.debug_set().entries(self.entries().map(|entry| entry.key)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Baggage {
        Baggage::parse([value.as_bytes()])
    }

    fn header(value: &str) -> String {
        read(value).to_header().unwrap_or_default()
    }

    #[test]
    fn all_headers_are_one_list_in_order() {
        let baggage = Baggage::parse([&b"a=1"[..], b"", b" b = 2 ,c=3"]);
        assert_eq!(baggage.to_header().as_deref(), Some("a=1,b=2,c=3"));
        assert_eq!(baggage.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2"), ("c", "3")]);
    }

    #[test]
    fn a_bad_member_is_left_out_alone() {
        for bad in [
            "", "x", "=1", "x y=1", "x=a b", "x=\"1\"", "x=\\", "x=\u{e9}", "x(=1", "x=1;p q", "x=1;=2", ";p",
        ] {
            assert_eq!(header(&format!("a=1,{bad},b=2")), "a=1,b=2", "{bad:?}");
        }
        assert!(read("x").is_empty() && read("x").to_header().is_none());
    }

    #[test]
    fn every_byte_is_judged_in_key_and_value() {
        for byte in 0..=255u8 {
            let token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let text = [b'k', byte, b'k', b'=', b'v'];
            let header = Baggage::parse([&text[..]]).to_header();
            // An equals sign ends the key; the value has the other one.
            let whole = header.is_some_and(|header| header.as_bytes() == text);
            assert_eq!(whole, token || byte == b'=', "key byte {byte:#04x}");

            let value = Baggage::parse([&[b'k', b'=', b'v', byte, b'v'][..]]);
            let octet = matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
            // After a comma or a semicolon comes a new member or a property.
            assert_eq!(!value.is_empty(), octet || byte == b',' || byte == b';', "value byte {byte:#04x}");
        }
    }

    #[test]
    fn no_cut_panics_and_what_is_kept_reads_back() {
        let whole = "a=1%20%E4;p;q = 2 , b\t=%2,c=x=y;;,%=%25%F0%9F%98%80".as_bytes();
        for end in 0..=whole.len() {
            for start in 0..end {
                let first = Baggage::parse([&whole[start..end]]);
                assert_eq!(read(&first.to_header().unwrap_or_default()), first);
            }
        }
    }

    #[test]
    fn values_are_decoded_and_encoded_again() {
        let baggage = read("k=%22%2C%3B%5C%25%20=%C3%A9!");
        assert_eq!(baggage.get("k"), Some("\",;\\% =\u{e9}!"));
        assert_eq!(baggage.to_header().as_deref(), Some("k=%22%2C%3B%5C%25%20=%C3%A9!"));
        assert_eq!(read("k=%ff").get("k"), Some("\u{fffd}"));
        assert_eq!(header("k=%ff"), "k=%EF%BF%BD");
        assert_eq!((read("k=5%").get("k"), &*header("k=5%")), (Some("5%"), "k=5%25"));
    }

    #[test]
    fn properties_travel_as_they_came() {
        let baggage = read("k=1 ; p ; q = %41 ;; r=");
        assert_eq!(baggage.properties("k"), Some("p;q=%41;r="));
        assert_eq!(baggage.to_header().as_deref(), Some("k=1;p;q=%41;r="));
        assert_eq!((read("k=1").properties("k"), read("k=1").properties("x")), (Some(""), None));
    }

    #[test]
    fn a_set_member_replaces_its_earlier_ones_in_place() {
        let baggage = read("a=1;p,b=2,a=3").with("a", "x y").with("c", "");
        assert_eq!(baggage.to_header().as_deref(), Some("a=x%20y,b=2,c="));
        assert_eq!(baggage.with("not a token", "1"), baggage);
        assert_eq!(Baggage::default().with("a", "1").to_header().as_deref(), Some("a=1"));
    }

    #[test]
    fn beyond_8192_bytes_whole_members_are_left_out() {
        let full = format!("a={}", "x".repeat(MOST_BYTES - 2));
        assert_eq!(header(&full), full);
        assert!(read(&format!("{full}x")).is_empty());
        assert_eq!(header(&format!("{full}x,b=2")), "b=2", "one that fits follows");
        assert_eq!(header(&format!("{full},b=2")), full);
        assert_eq!(read(&full).with("b", "2"), read(&full));

        let growing = format!("a={}", "%".repeat(MOST_BYTES / 2));
        assert!(read(&growing).is_empty(), "what counts is what would be sent");
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", read("user=alice;secret,plan=gold"));
        assert_eq!(text, r#"Baggage {"user", "plan"}"#);
    }
}
