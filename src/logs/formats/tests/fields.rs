//! The proof that a user's fields never make a key twice, and that each is found again.

use proptest::prelude::*;

use super::*;
use crate::names::key;

/// A line in the format `json`, read by a reader that takes no key twice.
fn object(fields: impl FnOnce(&mut dyn FnMut(&str, Value))) -> serde_json::Map<String, Json> {
    let line = line_of(fields);
    let line = std::str::from_utf8(&line.bytes).expect("UTF-8").trim_end();
    match strict::object(line) {
        Json::Object(members) => members,
        other => panic!("{other}"),
    }
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
pub(super) fn a_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::ANY.prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
        prop::collection::vec(".{0,9}", 0..4).prop_map(Value::from_iter),
    ]
}

fn same(read: &Json, written: &Value) -> bool {
    match written {
        Value::Bool(value) => read == value,
        Value::I64(value) => read == value,
        Value::U64(value) => read == value,
        // `number` proves that it reads back the same; the reader here may be wrong in its last bit.
        Value::F64(value) if value.is_finite() => read.is_number(),
        Value::F64(_) => ["NaN", "inf", "-inf"].contains(&read.as_str().unwrap_or_default()),
        Value::Str(value) => read.as_str() == Some(value),
        Value::List(texts) => read.as_str() == Some(&texts.join(", ")),
    }
}

/// The members that every line has.
const OURS: usize = 5;

proptest! {
    #[test]
    fn any_fields_make_one_object_without_a_key_twice(
        fields in prop::collection::vec((a_name(), a_value()), 0..24),
    ) {
        let read = object(|put| fields.iter().for_each(|(name, value)| put(name, value.clone())));
        let names: BTreeSet<_> = fields.iter().map(|(name, _)| name).collect();
        prop_assert_eq!(read.len(), names.len() + OURS, "one member for each name");
        prop_assert_eq!(&read["level"], "INFO");
        // A key that was moved has a prefix; every other is as it was named.
        for name in names {
            let (_, value) = fields.iter().find(|(known, _)| known == name).expect("a field");
            let found = (0..8).any(|n| read.get(&("field_".repeat(n) + name)).is_some_and(|read| same(read, value)));
            prop_assert!(found, "{} = {:?} is missing in {:?}", name, value, read);
        }
    }

    #[test]
    fn a_name_alone_is_moved_exactly_if_it_is_reserved(name in a_name()) {
        let read = object(|put| put(&name, 7.into()));
        let key = if key::RESERVED.contains(&&*name) { format!("field_{name}") } else { name };
        prop_assert_eq!(&read[&key], 7);
    }
}

#[test]
fn every_reserved_name_is_moved() {
    for name in key::RESERVED {
        let read = object(|put| put(name, 7.into()));
        assert_eq!(read[&format!("field_{name}")], 7, "{name}");
    }
}

#[test]
fn as_many_fields_as_a_request_may_have_are_each_there_once() {
    let read = object(|put| {
        for n in (0..128).chain(0..128) {
            put(&format!("field_number_{n}"), n.into());
        }
    });
    assert_eq!(read.len(), 128 + OURS);
    assert!((0..128).all(|n| read[&format!("field_number_{n}")] == n));
}

#[test]
fn a_moved_name_makes_way_for_another_field_of_that_very_name() {
    let both = |names: [&str; 2]| {
        object(|put| {
            put(names[0], 0.into());
            put(names[1], 1.into());
        })
    };
    let read = both(["status", "field_status"]);
    assert_eq!((&read["field_status"], &read["field_field_status"]), (&0.into(), &1.into()));
    let read = both(["field_status", "status"]);
    assert_eq!((&read["field_status"], &read["field_field_status"]), (&0.into(), &1.into()));
}

#[test]
fn the_inner_field_hides_the_outer_one_of_its_name() {
    let read = object(|put| {
        put("user", "inner".into());
        put("user", "outer".into());
        put("path", "inner".into());
        put("path", "outer".into());
    });
    assert_eq!((read["user"].as_str(), read["field_path"].as_str()), (Some("inner"), Some("inner")));
    assert_eq!(read.len(), OURS + 2);
}

#[test]
fn there_is_always_a_message_and_it_is_text() {
    let message = |say: fn()| events("json", say).remove(0)["message"].clone();
    assert_eq!(message(|| tracing::info!(a = 1)), "");
    assert_eq!(message(|| tracing::info!(message = 7)), "7");
}

#[test]
fn an_error_shows_its_sources_beside_it() {
    let error = crate::error::Error::thread("li\"nes", std::io::Error::other("root"));
    let read = events("json", || tracing::info!(error = &error as &dyn std::error::Error)).remove(0);
    let text = "the thread li\"nes could not be started";
    assert_eq!((&read["error"], &read["error_chain"]), (&text.into(), &format!("{text}: root").into()));
    let alone = std::io::Error::other("root");
    let read = events("json", || tracing::info!(error = &alone as &dyn std::error::Error)).remove(0);
    assert!(read["error"] == "root" && read.get("error_chain").is_none(), "{read}");
}
