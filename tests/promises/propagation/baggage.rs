//! The checks that the W3C publishes for baggage, each under its own name, and what its specification adds to them.

use tower_observability::context::Baggage;
use tower_observability::propagation;

use super::headers;

const SPACED: &str = " \t ";

fn read(value: &str) -> Baggage {
    propagation::extract(&headers(&[("baggage", value)])).baggage
}

/// The text with white space wherever the grammar allows it.
fn with_spaces(value: &str) -> String {
    let spaced =
        value.split_inclusive([',', ';']).map(|part| part.replacen('=', &format!("{SPACED}={SPACED}"), 1));
    let text: String = spaced.collect();
    [",", ";"]
        .iter()
        .fold(text, |text, separator| text.replace(separator, &format!("{SPACED}{separator}{SPACED}")))
}

fn header(baggage: &Baggage) -> String {
    baggage.to_header().unwrap_or_default()
}

/// Each member as key, value, properties.
fn members(baggage: &Baggage) -> Vec<(&str, &str, &str)> {
    baggage.iter().map(|(key, value)| (key, value, baggage.properties(key).unwrap())).collect()
}

/// The value reads as these members, with and without white space, and is sent on as it came.
fn reads_as(value: &str, expected: &[(&str, &str, &str)]) {
    assert_eq!(members(&read(value)), expected);
    assert_eq!(members(&read(&with_spaces(value))), expected);
    assert_eq!(header(&read(&with_spaces(value))), value);
}

const EVERYTHING: &str = "\t \"';=asdf!@#$%^&*()";
const EVERYTHING_ENCODED: &str = "%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";

#[test]
fn baggage_ctor_default() {
    assert!(Baggage::default().is_empty() && read("").is_empty());
    assert_eq!(Baggage::default().to_header(), None);
}

#[test]
fn baggage_parse_simple() {
    reads_as("SomeKey=SomeValue", &[("SomeKey", "SomeValue", "")]);
}

#[test]
fn baggage_parse_multiple_also_with_white_space() {
    reads_as(
        "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal",
        &[("SomeKey", "SomeValue", "SomeProp"), ("SomeKey2", "SomeValue2", "ValueProp=PropVal")],
    );
    reads_as(
        "SomeKey=SomeValue,SomeKey2=SomeValue2",
        &[("SomeKey", "SomeValue", ""), ("SomeKey2", "SomeValue2", "")],
    );
    reads_as(
        "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;SomeProp2",
        &[("SomeKey", "SomeValue", "SomeProp"), ("SomeKey2", "SomeValue2", "SomeProp2")],
    );
}

#[test]
fn baggage_parse_multiple_kv_property_also_with_white_space() {
    reads_as(
        "SomeKey=SomeValue;SomePropKey=SomePropValue,SomeKey2=SomeValue2;SomePropKey2=SomePropValue2",
        &[
            ("SomeKey", "SomeValue", "SomePropKey=SomePropValue"),
            ("SomeKey2", "SomeValue2", "SomePropKey2=SomePropValue2"),
        ],
    );
}

#[test]
fn entry_ctor_default() {
    let baggage = Baggage::default().with("SomeKey", "SomeValue");
    assert_eq!(members(&baggage), [("SomeKey", "SomeValue", "")]);
}

#[test]
fn entry_parse_multiple_equals() {
    reads_as("SomeKey=SomeValue=equals", &[("SomeKey", "SomeValue=equals", "")]);
    reads_as("SomeKey==", &[("SomeKey", "=", "")]);
}

#[test]
fn entry_parse_percent_encoded_also_with_white_space() {
    for spaces in ["", SPACED] {
        let baggage = read(&format!("SomeKey{spaces}={spaces}{EVERYTHING_ENCODED}{spaces}"));
        assert_eq!(baggage.get("SomeKey"), Some(EVERYTHING));
        // What need not be encoded is not: the header never grows beyond what came.
        assert_eq!(header(&baggage), "SomeKey=%09%20%22'%3B=asdf!@#$%25^&*()");
        assert_eq!(read(&header(&baggage)), baggage);
    }
}

#[test]
fn entry_parse_property_also_with_white_space() {
    reads_as("SomeKey=SomeValue;SomeProp", &[("SomeKey", "SomeValue", "SomeProp")]);
}

#[test]
fn entry_parse_multi_property_also_with_white_space() {
    let properties = "SomeProp;SecondProp=PropValue";
    reads_as(&format!("SomeKey=SomeValue;{properties}"), &[("SomeKey", "SomeValue", properties)]);
}

#[test]
fn entry_parse_multiple_properties_same_name() {
    let properties = "SomeProp;SomeProp=PropValue;SomeProp=AnotherPropValue";
    reads_as(&format!("SomeKey=SomeValue;{properties}"), &[("SomeKey", "SomeValue", properties)]);
}

#[test]
fn entry_parse_kv_property_also_with_white_space() {
    let properties = "SomePropKey=SomePropValue";
    reads_as(&format!("SomeKey=SomeValue;{properties}"), &[("SomeKey", "SomeValue", properties)]);
}

/// A property's meaning is not ours, so it goes on byte by byte, still encoded.
#[test]
fn entry_parse_percent_encoded_property() {
    let properties = format!("SomePropKey={EVERYTHING_ENCODED}");
    reads_as(&format!("SomeKey=SomeValue;{properties}"), &[("SomeKey", "SomeValue", &properties)]);
}

#[test]
fn entry_parse_property_without_value_no_percent_decoding() {
    let properties = "ValueProp%20%09%20%3D%20%09%20PropVal";
    reads_as(&format!("SomeKey=SomeValue;{properties}"), &[("SomeKey", "SomeValue", properties)]);
}

#[test]
fn limits_serialize_at_least_64() {
    let baggage =
        (0..64).fold(Baggage::default(), |baggage, key| baggage.with(&format!("key{key}"), "value"));
    assert_eq!(baggage.iter().count(), 64);
    assert_eq!(header(&baggage).split(',').count(), 64);
    assert_eq!(read(&header(&baggage)), baggage);
}

#[test]
fn limits_serialize_long_entry() {
    let value = "0123456789".repeat(819);
    let header = header(&Baggage::default().with("a", &value));
    assert_eq!(header.len(), 8192);
    assert_eq!(read(&header).get("a"), Some(&*value));
}

#[test]
fn limits_serialize_many_entries() {
    let many: Vec<_> = (0..512).map(|key| format!("{key:03}=0123456789a")).collect();
    let sent = header(&read(&(many.join(",") + "b")));
    assert_eq!((sent.len(), sent.split(',').count()), (8192, 512));
}

#[test]
fn the_examples_of_the_specification_read_as_it_says() {
    let three = "key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue";
    assert_eq!(three.len(), 86);
    let expected = [
        ("key1", "value1", "property1;property2"),
        ("key2", "value2", ""),
        ("key3", "value3", "propertyKey=propertyValue"),
    ];
    assert_eq!(members(&read(three)), expected);

    let user = [("userId", "alice", ""), ("serverNode", "DF 28", ""), ("isProduction", "false", "")];
    for received in [
        &[("baggage", "userId=alice,serverNode=DF%2028,isProduction=false")][..],
        &[("baggage", "userId=alice"), ("baggage", "serverNode=DF%2028,isProduction=false")],
        &[("baggage", "userId =   alice"), ("Baggage", "serverNode = DF%2028, isProduction = false")],
    ] {
        assert_eq!(members(&propagation::extract(&headers(received)).baggage), user);
    }
}

#[test]
fn bytes_that_are_no_utf_8_are_replaced() {
    let baggage = read("a=%ff%41,b=%E2%82");
    assert_eq!((baggage.get("a"), baggage.get("b")), (Some("\u{fffd}A"), Some("\u{fffd}")));
    assert_eq!(header(&baggage), "a=%EF%BF%BDA,b=%EF%BF%BD");
}

#[test]
fn a_key_is_a_token_and_is_not_decoded() {
    reads_as("a%20b!#$&'*+-.^_`|~=1", &[("a%20b!#$&'*+-.^_`|~", "1", "")]);
    assert_eq!(header(&read("good=1,b(ad=2,=3,b\u{e9}d=4,also-good=5")), "good=1,also-good=5");
}

#[test]
fn a_member_that_is_not_valid_is_left_out_and_the_others_stay() {
    assert_eq!(
        header(&read("a=1,novalue,b=two words,c=\"quoted\",d=back\\slash,e=2;bad prop,f=3")),
        "a=1,f=3"
    );
}

#[test]
fn the_order_of_members_with_one_key_is_kept() {
    assert_eq!(header(&read("a=1,b=2,a=3")), "a=1,b=2,a=3");
    assert_eq!(read("a=1,b=2,a=3").get("a"), Some("1"));
}

#[test]
fn beyond_the_limit_members_are_left_out_whole() {
    let received: Vec<_> = (0..600).map(|key| format!("{key:03}=0123456789a")).collect();
    let sent = header(&read(&received.join(",")));
    assert!(sent.len() <= 8192 && sent.len() > 8192 - 16);
    assert!(received.join(",").starts_with(&sent) && sent.ends_with('a'));
}

#[test]
fn baggage_needs_no_trace() {
    let remote = propagation::extract(&headers(&[("baggage", "a=1"), ("traceparent", "broken")]));
    assert!(remote.trace.is_none());
    assert_eq!(remote.baggage.get("a"), Some("1"));
}
