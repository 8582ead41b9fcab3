//! The proof that a record is the same in bytes, straight or by way of an entry.

use std::sync::Arc;

use proptest::prelude::*;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

use super::*;
use crate::clock::Moment;
use crate::context::{RequestId, a_context};
use crate::logs::otlp::Record;
use crate::logs::otlp::describe::{describe, scope};
use crate::logs::otlp::entry::Entry;
use crate::logs::otlp::fit::fit;
use crate::names::attribute as name;
use crate::record::{
    End, ErrorType, Hop, Http, HttpVersion, Kind, Method, Outcome, Route, RouteCell, Scheme, Severity,
    Snapshot, Subject, Value, a_value,
};
use crate::resource::Resource;

const USUAL: Limits = Limits { attributes: 128, value_length: None, body: usize::MAX };

/// A record's bytes if it is written straight; those by way of an entry, and whether a receiver's limit cost it anything.
fn both(record: &Record, limits: &Limits, room: Room) -> (Option<Vec<u8>>, Vec<u8>, bool) {
    let (mut straight, mut other) = (Message::default(), Message::default());
    let (mut is_written, mut is_shortened) = (false, false);
    straight.text(1, "before");
    let before = straight.length();
    describe(record, &mut String::new(), |said| {
        is_written = write(said, scope(record), limits, room, &mut straight);
        let mut entry = Entry::of(said);
        is_shortened = fit(&mut entry, scope(record), limits, room);
        entry.write(&mut other);
    });
    let written = straight.split_off(before);
    assert!(is_written || written.is_empty());
    (is_written.then_some(written), other.into_bytes(), is_shortened)
}

fn usual_room() -> Room {
    Room::beside(&Resource::default())
}

fn saying(message: &str, fields: &[(&str, Value)]) -> Snapshot {
    let mut event = Snapshot::new(Severity::Info, "app", message);
    fields.iter().for_each(|(name, value)| event.add(name, value));
    event
}

#[test]
fn what_fits_and_has_a_name_of_its_own_is_written_straight() {
    let is_straight = |name: &str, value: Value| {
        let record = Record::Event(saying("read", &[("seats", 4.into()), (name, value)]));
        both(&record, &USUAL, usual_room()).0.is_some()
    };
    assert!(is_straight("table", "users".into()) && is_straight("seats", 5.into()));
    assert!(is_straight("table", "x".repeat(40_000).into()) && is_straight("table", "é".into()));
    assert!(!is_straight("table", "x".repeat(64 * 1024).into()) && !is_straight("", 5.into()));
    let mut failed = saying("read", &[(name::THREAD_NAME, "theirs".into())]);
    failed.set_thread("ours");
    failed.info.severity = Severity::Fatal;
    assert_eq!(both(&Record::Event(failed), &USUAL, usual_room()).0, None);
}

/// Takes an event as a record.
struct Take(std::sync::mpsc::Sender<Record>);

impl<S: Subscriber> Layer<S> for Take {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        Snapshot::lend(
            event,
            Moment::now(),
            (None, None),
            |_| {},
            |snapshot| {
                let _ = self.0.send(Record::Event(snapshot.clone()));
            },
        );
    }
}

#[test]
fn an_error_and_its_causes_are_the_same_both_ways() {
    let (sender, records) = std::sync::mpsc::channel();
    let cause = std::io::Error::other("disk full");
    let error = std::io::Error::other(std::sync::Arc::new(std::io::Error::other(cause)));
    let error: &dyn std::error::Error = &error;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(Take(sender)), || {
        tracing::error!(error, "failed");
        tracing::error!(error, exception.stacktrace = "the user's", "failed");
        tracing::error!(reason = error, error = "text", "failed");
    });
    for record in records.iter() {
        for value_length in [None, Some(4)] {
            let (straight, other, _) = both(&record, &Limits { value_length, ..USUAL }, usual_room());
            assert_eq!(straight, Some(other));
        }
    }
}

fn a_name() -> impl Strategy<Value = String> {
    prop_oneof![
        10 => "[a-z_.]{1,40}",
        2 => "[ab]",
        1 => "(field_)?(url.path|http.route|outcome|error|exception.message|)",
    ]
}

fn fields() -> impl Strategy<Value = Vec<(String, Value)>> {
    prop_oneof![
        3 => proptest::collection::vec((a_name(), a_value()), 0..6),
        1 => proptest::collection::vec((a_name(), a_value()), 0..150),
    ]
}

prop_compose! {
    fn a_hop()(
        trace in a_context(),
        kind in prop::sample::select(vec![Kind::Server, Kind::Client, Kind::Consumer]),
        (path, rest) in ("/[a-z]{0,140}", "\\PC{0,140}"),
        (port, request_bytes, peer) in any::<(Option<u16>, Option<u64>, Option<std::net::SocketAddr>)>(),
        (status, first_byte) in (proptest::option::of(100..u16::MAX), proptest::option::of(0_u64..1 << 40)),
        (flags, method) in (any::<[bool; 2]>(), prop::sample::select(vec![Method::Get, Method::Other])),
        (fields, on_lines) in (fields(), proptest::collection::vec((a_name(), a_value()), 0..3)),
        error in proptest::option::of(proptest::collection::vec("\\PC{0,140}", 1..3)),
        (response_bytes, dropped) in any::<(u64, u32)>(),
    ) -> Arc<Hop> {
        let mut http = Http::new(method, Scheme::Https, HttpVersion::V2);
        http.set([&path, "", &rest, &rest, &rest].map(str::as_bytes));
        (http.port, http.peer, http.names_client, http.request_bytes) = (port, peer, flags[0], request_bytes);
        let mut hop = Hop::new(trace, kind, Moment::now(), Subject::Http(http));
        hop.request_id = RequestId::parse(rest.as_bytes());
        hop.route = RouteCell::new(flags[1].then(|| Route::of("/bookings/{id}")));
        fields.into_iter().for_each(|(name, value)| { hop.add(&name, &value); });
        on_lines.into_iter().for_each(|(name, value)| { hop.add_to_lines(&name, &value); });
        {
            let mut notes = hop.notes();
            let notes = notes.get_or_insert_default();
            (notes.error, notes.fields_dropped) = (error, dropped);
        }
        let error_type = status.map_or(ErrorType::Word("panic"), ErrorType::Status);
        let first_byte = first_byte.map(|nanos| hop.start.after_nanos(nanos));
        let (outcome, at) = (Outcome::Ok, hop.start.after_nanos(response_bytes >> 20));
        hop.finish(|_| End { outcome, error_type, status, rpc: None, at, first_byte, response_bytes });
        Arc::new(hop)
    }
}

prop_compose! {
    fn an_event()(
        severity in prop::sample::select(Severity::ALL.to_vec()),
        message in prop_oneof!["\\PC{0,140}", Just("x".repeat(17_000))],
        (trace, hop) in (proptest::option::of(a_context()), proptest::option::of(a_hop())),
        fields in fields(),
        [origin, thread, backtrace] in any::<[bool; 3]>(),
    ) -> Snapshot {
        let mut event = Snapshot::new(severity, "app", &message);
        fields.iter().for_each(|(name, value)| event.add(name, value));
        if origin {
            event.set_origin("src/main.rs", 300);
        }
        if thread {
            event.set_thread("main");
        }
        if backtrace {
            event.set_backtrace(&"at main\n".repeat(100));
        }
        (event.info.trace, event.info.hop) = (trace, hop);
        event
    }
}

fn a_record() -> impl Strategy<Value = Record> {
    prop_oneof![a_hop().prop_map(Record::Hop), an_event().prop_map(Record::Event)]
}

proptest! {
    #[test]
    fn a_record_is_the_same_in_bytes_as_by_way_of_an_entry(
        record in a_record(),
        attributes in prop_oneof![0..20_usize, Just(128), Just(1_000)],
        value_length in proptest::option::of(0..140_usize),
        body in prop_oneof![Just(20), Just(usize::MAX)],
        of_resource in prop_oneof![4 => Just(0), 1 => 55_000..64_000_usize],
    ) {
        let mut resource = Resource::default();
        resource.set("service.name", "x".repeat(of_resource));
        let limits = Limits { attributes, value_length, body };
        let (straight, other, is_shortened) = both(&record, &limits, Room::beside(&resource));
        if let Some(straight) = straight {
            prop_assert_eq!(straight, other);
            prop_assert!(!is_shortened);
        }
    }
}
