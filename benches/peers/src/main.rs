//! What one request costs under each stack that a service could use instead: instructions and allocations on its
//! thread above a layer that does nothing, and time as a ratio to the bare router in the same run.
//!
//! `cargo run --release --locked` in this folder prints the table; names as arguments print only those rows. Counting
//! needs valgrind. Each stack runs in processes of its own, each of which ends by itself after some minutes.

mod sink;
mod stack;
mod stacks;
mod support;

use std::env;
use std::panic::catch_unwind;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use axum::Router;
use tokio::runtime::{Builder, Runtime};

use stack::{STACKS, Stack, Started};
use support::callgrind::{self, Cost};
use support::clock;
use support::service::USUAL;

const CHILD: &str = "--child";
const TIME: &str = "time";
/// No process outlives this, whatever it hangs on; the slowest needs a quarter of it.
const LONGEST: Duration = Duration::from_secs(300);
/// So many requests at once; then everything that runs behind them has time to empty its queues.
const BURST: u64 = 256;
const PAUSE: Duration = Duration::from_millis(300);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [first, name, task] if first == CHILD => child(name, task),
        names => table(names),
    }
}

fn table(names: &[String]) {
    let is_asked = |stack: &&Stack| names.is_empty() || names.iter().any(|name| name == stack.name);
    let noop = count(Stack::named("noop"));
    println!("| stack | what leaves it | instructions above noop | allocations above noop | ns | × bare |");
    println!("|---|---|--:|--:|--:|--:|");
    for stack in STACKS.iter().filter(is_asked) {
        let above = count(*stack).zip(noop).map(|(cost, noop)| cost.above(noop));
        let counted = above.map_or("? | ?".to_owned(), |Cost { instructions, allocations, .. }| {
            format!("{instructions:+.0} | {allocations:+.2}")
        });
        let timed =
            time(*stack).map_or("? | ?".to_owned(), |(bare, app)| format!("{app:.0} | {:.2}", app / bare));
        println!("| {} | {} | {counted} | {timed} |", stack.name, stack.leaves);
    }
    println!("\nIn process, on one thread. `?`: it could not be measured here; standard error says why.");
}

/// What one request takes; nothing if it cannot be counted.
fn count(stack: Stack) -> Option<Cost> {
    catch_unwind(|| callgrind::measure(|requests| command(stack, &requests.to_string()))).ok()
}

/// One request's nanoseconds, in the bare router and under this stack.
fn time(stack: Stack) -> Option<(f64, f64)> {
    let output = command(stack, TIME).stdout(Stdio::null()).output().expect("it starts again");
    let said = String::from_utf8_lossy(&output.stderr);
    let times = said.lines().find_map(|line| line.strip_prefix(TIME)?.trim().split_once(' '));
    if times.is_none() {
        eprintln!("{}: {}\n{said}", stack.name, output.status);
    }
    times.and_then(|(bare, app)| Some((bare.parse().ok()?, app.parse().ok()?)))
}

fn command(stack: Stack, task: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args([CHILD, stack.name, task]);
    let is_a_setting =
        |name: &str| name.starts_with("OTEL_") || name.starts_with("LOGFIRE_") || name == "RUST_LOG";
    for (name, _) in env::vars().filter(|(name, _)| is_a_setting(name)) {
        command.env_remove(name);
    }
    command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
    // Only what happens in there is counted: the clock of fastrace, for one, spins in every program that contains it
    // for a while, before `main`.
    command.env("VALGRIND_OPTS", "--toggle-collect=peers::requests");
    command
}

/// The child's side of it.
fn child(name: &str, task: &str) {
    thread::spawn(|| {
        thread::sleep(LONGEST);
        eprintln!("still running after {LONGEST:?}");
        std::process::exit(3);
    });
    let stack = Stack::named(name);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    // Some stacks start tasks of their own.
    let Started { mut app, end } = {
        let _runtime = runtime.enter();
        (stack.start)()
    };
    if task == TIME {
        let (bare, app) = runtime.block_on(clock::compare(&mut app, USUAL));
        eprintln!("{TIME} {} {}", bare.as_nanos(), app.as_nanos());
        return;
    }
    let count = task.parse().expect("a number of requests");
    requests(&runtime, &mut app, count);
    // Not on this thread, whose instructions are counted.
    thread::spawn(end).join().expect("an end");
    stack.prove(count);
}

#[inline(never)]
fn requests(runtime: &Runtime, app: &mut Router, count: u64) {
    runtime.block_on(async {
        for request in 1..=count {
            USUAL.ask(app).await;
            if request % BURST == 0 {
                thread::sleep(PAUSE);
            }
        }
    });
}
