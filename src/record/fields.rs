//! Fields: what a user gives a request or a span, each name once.

use super::encoded::{Encoded, FieldValue, HEAD, Longest, each_field, next_field};
use super::{NameHash, UsedNames};

/// Fields in the order in which they were added, each name once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    encoded: Encoded,
    count: usize,
    used: UsedNames,
}

/// Of a longer text the beginning is kept.
const LONGEST: Longest = Longest { value: 64 * 1024 * 1024, all: 1024 * 1024 * 1024 };

/// Room for some fields of the usual length.
const ROOM: usize = 512;

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], FieldValue<'_>)> {
        let mut bytes = &*self.encoded.bytes;
        std::iter::from_fn(move || next_field(&mut bytes))
    }

    /// Hands out each field.
    #[inline]
    pub(crate) fn each<'a>(&'a self, take: impl FnMut(&'a [u8], FieldValue<'a>)) {
        each_field(&self.encoded.bytes, take);
    }

    pub(crate) fn get(&self, name: &str) -> Option<FieldValue<'_>> {
        self.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value)
    }

    /// About how many bytes it takes beside itself.
    pub(crate) fn size(&self) -> usize {
        self.encoded.bytes.capacity()
    }

    /// How many bytes its names and values take.
    pub(crate) fn text_length(&self) -> usize {
        self.encoded.bytes.len() - self.count * HEAD
    }

    /// Gives a field another name, unless there is a field of that name.
    pub(crate) fn rename(&mut self, name: &str, to: &str) {
        let is_taken = self.get(to).is_some();
        let Some((start, end)) = self.find(name.as_bytes()).filter(|_| !is_taken) else { return };
        let field = self.encoded.bytes.get(start..end).map(<[u8]>::to_vec).unwrap_or_default();
        if let Some((_, value)) = next_field(&mut &*field) {
            self.put(start, end, to.as_bytes(), value);
        }
        self.used.add(to);
    }

    /// Sets a field; a later value replaces an earlier one of the same name.
    #[cfg(test)]
    pub(crate) fn set<'a>(&mut self, name: &str, value: impl Into<FieldValue<'a>>) {
        self.set_within(usize::MAX, name.as_bytes(), value.into());
    }

    /// Sets a field, unless it is a new one and there are so many already: then false.
    #[inline(always)]
    pub(crate) fn set_within(&mut self, most: usize, name: &[u8], value: FieldValue<'_>) -> bool {
        let hash = NameHash::from(name);
        if self.used.may_contain(hash)
            && let Some((start, end)) = self.find(name)
        {
            self.put(start, end, name, value);
            return true;
        }
        if self.count >= most || name.len() > LONGEST.value {
            return false;
        }
        if self.count == 0 {
            self.encoded.bytes.reserve(ROOM);
        }
        self.encoded.value(LONGEST, name, value);
        self.count += 1;
        self.used.add(hash);
        true
    }

    /// Where a field begins and ends.
    fn find(&self, name: &[u8]) -> Option<(usize, usize)> {
        let whole = self.encoded.bytes.len();
        let mut rest = &*self.encoded.bytes;
        loop {
            let start = whole - rest.len();
            let (known, _) = next_field(&mut rest)?;
            if known == name {
                return Some((start, whole - rest.len()));
            }
        }
    }

    /// Puts a field in the place of another.
    #[cold]
    fn put(&mut self, start: usize, end: usize, name: &[u8], value: FieldValue<'_>) {
        let mut field = Encoded::default();
        field.value(LONGEST, name, value);
        self.encoded.bytes.splice(start..end, field.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;
    use proptest::prelude::*;

    #[test]
    fn a_field_set_twice_keeps_its_place_and_the_later_value() {
        let mut fields = Fields::default();
        fields.set("a", &Value::I64(1));
        fields.set("b", "two");
        fields.set("a", "three");
        fields.rename("b", "c");
        fields.rename("a", "c");
        let all: Vec<_> = fields.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        assert_eq!(all, [(b"a".to_vec(), "three".into()), (b"c".to_vec(), "two".into())]);
        assert_eq!(fields.get("a").map(Value::from), Some("three".into()));
        assert!(fields.get("b").is_none());
    }

    proptest! {
        #[test]
        fn many_fields_are_found_as_few_are(names in proptest::collection::vec("[a-d]{1,3}", 0..60), most in 0_usize..40) {
            let (mut fields, mut expected) = (Fields::default(), Vec::<(String, usize)>::new());
            for (value, name) in names.iter().enumerate() {
                let known = expected.iter().position(|(known, _)| known == name);
                let is_kept = known.is_some() || expected.len() < most;
                match known {
                    Some(known) => expected[known].1 = value,
                    None if is_kept => expected.push((name.clone(), value)),
                    None => {}
                }
                let value = Value::from(value);
                prop_assert_eq!(fields.set_within(most, name.as_bytes(), (&value).into()), is_kept);
            }
            let kept: Vec<_> = fields.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            let expected: Vec<_> =
                expected.into_iter().map(|(name, value)| (name.into_bytes(), Value::from(value))).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
