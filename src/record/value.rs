//! The value of a field: what a user adds to a request, a span or a line.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::{UsedNames, formatted};
use smallvec::SmallVec;

/// A field's value, kept in its own type down to the log line and the span attribute.
///
/// ```
/// use tower_observability::Value;
///
/// assert_eq!(Value::from(7), Value::I64(7));
/// assert_eq!(Value::from("blue"), Value::Str("blue".into()));
/// assert_eq!(Value::display(std::net::Ipv4Addr::LOCALHOST), Value::from("127.0.0.1"));
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

/// What can be the value of a field: numbers, `bool`, text (borrowed text is copied), [`Duration`] in seconds, and an
/// [`Option`] of each, whose `None` adds nothing. For any other type there is [`Value::display`].
///
/// ```
/// use std::time::Duration;
/// use tower_observability::{IntoValue, Value};
///
/// assert_eq!(Duration::from_millis(1_500).into_value(), Some(Value::F64(1.5)));
/// assert_eq!(None::<&str>.into_value(), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a field as it is",
    label = "if it implements `Display`, write `Value::display(…)`"
)]
pub trait IntoValue {
    /// The value; `None` adds no field.
    fn into_value(self) -> Option<Value>;
}

/// Several texts as one.
pub(crate) struct Joined<'a>(pub(crate) &'a [Cow<'static, str>]);

/// Fields in the order in which they were added, each name once. A span has two at most, most often: those are kept in place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    fields: SmallVec<[(Cow<'static, str>, Value); 2]>,
    /// Which names there are, where those are more than [`FEW`].
    used: Option<Box<UsedNames>>,
}

/// Among so few a name is searched for.
const FEW: usize = 8;

impl Value {
    /// Text that lives as long as the program: it is not copied, as it is by `From<&str>`.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self::Str(Cow::Borrowed(text))
    }

    /// The text of anything that implements [`Display`](fmt::Display), such as a UUID; at most 64 KiB of it. If its
    /// formatting panics, the text is `<panicked>`.
    #[must_use]
    pub fn display(value: impl fmt::Display) -> Self {
        Self::Str(Cow::Owned(formatted(format_args!("{value}"))))
    }

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

/// As `Display`, for readers that take only `Debug`.
impl fmt::Debug for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// How many bytes of text it holds.
    pub(crate) fn text_length(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.text_length()).sum()
    }

    /// Gives a field another name.
    pub(crate) fn rename(&mut self, name: &str, to: Cow<'static, str>) {
        if let Some((known, _)) = self.fields.iter_mut().find(|(known, _)| known == name) {
            if let Some(used) = &mut self.used {
                used.add(&*to);
            }
            *known = to;
        }
    }

    /// Sets a field; a later value replaces an earlier one of the same name.
    pub(crate) fn set(&mut self, name: impl Into<Cow<'static, str>>, value: Value) {
        self.set_within(usize::MAX, name.into(), value);
    }

    /// Sets a field, unless it is a new one and there are so many already: then false.
    #[inline]
    pub(crate) fn set_within(&mut self, most: usize, name: Cow<'static, str>, value: Value) -> bool {
        if self.used.as_ref().is_none_or(|used| used.may_contain(&*name))
            && let Some((_, old)) = self.fields.iter_mut().find(|(known, _)| *known == name)
        {
            *old = value;
            return true;
        }
        if self.len() >= most {
            return false;
        }
        if let Some(used) = &mut self.used {
            used.add(&*name);
        }
        self.fields.push((name, value));
        if self.len() == FEW {
            let used = self.used.get_or_insert_default();
            self.fields.iter().for_each(|(name, _)| used.add(&**name));
        }
        true
    }
}

impl IntoIterator for Fields {
    type Item = (Cow<'static, str>, Value);
    type IntoIter = smallvec::IntoIter<[Self::Item; 2]>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

macro_rules! values {
    ($($from:ty => |$value:ident| $into:expr;)+) => {
        $(
            impl From<$from> for Value {
                fn from($value: $from) -> Self {
                    $into
                }
            }

            impl IntoValue for $from {
                fn into_value(self) -> Option<Value> {
                    Some(self.into())
                }
            }
        )+
    };
}

values! {
    bool => |value| Self::Bool(value);
    i8 => |value| Self::I64(value.into());
    i16 => |value| Self::I64(value.into());
    i32 => |value| Self::I64(value.into());
    i64 => |value| Self::I64(value);
    isize => |value| Self::I64(value as i64);
    u8 => |value| Self::U64(value.into());
    u16 => |value| Self::U64(value.into());
    u32 => |value| Self::U64(value.into());
    u64 => |value| Self::U64(value);
    usize => |value| Self::U64(value as u64);
    f32 => |value| Self::F64(value.into());
    f64 => |value| Self::F64(value);
    Duration => |value| Self::F64(value.as_secs_f64());
    &str => |value| Self::Str(Cow::Owned(value.to_owned()));
    &String => |value| value.as_str().into();
    String => |value| Self::Str(value.into());
    Box<str> => |value| String::from(value).into();
    Cow<'_, str> => |value| Self::Str(Cow::Owned(value.into_owned()));
}

impl IntoValue for Value {
    fn into_value(self) -> Option<Value> {
        Some(self)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Option<Value> {
        self?.into_value()
    }
}

// By reference, as iterators yield them.
macro_rules! references {
    ($($copied:ty),+) => {
        $(impl IntoValue for &$copied {
            fn into_value(self) -> Option<Value> {
                (*self).into_value()
            }
        })+
    };
}

references!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64, Duration, &str);

impl<T: Into<Cow<'static, str>>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        Self::List(texts.into_iter().map(Into::into).collect())
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
    fn what_is_no_text_and_no_number_has_its_own_rule() {
        let borrowed = String::from("blue");
        assert_eq!((&borrowed).into_value(), Some(Value::from_static("blue")));
        assert_eq!(Some(&borrowed).into_value(), Some(Value::from_static("blue")));
        assert_eq!(Some(7).into_value(), Some(Value::I64(7)));
        assert_eq!((&Duration::from_millis(1)).into_value(), Some(Value::F64(0.001)));
        assert_eq!(None::<Option<bool>>.into_value(), None);
        assert_eq!((-1_isize).into_value(), Some(Value::I64(-1)));
        assert_eq!(Cow::Borrowed("a").into_value(), Some(Value::from_static("a")));
        assert_eq!(Value::display(uuid::Uuid::nil()).text_length(), 36);
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
                prop_assert_eq!(fields.set_within(most, name.clone().into(), value.into()), is_kept);
            }
            let kept: Vec<_> = fields.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            prop_assert_eq!(kept, expected);
        }
    }
}
