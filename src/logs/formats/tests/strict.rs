//! A reader of JSON that takes no key twice, in whatever depth.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

struct Strict(Value);

/// Reads one line, which is one object.
pub(super) fn object(line: &str) -> Value {
    assert!(!line.contains('\n'), "{line}");
    match serde_json::from_str(line) {
        Ok(Strict(value)) if value.is_object() => value,
        Ok(_) => panic!("no object: {line}"),
        Err(error) => panic!("{error}: {line}"),
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, a text, a number or a truth value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strict, A::Error> {
        let mut members = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if members.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} twice")));
            }
            members.insert(key, value);
        }
        Ok(Strict(members.into()))
    }
}

#[test]
#[should_panic(expected = "the key \"a\" twice")]
fn a_key_that_is_there_twice_is_found() {
    object(r#"{"o":{"a":1,"b":2,"a":3}}"#);
}
