//! The value of a field: what a user adds to a request, a span or a line.

use std::borrow::Cow;
use std::fmt;

use smallvec::SmallVec;

/// A field's value, kept in its own type down to the log line and the span attribute.
///
/// ```
/// use tower_observability::Value;
///
/// assert_eq!(Value::from(7), Value::I64(7));
/// assert_eq!(Value::from("blue"), Value::Str("blue".into()));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A floating-point number; not a number and the infinities become text in JSON.
    F64(f64),
    /// Text.
    Str(Cow<'static, str>),
    /// Several texts, such as the values of one header. On a log line they are one text, separated by `, `.
    List(Box<[Cow<'static, str>]>),
}

/// Several texts as one.
pub(crate) struct Joined<'a>(pub(crate) &'a [Cow<'static, str>]);

/// Fields in the order in which they were added, each name once. A span has two at most, most often: those are kept in place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(SmallVec<[(Cow<'static, str>, Value); 2]>);

impl Value {
    /// How many bytes of text it holds.
    pub(crate) fn text_length(&self) -> usize {
        match self {
            Self::Str(text) => text.len(),
            Self::List(texts) => texts.iter().map(|text| text.len()).sum(),
            _ => 0,
        }
    }

    /// Cuts each of its texts to so many characters.
    pub(crate) fn limit(&mut self, most: usize) {
        match self {
            Self::Str(text) => limit(text, most),
            Self::List(texts) => texts.iter_mut().for_each(|text| limit(text, most)),
            _ => {}
        }
    }
}

fn limit(text: &mut Cow<'static, str>, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        *text = Cow::Owned(text.get(..end).unwrap_or_default().to_owned());
    }
}

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, text) in self.0.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            f.write_str(text)?;
        }
        Ok(())
    }
}

/// The same, for those who take what the user formats.
impl fmt::Debug for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// How many bytes of text it holds.
    pub(crate) fn text_length(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.text_length()).sum()
    }

    /// Sets a field; a later value replaces an earlier one of the same name.
    pub(crate) fn set(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl IntoIterator for Fields {
    type Item = (Cow<'static, str>, Value);
    type IntoIter = smallvec::IntoIter<[Self::Item; 2]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident as $into:ty),+ $(,)?) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(<$into>::from(value))
            }
        })+
    };
}

value_from! {
    bool => Bool as bool,
    i8 => I64 as i64, i16 => I64 as i64, i32 => I64 as i64, i64 => I64 as i64,
    u8 => U64 as u64, u16 => U64 as u64, u32 => U64 as u64, u64 => U64 as u64,
    f32 => F64 as f64, f64 => F64 as f64,
    &'static str => Str as Cow<'static, str>,
    String => Str as Cow<'static, str>,
    Cow<'static, str> => Str as Cow<'static, str>,
}

impl<T: Into<Cow<'static, str>>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self::List(texts.into_iter().map(Into::into).collect())
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::U64(value as u64)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A finite value of any type.
    pub(crate) fn a_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i32>().prop_map(|value| Value::from(f64::from(value) / 3.0)),
            "\\PC{0,300}".prop_map(Value::from),
            proptest::collection::vec("\\PC{0,30}", 0..4).prop_map(Value::from_iter),
        ]
    }

    #[test]
    fn every_text_of_a_list_counts_and_is_cut() {
        let mut list = Value::from_iter(["ähm", "b"]);
        assert_eq!((list.text_length(), std::mem::size_of::<Value>()), (5, std::mem::size_of::<String>()));
        list.limit(2);
        assert_eq!(list, Value::from_iter(["äh", "b"]));
        let Value::List(texts) = list else { unreachable!() };
        assert_eq!(Joined(&texts).to_string(), "äh, b");
    }

    #[test]
    fn a_field_set_twice_keeps_its_place_and_the_later_value() {
        let mut fields = Fields::default();
        fields.set("a", 1.into());
        fields.set("b", 2.into());
        fields.set("a", 3.into());
        let names: Vec<_> = fields.iter().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(fields.get("a"), Some(&Value::I64(3)));
    }
}
