//! The `tracestate` header: the vendors' list, kept in order, changed only by `ot=`.

use std::sync::Arc;

use smallvec::SmallVec;

use super::hex::number;
use super::text::trim;

/// The members of `tracestate`, validated. Empty is free.
///
/// At most 32 members and 4096 bytes travel on; the standard asks for 512 bytes at least.
///
/// ```
/// use tower_observability::context::Tracestate;
///
/// let list = Tracestate::parse([&b"rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"[..], b"other=1"]);
/// assert_eq!(list.get("congo"), Some("t61rcWkgMzE"));
/// assert_eq!(list.with("congo", "new").as_str(), "congo=new,rojo=00f067aa0ba902b7,other=1");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracestate(Option<Arc<str>>);

/// As many as the standard allows in one list.
const MOST_MEMBERS: usize = 32;
/// Our own limit: 32 longest members would be 16 kB, which makes the next server refuse the whole request.
const MOST_BYTES: usize = 4096;
/// When the list is too long, members longer than this go first (level 2, 3.3.1.5).
const LONG_MEMBER: usize = 128;

/// The member of OpenTelemetry's threshold `th` and its explicit randomness `rv`, both numbers of 56 bits.
const OT: &str = "ot";
/// How many hex digits 56 bits have.
const DIGITS: usize = 14;
/// The first number that is no threshold any more: it would keep nothing.
const THRESHOLDS: u64 = 1 << 56;

/// The longest key, and the longest value, that a member may have.
const LONGEST: usize = 256;

type MemberList<'a> = SmallVec<[&'a str; MOST_MEMBERS]>;

fn is_key(key: &[u8]) -> bool {
    let is_inner = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= LONGEST && matches!(key.first(), Some(b'a'..=b'z' | b'0'..=b'9')) && key.iter().all(is_inner)
}

fn is_value(value: &[u8]) -> bool {
    value.len() <= LONGEST
        && value.last().is_some_and(|last| *last != b' ')
        && value.iter().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b',' | b'='))
}

/// A member if it is valid.
fn member(text: &[u8]) -> Option<&str> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (key, value) = text.split_at_checked(equals)?;
    let valid = is_key(key) && is_value(value.get(1..)?);
    valid.then(|| std::str::from_utf8(text).ok())?
}

fn key_of(member: &str) -> &str {
    member.split_once('=').map_or(member, |(key, _)| key)
}

/// Leaves out whole members until the list is short enough; the first `own` are ours and stay.
fn shorten(members: &mut MemberList<'_>, own: usize) {
    members.truncate(MOST_MEMBERS);
    let mut length = members.iter().map(|member| member.len() + 1).sum::<usize>().saturating_sub(1);
    while length > MOST_BYTES && members.len() > own {
        let long = members.iter().rposition(|member| member.len() > LONG_MEMBER);
        let place = long.filter(|place| *place >= own).unwrap_or(members.len() - 1);
        length -= members.remove(place).len() + 1;
    }
}

fn is_threshold(sub: &str) -> bool {
    sub.starts_with("th:")
}

/// The threshold's digits without the zeros at their end.
fn digits(threshold: u64) -> SmallVec<[u8; DIGITS]> {
    let digit = |place: usize| char::from_digit((threshold >> (4 * (DIGITS - 1 - place)) & 0xf) as u32, 16);
    let mut digits: SmallVec<[u8; DIGITS]> = (0..DIGITS).filter_map(digit).map(|digit| digit as u8).collect();
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    digits
}

impl Tracestate {
    /// Reads all header values, in order, as one list; empty if the list is not valid.
    ///
    /// One bad member, or more than 32, makes the list invalid. Of two members with one key the first is kept.
    #[must_use]
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut members = MemberList::new();
        let mut received = 0;
        let texts = values.into_iter().flat_map(|value| value.split(|byte| *byte == b','));
        for text in texts.map(trim).filter(|text| !text.is_empty()) {
            received += 1;
            match member(text) {
                Some(_) if received > MOST_MEMBERS => return Self::default(),
                None => return Self::default(),
                Some(new) if members.iter().any(|known| key_of(known) == key_of(new)) => {}
                Some(new) => members.push(new),
            }
        }
        Self::of(members, 0)
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
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members()
            .find_map(|member| member.split_once('=').filter(|(found, _)| *found == key))
            .map(|(_, value)| value)
    }

    /// The list with this member on its left; the list as it was if key or value are not valid.
    ///
    /// A member of the same key is replaced. What is then too much is left out from the right.
    #[must_use]
    pub fn with(&self, key: &str, value: &str) -> Self {
        if !is_key(key.as_bytes()) || !is_value(value.as_bytes()) {
            return self.clone();
        }
        let mut own = SmallVec::<[u8; 128]>::from_slice(key.as_bytes());
        own.push(b'=');
        own.extend_from_slice(value.as_bytes());
        let own = std::str::from_utf8(&own).unwrap_or_default();
        Self::of(std::iter::once(own).chain(self.others(key)).collect(), 1)
    }

    /// The list without this member.
    fn without(&self, key: &str) -> Self {
        Self::of(self.others(key).collect(), 0)
    }

    fn of(mut members: MemberList<'_>, own: usize) -> Self {
        shorten(&mut members, own);
        let mut list = SmallVec::<[u8; 512]>::new();
        for member in &members {
            if !list.is_empty() {
                list.push(b',');
            }
            list.extend_from_slice(member.as_bytes());
        }
        let list = std::str::from_utf8(&list).unwrap_or_default();
        Self((!list.is_empty()).then(|| Arc::from(list)))
    }

    fn members(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(',').filter(|member| !member.is_empty())
    }

    fn others(&self, key: &str) -> impl Iterator<Item = &str> {
        self.members().filter(move |member| key_of(member) != key)
    }

    /// The rejection threshold of the caller's sampler.
    pub(crate) fn ot_threshold(&self) -> Option<u64> {
        let digits = self.ot("th:")?.as_bytes();
        let missing = DIGITS.checked_sub(digits.len())?;
        Some(number(digits)? << (4 * missing))
    }

    /// The explicit randomness, which replaces the trace id's last 56 bits.
    pub(crate) fn ot_random(&self) -> Option<u64> {
        let digits = self.ot("rv:")?.as_bytes();
        number(digits).filter(|_| digits.len() == DIGITS)
    }

    /// The list with this threshold in its `ot` member, whose other parts stay.
    ///
    /// A threshold that does not fit into 56 bits, or not into the member, leaves the list without one: a wrong
    /// one would falsify every count that is made from it.
    #[must_use]
    pub(crate) fn with_ot_threshold(&self, threshold: u64) -> Self {
        let mut value = SmallVec::<[u8; LONGEST]>::from_slice(b"th:");
        value.extend_from_slice(&digits(threshold));
        for sub in self.ot_others() {
            value.push(b';');
            value.extend_from_slice(sub.as_bytes());
        }
        match std::str::from_utf8(&value) {
            Ok(value) if threshold < THRESHOLDS && value.len() <= LONGEST => self.with(OT, value),
            _ => self.without_ot_threshold(),
        }
    }

    /// The list without a threshold; the other parts of its `ot` member stay.
    #[must_use]
    pub(crate) fn without_ot_threshold(&self) -> Self {
        if self.ot("th:").is_none() {
            return self.clone();
        }
        let others = self.ot_others().collect::<SmallVec<[&str; 4]>>().join(";");
        if others.is_empty() { self.without(OT) } else { self.with(OT, &others) }
    }

    fn ot(&self, prefix: &str) -> Option<&str> {
        self.get(OT)?.split(';').find_map(|sub| sub.strip_prefix(prefix))
    }

    fn ot_others(&self) -> impl Iterator<Item = &str> {
        let value = self.get(OT).unwrap_or_default();
        value.split(';').filter(|sub| !sub.is_empty() && !is_threshold(sub))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Tracestate {
        Tracestate::parse([value.as_bytes()])
    }

    fn list(count: usize) -> String {
        (1..=count).map(|number| format!("k{number}={number}")).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn all_headers_are_one_list_in_order() {
        let list = Tracestate::parse([&b"a=1,b=2"[..], b"", b" c=3\t", b",,d= 4"]);
        assert_eq!(list.as_str(), "a=1,b=2,c=3,d= 4");
    }

    #[test]
    fn nothing_received_is_nothing_to_send() {
        for value in ["", " ", ",", "\t, ,"] {
            assert!(read(value).is_empty(), "{value:?}");
        }
        assert!(Tracestate::parse([]).is_empty());
    }

    #[test]
    fn one_bad_member_makes_the_list_invalid() {
        for bad in ["x", "=1", "x=", "X=1", "x =1", "x.y=1", "@x=1", "x=1=2", "x=\u{e9}", "x=a\tb", "_x=1"] {
            assert!(read(&format!("a=1,{bad}")).is_empty(), "{bad:?}");
            assert!(read(&format!("{bad},a=1")).is_empty(), "{bad:?}");
        }
    }

    #[test]
    fn every_byte_is_judged_in_key_and_value() {
        for byte in 0..=255u8 {
            let inner = byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(&byte);
            let key = Tracestate::parse([&[b'k', byte, b'=', b'v'][..]]);
            // `k==v` has an equals sign in its value, `k,=v` is two members, and both are bad.
            assert_eq!(!key.is_empty(), inner, "key byte {byte:#04x}");

            let value = Tracestate::parse([&[b'k', b'=', byte, b'v'][..]]);
            let fits = (0x20..=0x7e).contains(&byte) && byte != b',' && byte != b'=';
            assert_eq!(!value.is_empty(), fits, "value byte {byte:#04x}");
        }
    }

    #[test]
    fn no_cut_panics_and_what_is_kept_reads_back() {
        let whole = b" rojo@x=00f067aa0ba902b7 , congo=t61 rcWk,,ot=th:c;rv:00000000000001";
        for end in 0..whole.len() {
            for start in 0..end {
                let first = Tracestate::parse([&whole[start..end]]);
                assert_eq!(read(first.as_str()), first);
            }
        }
    }

    #[test]
    fn lengths_are_limited_to_256() {
        let (longest, too_long) = ("x".repeat(256), "x".repeat(257));
        assert_eq!(read(&format!("{longest}={longest}")).get(&longest), Some(&*longest));
        assert!(read(&format!("{too_long}=1")).is_empty());
        assert!(read(&format!("x={too_long}")).is_empty());
    }

    #[test]
    fn thirty_two_members_are_kept_and_thirty_three_are_none() {
        assert_eq!(read(&list(32)).as_str(), list(32));
        assert!(read(&list(33)).is_empty());
        assert_eq!(read(&format!("{},,", list(32))).as_str(), list(32), "empty members do not count");
    }

    #[test]
    fn of_a_repeated_key_the_first_is_kept() {
        assert_eq!(read("a=1,b=2,a=3").as_str(), "a=1,b=2");
    }

    #[test]
    fn a_changed_member_moves_to_the_left_and_a_new_one_pushes_the_last_out() {
        assert_eq!(read("a=1,b=2,c=3").with("b", "x").as_str(), "b=x,a=1,c=3");
        let full = read(&list(32)).with("new", "1");
        assert!(full.as_str().starts_with("new=1,k1=1,"));
        assert_eq!((full.get("k31"), full.get("k32")), (Some("31"), None));
        assert_eq!(Tracestate::default().with("a", "1").as_str(), "a=1");
    }

    #[test]
    fn an_invalid_change_changes_nothing() {
        let before = read("a=1");
        for (key, value) in [("A", "1"), ("", "1"), ("b", ""), ("b", "1 "), ("b", "1,c=2"), ("b", "\u{e9}")] {
            assert_eq!(before.with(key, value), before);
        }
    }

    #[test]
    fn a_list_that_is_too_long_loses_its_long_members_first_and_then_the_last() {
        let long = |key: &str| format!("{key}={}", "x".repeat(254));
        let short = |key: usize| format!("s{key}={}", "x".repeat(100));
        let members: Vec<_> = (0..16).map(short).chain((0..10).map(|key| long(&format!("l{key}")))).collect();
        let kept = read(&members.join(","));
        assert!(kept.as_str().len() <= MOST_BYTES);
        assert!((0..16).all(|key| kept.get(&format!("s{key}")).is_some()), "short members stay");
        assert!(kept.get("l0").is_some() && kept.get("l9").is_none());

        let own = kept.with("mine", &"y".repeat(256));
        assert!(own.as_str().starts_with("mine=yyy") && own.as_str().len() <= MOST_BYTES);

        let members: Vec<_> = (0..32).map(|key| format!("k{key}={}", "x".repeat(124))).collect();
        let shortened = read(&members.join(","));
        assert!(shortened.as_str().len() <= MOST_BYTES && shortened.as_str().len() > MOST_BYTES - 130);
        assert!(shortened.get("k0").is_some() && shortened.get("k31").is_none());
    }

    #[test]
    fn a_short_threshold_is_filled_with_zeros_on_its_right() {
        assert_eq!(read("a=1,ot=th:c").ot_threshold(), Some(0xc0_0000_0000_0000));
        assert_eq!(read("ot=rv:1;th:fd70a4").ot_threshold(), Some(0xfd_70a4_0000_0000));
        assert_eq!(read("ot=th:0").ot_threshold(), Some(0));
        assert_eq!(read("ot=th:ffffffffffffff").ot_threshold(), Some(THRESHOLDS - 1));
    }

    #[test]
    fn randomness_has_all_its_fourteen_digits() {
        assert_eq!(read("ot=th:8;rv:6e6d1a75832a2f").ot_random(), Some(0x6e_6d1a_7583_2a2f));
        for wrong in
            ["ot=rv:6e6d1a75832a2", "ot=rv:6e6d1a75832a2f0", "ot=rv:6E6D1A75832A2F", "rv=1", "ot=rv:"]
        {
            assert_eq!(read(wrong).ot_random(), None, "{wrong}");
        }
    }

    #[test]
    fn a_threshold_that_is_no_number_is_none() {
        for wrong in ["ot=th:", "ot=th:g", "ot=th:C", "ot=th:000000000000000", "ot=xth:1", "ot=th", "x=th:1"]
        {
            assert_eq!(read(wrong).ot_threshold(), None, "{wrong}");
        }
    }

    #[test]
    fn a_threshold_is_written_into_the_member_and_all_else_stays() {
        let quarter = 0xc0_0000_0000_0000;
        assert_eq!(Tracestate::default().with_ot_threshold(quarter).as_str(), "ot=th:c");
        assert_eq!(Tracestate::default().with_ot_threshold(0).as_str(), "ot=th:0");
        assert_eq!(
            read("a=1,ot=rv:1;th:8;x:y,b=2").with_ot_threshold(quarter).as_str(),
            "ot=th:c;rv:1;x:y,a=1,b=2"
        );
    }

    #[test]
    fn a_threshold_is_taken_away_and_all_else_stays() {
        assert_eq!(read("a=1,ot=th:8;x:y").without_ot_threshold().as_str(), "ot=x:y,a=1");
        assert_eq!(read("a=1,ot=th:8").without_ot_threshold().as_str(), "a=1");
        assert_eq!(read("ot=th:8").without_ot_threshold(), Tracestate::default());
        assert_eq!(read("a=1,ot=x:y").without_ot_threshold().as_str(), "a=1,ot=x:y");
    }

    #[test]
    fn a_threshold_that_does_not_fit_leaves_none() {
        assert_eq!(read("a=1,ot=th:8").with_ot_threshold(THRESHOLDS).as_str(), "a=1");
        let full = format!("ot=th:8;x:{}", "y".repeat(249));
        assert_eq!(read(&full).with_ot_threshold(THRESHOLDS - 1).ot_threshold(), None);
    }

    proptest! {
        #[test]
        fn every_threshold_reads_back(threshold in 0..THRESHOLDS, zeros in 0..14u32) {
            let threshold = threshold >> (4 * zeros) << (4 * zeros);
            let list = read("a=1,ot=x:y").with_ot_threshold(threshold);
            prop_assert_eq!(list.ot_threshold(), Some(threshold));
            prop_assert_eq!(read(list.as_str()), list);
        }
    }
}
