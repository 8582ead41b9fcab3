//! What the kernel tells of a server's threads: how long each ran, and how often it was held up.

use std::collections::BTreeMap;
use std::fs;

/// By the thread's name; `0` is the one that serves.
pub(crate) type Threads = BTreeMap<String, Use>;

/// What threads of one name did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    pub(crate) microseconds: f64,
    /// Microseconds in which it could have run, and another thread had the processor.
    pub(crate) waited: f64,
    /// How often it went to sleep by itself.
    pub(crate) slept: f64,
    /// How often another thread took its place.
    pub(crate) displaced: f64,
}

/// What each thread of the process did until now.
pub(crate) fn of(process: u32) -> Threads {
    let mut threads = Threads::new();
    for task in fs::read_dir(format!("/proc/{process}/task")).expect("Linux").flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let status = read("status");
        let count = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
        };
        let account = read("schedstat");
        let mut nanoseconds = account.split(' ').map_while(|number| number.trim().parse::<f64>().ok());
        let is_first = task.file_name().to_str() == Some(&process.to_string());
        let name = if is_first { "the service".to_owned() } else { read("comm").trim().to_owned() };
        threads.entry(name).or_default().add(Use {
            microseconds: nanoseconds.next().unwrap_or_default() / 1e3,
            waited: nanoseconds.next().unwrap_or_default() / 1e3,
            slept: count("voluntary_ctxt_switches"),
            displaced: count("nonvoluntary_ctxt_switches"),
        });
    }
    threads
}

/// What they did since then.
pub(crate) fn since(before: &Threads, mut now: Threads) -> Threads {
    for (name, now) in &mut now {
        let before = before.get(name).copied().unwrap_or_default();
        now.microseconds -= before.microseconds;
        now.waited -= before.waited;
        now.slept -= before.slept;
        now.displaced -= before.displaced;
    }
    now
}

impl Use {
    pub(crate) fn add(&mut self, other: Self) {
        self.microseconds += other.microseconds;
        self.waited += other.waited;
        self.slept += other.slept;
        self.displaced += other.displaced;
    }
}
