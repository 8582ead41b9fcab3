//! What Linux says of this process by /proc: processor time, memory, descriptors, threads; and its network, which in a
//! container is its own.

use rustix::param::{clock_ticks_per_second, page_size};

use super::proc::{Stat, booted, descriptors, interfaces, limit, read};
use crate::metrics::source::{Samples, Source};
use crate::names::metric;

const LOOPBACK: &str = "lo";

/// What the kernel counts of this process.
pub(crate) fn usage() -> Option<Source> {
    Some(Source::new("process_", |samples| {
        if let Some(stat) = stat() {
            add_usage(samples, &stat);
        }
        if let Some(limits) = read("self/limits") {
            add_limits(samples, &limits);
        }
        let open = descriptors().map(|open| open as f64);
        samples.single(metric::PROCESS_OPEN_FDS, open);
    }))
}

/// The start in Unix seconds: the system's, and the ticks from there to the process's (proc(5)).
pub(crate) fn started() -> Option<f64> {
    Some(booted(&read("stat")?)? as f64 + seconds(stat()?.started))
}

fn stat() -> Option<Stat> {
    Stat::of(&read("self/stat")?)
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / clock_ticks_per_second() as f64
}

fn add_usage(samples: &mut Samples, stat: &Stat) {
    let spent = Some(seconds(stat.user.saturating_add(stat.system)));
    samples.single(metric::PROCESS_CPU, spent);
    let resident = Some(stat.resident.saturating_mul(page_size() as u64) as f64);
    samples.single(metric::PROCESS_RESIDENT_MEMORY, resident);
    let reserved = Some(stat.reserved as f64);
    samples.single(metric::PROCESS_VIRTUAL_MEMORY, reserved);
    let threads = Some(stat.threads as f64);
    samples.single(metric::PROCESS_THREADS, threads);
}

fn add_limits(samples: &mut Samples, limits: &str) {
    let limit = |name| limit(limits, name).map(|most| most as f64);
    let most = limit("Max open files");
    samples.single(metric::PROCESS_MAX_FDS, most);
    let most = limit("Max address space");
    samples.single(metric::PROCESS_VIRTUAL_MEMORY_MAX, most);
}

/// Bytes of all interfaces but the loopback.
pub(crate) fn network() -> Option<Source> {
    Some(Source::new("process_network_", |samples| {
        let Some(page) = read("self/net/dev") else { return };
        let outward = || interfaces(&page).filter(|(name, ..)| *name != LOOPBACK);
        if outward().next().is_none() {
            return;
        }
        let received = outward().map(|(_, received, _)| received as f64).sum();
        samples.single(metric::PROCESS_NETWORK_RECEIVED, Some(received));
        let sent = outward().map(|(.., sent)| sent as f64).sum();
        samples.single(metric::PROCESS_NETWORK_TRANSMITTED, Some(sent));
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;

    #[test]
    fn this_process_started_before_now_and_after_its_system() {
        let now = Moment::now().unix_nanos() as f64 / 1e9;
        let started = started().expect("a time of Linux");
        assert!(started > booted(&read("stat").expect("a time of Linux")).expect("a time of Linux") as f64);
        // The system's start is known by the second only.
        assert!(started <= now + 1.0, "{started} {now}");
    }
}
