//! The process in which one situation is measured, seen from both sides: its command, and what it does.
//!
//! Each situation has a process of its own, because `init` is once per process. The requests run on the main
//! thread, on a current-thread runtime; everything of ours that is not the request's is on other threads.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use axum::Router;
use tokio::runtime::Builder;
use tower_observability::{Observability, Report, Traces};

use super::clock;
use super::service::Caller;
use super::situation::{Situation, Stack};

/// The first argument of a process that measures; the others are situation, stack, and what to do.
pub(crate) const CHILD: &str = "--child";

const TIME: &str = "time";
const RARE: &str = "rare";
const BETWEEN: Duration = Duration::from_millis(20);
const FEW: u32 = 300;
const BURST: u64 = 128;
// The queues are empty again after it, also under callgrind, where our threads share one processor with the requests and
// are fifty times slower: how far a queue grows would depend on the machine. What the threads do in it is counted as well.
const PAUSE: Duration = Duration::from_millis(200);

/// How many microseconds of processor time one request takes on the library's threads where fifty come a second.
pub(crate) fn rare(situation: Situation, collector: SocketAddr) -> f64 {
    let output = command(situation, collector, RARE).stdout(Stdio::null()).output().expect("it starts again");
    let said = String::from_utf8_lossy(&output.stderr);
    let took = said.lines().find_map(|line| line.strip_prefix(RARE)?.trim().parse().ok());
    took.unwrap_or_else(|| panic!("{}: {}\n{said}", situation.name, output.status))
}

/// The command that makes `requests` requests in this situation.
pub(crate) fn counting(situation: Situation, collector: SocketAddr, requests: u64) -> Command {
    command(situation, collector, &requests.to_string())
}

/// The medians of one request's nanoseconds, in the bare router and in this situation.
pub(crate) fn time(situation: Situation, collector: SocketAddr) -> (f64, f64) {
    let output = command(situation, collector, TIME).stdout(Stdio::null()).output().expect("it starts again");
    let said = String::from_utf8_lossy(&output.stderr);
    let times = said.lines().find_map(|line| line.strip_prefix(TIME)?.trim().split_once(' '));
    let (bare, app) = times.unwrap_or_else(|| panic!("{}: {}\n{said}", situation.name, output.status));
    (bare.parse().expect("nanoseconds"), app.parse().expect("nanoseconds"))
}

fn command(situation: Situation, collector: SocketAddr, task: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args([CHILD, situation.name, situation.stack.name(), task]);
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    let settings: &[(&str, &str)] = match situation.stack {
        Stack::Off => &[
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_PROPAGATORS", "none"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
        ],
        Stack::Records => &[
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
            ("OBSERVABILITY_LOG_LIMIT", "4000000000"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
        ],
        Stack::Pushes => &PUSHED,
        Stack::Exponential => &[
            PUSHED[0],
            PUSHED[1],
            PUSHED[2],
            (
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "base2_exponential_bucket_histogram",
            ),
        ],
        // Each event counts towards the limit of its place, and nobody reaches it.
        _ => &[("OTEL_EXPORTER_PROMETHEUS_PORT", "0"), ("OBSERVABILITY_LOG_LIMIT", "4000000000")],
    };
    command.envs(settings.iter().copied());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
    // Under callgrind, beside other counts, the last batch takes its time.
    command.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "60000");
    command
}

/// Metrics over OTLP beside the page.
const PUSHED: [(&str, &str); 3] = [
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
    ("OBSERVABILITY_LOG_LIMIT", "4000000000"),
    ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
];

/// The child's side of it.
pub(crate) fn run(arguments: &[String]) {
    let [_, name, stack, task] = arguments else { panic!("not a child: {arguments:?}") };
    let situation = Situation::named(name, stack).expect("a situation");
    let observability = start(situation.stack);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut app = situation.app();
    if task == TIME {
        let (bare, app) = runtime.block_on(clock::compare(&mut app, situation.work));
        eprintln!("{TIME} {} {}", bare.as_nanos(), app.as_nanos());
    } else if task == RARE {
        let before = beside();
        for _ in 0..FEW {
            runtime.block_on(situation.work.ask(&mut app));
            thread::sleep(BETWEEN);
        }
        eprintln!("{RARE} {}", (beside() - before) / f64::from(FEW));
    } else {
        let requests = task.parse().expect("a number of requests");
        runtime.block_on(ask(situation, &mut app, requests));
        let Some(observability) = observability else { return };
        // Not on this thread, whose instructions are counted.
        let ending = thread::spawn(move || runtime.block_on(observability.shutdown()));
        prove(situation, &ending.join().expect("a report"), requests);
    }
}

fn start(stack: Stack) -> Option<Observability> {
    let builder = tower_observability::builder("bench");
    match stack {
        Stack::Bare | Stack::Noop => None,
        Stack::All
        | Stack::PlainCalls
        | Stack::Captures
        | Stack::Spanned
        | Stack::Records
        | Stack::Pushes
        | Stack::Exponential => Some(builder.init().expect("it starts")),
        Stack::Keeps => Some(builder.traces(Traces::new().keep_errors()).init().expect("it starts")),
        Stack::Unnamed | Stack::Off => Some(builder.propagate_request_id(false).init().expect("it starts")),
    }
}

/// The microseconds that all threads but this one have run, as Linux says.
fn beside() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let own = std::fs::read_link("/proc/thread-self").ok();
    let own = own.as_deref().and_then(std::path::Path::file_name);
    let others = tasks.filter(|task| Some(task.file_name().as_os_str()) != own);
    let ran = others.filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
    ran.filter_map(|ran| ran.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e3
}

async fn ask(situation: Situation, app: &mut Router, requests: u64) {
    for request in 1..=requests {
        situation.work.ask(app).await;
        if request % BURST == 0 {
            thread::sleep(PAUSE);
        }
    }
}

/// What was measured must have happened: a signal that is off, or a full queue, costs less.
fn prove(situation: Situation, report: &Report, requests: u64) {
    let on = situation.stack != Stack::Off;
    let spans = if on && situation.work.caller != Caller::NotSampled { requests } else { 0 };
    let lines = if on && situation.stack != Stack::Records { requests } else { 0 };
    let records = if situation.stack == Stack::Records { requests } else { 0 };
    let points = u64::from(matches!(situation.stack, Stack::Pushes | Stack::Exponential));
    let flows = [&report.spans, &report.lines, &report.records, &report.points];
    let lost = flows.iter().any(|flow| !flow.dropped.is_empty());
    let whole = report.spans.delivered >= spans
        && report.lines.delivered >= lines
        && report.records.delivered >= records
        && report.points.delivered >= points;
    assert!(whole && !lost, "{requests} requests of `{}`: {report}", situation.name);
}
