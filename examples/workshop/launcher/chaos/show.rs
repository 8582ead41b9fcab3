//! What a rehearsal prints.

use super::super::paint;
use super::fault::Fault;
use super::rehearsal::Report;
use super::traffic::Tally;
use super::watch::Found;
use crate::screen::show;

/// Before it begins.
pub(super) fn opening(fault: &Fault) {
    show!("\n{}  {}\n", paint::bold(fault.name), fault.story);
}

/// What was seen, in the order in which whoever is on call looks at it.
pub(super) fn seen(found: &[Found], before: &Tally) {
    show!("  before  {}", customers(before));
    for Found { after, what, text } in found {
        show!("  {:>6.1} s  {what:6}  {text}", after.as_secs_f64());
    }
}

/// When all is well again.
pub(super) fn ending(report: &Report) {
    show!("  during  {}", customers(&report.during));
    for (variant, payments, failed) in &report.variants {
        if report.variants.len() > 1 {
            let share = *failed as f64 / *payments as f64 * 100.0;
            show!("  fraud-check={variant}: {failed} of {payments} payments failed ({share:.0} %)");
        }
    }
    show!(
        "  repaired, and well again after {:.1} s; the eight have ended by themselves.",
        report.well_after.as_secs_f64()
    );
    for alert in report.fault.alerts {
        let anchor = alert.name.to_lowercase();
        show!("  runbook: src/guide/on_call.md#{anchor}");
    }
}

/// All of them in short.
pub(super) fn table(reports: &[Report]) {
    let head = ["fault", "alert", "after", "metric", "trace", "line", "customers", "well after"];
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    show!("");
    paint::table(&head, &rows);
}

fn row(report: &Report) -> Vec<String> {
    let after = |what: &str| {
        let of_it = report.found.iter().filter(|found| found.what == what);
        let last = of_it.map(|found| found.after).max().unwrap_or_default();
        format!("{:.1} s", last.as_secs_f64())
    };
    let alerts: Vec<&str> = report.fault.alerts.iter().map(|alert| alert.name).collect();
    let (asked, failed) = (report.during.asked, report.during.failed);
    let well_after = format!("{:.1} s", report.well_after.as_secs_f64());
    let customers = format!("{failed} of {asked} failed");
    let name = report.fault.name.to_owned();
    vec![
        name,
        alerts.join(", "),
        after("alert"),
        after("metric"),
        after("trace"),
        after("line"),
        customers,
        well_after,
    ]
}

fn customers(tally: &Tally) -> String {
    let p95 = tally.p95.as_millis();
    let why = if tally.failure.is_empty() { String::new() } else { format!(": {}", tally.failure) };
    format!("customers: {} of {} requests failed, p95 {p95} ms{why}", tally.failed, tally.asked)
}
