//! What Linux says of this process by /proc: processor time, memory, descriptors, threads; and its network, which in a
//! container is its own.

use std::collections::HashMap;
use std::sync::Mutex;

use rustix::param::{clock_ticks_per_second, page_size};

use super::proc::{Stat, booted, descriptors, interfaces, limit, read};
use crate::metrics::source::{Samples, Source};
use crate::names::metric;
use crate::threads::lock;

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
    let traffic = Mutex::new(Traffic::default());
    Some(Source::new("process_network_", move |samples| {
        // Locked before it is read: an older reading would be taken for an interface that began anew.
        let mut traffic = lock(&traffic);
        let Some(page) = read("self/net/dev") else { return };
        let Some([received, sent]) = traffic.add(&page) else { return };
        samples.single(metric::PROCESS_NETWORK_RECEIVED, Some(received as f64));
        samples.single(metric::PROCESS_NETWORK_TRANSMITTED, Some(sent as f64));
    }))
}

/// What was received and sent. An interface takes its counts along when it goes, and a counter must not fall.
#[derive(Debug, Default)]
struct Traffic {
    /// `None`: there was no interface yet.
    total: Option<[u64; 2]>,
    /// Of the interfaces that there were at the last reading.
    last: HashMap<String, [u64; 2]>,
}

impl Traffic {
    fn add(&mut self, page: &str) -> Option<[u64; 2]> {
        let outward = interfaces(page).filter(|(name, ..)| *name != LOOPBACK);
        let now: HashMap<_, _> =
            outward.map(|(name, received, sent)| (name.to_owned(), [received, sent])).collect();
        for (name, counts) in &now {
            let before = self.last.get(name).copied().unwrap_or_default();
            // One that has less than before is another one of that name, and began at zero.
            let is_same = counts.iter().zip(before).all(|(now, before)| *now >= before);
            let before = if is_same { before } else { [0; 2] };
            let total = self.total.get_or_insert_default();
            for (total, (now, before)) in total.iter_mut().zip(counts.iter().zip(before)) {
                *total = total.saturating_add(now - before);
            }
        }
        self.last = now;
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;

    #[test]
    fn traffic_grows_when_interfaces_come_go_and_begin_anew() {
        let page = |interfaces: &[(&str, u64, u64)]| {
            let line =
                |(name, received, sent)| format!("  {name}: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n");
            let lines: String = interfaces.iter().copied().map(line).collect();
            format!("Inter-|   Receive\n face |bytes\n{lines}")
        };
        let mut traffic = Traffic::default();
        let mut add = |interfaces: &[(&str, u64, u64)]| traffic.add(&page(interfaces));
        assert_eq!(add(&[("lo", 5, 5)]), None);
        assert_eq!(add(&[("lo", 5, 5), ("eth0", 100, 10), ("veth1", 1_000, 500)]), Some([1_100, 510]));
        assert_eq!(add(&[("lo", 9, 9), ("eth0", 110, 10)]), Some([1_110, 510]), "one goes");
        assert_eq!(add(&[("eth0", 110, 11), ("veth2", 7, 3)]), Some([1_117, 514]), "another one comes");
        assert_eq!(add(&[("eth0", 120, 11), ("veth2", 8, 1)]), Some([1_135, 515]), "begins anew");
        assert_eq!(add(&[]), Some([1_135, 515]));
        assert_eq!(add(&[("eth0", 1, 1)]), Some([1_136, 516]));
        assert!(traffic.last.len() == 1, "what is gone is not kept");
    }

    #[test]
    fn this_process_started_before_now_and_after_its_system() {
        let now = Moment::now().unix_nanos() as f64 / 1e9;
        let started = started().expect("a time of Linux");
        assert!(started > booted(&read("stat").expect("a time of Linux")).expect("a time of Linux") as f64);
        // The system's start is known by the second only.
        assert!(started <= now + 1.0, "{started} {now}");
    }
}
