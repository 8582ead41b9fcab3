//! The variables of the way straight to Zipkin.

use crate::export::{shown, shown_millis};
use crate::traces::Traces;
use crate::traces::options::{Format, zipkin};
use crate::variable::Variable;

pub(super) const ZIPKIN: [Variable<Traces>; 2] = [
    Variable {
        name: "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        default: zipkin::DEFAULT,
        secret: false,
        about: "Zipkin's full URL, with its path. Turns on traces if there is no OTLP endpoint.",
        set: |traces, url| traces.zipkin.take_endpoint(url),
        show: |traces| in_force(traces, || shown(traces.zipkin.url())),
    },
    Variable {
        name: "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        default: "10000",
        secret: false,
        about: "Timeout of one attempt to Zipkin, in milliseconds; 0 is no timeout.",
        set: |traces, text| traces.zipkin.take_timeout(text),
        show: |traces| in_force(traces, || shown_millis(traces.zipkin_timeout())),
    },
];

fn in_force(traces: &Traces, value: impl FnOnce() -> String) -> String {
    if traces.format() == Some(Format::Zipkin) { value() } else { String::new() }
}
