//! The memory of the group: its limit, and what is left until then.

use std::path::Path;

use super::place::{Place, Version, read};
use super::text::{keyed, number};
use crate::metrics::source::{Samples, Shape};
use crate::names::metric;

/// One group's limit, and what is left until then, in bytes.
#[derive(Clone, Copy)]
struct Memory {
    limit: u64,
    available: Option<u64>,
}

/// The tightest limit of the group and those above it; the least that is left until one of them.
pub(super) fn add(samples: &mut Samples, place: &Place) {
    let limited: Vec<_> = place.folders.iter().filter_map(|folder| memory(place.version, folder)).collect();
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
    let help = "The control group's memory limit.";
    let limit = bytes(limited.iter().map(|memory| memory.limit).min());
    samples.single(metric::CONTAINER_MEMORY_LIMIT, Shape::Gauge, "bytes", help, limit);
    let help = "Memory that is left until the control group's limit, caches that can go counted as left.";
    let available = bytes(limited.iter().filter_map(|memory| memory.available).min());
    samples.single(metric::CONTAINER_MEMORY_AVAILABLE, Shape::Gauge, "bytes", help, available);
}

fn memory(version: Version, folder: &Path) -> Option<Memory> {
    let (limit, usage, inactive) = match version {
        Version::One => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        Version::Two => ("memory.max", "memory.current", "inactive_file"),
    };
    let limit = number(&read(folder, limit)?)?;
    let available = || {
        let usage = number(&read(folder, usage)?)?;
        let inactive = keyed(&read(folder, "memory.stat")?, inactive)?;
        // The conventions' working set: the kernel takes file pages that nobody used of late before it kills.
        Some(limit.saturating_sub(usage.saturating_sub(inactive)))
    };
    Some(Memory { limit, available: available() })
}
