//! What Linux says of this process by /proc: processor time, memory, descriptors, threads; and its network, which in a
//! container is its own.

use procfs::process::{LimitValue, Limits, Process, Stat};
use procfs::{boot_time_secs, page_size, ticks_per_second};

use crate::metrics::source::{Samples, Shape, Source};
use crate::names::metric;

const LOOPBACK: &str = "lo";

/// What the kernel counts of this process.
pub(crate) fn usage() -> Option<Source> {
    Some(Source::new("process_", |samples| {
        let Ok(process) = Process::myself() else { return };
        if let Ok(stat) = process.stat() {
            add_usage(samples, &stat);
        }
        if let Ok(limits) = process.limits() {
            add_limits(samples, limits);
        }
        let help = "Open file descriptors.";
        let open = process.fd_count().ok().map(|open| open as f64);
        samples.single(metric::PROCESS_OPEN_FDS, Shape::Gauge, "", help, open);
    }))
}

/// The start in Unix seconds: the system's, and the ticks from there to the process's (proc(5)).
pub(crate) fn started() -> Option<f64> {
    let ticks = Process::myself().ok()?.stat().ok()?.starttime;
    Some(boot_time_secs().ok()? as f64 + seconds(ticks))
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / ticks_per_second() as f64
}

fn add_usage(samples: &mut Samples, stat: &Stat) {
    let help = "Processor time of the process, in user and in system mode.";
    let spent = Some(seconds(stat.utime.saturating_add(stat.stime)));
    samples.single(metric::PROCESS_CPU, Shape::Counter, "seconds", help, spent);
    let help = "Memory of the process that is in the machine's memory.";
    let resident = Some(stat.rss.saturating_mul(page_size()) as f64);
    samples.single(metric::PROCESS_RESIDENT_MEMORY, Shape::Gauge, "bytes", help, resident);
    let help = "Address space of the process.";
    let reserved = Some(stat.vsize as f64);
    samples.single(metric::PROCESS_VIRTUAL_MEMORY, Shape::Gauge, "bytes", help, reserved);
    let help = "Threads of the process.";
    let threads = Some(stat.num_threads as f64);
    samples.single(metric::PROCESS_THREADS, Shape::Gauge, "", help, threads);
}

fn add_limits(samples: &mut Samples, limits: Limits) {
    let limit = |value| match value {
        LimitValue::Value(value) => Some(value as f64),
        LimitValue::Unlimited => None,
    };
    let help = "How many file descriptors may be open.";
    let most = limit(limits.max_open_files.soft_limit);
    samples.single(metric::PROCESS_MAX_FDS, Shape::Gauge, "", help, most);
    let help = "How large the address space may be; absent without a limit.";
    let most = limit(limits.max_address_space.soft_limit);
    samples.single(metric::PROCESS_VIRTUAL_MEMORY_MAX, Shape::Gauge, "bytes", help, most);
}

/// Bytes of all interfaces but the loopback.
pub(crate) fn network() -> Option<Source> {
    Some(Source::new("process_network_", |samples| {
        let Some(interfaces) = Process::myself().and_then(|process| process.dev_status()).ok() else {
            return;
        };
        let outward = || interfaces.values().filter(|interface| interface.name != LOOPBACK);
        if outward().next().is_none() {
            return;
        }
        let received = outward().map(|interface| interface.recv_bytes as f64).sum();
        let help =
            "Bytes received by all interfaces but the loopback; outside of a container, the machine's.";
        samples.single(metric::PROCESS_NETWORK_RECEIVED, Shape::Counter, "bytes", help, Some(received));
        let sent = outward().map(|interface| interface.sent_bytes as f64).sum();
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
        let started = started().expect("Linux tells");
        assert!(started > boot_time_secs().expect("Linux tells") as f64);
        // The system's start is known by the second only.
        assert!(started <= now + 1.0, "{started} {now}");
    }
}
