//! The pressure on the group: how long its tasks waited for processors, memory, disks.

use std::time::Duration;

use super::place::Place;
use super::text::pressure;
use crate::metrics::source::{Samples, Shape};
use crate::names::{label, metric};

const RESOURCES: [(&str, &str); 3] =
    [("cpu", "cpu.pressure"), ("memory", "memory.pressure"), ("io", "io.pressure")];

/// The waiting times, of version 2 only: version 1 does not measure them.
pub(super) fn add(samples: &mut Samples, place: &Place) {
    for (resource, file) in RESOURCES {
        let Some(told) = place.own(file) else { continue };
        let kinds = [
            ("some", metric::CONTAINER_PRESSURE_WAITING, "How long at least one task waited for a resource."),
            ("full", metric::CONTAINER_PRESSURE_STALLED, "How long all tasks waited for a resource."),
        ];
        for (kind, name, help) in kinds {
            if let Some(waited) = pressure(&told, kind).map(Duration::from_micros) {
                let family = samples.family(name, Shape::Counter, "seconds", help);
                family.sample(&[(label::RESOURCE, resource)], waited.as_secs_f64());
            }
        }
    }
}
