//! The variables that bound what one span may hold.

use crate::export::{shown_limit, whole};
use crate::traces::Traces;
use crate::variable::Variable;

/// A number: the field, its unit of measure, and how it is shown.
macro_rules! number {
    ($name:literal, $default:literal, $about:literal, $set:expr, $show:expr) => {
        Variable {
            name: $name,
            default: $default,
            secret: false,
            about: $about,
            set: |traces, text| {
                let set: fn(&mut Traces, usize) = $set;
                whole(text, 0).map(|value| set(traces, value))
            },
            show: $show,
        }
    };
}

pub(super) const LIMITS: [Variable<Traces>; 6] = [
    number!(
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "Maximum number of attributes of a span.",
        |traces, count| traces.counts.span_attributes = Some(count),
        |traces| traces.limits().attributes.to_string()
    ),
    number!(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "Maximum length of a span's text attribute, in characters.",
        |traces, length| traces.counts.span_value_length = Some(length),
        |traces| shown_limit(traces.limits().value_length)
    ),
    number!(
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "128",
        "Maximum number of links of a span.",
        |traces, count| traces.counts.links = count,
        |traces| traces.counts.links.to_string()
    ),
    number!(
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "Maximum number of attributes of a link; links have none.",
        |traces, count| traces.counts.link_attributes = count,
        |traces| traces.counts.link_attributes.to_string()
    ),
    number!(
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "128",
        "Maximum number of events of a span; events are log lines, so spans have none.",
        |traces, count| traces.counts.events = count,
        |traces| traces.counts.events.to_string()
    ),
    number!(
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "Maximum number of attributes of a span event; events are log lines.",
        |traces, count| traces.counts.event_attributes = count,
        |traces| traces.counts.event_attributes.to_string()
    ),
];
