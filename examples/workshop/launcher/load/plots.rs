//! Which plots a load has: over its seconds, or over the rates of its steps.

use super::figures::Unit;
use super::plot::Plot;
use super::promql::{Expr, Select};
use super::step::{Step, slow};
use super::tally::{Second, Tally};
use super::window::{Series, Window};

type Line = (String, Vec<(f64, f64)>);

/// Latency, rate, CPU and queues over time.
pub(super) fn over_time(tally: &Tally, window: &Window) -> Vec<Plot> {
    const ACROSS: &str = "seconds since the beginning";
    let seconds = tally.seconds();
    let line = |name: &str, of: fn(&Second) -> f64| {
        (name.to_owned(), seconds.iter().map(|second| (second.at, of(second))).collect())
    };
    let latency = vec![line("p50", |s| s.p50), line("p95", |s| s.p95), line("p99", |s| s.p99)];
    let rate = vec![line("requests", |s| s.requests), line("errors", |s| s.errors)];
    let plot =
        |name, title: &str, lines| Plot { name, title: title.to_owned(), across: ACROSS, lines, bound: None };
    let mut plots = vec![
        plot("latency", "Latency that the users saw, ms", latency),
        plot("rate", "Requests a second", rate),
        plot("cpu", "CPU of each service, cores", cpu(window)),
    ];
    let queues: Vec<Line> =
        window.named("queue_depth").map(|series| gauge(series, "queue", window)).collect();
    if !queues.is_empty() {
        plots.push(plot("queues", "Messages that wait in a queue", queues));
    }
    plots
}

/// Latency and CPU over the rate.
pub(super) fn over_rate(steps: &[Step]) -> Vec<Plot> {
    // Of two steps of one rate the second counts.
    let mut steps: Vec<&Step> = steps.iter().rev().collect();
    steps.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    steps.dedup_by(|one, other| one.rate == other.rate);
    let line = |name: &str, of: &dyn Fn(&Step) -> Option<f64>| -> Line {
        (name.to_owned(), steps.iter().filter_map(|step| Some((step.rate, of(step)?))).collect())
    };
    // Far beyond the bound it does not matter how far.
    let most = slow() * 3.0;
    let latency =
        |share: f64| move |step: &Step| step.tally.latency(share).map(|value| value.min(most) * 1e3);
    let quantiles =
        [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].map(|(name, share)| line(name, &latency(share)));
    let cpu = crate::services::NAMES.map(|service| {
        let expr = Expr::Rate(Select("process_cpu_seconds_total", vec![("job", true, service)]));
        line(service, &|step| expr.value(&step.watched.window))
    });
    let load = line("the load itself", &|step| step.watched.machine.map(|used| used.own));
    let plot =
        |name, title: String, lines, bound| Plot { name, title, across: "requests a second", lines, bound };
    let cut = Unit::Seconds.text(most);
    vec![
        plot(
            "latency",
            format!("Latency that the users saw, ms (cut at {cut})"),
            quantiles.into(),
            Some(slow() * 1e3),
        ),
        plot("cpu", "CPU of each service, cores".to_owned(), cpu.into_iter().chain([load]).collect(), None),
    ]
}

/// Between two samples each.
fn cpu(window: &Window) -> Vec<Line> {
    let (start, _) = window.span();
    let line = |series: Series| {
        let points = series.samples.windows(2).filter_map(|two| {
            let [(from, before), (to, after)] = *two else { return None };
            (to > from).then(|| (to - start, (after - before).max(0.0) / (to - from)))
        });
        (series.labels.get("job").cloned().unwrap_or_default(), points.collect())
    };
    window.named("process_cpu_seconds_total").map(line).collect()
}

fn gauge(series: Series, label: &str, window: &Window) -> Line {
    let (start, _) = window.span();
    let name = series.labels.get(label).cloned().unwrap_or_default();
    (name, series.samples.into_iter().map(|(at, value)| (at - start, value)).collect())
}
