//! Owns the variables that bound: the queue, the batch, what one span may hold.

use super::read::{millis, shown_limit, shown_millis, whole};
use crate::spans::Traces;
use crate::variable::Variable;

/// A number: the field, its unit of measure, and how it is shown.
macro_rules! number {
    ($name:literal, $default:literal, $about:literal, $at_least:literal, $set:expr, $show:expr) => {
        Variable {
            name: $name,
            default: $default,
            secret: false,
            about: $about,
            set: |traces, text| {
                let set: fn(&mut Traces, usize) = $set;
                whole(text, $at_least).map(|value| set(traces, value))
            },
            show: $show,
        }
    };
}

pub(super) const BATCH: [Variable<Traces>; 4] = [
    Variable {
        name: "OTEL_BSP_SCHEDULE_DELAY",
        default: "5000",
        secret: false,
        about: "How long a span waits at most for its batch to fill, in milliseconds (500 on a terminal).",
        set: |traces, text| millis(text).map(|delay| traces.batch_delay = Some(delay)),
        show: |traces| shown_millis(traces.delay()),
    },
    Variable {
        name: "OTEL_BSP_EXPORT_TIMEOUT",
        default: "30000",
        secret: false,
        about: "One batch's time over all attempts, in milliseconds; 0 is without end.",
        set: |traces, text| millis(text).map(|time| traces.export_timeout = time),
        show: |traces| shown_millis(traces.export_timeout),
    },
    number!(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "2048",
        "How many finished spans may wait; when full, the newest is dropped and counted.",
        1,
        |traces, spans| traces.queue_size = spans,
        |traces| traces.queue_size.to_string()
    ),
    number!(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "512",
        "How many spans a batch holds; never more than the queue.",
        1,
        |traces, spans| traces.batch_size = spans,
        |traces| traces.pace().batch_size.to_string()
    ),
];

pub(super) const LIMITS: [Variable<Traces>; 8] = [
    number!(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes anything may have.",
        0,
        |traces, count| traces.counts.attributes = count,
        |traces| traces.counts.attributes.to_string()
    ),
    number!(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "How many characters any text attribute may have.",
        0,
        |traces, length| traces.counts.value_length = Some(length),
        |traces| shown_limit(traces.counts.value_length)
    ),
    number!(
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes a span may have.",
        0,
        |traces, count| traces.counts.span_attributes = Some(count),
        |traces| traces.limits().attributes.to_string()
    ),
    number!(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "How many characters a span's text attribute may have.",
        0,
        |traces, length| traces.counts.span_value_length = Some(length),
        |traces| shown_limit(traces.limits().value_length)
    ),
    number!(
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "128",
        "How many links a span may have.",
        0,
        |traces, count| traces.counts.links = count,
        |traces| traces.counts.links.to_string()
    ),
    number!(
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes a link may have; ours have none.",
        0,
        |traces, count| traces.counts.link_attributes = count,
        |traces| traces.counts.link_attributes.to_string()
    ),
    number!(
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "128",
        "How many events a span may have; ours are log lines instead, so it has none.",
        0,
        |traces, count| traces.counts.events = count,
        |traces| traces.counts.events.to_string()
    ),
    number!(
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes an event may have; ours are log lines instead.",
        0,
        |traces, count| traces.counts.event_attributes = count,
        |traces| traces.counts.event_attributes.to_string()
    ),
];
