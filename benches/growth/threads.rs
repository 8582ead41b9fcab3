//! The comparison of one thread with two: requests per second of processor time, in turn, as a ratio.
//!
//! The time of the threads that serve, not of the clock on the wall: on two processors the writer's and the exporter's
//! threads would take theirs from the second one.

use std::env;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tower_observability::ObservabilityLayer;

use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

/// The first argument of a process that measures; the other is the stack.
pub(crate) const CHILD: &str = "--threads";

const ROUNDS: usize = 31;
const REQUESTS: u32 = 2_000;

pub(crate) fn table(collector: SocketAddr) {
    println!("### Threads that serve\n");
    println!("| router | requests per processor second of one | twice that of two | × |\n|---|--:|--:|--:|");
    for stack in ["without a layer", "all signals"] {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([CHILD, stack]).env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
        command.env("OTEL_BSP_MAX_QUEUE_SIZE", "65536");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
        // Its lines go to standard output, and nobody reads them.
        let output = command.stdout(Stdio::null()).output().expect("it starts again");
        let said = String::from_utf8_lossy(&output.stderr);
        let row = said.lines().find(|line| line.starts_with("| "));
        println!("{}", row.unwrap_or_else(|| panic!("{stack}: {}\n{said}", output.status)));
    }
}

/// The child's side of it.
pub(crate) fn run(arguments: &[String]) {
    let [_, stack] = arguments else { panic!("not a child: {arguments:?}") };
    let _observability =
        (stack == "all signals").then(|| tower_observability::init("bench").expect("it starts"));
    let (mut ones, mut twos, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (one, two) = (round(1, stack), round(2, stack));
        ones.push(one);
        twos.push(two);
        ratios.push(two / one);
    }
    eprintln!("| {stack} | {:.0} | {:.0} | {:.2} |", median(ones), median(twos), median(ratios));
}

/// Requests per second of so many threads that have a processor each, a runtime and a router of their own.
fn round(threads: usize, stack: &str) -> f64 {
    // As long as the exporter needs for a round.
    thread::sleep(Duration::from_millis(20));
    let begin = Barrier::new(threads);
    let took = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| serve(stack, &begin))).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread")).sum::<f64>()
    });
    let requests = f64::from(REQUESTS) * threads as f64;
    requests / took * threads as f64
}

/// Seconds of processor time that the requests took.
fn serve(stack: &str, begin: &Barrier) -> f64 {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let router = USUAL.router(NoopLayer);
    let layered = match stack {
        "all signals" => router.layer(ObservabilityLayer::new()),
        _ => router,
    };
    let mut app = layered.with_state(());
    runtime.block_on(USUAL.ask(&mut app));
    begin.wait();
    let start = processor_time();
    runtime.block_on(async {
        for _ in 0..REQUESTS {
            USUAL.ask(&mut app).await;
        }
    });
    processor_time() - start
}

fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
