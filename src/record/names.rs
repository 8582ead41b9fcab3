//! The names of one span's or log record's attributes: each is there once.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::names::key::MOVED_PREFIX;

/// Which names were used, by a hash of each: a name that was not used is known by one look at one bit, so that
/// attributes cost no search through all others. With 128 names, one look in eight finds another name's bit.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsedNames([u64; 16]);

/// The hash of a name, which decides its bit: several looks need one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameHash(u64);

/// Names of ours. Most names of a user's have another length or another end than each of them, and learn that from one bit.
#[derive(Debug, Default)]
pub(crate) struct OurNames {
    all: SmallVec<[&'static str; 24]>,
    marks: u64,
}

impl OurNames {
    #[inline]
    pub(crate) fn add(&mut self, name: &'static str) {
        self.marks |= Self::mark(name.as_bytes());
        self.all.push(name);
    }

    #[inline]
    pub(crate) fn contains(&self, name: &[u8]) -> bool {
        self.marks & Self::mark(name) != 0 && self.all.iter().any(|known| known.as_bytes() == name)
    }

    /// A bit for its length and its last byte.
    #[inline]
    const fn mark(name: &[u8]) -> u64 {
        let last = if let [.., last] = name { *last as usize } else { 0 };
        1 << ((name.len() + 5 * last) % 64)
    }
}

impl UsedNames {
    #[inline]
    pub(crate) fn add(&mut self, name: impl Into<NameHash>) {
        let (word, bit) = name.into().place();
        self.0[word] |= bit;
    }

    /// False if the name was not used; true if it probably was.
    #[inline]
    pub(crate) fn may_contain(&self, name: impl Into<NameHash>) -> bool {
        let (word, bit) = name.into().place();
        self.0[word] & bit != 0
    }
}

impl NameHash {
    #[inline]
    fn place(self) -> (usize, u64) {
        ((self.0 >> 6) as usize % 16, 1 << (self.0 % 64))
    }
}

impl From<&str> for NameHash {
    #[inline]
    fn from(name: &str) -> Self {
        NameHash(hash(name.as_bytes()))
    }
}

impl From<&[u8]> for NameHash {
    #[inline]
    fn from(name: &[u8]) -> Self {
        NameHash(hash(name))
    }
}

#[inline]
fn hash(name: &[u8]) -> u64 {
    let mix = |hash: u64, part: u64| (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let length = name.len() as u64;
    let (Some((first, behind)), Some((_, last))) = (name.split_first_chunk::<8>(), name.split_last_chunk())
    else {
        return mix(length, short_word(name));
    };
    let mut hash = mix(length, u64::from_le_bytes(*first));
    if behind.len() > 8 {
        let (words, _) = behind.as_chunks();
        hash = words.iter().fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    }
    // What is behind the last whole word is in the last eight bytes, too; the last byte, in which names differ most, is the
    // lowest, which the multiplication spreads furthest.
    mix(hash, u64::from_be_bytes(*last))
}

/// Fewer than eight bytes as a number; where they are not even four, with blanks behind them.
#[inline]
pub(crate) fn short_word(text: &[u8]) -> u64 {
    if let (Some((first, _)), Some((_, last))) = (text.split_first_chunk(), text.split_last_chunk()) {
        return u64::from(u32::from_be_bytes(*last)) | u64::from(u32::from_be_bytes(*first)) << 32;
    }
    let byte = |place| text.get(place).copied().unwrap_or(b' ');
    u64::from_be_bytes([byte(0), byte(1), byte(2), b' ', b' ', b' ', b' ', b' '])
}

/// The name under which a user's attribute leaves: with as many prefixes as it takes until no other attribute has it.
/// An attribute's name is never empty (OpenTelemetry, common concepts).
pub(crate) fn free_name<'a>(name: &'a str, is_taken: impl Fn(&str) -> bool) -> Cow<'a, str> {
    let mut free = Cow::Borrowed(name);
    while free.is_empty() || is_taken(&free) {
        free = Cow::Owned(format!("{MOVED_PREFIX}{free}"));
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_moves_aside_until_it_is_free() {
        let taken = ["url.path", "field_url.path"];
        let free = |name| free_name(name, |name| taken.contains(&name)).into_owned();
        assert_eq!(free("seats"), "seats");
        assert_eq!(free("url.path"), "field_field_url.path");
        assert_eq!(free(""), "field_");
    }

    #[test]
    fn a_used_name_is_always_found_and_another_one_seldom() {
        let mut used = UsedNames::default();
        let names: Vec<_> = (0..128).map(|number| format!("attribute_{number}")).collect();
        assert!(names.iter().all(|name| !used.may_contain(&**name)));
        names.iter().for_each(|name| used.add(&**name));
        assert!(names.iter().all(|name| used.may_contain(&**name)));
        let others = (0..1_000).filter(|number| used.may_contain(&*format!("other.{number}"))).count();
        assert!((50..250).contains(&others), "{others} of 1000");
    }
}
