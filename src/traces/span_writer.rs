//! How a finished span is written: each transport has a writer of its own, and every writer gets the same, within the same
//! limits.

use std::borrow::Cow;

use crate::clock::Moment;
use crate::context::{SpanId, TraceContext, Tracestate};
use crate::record::{FieldValue, Fields, Kind, OurNames, Value, free_name, within};

/// What a span is beside its attributes; links are within the limits.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) kind: Kind,
    pub(crate) trace: TraceContext,
    pub(crate) tracestate: &'a Tracestate,
    pub(crate) parent: Option<SpanId>,
    pub(crate) parent_is_remote: bool,
    pub(crate) status: Status<'a>,
    pub(crate) links: &'a [TraceContext],
    pub(crate) links_dropped: u32,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
}

/// A span's name. Most are two words, which need not be joined before they are written.
#[derive(Debug)]
pub(crate) enum Name<'a> {
    One(Cow<'a, str>),
    Two(&'a str, &'a str),
}

/// A span's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    Unset,
    /// Said by the user of a span of theirs, never by us.
    Ok,
    /// With a description, empty where the attributes say it all.
    Error(Cow<'a, str>),
}

/// Writes one span: what it is, then its attributes, then its end.
pub(crate) trait SpanWriter {
    /// The span begins.
    fn begin(&mut self, outline: &Outline<'_>);

    /// An attribute of ours; the bytes are text.
    fn text(&mut self, name: &'static str, text: &[u8]);

    /// An attribute of ours.
    fn number(&mut self, name: &'static str, number: u16);

    /// An attribute of ours.
    fn float(&mut self, name: &'static str, number: f64);

    /// An attribute of the user's.
    fn value(&mut self, name: &[u8], value: FieldValue<'_>);

    /// The span ends, with so many attributes left out.
    fn end(&mut self, outline: &Outline<'_>, attributes_dropped: u32);
}

/// How much one span may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) attributes: usize,
    /// In characters; `None` is no limit.
    pub(crate) value_length: Option<usize>,
    pub(crate) links: usize,
}

/// Attributes under their limits: each name once, the first of a name wins.
pub(super) struct Attributes<'a, S> {
    writer: &'a mut S,
    held: usize,
    dropped: u32,
    limits: &'a Limits,
    /// The names of ours so far; `None` where no field of the user's will ask for them.
    ours: Option<OurNames>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { attributes: 128, value_length: None, links: 128 }
    }
}

impl Limits {
    /// Writes it with texts of at most this many characters.
    #[inline]
    pub(super) fn with_texts_of(self, most: Option<usize>) -> Self {
        let value_length = match (self.value_length, most) {
            (Some(limit), Some(most)) => Some(limit.min(most)),
            (limit, most) => limit.or(most),
        };
        Self { value_length, ..self }
    }

    /// The first of these links, and how many are dropped with those that were dropped before.
    #[inline]
    pub(super) fn links<'a>(&self, links: &'a [TraceContext], dropped: u32) -> (&'a [TraceContext], u32) {
        let kept = links.get(..self.links).unwrap_or(links);
        let left_out = u32::try_from(links.len() - kept.len()).unwrap_or(u32::MAX);
        (kept, left_out.saturating_add(dropped))
    }
}

impl Name<'_> {
    /// The name, piece by piece.
    #[inline]
    pub(crate) fn pieces(&self) -> [&str; 3] {
        match self {
            Self::One(name) => [name, "", ""],
            Self::Two(first, second) => [first, " ", second],
        }
    }
}

impl<'a, S: SpanWriter> Attributes<'a, S> {
    /// Begins a span, to which the user's fields are added, or none.
    #[inline]
    pub(super) fn begin(
        writer: &'a mut S,
        outline: &Outline<'_>,
        limits: &'a Limits,
        has_fields: bool,
    ) -> Self {
        writer.begin(outline);
        Self { writer, held: 0, dropped: 0, limits, ours: has_fields.then(OurNames::default) }
    }

    /// Ends the span, of which so many attributes were dropped before.
    #[inline]
    pub(super) fn end(self, outline: &Outline<'_>, dropped_before: u32) {
        self.writer.end(outline, self.dropped.saturating_add(dropped_before));
    }

    /// Adds an attribute of ours. Inlined, so that a writer knows the name where it copies it.
    #[inline(always)]
    pub(super) fn text(&mut self, name: &'static str, text: impl AsRef<[u8]>) {
        if self.has_room() {
            self.learn(name);
            self.writer.text(name, self.within(text.as_ref()));
        }
    }

    /// Adds an attribute of ours if its text is not empty.
    #[inline(always)]
    pub(super) fn known(&mut self, name: &'static str, text: impl AsRef<[u8]>) {
        if !text.as_ref().is_empty() {
            self.text(name, text);
        }
    }

    /// Adds an attribute of ours.
    #[inline(always)]
    pub(super) fn number(&mut self, name: &'static str, number: u16) {
        if self.has_room() {
            self.learn(name);
            self.writer.number(name, number);
        }
    }

    /// Adds an attribute of ours.
    #[inline(always)]
    pub(super) fn float(&mut self, name: &'static str, number: f64) {
        if self.has_room() {
            self.learn(name);
            self.writer.float(name, number);
        }
    }

    /// Adds an attribute of ours that is a large number.
    pub(super) fn value(&mut self, name: &'static str, value: FieldValue<'_>) {
        if self.has_room() {
            self.learn(name);
            self.writer.value(name.as_bytes(), value);
        }
    }

    /// Adds the user's attributes; one whose name we have written moves aside, as on the log line, and so does `ours`.
    pub(super) fn fields(&mut self, fields: &Fields, ours: Option<&str>) {
        if fields.len() == 0 {
            return;
        }
        // Fields have one name each, so only ours and those that moved aside can be in the way.
        let mut moved = Vec::<(&[u8], String)>::new();
        fields.each(|name, value| {
            if !self.has_room() {
                return;
            }
            let is_ours = |name: &[u8]| {
                let is_said = ours.is_some_and(|ours| ours.as_bytes() == name);
                is_said || self.ours.as_ref().is_some_and(|known| known.contains(name))
            };
            let has_moved = |name: &[u8]| moved.iter().any(|(_, to)| to.as_bytes() == name);
            if name.is_empty() || is_ours(name) || has_moved(name) {
                let before = || fields.iter().map(|(name, _)| name).take_while(|before| *before != name);
                let is_there = |name: &[u8]| {
                    before().any(|known| known == name && !moved.iter().any(|(from, _)| *from == name))
                };
                let is_taken = |name: &str| {
                    let name = name.as_bytes();
                    is_ours(name) || has_moved(name) || is_there(name)
                };
                let free = free_name(&String::from_utf8_lossy(name), is_taken).into_owned();
                self.users(free.as_bytes(), value);
                moved.push((name, free));
            } else {
                self.users(name, value);
            }
        });
    }

    #[inline]
    fn users(&mut self, name: &[u8], value: FieldValue<'_>) {
        match self.limits.value_length {
            None => self.writer.value(name, value),
            Some(most) => self.limited(most, name, value),
        }
    }

    #[cold]
    fn limited(&mut self, most: usize, name: &[u8], value: FieldValue<'_>) {
        let mut value = Value::from(value);
        value.limit(most);
        self.writer.value(name, (&value).into());
    }

    #[inline(always)]
    fn learn(&mut self, name: &'static str) {
        if let Some(ours) = &mut self.ours {
            ours.add(name);
        }
    }

    /// Is there room for one more? If not, it is dropped and counted.
    #[inline]
    fn has_room(&mut self) -> bool {
        let has_room = self.held < self.limits.attributes;
        if has_room {
            self.held += 1;
        } else {
            self.dropped += 1;
        }
        has_room
    }

    /// As much of the text as is kept.
    #[inline]
    fn within<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        within(text, self.limits.value_length)
    }
}
