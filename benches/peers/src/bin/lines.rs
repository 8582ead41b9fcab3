//! How many log lines a second of processor time makes, all threads counted: ours, tracing-subscriber's JSON and
//! json-subscriber, the latter two behind tracing-appender. The same event in the same span, to `/dev/null`.
//!
//! `cargo run --release --locked --bin lines`. Each stack runs in processes of its own, in turn.

use std::env;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What is measured against the others.
const BASE: &str = "tracing-subscriber fmt JSON, tracing-appender";
const STACKS: [&str; 3] = [BASE, "json-subscriber, tracing-appender", "tower-observability"];
const ROUNDS: usize = 5;
const BURSTS: u64 = 400;
const LINES: u64 = 500;
/// A burst's lines are written by then: a queue that is full drops some, which cost less.
const PAUSE: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_secs(120);

/// One round: lines per second of processor time, and nanoseconds of a line on the thread that logs.
type Round = (f64, f64);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, stack] = &arguments[..]
        && first == "--child"
    {
        return child(stack);
    }
    let mut rounds: [Vec<Round>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (stack, rounds) in STACKS.iter().zip(&mut rounds) {
            rounds.extend(round(stack));
        }
    }
    let medians = rounds.map(|rounds| {
        let (rates, times): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
        (median(rates), median(times))
    });
    println!("| stack | lines per processor second | × the first | ns a line on its thread |");
    println!("|---|--:|--:|--:|");
    for (stack, (rate, time)) in STACKS.iter().zip(medians) {
        println!("| {stack} | {rate:.0} | {:.2} | {time:.0} |", rate / medians[0].0);
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn round(stack: &str) -> Option<Round> {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["--child", stack]).env("OTEL_EXPORTER_PROMETHEUS_PORT", "0").stdout(Stdio::null());
    let output = command.env_remove("RUST_LOG").output().expect("it starts again");
    let said = String::from_utf8_lossy(&output.stderr);
    let round = said.lines().find_map(|line| line.strip_prefix("round ")?.split_once(' '));
    if round.is_none() {
        eprintln!("{stack}: {}\n{said}", output.status);
    }
    round.and_then(|(rate, time)| Some((rate.parse().ok()?, time.parse().ok()?)))
}

fn child(stack: &str) {
    thread::spawn(|| {
        thread::sleep(LONGEST);
        std::process::exit(3);
    });
    let lost: Box<dyn FnOnce() -> u64> = match stack {
        "tower-observability" => {
            // One place in the code writes them all: without a limit, or most would be left out.
            let logs = tower_observability::Logs::new().limit(0);
            let observability = tower_observability::builder("bench").logs(logs).init().expect("it starts");
            Box::new(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                let lines = runtime.block_on(observability.shutdown()).lines;
                let all = (BURSTS + 1) * LINES;
                all.saturating_sub(lines.delivered) + lines.left_out_total()
            })
        }
        BASE => {
            let (writer, guard, lost) = appender();
            let lines = tracing_subscriber::fmt::layer().json().with_writer(writer);
            tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).init();
            end(guard, lost)
        }
        _ => {
            let (writer, guard, lost) = appender();
            let lines = json_subscriber::layer().with_writer(writer);
            tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).init();
            end(guard, lost)
        }
    };
    burst();
    thread::sleep(PAUSE);
    let (all, own) = (cpu(ClockId::ProcessCPUTime), cpu(ClockId::ThreadCPUTime));
    for _ in 0..BURSTS {
        burst();
        thread::sleep(PAUSE);
    }
    let own = cpu(ClockId::ThreadCPUTime) - own;
    let lost = lost();
    let all = cpu(ClockId::ProcessCPUTime) - all;
    assert_eq!(lost, 0, "lines were lost");
    let lines = (BURSTS * LINES) as f64;
    eprintln!("round {} {}", lines / all.as_secs_f64(), own.as_nanos() as f64 / lines);
}

fn burst() {
    let span = tracing::info_span!("request", method = "GET", route = "/users/{id}");
    let _entered = span.entered();
    for order in 0..LINES {
        tracing::info!(order, customer = "Ada Lovelace", total = 12.5, "order placed");
    }
}

fn appender() -> (NonBlocking, WorkerGuard, ErrorCounter) {
    let (writer, guard) = NonBlockingBuilder::default().finish(std::io::stdout());
    let lost = writer.error_counter();
    (writer, guard, lost)
}

fn end(guard: WorkerGuard, lost: ErrorCounter) -> Box<dyn FnOnce() -> u64> {
    Box::new(move || {
        drop(guard);
        lost.dropped_lines() as u64
    })
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
