//! The value of a field: what a user adds to a request, a span or a line.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use uuid::Uuid;

use super::formatted;
use crate::context::{RequestId, SpanId, TraceId};

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

/// What can be the value of a field, also by reference:
///
/// - numbers, and an HTTP status; an `i128` beyond `i64` and a `u128` beyond `u64` are text, since readers of JSON lose their digits;
/// - `bool`;
/// - [`Duration`], in seconds;
/// - text in whatever holds it: `String`, `&str`, `Cow<str>`, `Box<str>`, `Arc<str>`, `char`, `format_args!(…)`,
///   `path.display()`;
/// - addresses, HTTP methods, UUIDs, and the ids of a trace, a span and a request, as text;
/// - an [`Option`] of each, whose `None` adds nothing.
///
/// For any other type there is [`Value::display`].
///
/// ```
/// use std::time::Duration;
/// use tower_observability::{IntoValue, Value};
///
/// assert_eq!(Duration::from_millis(1_500).into_value(), Some(Value::F64(1.5)));
/// assert_eq!(http::StatusCode::NOT_FOUND.into_value(), Some(Value::U64(404)));
/// assert_eq!(std::net::Ipv4Addr::LOCALHOST.into_value(), Some(Value::from("127.0.0.1")));
/// assert_eq!(None::<&str>.into_value(), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a field as it is",
    label = "if it implements `Display`, write `tower_observability::Value::display(…)`",
    note = "if it implements only `Debug`, write `format!(\"{{:?}}\", …)`"
)]
pub trait IntoValue {
    /// The value; `None` adds no field.
    fn into_value(self) -> Option<Value>;

    /// The value where it is text that may be copied from where it is.
    #[doc(hidden)]
    fn as_text(&self) -> Option<&str> {
        None
    }
}

/// Several texts as one.
pub(crate) struct Joined<'a>(pub(crate) &'a [Cow<'static, str>]);

impl Value {
    /// Text that lives as long as the program: the value points to it.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self::Str(Cow::Borrowed(text))
    }

    /// The text of anything that implements [`Display`](fmt::Display), such as an amount of money; at most 64 KiB of it. If its
    /// formatting panics, the text is `<panicked>`.
    #[must_use]
    pub fn display(value: impl fmt::Display) -> Self {
        Self::Str(Cow::Owned(formatted(format_args!("{value}"))))
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

macro_rules! values {
    ($as_text:expr; $($from:ty => |$value:ident| $into:expr;)+) => {
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

                fn as_text(&self) -> Option<&str> {
                    let as_text: fn(&Self) -> Option<&str> = $as_text;
                    as_text(self)
                }
            }
        )+
    };
}

values! {
    |_| None;
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
    i128 => |value| i64::try_from(value).map_or_else(|_| Self::display(value), Self::I64);
    u128 => |value| u64::try_from(value).map_or_else(|_| Self::display(value), Self::U64);
    NonZero<i8> => |value| value.get().into();
    NonZero<i16> => |value| value.get().into();
    NonZero<i32> => |value| value.get().into();
    NonZero<i64> => |value| value.get().into();
    NonZero<i128> => |value| value.get().into();
    NonZero<isize> => |value| value.get().into();
    NonZero<u8> => |value| value.get().into();
    NonZero<u16> => |value| value.get().into();
    NonZero<u32> => |value| value.get().into();
    NonZero<u64> => |value| value.get().into();
    NonZero<u128> => |value| value.get().into();
    NonZero<usize> => |value| value.get().into();
    f32 => |value| Self::F64(value.into());
    f64 => |value| Self::F64(value);
    Duration => |value| Self::F64(value.as_secs_f64());
    StatusCode => |value| value.as_u16().into();
    char => |value| String::from(value).into();
    fmt::Arguments<'_> => |value| Self::display(value);
    path::Display<'_> => |value| Self::display(value);
    IpAddr => |value| Self::display(value);
    Ipv4Addr => |value| Self::display(value);
    Ipv6Addr => |value| Self::display(value);
    SocketAddr => |value| Self::display(value);
    SocketAddrV4 => |value| Self::display(value);
    SocketAddrV6 => |value| Self::display(value);
    Uuid => |value| Self::display(value);
    TraceId => |value| Self::display(value);
    SpanId => |value| Self::display(value);
}

values! {
    |text| Some(text);
    &str => |value| Self::Str(Cow::Owned(value.to_owned()));
    &String => |value| value.as_str().into();
    String => |value| Self::Str(value.into());
    Box<str> => |value| String::from(value).into();
    Rc<str> => |value| (*value).into();
    Arc<str> => |value| (*value).into();
    Cow<'_, str> => |value| Self::Str(Cow::Owned(value.into_owned()));
    &Box<str> => |value| (**value).into();
    &Rc<str> => |value| (**value).into();
    &Arc<str> => |value| (**value).into();
    &Cow<'_, str> => |value| (**value).into();
}

values! {
    |text| Some(text.as_str());
    Method => |value| value.as_str().into();
    &Method => |value| value.as_str().into();
    RequestId => |value| value.as_str().into();
    &RequestId => |value| value.as_str().into();
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

    fn as_text(&self) -> Option<&str> {
        self.as_ref()?.as_text()
    }
}

impl<'a, T> IntoValue for &'a Option<T>
where
    &'a T: IntoValue,
{
    fn into_value(self) -> Option<Value> {
        self.as_ref()?.into_value()
    }
}

impl IntoValue for &Value {
    fn into_value(self) -> Option<Value> {
        Some(self.clone())
    }
}

// By reference, as iterators yield them.
macro_rules! references {
    ($($copied:ty),+) => {
        $(impl IntoValue for &$copied {
            fn into_value(self) -> Option<Value> {
                (*self).into_value()
            }

            fn as_text(&self) -> Option<&str> {
                (**self).as_text()
            }
        })+
    };
}

references! {
    bool, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize,
    NonZero<i8>, NonZero<i16>, NonZero<i32>, NonZero<i64>, NonZero<i128>, NonZero<isize>,
    NonZero<u8>, NonZero<u16>, NonZero<u32>, NonZero<u64>, NonZero<u128>, NonZero<usize>,
    f32, f64, Duration, StatusCode, char, fmt::Arguments<'_>, Uuid, TraceId, SpanId,
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6,
    &str, &String, &Box<str>, &Arc<str>, &Cow<'_, str>
}

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
    fn every_text_of_a_list_is_cut() {
        let mut list = Value::from_iter(["ähm", "b"]);
        assert_eq!(std::mem::size_of::<Value>(), std::mem::size_of::<String>());
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
        assert_eq!(Value::display(uuid::Uuid::nil()), Value::from(&uuid::Uuid::nil().to_string()));
    }
}
