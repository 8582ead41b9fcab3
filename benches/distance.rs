//! How many spans a second a collector receives that answers after 200 ms, with the default options.
//!
//! `cargo bench -p benches --bench distance` prints the table, and fails if a span is lost or fewer than 50,000 a second
//! are delivered. Jobs stand for requests: what is measured is the way out, and it waits more than it computes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "support/collector.rs"]
mod collector;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tower_observability::{Admin, FlowReport, Logs, Otlp, Traces, Work};

const AWAY: Duration = Duration::from_millis(200);
const OFFERED: u32 = 60_000;
const SECONDS: u32 = 5;
const ASKED: f64 = 50_000.0;
const TICK: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    let collector = collector::start_away(AWAY);
    let traces = Traces::new().otlp(Otlp::new().endpoint(format!("http://{collector}")));
    let builder = tower_observability::builder("bench").traces(traces);
    let observability = builder.logs(Logs::new().off()).admin(Admin::new().off()).init().expect("it starts");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (report, took) = runtime.block_on(async {
        let start = Instant::now();
        let mut made = 0;
        while made < OFFERED * SECONDS {
            let due = (start.elapsed().as_secs_f64() * f64::from(OFFERED)) as u32;
            for _ in made..due.min(OFFERED * SECONDS) {
                Work::internal("job").run(async {}).await;
            }
            made = due;
            tokio::time::sleep(TICK).await;
        }
        (observability.shutdown().await.spans, start.elapsed())
    });
    table(&report, took)
}

fn table(report: &FlowReport, took: Duration) -> ExitCode {
    let (created, delivered) = (report.created, report.delivered);
    let per_second = delivered as f64 / took.as_secs_f64();
    let lost = report.unconfirmed + report.dropped_total();
    println!(
        "| the collector is away | offered per second | created | delivered | lost | delivered per second |"
    );
    println!("|--:|--:|--:|--:|--:|--:|");
    println!("| {} ms | {OFFERED} | {created} | {delivered} | {lost} | {per_second:.0} |", AWAY.as_millis());
    if lost == 0 && created == delivered && per_second >= ASKED {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
