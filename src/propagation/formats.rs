//! The formats beside W3C's: which are chosen, in what order, and how each is read and written.

use super::Remote;
use crate::context::{TraceContext, Tracestate, b3, jaeger};

/// A format beside W3C's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One header; both of B3's encodings are read.
    B3,
    /// A header for each part; both of B3's encodings are read.
    B3Multi,
    Jaeger,
}

/// The chosen ones, in the list's order and each once. Nearly always there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Formats {
    chosen: [Option<Format>; 3],
    /// How many of them stand before `tracecontext`.
    before: u8,
}

pub(super) const B3: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const PARENT_SPAN_ID: &str = "x-b3-parentspanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";
const UBER_TRACE_ID: &str = "uber-trace-id";

/// What these formats are written under.
pub(super) const KEYS: [&str; 7] = [B3, TRACE_ID, SPAN_ID, PARENT_SPAN_ID, SAMPLED, FLAGS, UBER_TRACE_ID];

impl Format {
    const ALL: [Self; 3] = [Self::B3, Self::B3Multi, Self::Jaeger];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
        }
    }

    /// The one header goes before the several (Propagators API, "B3 extract").
    fn read<'a>(self, find: &dyn Fn(&'static str) -> Option<&'a [u8]>) -> Option<TraceContext> {
        let parts = || b3::read_multi([TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map(find));
        match self {
            Self::B3 | Self::B3Multi => find(B3).and_then(b3::read).or_else(parts),
            Self::Jaeger => find(UBER_TRACE_ID).and_then(jaeger::read),
        }
    }
}

impl Formats {
    pub(super) const NONE: Self = Self { chosen: [None; 3], before: 0 };

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.chosen[0].is_none()
    }

    fn has(&self, format: Format) -> bool {
        self.chosen.contains(&Some(format))
    }

    fn count(&self) -> usize {
        self.chosen.iter().flatten().count()
    }

    /// Adds the format behind the others, or takes it away.
    pub(crate) fn set(&mut self, format: Format, on: bool) {
        if on && !self.has(format) {
            if let Some(free) = self.chosen.iter_mut().find(|place| place.is_none()) {
                *free = Some(format);
            }
        } else if !on {
            let left = self.chosen.iter().flatten().copied().filter(|chosen| *chosen != format);
            let left: Vec<_> = left.collect();
            self.chosen = [0, 1, 2].map(|place| left.get(place).copied());
        }
    }

    /// The formats so far stand before `tracecontext`.
    pub(super) fn stand_before(&mut self) {
        self.before = self.count() as u8;
    }

    /// The names before `tracecontext`, and those behind it.
    pub(super) fn names(&self, tracecontext: bool) -> [Vec<&'static str>; 2] {
        let mut names: Vec<_> = self.chosen.into_iter().flatten().map(Format::name).collect();
        let before = if tracecontext { usize::from(self.before) } else { names.len() };
        let behind = names.split_off(before.min(names.len()));
        [names, behind]
    }

    /// Reads each; one later in the list overrides, and one that finds nothing valid changes nothing (Propagators API,
    /// "extract" and "composite propagator"). What `find` says of a name is its value, if there is exactly one.
    pub(super) fn read<'a>(&self, remote: &mut Remote, find: &dyn Fn(&'static str) -> Option<&'a [u8]>) {
        let overridden = if remote.trace.is_some() { usize::from(self.before) } else { 0 };
        for format in self.chosen.iter().skip(overridden).flatten() {
            if let Some(found) = format.read(find) {
                join(remote, found);
            }
        }
    }

    /// Writes each; what an earlier hop left in B3's other encoding goes, because it might be read first.
    pub(super) fn write(&self, trace: TraceContext, put: &mut dyn FnMut(&'static str, Option<&[u8]>)) {
        let (single, multi) = (self.has(Format::B3), self.has(Format::B3Multi));
        if single || multi {
            let (debug, sampled) = (trace.flags.is_debug(), trace.flags.is_sampled());
            let decision: &[u8] = if sampled { b"1" } else { b"0" };
            put(B3, single.then_some(&b3::write(trace)[..]));
            put(TRACE_ID, multi.then_some(&trace.trace_id.hex()[..]));
            put(SPAN_ID, multi.then_some(&trace.span_id.hex()[..]));
            put(PARENT_SPAN_ID, None);
            put(SAMPLED, (multi && !debug).then_some(decision));
            put(FLAGS, (multi && debug).then_some(&b"1"[..]));
        }
        if self.has(Format::Jaeger) {
            put(UBER_TRACE_ID, Some(&jaeger::write(trace)[..]));
        }
    }
}

/// A trace's list belongs to it: another trace has none.
fn join(remote: &mut Remote, found: TraceContext) {
    match &mut remote.trace {
        // A decision without ids is one about the trace that is known.
        Some(known) if found.flags.is_invented() => known.flags = known.flags.with_sampled(false),
        Some(known) if (known.trace_id, known.span_id) == (found.trace_id, found.span_id) => {
            known.flags = known.flags.decided_by(found.flags);
        }
        trace => {
            *trace = Some(found);
            remote.tracestate = Tracestate::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::header;

    #[test]
    fn the_keys_are_the_names_on_the_wire() {
        let names = [
            header::B3,
            header::B3_TRACE_ID,
            header::B3_SPAN_ID,
            header::B3_PARENT_SPAN_ID,
            header::B3_SAMPLED,
            header::B3_FLAGS,
            header::UBER_TRACE_ID,
        ];
        assert_eq!(KEYS.as_slice(), names.each_ref().map(|name| name.as_str()).as_slice());
    }

    #[test]
    fn a_format_is_chosen_once_and_can_be_taken_away() {
        let mut formats = Formats::NONE;
        for format in [Format::Jaeger, Format::B3, Format::Jaeger, Format::B3Multi] {
            formats.set(format, true);
        }
        assert_eq!(formats.chosen, [Some(Format::Jaeger), Some(Format::B3), Some(Format::B3Multi)]);
        formats.set(Format::Jaeger, false);
        assert_eq!(formats.chosen, [Some(Format::B3), Some(Format::B3Multi), None]);
    }
}
