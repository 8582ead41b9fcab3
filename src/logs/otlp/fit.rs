//! The largest record: what the specification's limits allow, and what Loki would reject is cut by us, marked
//! and counted.
//!
//! Loki keeps the body as the line, and the attributes, the resource and the ids as the line's structured metadata.

use std::borrow::Cow;

use super::entry::{Attributes, Entry};
use super::export::Limits;
use crate::logs::formats::LONGEST_LINE;
use crate::otlp::AnyValue;
use crate::record::{CUT_MARK, prefix};
use crate::resource::Resource;

/// What receivers leave to the attributes of one record, beside what every record has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    entries: usize,
    bytes: usize,
}

/// Loki's `max_structured_metadata_entries_count`.
const MOST_ENTRIES: usize = 128;
/// Loki's `max_structured_metadata_size`, of all names and values.
const MOST_BYTES: usize = 64 * 1024;
/// The ids, the severity, the scope and what else becomes metadata of every record.
const OTHER_ENTRIES: usize = 12;
const OTHER_BYTES: usize = 1024;
/// The longest number, as text.
const NUMBER: usize = 24;

impl Room {
    pub(super) fn beside(resource: &Resource) -> Self {
        let (entries, bytes) = resource
            .iter()
            .fold((0, 0), |(entries, bytes), (name, value)| (entries + 1, bytes + name.len() + value.len()));
        Self {
            entries: MOST_ENTRIES.saturating_sub(OTHER_ENTRIES + entries),
            bytes: MOST_BYTES.saturating_sub(OTHER_BYTES + bytes),
        }
    }

    /// Is there surely room for so many attributes, which take so many bytes as a message or as they are kept?
    pub(super) fn holds(self, scope: &str, entries: usize, bytes: usize) -> bool {
        entries <= self.entries && bytes + entries * NUMBER + scope.len() <= self.bytes
    }
}

// What has room for its attributes is no line too long.
const _: () = assert!(MOST_BYTES <= LONGEST_LINE);

/// Applies the limits; true if a receiver's limit cost the record anything.
pub(super) fn fit(entry: &mut Entry<'_>, scope: &str, limits: &Limits, room: Room) -> bool {
    limit(entry, limits);
    let body = shorten_body(&mut entry.body, limits);
    let attributes = shorten_attributes(&mut entry.attributes, room, scope);
    body || attributes
}

/// The specification's limits: they are the user's own choice, so nothing is marked.
fn limit(entry: &mut Entry<'_>, limits: &Limits) {
    keep(&mut entry.attributes, limits.attributes);
    let Some(most) = limits.value_length else { return };
    for attribute in &mut entry.attributes.list {
        attribute.value.limit(most);
    }
}

/// Keeps so many attributes, ours first; the record says how many were dropped.
fn keep(attributes: &mut Attributes<'_>, most: usize) -> bool {
    let over = attributes.list.len().saturating_sub(most);
    attributes.list.truncate(most);
    attributes.dropped = attributes.dropped.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
    over > 0
}

fn shorten_body(body: &mut Cow<'_, str>, limits: &Limits) -> bool {
    let longest = limits.body.min(LONGEST_LINE);
    let too_long = body.len() > longest;
    if too_long {
        *body = Cow::Owned(cut(body, longest));
    }
    too_long
}

/// Cuts the longest texts until all fit, and drops the last attributes where no text is long enough.
fn shorten_attributes(attributes: &mut Attributes<'_>, room: Room, scope: &str) -> bool {
    let mut shortened = keep(attributes, room.entries);
    let room = room.bytes.saturating_sub(scope.len());
    loop {
        let list = attributes.list.iter();
        let size: usize = list.map(|attribute| attribute.name.len() + length(&attribute.value)).sum();
        let Some(excess) = size.checked_sub(room).filter(|excess| *excess > 0) else { return shortened };
        shortened = true;
        if !shorten_longest(attributes, excess) {
            let Some(count) = attributes.list.len().checked_sub(1) else { return shortened };
            keep(attributes, count);
        }
    }
}

/// Takes `excess` bytes off the longest text, or nearly all of it; false if none is longer than the mark.
fn shorten_longest(attributes: &mut Attributes<'_>, excess: usize) -> bool {
    let values = attributes.list.iter_mut().map(|attribute| &mut attribute.value);
    match values.max_by_key(|value| text_length(value)) {
        Some(AnyValue::Str(text)) if text.len() > 2 * CUT_MARK.len() => {
            *text = Cow::Owned(cut(text, text.len().saturating_sub(excess)));
            true
        }
        _ => false,
    }
}

/// As much of the text as fits into `most` bytes, the mark included; always shorter than before.
fn cut(text: &str, most: usize) -> String {
    let most = most.min(text.len() - 1).saturating_sub(CUT_MARK.len());
    format!("{}{CUT_MARK}", prefix(text, most))
}

fn length(value: &AnyValue<'_>) -> usize {
    match value {
        AnyValue::Str(text) => text.len(),
        AnyValue::List(texts) => texts.iter().map(|text| text.len()).sum(),
        _ => NUMBER,
    }
}

fn text_length(value: &AnyValue<'_>) -> usize {
    if let AnyValue::Str(text) = value { text.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::describe::Outline;
    use super::*;
    use crate::clock::Moment;
    use crate::record::Severity;

    const NONE: Limits = Limits { attributes: 128, value_length: None, body: usize::MAX };

    type Fields = [(String, AnyValue<'static>)];

    fn entry<'a>(body: &'a str, fields: &'a Fields) -> Entry<'a> {
        let mut attributes = Attributes::default();
        fields.iter().for_each(|(name, value)| attributes.add(name, value.clone()));
        let outline = Outline {
            at: Moment::now(),
            severity: Severity::Fatal,
            event: "",
            body: body.as_bytes(),
            trace: None,
        };
        Entry { outline, body: body.into(), attributes }
    }

    fn fit(entry: &mut Entry<'_>, limits: &Limits) -> bool {
        let mut resource = Resource::default();
        resource.set("service.name", "bookings");
        super::fit(entry, "app", limits, Room::beside(&resource))
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, AnyValue<'static>)> {
        let text = |text: &str| AnyValue::Str(text.to_owned().into());
        pairs.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect()
    }

    fn text<'a>(entry: &'a Entry<'_>, name: &str) -> &'a str {
        match entry.attributes.list.iter().find(|known| known.name == name).map(|known| &known.value) {
            Some(AnyValue::Str(text)) => text,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn what_fits_stays_whole_and_is_not_counted() {
        let fields = fields(&[("a", "b")]);
        let mut small = entry("hello", &fields);
        assert_eq!((fit(&mut small, &NONE), &*small.body, text(&small, "a")), (false, "hello", "b"));
    }

    #[test]
    fn a_body_is_cut_to_what_a_line_may_be_and_marked() {
        let body = "é".repeat(200_000);
        let mut long = entry(&body, &[]);
        assert!(fit(&mut long, &NONE));
        assert!(long.body.len() <= LONGEST_LINE && long.body.len() > LONGEST_LINE - 4);
        assert!(long.body.ends_with(CUT_MARK));
    }

    #[test]
    fn only_the_longest_attribute_is_cut_and_it_is_marked() {
        let fields = fields(&[("long", &"é".repeat(60_000)), ("short", &"x".repeat(20_000))]);
        let mut long = entry("", &fields);
        assert!(fit(&mut long, &NONE));
        assert_eq!(text(&long, "short").len(), 20_000);
        assert!(text(&long, "long").ends_with(CUT_MARK));
        let size = text(&long, "short").len() + text(&long, "long").len();
        assert!((MOST_BYTES - 2_000..MOST_BYTES).contains(&size), "{size}");
    }

    #[test]
    fn more_attributes_than_a_receiver_takes_are_dropped_from_the_end_and_counted() {
        let many: Vec<_> = (0..200).map(|n| (format!("f{n}"), AnyValue::I64(n))).collect();
        let mut entry = entry("", &many);
        assert!(fit(&mut entry, &Limits { attributes: 1_000, ..NONE }));
        assert_eq!(entry.attributes.list.len() + OTHER_ENTRIES + 1, MOST_ENTRIES);
        assert_eq!(entry.attributes.list.len() + entry.attributes.dropped as usize, 200);
        assert_eq!(entry.attributes.list[0].name, "f0");
    }

    #[test]
    fn names_that_are_too_long_cost_their_attributes() {
        let many: Vec<_> =
            (0..100).map(|n| (format!("{n}{}", "n".repeat(1_000)), AnyValue::I64(n))).collect();
        let mut entry = entry("", &many);
        assert!(fit(&mut entry, &NONE));
        assert!(entry.attributes.dropped > 30 && entry.attributes.list.len() > 50);
    }

    #[test]
    fn the_specifications_limits_are_the_users_own_and_count_as_no_loss_of_ours() {
        let fields = fields(&[("a", "12345"), ("b", "äöü"), ("c", "x")]);
        let mut entry = entry("", &fields);
        assert!(!fit(&mut entry, &Limits { attributes: 2, value_length: Some(2), ..NONE }));
        assert_eq!((text(&entry, "a"), text(&entry, "b"), entry.attributes.dropped), ("12", "äö", 1));
    }

    proptest! {
        #[test]
        fn whatever_was_said_fits_at_the_end(
            pieces in prop::collection::vec((".{1,6}", 0_usize..20_000), 0..40),
            body in 0_usize..300_000,
        ) {
            let said: Vec<_> = pieces
                .iter()
                .enumerate()
                .map(|(n, (piece, times))| (format!("{piece}{n}"), AnyValue::Str(piece.repeat(*times).into())))
                .collect();
            let body = "x".repeat(body);
            let mut entry = entry(&body, &said);
            fit(&mut entry, &NONE);
            let list = &entry.attributes.list;
            let size: usize = list.iter().map(|known| known.name.len() + length(&known.value)).sum();
            prop_assert!(size < MOST_BYTES && list.len() < MOST_ENTRIES && entry.body.len() <= LONGEST_LINE);
            prop_assert_eq!(list.len() + entry.attributes.dropped as usize, said.len());
        }
    }
}
