//! Promise: a process that does nothing is left to sleep, and one that does little is woken little.

use std::fs;
use std::time::{Duration, Instant};

use tower_observability::Work;

use crate::support::child::{Child, run};
use crate::support::collector::Collector;

#[test]
fn program() {
    run(&[("idle", idle), ("slow", slow)]);
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

fn work() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("report").run(async { tracing::info!("an event") }));
}

/// So often a second the library's threads are woken, once what was recorded before has left.
fn idle() {
    const SECONDS: u64 = 12;
    let observability = tower_observability::init("idle").unwrap();
    work();
    std::thread::sleep(Duration::from_secs(8));
    let before = wake_ups();
    std::thread::sleep(Duration::from_secs(SECONDS));
    let woken = wake_ups() - before;
    drop(observability);
    println!("woken: {}", woken as f64 / SECONDS as f64);
}

/// So often for each piece of work, where there are fifty a second.
fn slow() {
    const TIMES: u64 = 200;
    let observability = tower_observability::init("slow").unwrap();
    let start = Instant::now();
    let before = wake_ups();
    for time in 1..=TIMES {
        work();
        std::thread::sleep(
            (start + Duration::from_millis(20 * time)).saturating_duration_since(Instant::now()),
        );
    }
    let woken = wake_ups() - before;
    drop(observability);
    println!("woken: {}", woken as f64 / TIMES as f64);
}

fn woken(child: Child) -> f64 {
    child.end().well().said("woken: ").parse().unwrap()
}

#[test]
fn a_process_that_does_nothing_is_woken_less_than_every_other_second_exporter_or_not() {
    let collector = Collector::start();
    let exports = Child::new("idle", "idle").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let exports = exports.env("OTEL_LOGS_EXPORTER", "console,otlp");
    let (exporting, alone) = std::thread::scope(|scope| {
        let exporting = scope.spawn(|| woken(exports));
        (woken(Child::new("idle", "idle")), exporting.join().unwrap())
    });
    assert!(exporting < 0.5 && alone < 0.5, "{exporting} and {alone} times a second");
    assert_eq!(collector.spans().len(), 1);
}

// Twice for its lines: when the first of them comes, and when the others had their time to come as well.
#[test]
fn fifty_requests_a_second_wake_the_threads_less_than_three_times_each() {
    let woken = woken(Child::new("idle", "slow"));
    assert!(woken < 3.0, "{woken} times");
}
