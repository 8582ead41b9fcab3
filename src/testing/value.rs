//! Comparing a field's value with a plain one: `assert_eq!(span.attribute("rows"), 3)`.

use std::fmt;

use crate::record::{Joined, Value};

macro_rules! equals {
    ($($plain:ty),+) => {
        $(
            impl PartialEq<$plain> for Value {
                fn eq(&self, plain: &$plain) -> bool {
                    is_number(self, i128::try_from(*plain).ok())
                }
            }

            impl PartialEq<$plain> for &Value {
                fn eq(&self, plain: &$plain) -> bool {
                    **self == *plain
                }
            }
        )+
    };
}

equals!(i8, i16, i32, i64, u8, u16, u32, u64, usize);

fn is_number(value: &Value, plain: Option<i128>) -> bool {
    let own = match value {
        Value::I64(number) => i128::from(*number),
        Value::U64(number) => i128::from(*number),
        _ => return false,
    };
    plain == Some(own)
}

impl PartialEq<str> for Value {
    fn eq(&self, plain: &str) -> bool {
        matches!(self, Self::Str(text) if text == plain)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, plain: &&str) -> bool {
        *self == **plain
    }
}

impl PartialEq<String> for Value {
    fn eq(&self, plain: &String) -> bool {
        *self == **plain
    }
}

impl PartialEq<String> for &Value {
    fn eq(&self, plain: &String) -> bool {
        **self == **plain
    }
}

impl<const N: usize> PartialEq<[&str; N]> for Value {
    fn eq(&self, plain: &[&str; N]) -> bool {
        matches!(self, Self::List(texts) if **texts == *plain)
    }
}

impl<const N: usize> PartialEq<[&str; N]> for &Value {
    fn eq(&self, plain: &[&str; N]) -> bool {
        **self == *plain
    }
}

impl PartialEq<bool> for Value {
    fn eq(&self, plain: &bool) -> bool {
        matches!(self, Self::Bool(own) if own == plain)
    }
}

impl PartialEq<bool> for &Value {
    fn eq(&self, plain: &bool) -> bool {
        **self == *plain
    }
}

impl PartialEq<f64> for Value {
    fn eq(&self, plain: &f64) -> bool {
        matches!(self, Self::F64(own) if own == plain)
    }
}

impl PartialEq<f64> for &Value {
    fn eq(&self, plain: &f64) -> bool {
        **self == *plain
    }
}

/// The value alone, as text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::Str(value) => value.fmt(f),
            Self::List(texts) => Joined(texts).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_whatever_it_was_counted_in() {
        assert!(Value::I64(200) == 200 && Value::U64(200) == 200_u16 && Value::U64(200) == 200_i64);
        assert!(Value::I64(-1) != u64::MAX && Value::F64(1.0) != 1 && Value::Str("1".into()) != 1);
        assert!(Value::Str("a".into()) == "a" && Value::Bool(true) == true && Value::F64(0.5) == 0.5);
    }
}
