//! Owns what the metrics page says of ourselves: each signal's account, the process, the target.

use crate::hop::Core;
use crate::metrics::{LineBuffer, Recorder, lines, process_start, spans, target};
use crate::resource::Resource;

/// Adds them; `capacity` is how many spans may wait.
pub(super) fn add(recorder: &Recorder, core: &'static Core, resource: &Resource, capacity: usize) {
    recorder.add_source(process_start());
    recorder.add_source(target(resource));
    if core.spans.is_on() {
        let report = || core.spans.report().unwrap_or_default();
        recorder.add_source(spans(capacity, report));
    }
    if core.lines.is_on() {
        let buffer = || {
            let (bytes, capacity) = core.lines.fill();
            LineBuffer { bytes, capacity, shortened: core.lines.shortened() }
        };
        recorder.add_source(lines(|| core.lines.report(), buffer));
    }
}
