//! The processors of the group: its time, its quota, how often and how long the quota held it back.

use std::path::Path;
use std::time::Duration;

use super::place::{Place, Version, read};
use super::text::{keyed, number, processors, share};
use crate::metrics::source::{Samples, Shape};
use crate::names::metric;

/// How long the group ran.
pub(super) fn add_time(samples: &mut Samples, place: &Place) {
    let time = match place.version {
        Version::One => place.own("cpuacct.usage").as_deref().and_then(number).map(Duration::from_nanos),
        Version::Two => {
            let told = place.own("cpu.stat");
            told.and_then(|text| keyed(&text, "usage_usec")).map(Duration::from_micros)
        }
    };
    let help = "Processor time of the control group.";
    let seconds = time.map(|time| time.as_secs_f64());
    samples.single(metric::CONTAINER_CPU_TIME, Shape::Counter, "seconds", help, seconds);
}

/// The tightest quota of the group and those above it, and what that one did.
pub(super) fn add_quota(samples: &mut Samples, place: &Place) {
    let quota_of = |folder: &Path| match place.version {
        Version::One => share(&read(folder, "cpu.cfs_quota_us")?, &read(folder, "cpu.cfs_period_us")?),
        Version::Two => processors(&read(folder, "cpu.max")?),
    };
    let quotas = place.folders.iter().filter_map(|folder| Some((quota_of(folder)?, folder)));
    let Some((limit, folder)) = quotas.min_by(|(a, _), (b, _)| a.total_cmp(b)) else { return };
    let help = "How many processors the control group may use.";
    samples.single(metric::CONTAINER_CPU_LIMIT, Shape::Gauge, "", help, Some(limit));
    let Some(told) = read(folder, "cpu.stat") else { return };
    let count = |key| keyed(&told, key).map(|count| count as f64);
    let help = "Periods of the quota in which the control group ran.";
    samples.single(metric::CONTAINER_CPU_PERIODS, Shape::Counter, "", help, count("nr_periods"));
    let help = "Periods in which the quota held the control group back.";
    samples.single(metric::CONTAINER_CPU_THROTTLED_PERIODS, Shape::Counter, "", help, count("nr_throttled"));
    let held = match place.version {
        Version::One => keyed(&told, "throttled_time").map(Duration::from_nanos),
        Version::Two => keyed(&told, "throttled_usec").map(Duration::from_micros),
    };
    let help = "How long the control group was held back by its quota.";
    let held = held.map(|held| held.as_secs_f64());
    samples.single(metric::CONTAINER_CPU_THROTTLED, Shape::Counter, "seconds", help, held);
}
