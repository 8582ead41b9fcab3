//! The proof that a line is always one strict object without a key twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proptest::prelude::*;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::*;
use crate::record::Value;

/// Every member in order, so that a key that is there twice is seen.
struct Members(Vec<(String, serde_json::Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

fn members(write: impl FnOnce(&mut Object)) -> Vec<(String, serde_json::Value)> {
    let mut object = Object::default();
    object.begin();
    object.raw(b"\"level\":\"INFO\"");
    write(&mut object);
    object.end();
    let line = object.bytes.strip_suffix(b"\n").expect("a line's end");
    assert!(!line.contains(&b'\n'));
    serde_json::from_slice::<Members>(line).unwrap_or_else(|e| panic!("{e}: {:?}", str::from_utf8(line))).0
}

fn object(write: impl FnOnce(&mut Object)) -> BTreeMap<String, serde_json::Value> {
    let members = members(write);
    let keys: BTreeSet<_> = members.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys.len(), members.len(), "a key twice: {members:?}");
    members.into_iter().collect()
}

fn a_name() -> impl Strategy<Value = String> {
    let reserved: Vec<_> = key::RESERVED.to_vec();
    prop_oneof![
        2 => "[a-c]{1,2}",
        2 => prop::sample::select(reserved.clone()).prop_map(str::to_owned),
        2 => (1_usize..4, prop::sample::select(reserved)).prop_map(|(n, name)| "field_".repeat(n) + name),
        1 => Just("error".to_owned()),
        1 => Just("field_error".to_owned()),
        2 => ".{0,12}",
    ]
}

/// A value of any kind; a number may be infinite, or none.
pub(in crate::logs) fn a_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::ANY.prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
        prop::collection::vec(".{0,9}", 0..4).prop_map(Value::from_iter),
    ]
}

fn same(read: &serde_json::Value, written: &Value) -> bool {
    match written {
        Value::Bool(value) => read == value,
        Value::I64(value) => read == value,
        Value::U64(value) => read == value,
        Value::F64(value) if value.is_finite() => read.is_number(),
        Value::F64(_) => ["NaN", "inf", "-inf"].contains(&read.as_str().unwrap_or_default()),
        Value::Str(value) => read.as_str() == Some(value),
        Value::List(texts) => read.as_str() == Some(&texts.join(", ")),
    }
}

proptest! {
    #[test]
    fn any_fields_make_one_object_without_a_key_twice(
        fields in prop::collection::vec((a_name(), a_value()), 0..24),
        with_error in any::<bool>(),
    ) {
        let read = object(|object| {
            if with_error {
                object.long_text(Json::ERROR, |text| text.write_str("ours"));
            }
            fields.iter().for_each(|(name, value)| object.field(name, value.into()));
        });
        let names: BTreeSet<_> = fields.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(read.len(), names.len() + 2 + usize::from(with_error), "one member for each name");
        prop_assert_eq!(&read["level"], "INFO");
        // Whose value is under a key that was moved is told by the prefix; everything else is as it was named.
        for name in names {
            let (_, value) = fields.iter().find(|(known, _)| known == name).expect("a field");
            let found = (0..8).any(|n| read.get(&("field_".repeat(n) + name)).is_some_and(|read| same(read, value)));
            prop_assert!(found, "{} = {:?} is missing in {:?}", name, value, read);
        }
    }

    #[test]
    fn any_name_is_known_as_reserved_exactly_if_it_is(name in a_name()) {
        prop_assert_eq!(is_reserved(&name), key::RESERVED.contains(&name.as_str()));
    }
}

#[test]
fn every_reserved_name_is_moved() {
    for name in key::RESERVED {
        let read = object(|object| object.field(name, Borrowed::I64(7)));
        assert_eq!(read[&format!("field_{name}")], 7, "{name}");
    }
}

#[test]
fn a_moved_name_makes_way_for_another_field_of_that_very_name() {
    let first = |names: [&str; 2]| {
        object(|object| {
            object.field(names[0], Borrowed::I64(0));
            object.field(names[1], Borrowed::I64(1));
        })
    };
    let read = first(["status", "field_status"]);
    assert_eq!((&read["field_status"], &read["field_field_status"]), (&0.into(), &1.into()));
    let read = first(["field_status", "status"]);
    assert_eq!((&read["field_status"], &read["field_field_status"]), (&0.into(), &1.into()));
}

#[test]
fn the_inner_field_hides_the_outer_one_of_its_name() {
    let read = object(|object| {
        object.field("user", Borrowed::Str("inner"));
        object.field("user", Borrowed::Str("outer"));
        object.field("path", Borrowed::Str("inner"));
        object.field("path", Borrowed::Str("outer"));
    });
    assert_eq!((read["user"].as_str(), read["field_path"].as_str()), (Some("inner"), Some("inner")));
    assert_eq!(read.len(), 4);
}

#[test]
fn there_is_always_a_message_and_it_is_text() {
    assert_eq!(object(|_| {})["message"], "");
    assert_eq!(object(|object| object.message(Borrowed::I64(7)))["message"], "7");
    let read = object(|object| {
        object.message(Borrowed::Str("first"));
        object.message(Borrowed::Str("second"));
    });
    assert_eq!((&read["message"], &read["field_message"]), (&"first".into(), &"second".into()));
}

#[test]
fn a_field_whose_formatting_panics_or_fails_does_not_take_the_line_with_it() {
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half \"a")?;
            panic!("on purpose")
        }
    }
    struct Fails;
    impl fmt::Debug for Fails {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }
    let read = object(|object| {
        object.field("a", Borrowed::Told(&told(&Panics)));
        object.field("b", Borrowed::Told(&told(&Fails)));
        object.field("c", Borrowed::I64(1));
    });
    assert_eq!(
        (&read["a"], &read["b"], &read["c"]),
        (&"<panicked>".into(), &"half<failed>".into(), &1.into())
    );
}

#[test]
fn an_error_shows_its_sources_beside_it() {
    let read =
        object(|object| object.field("error", Borrowed::Error(b"no \"seat\"", Some(b"no seat: root"))));
    assert_eq!((&read["error"], &read["error_chain"]), (&"no \"seat\"".into(), &"no seat: root".into()));
    let alone = object(|object| object.field("error", Borrowed::Error(b"no seat", None)));
    assert!(!alone.contains_key("error_chain"), "{alone:?}");
}

#[test]
fn a_value_without_an_end_is_cut_at_its_limit() {
    let read = object(|object| object.field("a", Borrowed::Told(&told(&"é".repeat(LONGEST_VALUE)))));
    assert!(
        read["a"].as_str().is_some_and(|text| text.ends_with(CUT_MARK) && text.len() < LONGEST_VALUE + 20)
    );
}

/// What the user's own code formats, as it is told.
fn told(value: &dyn fmt::Debug) -> Vec<u8> {
    let mut bytes = Vec::new();
    format_guarded(&mut bytes, value, false);
    bytes
}
