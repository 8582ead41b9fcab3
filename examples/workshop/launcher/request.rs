//! `--request`: one booking, followed through eight processes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::children::Workshop;
use super::environment::Environment;
use super::evidence::{Evidence, Line, Row};
use super::output::Output;
use super::trace::Trace;
use super::{paint, red};
use crate::plumbing::{BoxError, Calls};
use crate::screen::show;
use crate::services;

const MAY_TAKE: Duration = Duration::from_secs(60);

/// Makes one booking, and shows what the telemetry tells of it.
pub(crate) async fn request() -> Result<(), BoxError> {
    let environment = Environment::chosen();
    let evidence = Arc::new(Evidence::default());
    let booking = Workshop::run(environment, Output::Kept(evidence.clone()), async |workshop| {
        let booking: Value = Calls::unseen().post(workshop.gateway("/bookings"), &order()).await?;
        wait_for_all_eight(&evidence, environment).await;
        workshop.scrape(&evidence).await?;
        Ok(booking)
    })
    .await?;
    let trace = Trace::widest(evidence.spans());
    let lines = lines_of_the_booking(&evidence, trace.as_ref());

    heading("One booking, as its customer sees it");
    show!("  {booking}");
    heading("Where the time went");
    match &trace {
        Some(trace) => trace.print(),
        None => {
            let id = lines.first().map_or("?", |line| line.row.get("trace_id"));
            show!("  The spans went where the environment says; look there for trace {}.", paint::bold(id));
        }
    }
    heading("What the eight logged about it");
    let start = trace.as_ref().map(Trace::start).or(lines.first().map(|line| line.at)).unwrap_or(0);
    for line in &lines {
        show!("  {}", short(line, &format!("+{:.1} ms", (line.at - start) as f64 / 1_000.0)));
    }
    heading("Rate, errors, duration, from the eight /metrics (quantiles out of buckets, as Prometheus does)");
    red::print(&evidence.samples(), None);
    show!("");
    verdict(environment, trace.as_ref(), &lines)
}

fn heading(text: &str) {
    show!("\n{}\n", paint::bold(text));
}

/// What is booked.
pub(super) fn order() -> Value {
    json!({ "customer_id": 4711, "plate": "B-WS-24", "part": "oil-filter" })
}

/// A line in short: when, who, how grave, what, and what else a person wants to see of it.
pub(super) fn short(line: &Line, when: &str) -> String {
    let row = &line.row;
    let more = ["duration_ms", "outcome", "attempt", "attempts", "error", "customer_version", "url"];
    let more = more.iter().filter(|key| !matches!(row.get(key), "" | "ok"));
    let mut more: Vec<_> = more.map(|key| format!("{key}={}", row.get(key))).collect();
    more.extend(Some(told_of(row)).filter(|told| !told.is_empty()));
    let level = format!("{:5}", row.get("level"));
    let level =
        if matches!(row.get("level"), "WARN" | "ERROR" | "FATAL") { paint::red(&level) } else { level };
    let service = paint::service(row.get("service"), &format!("{:13}", row.get("service")));
    format!("{when:>11}  {service}  {level}  {}  {}", row.get("message"), paint::faint(&more.join(" ")))
}

/// What the crate noted on a span and on a line that is worth seeing.
pub(super) fn told_of(row: &Row) -> String {
    const KEYS: [&str; 6] = [
        "cache.vehicles",
        "connection_missing",
        "feature_flag.fraud-check",
        "message.out_of_order",
        "message.newer_version",
        "slow_query",
    ];
    let keys = KEYS.iter().map(|key| format!("observability.{key}"));
    let told = keys.filter(|key| !matches!(row.get(key), "" | "off"));
    told.map(|key| format!("{key}={}", row.get(&key))).collect::<Vec<_>>().join(" ")
}

/// The booking is answered before the customer is told: what goes over the queue comes later.
async fn wait_for_all_eight(evidence: &Evidence, environment: Environment) {
    let deadline = Instant::now() + MAY_TAKE;
    while Instant::now() < deadline {
        let all = if environment == Environment::Viewer {
            Trace::widest(evidence.spans()).is_some_and(|trace| trace.is_whole(services::NAMES.len()))
        } else {
            services_in(&lines_of_the_booking(evidence, None)) == services::NAMES.len()
        };
        if all {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Those of the trace; without one, those that share the gateway's trace id.
fn lines_of_the_booking(evidence: &Evidence, trace: Option<&Trace>) -> Vec<Line> {
    let lines = evidence.lines();
    let edge =
        lines.iter().find(|line| line.row.is("service", "gateway") && line.row.is("path", "/bookings"));
    let id = match (trace, edge) {
        (Some(trace), _) => trace.id.clone(),
        (None, Some(edge)) => edge.row.get("trace_id").to_owned(),
        (None, None) => return Vec::new(),
    };
    lines.into_iter().filter(|line| line.row.is("trace_id", &id)).collect()
}

fn services_in(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.row.get("service")).collect::<std::collections::BTreeSet<_>>().len()
}

/// An error, and so an exit code, unless eight services share one trace id and no parent is missing.
fn verdict(environment: Environment, trace: Option<&Trace>, lines: &[Line]) -> Result<(), BoxError> {
    let all = services::NAMES.len();
    let logged = services_in(lines);
    if logged != all {
        return Err(format!("only {logged} of {all} services logged the trace id").into());
    }
    match trace {
        Some(trace) if trace.is_whole(all) => {
            show!("{all} services, one trace id, every parent present.");
            Ok(())
        }
        None if environment != Environment::Viewer => {
            show!("{all} services, one trace id.");
            Ok(())
        }
        Some(trace) => {
            let (services, orphans) = (trace.services().len(), trace.orphans());
            Err(format!("the trace is not whole: {services} services, {orphans} parents missing").into())
        }
        None => Err("no trace arrived".into()),
    }
}
