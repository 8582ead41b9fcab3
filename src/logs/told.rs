//! What an event told: its fields, and those of the spans around it, copied on the thread where it happened. What
//! the user's own code formats is text from then on; everything else keeps its type.
//!
//! The line is made of it later, by whoever writes: [`Fields::put`] hands it on as if the event were there again.

use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt;

use tracing::Event;
use tracing::field::{Field, Visit};

use super::escape::{CUT_MARK, LONGEST_VALUE};
use super::fields::{Borrowed, Put};
use super::json::format_guarded;
use crate::error::WithCauses;
use crate::names::key;
use crate::record::{Fields as OfSpan, Joined, Value, prefix};

/// Copies, made in vectors that the thread keeps.
#[derive(Debug, Default)]
pub(super) struct Told {
    slots: Vec<Slot>,
    text: Vec<u8>,
    /// What is in front of the spans' fields.
    own: Lengths,
    /// What is in front of the thread's name.
    all: Lengths,
}

/// One field; its texts stand in the text, in this order: the name, the value, an error's chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    name: Name,
    value: Copied,
}

#[derive(Clone, Copy, Debug)]
enum Name {
    Static(&'static str),
    Copied(u32),
}

#[derive(Clone, Copy, Debug)]
enum Copied {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Text(u32),
    /// An error, and itself with its sources, if it has any.
    Error(u32, u32),
}

/// How many slots, and how much text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lengths {
    slots: u32,
    text: u32,
}

/// What was told, wherever it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Borrow<'a> {
    /// The event's own fields, its message among them.
    pub(super) own: Fields<'a>,
    /// Those of the spans around it, innermost first.
    pub(super) spans: Fields<'a>,
    /// The thread's name, if it was asked for and has one.
    pub(super) thread: Option<&'a [u8]>,
}

/// Fields in the order in which they were told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    slots: &'a [Slot],
    text: &'a [u8],
}

/// What is longer is not kept by its thread, and not by the writer's queue.
pub(super) const SHORT: usize = 64 * 1024;

thread_local! {
    // Taken out while in use: the user's code that formats a field may write a line of its own.
    static TOLD: Cell<Option<Box<Told>>> = const { Cell::new(None) };
}

impl Told {
    /// Copies what an event tells, and hands it on.
    #[inline]
    pub(super) fn of(event: &Event<'_>, hand_on: impl FnOnce(&mut Self)) {
        let mut told = TOLD.try_with(Cell::take).ok().flatten().unwrap_or_default();
        told.slots.clear();
        told.text.clear();
        event.record(&mut *told);
        told.own = told.lengths();
        told.all = told.own;
        hand_on(&mut told);
        if told.text.capacity() <= SHORT {
            let _ = TOLD.try_with(|kept| kept.set(Some(told)));
        }
    }

    /// Takes the fields of one span around the event.
    pub(super) fn span(&mut self, fields: &OfSpan) {
        for (name, value) in fields.pairs() {
            let name = match name {
                Cow::Borrowed(name) => Name::Static(name),
                Cow::Owned(name) => {
                    self.text.extend_from_slice(name.as_bytes());
                    Name::Copied(name.len() as u32)
                }
            };
            let value = match value {
                Value::Bool(value) => Copied::Bool(*value),
                Value::I64(value) => Copied::I64(*value),
                Value::U64(value) => Copied::U64(*value),
                Value::F64(value) => Copied::F64(*value),
                Value::Str(text) => self.copy(text),
                Value::List(texts) => self.copy(&Joined(texts).to_string()),
            };
            self.slots.push(Slot { name, value });
        }
        self.all = self.lengths();
    }

    /// Takes the name of the thread, behind everything else.
    pub(super) fn thread(&mut self) {
        if let Some(name) = std::thread::current().name() {
            self.text.extend_from_slice(name.as_bytes());
        }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// How it is divided.
    pub(super) fn parts(&self) -> [Lengths; 2] {
        [self.own, self.all]
    }

    pub(super) fn borrow(&self) -> Borrow<'_> {
        Borrow::of(&self.slots, &self.text, self.parts())
    }

    fn lengths(&self) -> Lengths {
        Lengths { slots: self.slots.len() as u32, text: self.text.len() as u32 }
    }

    #[inline]
    fn put(&mut self, field: &Field, value: Copied) {
        self.slots.push(Slot { name: Name::Static(field.name()), value });
    }

    fn copy(&mut self, text: &str) -> Copied {
        let kept = prefix(text, LONGEST_VALUE);
        self.text.extend_from_slice(kept.as_bytes());
        if kept.len() == text.len() {
            return Copied::Text(text.len() as u32);
        }
        self.text.extend_from_slice(CUT_MARK.as_bytes());
        Copied::Text((kept.len() + CUT_MARK.len()) as u32)
    }

    /// Formats by the user's own code: its panic is its field's value, no more. Says how long it is.
    fn format(&mut self, value: &dyn fmt::Debug) -> u32 {
        let start = self.text.len();
        format_guarded(&mut self.text, value, false);
        (self.text.len() - start) as u32
    }
}

impl Visit for Told {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Copied::F64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Copied::I64(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Copied::U64(value));
    }

    // Beyond 64 bits readers of JSON lose digits, so such a number stays exact as text.
    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Copied::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let value = self.copy(value);
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let text = self.format(&format_args!("{value}"));
        let chain = if value.source().is_some() {
            self.format(&WithCauses { error: value, separator: ": " })
        } else {
            0
        };
        self.put(field, Copied::Error(text, chain));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let length = self.format(value);
        self.put(field, Copied::Text(length));
    }
}

impl<'a> Borrow<'a> {
    /// What a [`Told`] held, whose slots and text these are now.
    pub(super) fn of(slots: &'a [Slot], text: &'a [u8], [own, all]: [Lengths; 2]) -> Self {
        let (own_slots, span_slots) = slots.split_at_checked(own.slots as usize).unwrap_or_default();
        let (text, thread) = text.split_at_checked(all.text as usize).unwrap_or_default();
        let (own_text, span_text) = text.split_at_checked(own.text as usize).unwrap_or_default();
        Self {
            own: Fields { slots: own_slots, text: own_text },
            spans: Fields { slots: span_slots, text: span_text },
            thread: (!thread.is_empty()).then_some(thread),
        }
    }
}

impl Fields<'_> {
    /// Puts an event's fields on a line.
    pub(super) fn put<F>(self, line: &mut impl Put<F>) {
        self.each(|name, value| match name {
            key::MESSAGE => line.message(value),
            // What tracing-log says of a record; its place on the line is the metadata's.
            name if name.starts_with("log.") => {
                if !matches!(name, "log.target" | "log.module_path" | "log.file" | "log.line") {
                    line.field(name, value);
                }
            }
            // `r#type` is the field `type`; the prefix is Rust's, not the user's.
            name => line.field(name.strip_prefix("r#").unwrap_or(name), value),
        });
    }

    /// Hands out every field with the name that it was told under.
    pub(super) fn each(self, mut take: impl FnMut(&str, Borrowed<'_>)) {
        let mut rest = self.text;
        let mut next = |length: u32| {
            let (text, behind) = rest.split_at_checked(length as usize).unwrap_or_default();
            rest = behind;
            text
        };
        for slot in self.slots {
            let name = match slot.name {
                Name::Static(name) => name,
                Name::Copied(length) => std::str::from_utf8(next(length)).unwrap_or_default(),
            };
            let value = match slot.value {
                Copied::Bool(value) => Borrowed::Bool(value),
                Copied::I64(value) => Borrowed::I64(value),
                Copied::U64(value) => Borrowed::U64(value),
                Copied::F64(value) => Borrowed::F64(value),
                Copied::Text(length) => Borrowed::Told(next(length)),
                Copied::Error(length, 0) => Borrowed::Error(next(length), None),
                Copied::Error(length, chain) => Borrowed::Error(next(length), Some(next(chain))),
            };
            take(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::Subscriber;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt as _};

    use super::*;

    /// Takes what an event tells, beside the fields of a span.
    struct Take(std::sync::mpsc::Sender<Vec<String>>);

    impl<S: Subscriber> Layer<S> for Take {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            Told::of(event, |told| {
                let mut fields = OfSpan::default();
                fields.set("table", "users".into());
                fields.set("rows".to_owned(), 7.into());
                told.span(&fields);
                told.thread();
                // As the writer's queue keeps it.
                let (slots, text) = (told.slots().to_vec(), told.text().to_vec());
                let borrowed = Borrow::of(&slots, &text, told.parts());
                let mut seen = Vec::new();
                let show = |name: &str, value: Borrowed<'_>| match value {
                    Borrowed::Bool(value) => format!("{name}={value}"),
                    Borrowed::I64(value) => format!("{name}={value}i"),
                    Borrowed::U64(value) => format!("{name}={value}u"),
                    Borrowed::F64(value) => format!("{name}={value}f"),
                    Borrowed::Str(text) => format!("{name}=borrowed {text}"),
                    Borrowed::List(texts) => format!("{name}=borrowed {texts:?}"),
                    Borrowed::Told(text) => format!("{name}={}", String::from_utf8_lossy(text)),
                    Borrowed::Error(text, chain) => {
                        let [text, chain] = [text, chain.unwrap_or_default()].map(String::from_utf8_lossy);
                        format!("{name}={text} <{chain}>")
                    }
                };
                borrowed.own.each(|name, value| seen.push(show(name, value)));
                borrowed.spans.each(|name, value| seen.push(format!("span: {}", show(name, value))));
                assert_eq!(borrowed.thread, std::thread::current().name().map(str::as_bytes));
                let _ = self.0.send(seen);
            });
        }
    }

    fn told(say: impl FnOnce()) -> Vec<String> {
        let (sender, seen) = std::sync::mpsc::channel();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Take(sender)), say);
        seen.recv().expect("an event")
    }

    #[test]
    fn what_an_event_told_comes_out_in_its_order_and_in_its_own_types() {
        let seen = told(|| {
            tracing::info!(paid = true, who = "Ada", below = -1, list = ?[1, 2], seats = 7_u64, price = 1.5, "hi {}", 1);
        });
        let own =
            ["message=hi 1", "paid=true", "who=Ada", "below=-1i", "list=[1, 2]", "seats=7u", "price=1.5f"];
        let spans = ["span: table=users", "span: rows=7i"];
        assert_eq!(seen, own.into_iter().chain(spans).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_tells_its_sources_and_what_is_beyond_64_bits_is_text() {
        let error = crate::error::Error::thread("lines", std::io::Error::other("root"));
        let error: &(dyn Error + 'static) = &error;
        let seen = told(|| tracing::info!(error, big = u128::MAX, small = -1_i128));
        let text = "the thread lines could not be started";
        assert_eq!(seen[0], format!("error={text} <{text}: root>"));
        assert_eq!(seen[1..3], [format!("big={}", u128::MAX), "small=-1i".to_owned()]);
        let alone = std::io::Error::other("root");
        let alone: &(dyn Error + 'static) = &alone;
        assert_eq!(told(|| tracing::info!(alone))[0], "alone=root <>");
    }

    #[test]
    fn a_text_is_cut_at_its_limit_and_a_panic_is_its_fields_value() {
        struct Panics;
        impl fmt::Debug for Panics {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("on purpose")
            }
        }
        let seen = told(|| tracing::info!(long = "é".repeat(LONGEST_VALUE), bad = ?Panics, good = 1));
        assert!(seen[0].ends_with(CUT_MARK) && seen[0].len() < LONGEST_VALUE + 30);
        assert_eq!(seen[1..3], ["bad=<panicked>", "good=1i"]);
    }
}
