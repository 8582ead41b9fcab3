//! What the bridge keeps of one `tracing` span, in the registry's extensions.

use std::borrow::Cow;

use crate::clock::Moment;
use crate::context::{SpanId, TraceContext};
use crate::current::Current;
use crate::record::{FieldValue, Fields, Kind, NameSpan, Outcome};
use crate::traces::SpanRecord;

/// The conventions' default limit of attributes.
const MOST_FIELDS: usize = 128;

/// A span while it lives.
#[derive(Debug)]
pub(super) struct Details {
    /// Its own place, if it is recorded; else its parent's.
    pub(super) current: Option<Current>,
    /// `None`: it is not recorded; its fields may still be wanted by lines.
    pub(super) record: Option<Recording>,
    pub(super) fields: Fields,
    pub(super) fields_dropped: u32,
    pub(super) name: Option<Cow<'static, str>>,
    pub(super) kind: Option<Kind>,
    pub(super) failed: bool,
    /// It is the request's own: what is recorded on it is said of the request.
    pub(super) stands_for_hop: bool,
    /// What the user said of its status (is it an error?), which beats what we saw.
    pub(super) status: Option<bool>,
    /// The user's description of the error.
    pub(super) status_message: Option<Cow<'static, str>>,
}

/// What only a recorded span has.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) parent: Option<SpanId>,
    pub(super) start: Moment,
    pub(super) links: Vec<TraceContext>,
    pub(super) links_dropped: u32,
}

impl Recording {
    /// Keeps a link, up to this many.
    pub(super) fn link(&mut self, link: TraceContext, limit: usize) {
        if self.links.len() < limit {
            self.links.push(link);
        } else {
            self.links_dropped = self.links_dropped.saturating_add(1);
        }
    }
}

impl Details {
    pub(super) fn new(current: Option<Current>, record: Option<Recording>) -> Self {
        Self {
            current,
            record,
            fields: Fields::default(),
            fields_dropped: 0,
            name: None,
            kind: None,
            failed: false,
            stands_for_hop: false,
            status: None,
            status_message: None,
        }
    }

    pub(super) fn trace(&self) -> Option<TraceContext> {
        self.current.as_ref().map(|current| current.trace)
    }

    /// Keeps a field; a later value of a name replaces the earlier.
    pub(super) fn set(&mut self, name: &[u8], value: FieldValue<'_>) {
        if !self.fields.set_within(MOST_FIELDS, name, value) {
            self.fields_dropped += 1;
        }
    }

    /// Says of the request what was said of this span, if it is the request's own.
    pub(super) fn tell_hop(&self, said: &Self) {
        let hop = self.current.as_ref().and_then(|current| current.hop.as_ref());
        let Some(hop) = hop.filter(|hop| self.stands_for_hop && hop.end().is_none()) else { return };
        for (name, value) in said.fields.iter() {
            hop.add_field(name, value);
        }
        if said.name.is_none() && said.status != Some(true) {
            return;
        }
        let mut notes = hop.notes();
        let notes = notes.get_or_insert_default();
        if let Some(name) = said.name.clone() {
            notes.span_name = Some(NameSpan::new(move |_, _| name.to_string()));
        }
        if said.status == Some(true) {
            // What is said by `request::outcome` and `request::error` is more precise.
            notes.outcome.get_or_insert(Outcome::ServerError);
            if let Some(message) = said.status_message.as_deref() {
                notes.error.get_or_insert_with(|| vec![message.to_owned()]);
            }
        }
    }

    /// Takes over what was recorded later.
    pub(super) fn add(&mut self, more: Self) {
        for (name, value) in more.fields.iter() {
            self.set(name, value);
        }
        self.name = more.name.or(self.name.take());
        self.kind = more.kind.or(self.kind);
        self.failed |= more.failed;
        self.status = more.status.or(self.status);
        self.status_message = more.status_message.or(self.status_message.take());
    }

    /// Is there nothing to keep?
    pub(super) fn is_empty(&self) -> bool {
        self.current.is_none() && self.fields.len() == 0
    }

    /// The finished span; `None` if it is not recorded.
    pub(super) fn finish(
        self,
        metadata: &'static tracing::Metadata<'static>,
        end: Moment,
    ) -> Option<Box<SpanRecord>> {
        let Recording { parent, start, links, links_dropped } = self.record?;
        let current = self.current?;
        Some(Box::new(SpanRecord {
            trace: current.trace,
            tracestate: current.tracestate().clone(),
            parent,
            kind: self.kind.unwrap_or(Kind::Internal),
            name: self.name.unwrap_or(Cow::Borrowed(metadata.name())),
            target: metadata.target(),
            start,
            end,
            fields: self.fields,
            fields_dropped: self.fields_dropped,
            links,
            links_dropped,
            failed: self.status.unwrap_or(self.failed),
            is_ok: self.status == Some(false),
            status_message: self.status_message,
            kept: None,
        }))
    }
}
