//! Promise: a process that does nothing is left to sleep.

use std::fs;
use std::time::Duration;

use crate::support::child::{Child, run};

#[test]
fn program() {
    run(&[("idle", idle)]);
}

/// How often the threads of this process but the one that asks were woken: each then went back to sleep by itself.
fn wake_ups() -> u64 {
    let own = fs::read_link("/proc/thread-self").unwrap();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    let others = tasks.filter(|task| Some(task.file_name().as_os_str()) != own.file_name());
    let switches = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse::<u64>().unwrap()
    };
    others.filter_map(|task| fs::read_to_string(task.path().join("status")).ok()).map(switches).sum()
}

fn idle() {
    const SECONDS: u64 = 12;
    let observability = tower_observability::init("idle").unwrap();
    tracing::info!("the last event");
    std::thread::sleep(Duration::from_secs(4));
    let before = wake_ups();
    std::thread::sleep(Duration::from_secs(SECONDS));
    let woken = wake_ups() - before;
    drop(observability);
    println!("woken: {}", woken as f64 / SECONDS as f64);
}

// An exporter wakes once more in each of its delays, of 5 seconds, and so do the steps of its runtime's timer.
#[test]
fn a_process_that_does_nothing_and_exports_nothing_is_woken_less_than_every_other_second() {
    let ended = Child::new("idle", "idle").end().well();
    let woken: f64 = ended.said("woken: ").parse().unwrap();
    assert!(woken < 0.5, "{woken} times a second");
}
