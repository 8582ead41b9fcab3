//! Promise: lines that ended well can be sampled by their traces, and no place in the code takes the room of all
//! others; what is left out is counted and told.

use std::collections::BTreeSet;

use tower_observability::{Outcome, Work, request};

use crate::support::child::{Child, Ended, run};
use crate::support::collector::Collector;
use crate::support::http::get;

const JOBS: u64 = 400;
const LOOP: u64 = 5_000;

#[test]
fn program() {
    run(&[("jobs", || service(jobs)), ("wild", || service(wild))]);
}

fn service<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("workshop").unwrap();
        work().await;
        let page = get(&observability.admin_address().unwrap().to_string(), "/metrics");
        page.lines().filter(|line| line.starts_with("observability_log_left_out")).for_each(|line| {
            eprintln!("{line}");
        });
        let report = observability.shutdown().await;
        let (lines, records) = (&report.lines, &report.records);
        eprintln!(
            "adds up: {}",
            [lines, records].iter().all(|flow| {
                flow.queued() == 0
                    && flow.created == flow.delivered + flow.dropped_total() + flow.left_out_total()
            })
        );
        eprintln!("report: {report}");
    });
}

/// Jobs, each in a trace of its own; the last one fails.
async fn jobs() {
    for job in 0..=JOBS {
        let outcome = if job < JOBS { Outcome::Ok } else { Outcome::ServerError };
        Work::internal("job").run(async { request::outcome(outcome) }).await;
    }
}

/// A loop that ran wild, and somebody who has something to say beside it.
async fn wild() {
    (0..LOOP).for_each(|n| tracing::error!(n, "cannot connect"));
    (0..LOOP).for_each(|n| log::warn!(target: "pool", "no connection {n}"));
    tracing::info!("elsewhere");
}

fn count(ended: &Ended, reason: &str) -> u64 {
    let series = format!("observability_log_left_out_total{{reason=\"{reason}\"}} ");
    ended.said(&series).parse().unwrap()
}

#[test]
fn a_share_of_the_ok_lines_is_kept_by_the_trace_on_lines_and_records_alike_and_every_failure() {
    let collector = Collector::start();
    let child = Child::new("left_out", "jobs").env("OBSERVABILITY_LOG_OK_SHARE", "0.25");
    let child = child.env("OTEL_LOGS_EXPORTER", "console,otlp");
    let ended = child.env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", collector.endpoint() + "/v1/logs").end().well();
    let lines = ended.logged();
    let of = |outcome: &str| -> BTreeSet<String> {
        let lines = lines.iter().filter(|line| line["outcome"] == outcome);
        lines.map(|line| line["trace_id"].as_str().unwrap().to_owned()).collect()
    };
    let (ok, failed) = (of("ok"), of("server_error"));
    assert!(ok.iter().all(|trace| trace[18..] >= *"c0000000000000"), "{ok:?}");
    assert_eq!((ok.len() as u64 + count(&ended, "sampled"), failed.len()), (JOBS, 1));
    // Ten standard deviations: 8.7 each.
    assert!((14..=186).contains(&ok.len()), "{}", ok.len());
    let sent = collector.logs();
    let sent = sent.iter().filter(|log| log.body().starts_with("job"));
    let sent: BTreeSet<_> = sent.map(|log| log.trace_id()).collect();
    assert_eq!(sent, ok.union(&failed).cloned().collect());
    assert_eq!(ended.said("adds up: "), "true", "{}", ended.said("report: "));
}

#[test]
fn a_place_beyond_its_limit_is_told_by_one_line_and_takes_nobodys_room() {
    let ended = Child::new("left_out", "wild").env("OBSERVABILITY_LOG_LIMIT", "10").end().well();
    let lines = ended.logged();
    let of = |level: &str, message: &str| -> Vec<&serde_json::Value> {
        let is = |line: &&serde_json::Value| {
            line["level"] == level && line["message"].as_str().unwrap().starts_with(message)
        };
        lines.iter().filter(is).collect()
    };
    let mut left_out = 0;
    for (level, message, target) in
        [("ERROR", "cannot connect", module_path!()), ("WARN", "no connection", "pool")]
    {
        let (written, told) = (of(level, message), of(level, "suppressed "));
        let suppressed: u64 = told.iter().map(|line| line["suppressed"].as_u64().unwrap()).sum();
        assert_eq!(written.len() as u64 + suppressed, LOOP, "{target}");
        assert!(written.len() >= 10 && written.len() < 1_000, "{} lines", written.len());
        assert!(told.iter().all(|line| line["target"] == target && line["line"].is_number()), "{told:?}");
        assert!(told[0]["file"].as_str().unwrap().ends_with("left_out.rs"));
        left_out += suppressed;
    }
    assert_eq!(of("INFO", "elsewhere").len(), 1);
    assert!(count(&ended, "limited") <= left_out);
    assert!(ended.said("report: ").contains(&format!("left out (limited {left_out})")), "{:?}", ended.output);
    assert_eq!(ended.said("adds up: "), "true");
}

#[test]
fn by_default_nothing_is_sampled_and_nobody_reaches_the_limit() {
    let ended = Child::new("left_out", "jobs").end().well();
    let outcomes = ended.logged().iter().filter(|line| line.get("outcome").is_some()).count();
    assert_eq!((outcomes as u64, count(&ended, "sampled"), count(&ended, "limited")), (JOBS + 1, 0, 0));
}
