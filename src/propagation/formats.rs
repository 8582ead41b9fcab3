//! The formats in which a context travels, and how those beside W3C's are read and written.

use super::Remote;
use crate::context::{TraceContext, Tracestate, b3, jaeger};

/// A format in which a context travels from service to service (`OTEL_PROPAGATORS`).
///
/// ```no_run
/// use tower_observability::propagation::Propagator;
///
/// // As OTEL_PROPAGATORS=tracecontext,baggage,b3 says it.
/// let observability = tower_observability::builder("bookings")
///     .propagators([Propagator::TraceContext, Propagator::Baggage, Propagator::B3])
///     .init()?;
/// # drop(observability);
/// # Ok::<(), tower_observability::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Propagator {
    /// W3C's `traceparent` and `tracestate`; `tracecontext` in the variable.
    TraceContext,
    /// W3C's `baggage`, written onto calls to the hosts that a client's layer lists.
    Baggage,
    /// Zipkin's B3 as the one header `b3`. Both of B3's encodings are read.
    B3,
    /// Zipkin's B3 as `x-b3-traceid`, `x-b3-spanid` and `x-b3-sampled` or `x-b3-flags`; `b3multi` in the variable. Both
    /// of B3's encodings are read.
    B3Multi,
    /// Jaeger's `uber-trace-id`.
    Jaeger,
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

impl Propagator {
    pub(super) const ALL: [Self; 5] =
        [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi, Self::Jaeger];

    /// As the variable names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
            Self::Jaeger => "jaeger",
        }
    }

    /// Reads a format beside W3C's. Of B3's encodings the one header goes before the several (Propagators API, "B3
    /// extract").
    fn read<'a>(self, find: &dyn Fn(&'static str) -> Option<&'a [u8]>) -> Option<TraceContext> {
        let parts = || b3::read_multi([TRACE_ID, SPAN_ID, SAMPLED, FLAGS].map(find));
        match self {
            Self::TraceContext | Self::Baggage => None,
            Self::B3 | Self::B3Multi => find(B3).and_then(b3::read).or_else(parts),
            Self::Jaeger => find(UBER_TRACE_ID).and_then(jaeger::read),
        }
    }

    /// Reads a format beside W3C's; if it finds nothing valid, nothing changes (Propagators API, "extract").
    pub(super) fn join<'a>(self, remote: &mut Remote, find: &dyn Fn(&'static str) -> Option<&'a [u8]>) {
        let Some(found) = self.read(find) else { return };
        match &mut remote.trace {
            // A decision without ids is one about the trace that is known.
            Some(known) if found.flags.is_invented() => known.flags = known.flags.with_sampled(false),
            Some(known) if (known.trace_id, known.span_id) == (found.trace_id, found.span_id) => {
                known.flags = known.flags.decided_by(found.flags);
            }
            // A trace's list belongs to it: another trace has none.
            trace => {
                *trace = Some(found);
                remote.tracestate = Tracestate::default();
            }
        }
    }
}

/// Writes the chosen formats beside W3C's; what an earlier hop left in B3's other encoding goes, because it might be read
/// first.
pub(super) fn write_others(
    chosen: impl Fn(Propagator) -> bool,
    trace: TraceContext,
    put: &mut dyn FnMut(&'static str, Option<&[u8]>),
) {
    let (single, multi) = (chosen(Propagator::B3), chosen(Propagator::B3Multi));
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
    if chosen(Propagator::Jaeger) {
        put(UBER_TRACE_ID, Some(&jaeger::write(trace)[..]));
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
}
