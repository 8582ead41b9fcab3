//! What Linux says of this process by /proc: processor time, memory, descriptors, threads; and its network, which in a
//! container is its own.

use rustix::param::{clock_ticks_per_second, page_size};

use super::proc::{Stat, booted, descriptors, interfaces, limit, read};
use crate::metrics::source::{Samples, Shape, Source};
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
        let help = "Open file descriptors.";
        let open = descriptors().map(|open| open as f64);
        samples.single(metric::PROCESS_OPEN_FDS, Shape::Gauge, "", help, open);
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
    let help = "Processor time of the process, in user and in system mode.";
    let spent = Some(seconds(stat.user.saturating_add(stat.system)));
    samples.single(metric::PROCESS_CPU, Shape::Counter, "seconds", help, spent);
    let help = "Memory of the process that is in the machine's memory.";
    let resident = Some(stat.resident.saturating_mul(page_size() as u64) as f64);
    samples.single(metric::PROCESS_RESIDENT_MEMORY, Shape::Gauge, "bytes", help, resident);
    let help = "Address space of the process.";
    let reserved = Some(stat.reserved as f64);
    samples.single(metric::PROCESS_VIRTUAL_MEMORY, Shape::Gauge, "bytes", help, reserved);
    let help = "Threads of the process.";
    let threads = Some(stat.threads as f64);
    samples.single(metric::PROCESS_THREADS, Shape::Gauge, "", help, threads);
}

fn add_limits(samples: &mut Samples, limits: &str) {
    let limit = |name| limit(limits, name).map(|most| most as f64);
    let help = "How many file descriptors may be open.";
    let most = limit("Max open files");
    samples.single(metric::PROCESS_MAX_FDS, Shape::Gauge, "", help, most);
    let help = "How large the address space may be; absent without a limit.";
    let most = limit("Max address space");
    samples.single(metric::PROCESS_VIRTUAL_MEMORY_MAX, Shape::Gauge, "bytes", help, most);
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
        let help =
            "Bytes received by all interfaces but the loopback; outside of a container, the machine's.";
        samples.single(metric::PROCESS_NETWORK_RECEIVED, Shape::Counter, "bytes", help, Some(received));
        let sent = outward().map(|(.., sent)| sent as f64).sum();
        let help = "Bytes sent by all interfaces but the loopback; outside of a container, the machine's.";
        samples.single(metric::PROCESS_NETWORK_TRANSMITTED, Shape::Counter, "bytes", help, Some(sent));
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
