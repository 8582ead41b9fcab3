//! The table of rate, errors and duration, read from the eight `/metrics` as Prometheus would.

use std::collections::BTreeMap;

use super::evidence::Row;
use super::paint;

/// What is served, and what is done for queues.
const DURATIONS: [&str; 3] =
    ["http_server_request_duration_seconds", "rpc_server_call_duration_seconds", "work_duration_seconds"];

/// One route or method of one service, or one kind of work.
#[derive(Default)]
struct Route {
    requests: f64,
    errors: f64,
    /// How long all of them took together.
    seconds: f64,
    /// How many requests took at most so many seconds.
    buckets: BTreeMap<Bound, f64>,
}

/// A bucket's upper bound; ordered, as floating-point numbers are not.
#[derive(Clone, Copy, PartialEq)]
struct Bound(f64);

/// Prints it; `seconds` is the time in which the requests were made, if a rate is worth telling.
pub(super) fn print(samples: &[Row], seconds: Option<f64>) {
    let mut head = vec!["service", "route or work", "count", "errors", "p50", "p95"];
    head.extend(seconds.map(|_| "rate"));
    let rows: Vec<_> = routes(samples)
        .into_iter()
        .map(|((service, name), route)| {
            let (requests, errors) = (format!("{}", route.requests), format!("{}", route.errors));
            let mut row = vec![service, name, requests, errors, route.quantile(0.5), route.quantile(0.95)];
            row.extend(seconds.map(|seconds| format!("{:.1}/s", route.requests / seconds)));
            row
        })
        .collect();
    paint::table(&head, &rows);
}

/// The routes that had errors, each with its service.
pub(super) fn failing(samples: &[Row]) -> Vec<String> {
    let failing = routes(samples).into_iter().filter(|(_, route)| route.errors > 0.0);
    failing.map(|((service, name), _)| format!("{service} {name}")).collect()
}

/// Routes without requests are on the page with zeros; they are left out.
fn routes(samples: &[Row]) -> BTreeMap<(String, String), Route> {
    let mut routes: BTreeMap<(String, String), Route> = BTreeMap::new();
    for sample in samples {
        let Some(part) = DURATIONS.iter().find_map(|family| sample.get("name").strip_prefix(family)) else {
            continue;
        };
        let Ok(value) = sample.get("value").parse::<f64>() else { continue };
        let labels = ["http_request_method", "http_route", "rpc_method", "work_name"];
        let words = labels.map(|label| sample.get(label));
        let name = words.join(" ").trim().to_owned();
        let route = routes.entry((sample.get("service").to_owned(), name)).or_default();
        match part {
            "_count" => {
                route.requests += value;
                route.errors += if sample.get("error_type").is_empty() { 0.0 } else { value };
            }
            "_sum" => route.seconds += value,
            "_bucket" => {
                let bound = sample.get("le").parse().unwrap_or(f64::INFINITY);
                *route.buckets.entry(Bound(bound)).or_default() += value;
            }
            _ => {}
        }
    }
    routes.retain(|_, route| route.requests > 0.0);
    routes
}

impl Route {
    /// As Prometheus's `histogram_quantile`: a straight line through the bucket that holds the rank. A single request
    /// needs no estimate: it took the sum.
    fn quantile(&self, share: f64) -> String {
        if self.requests == 1.0 {
            return format!("{:.1} ms", self.seconds * 1_000.0);
        }
        let rank = share * self.requests;
        let (mut from, mut below) = (0.0, 0.0);
        for (Bound(to), upto) in &self.buckets {
            if *upto >= rank {
                if to.is_infinite() {
                    return format!("> {from} s");
                }
                let seconds = from + (to - from) * (rank - below) / (upto - below).max(f64::MIN_POSITIVE);
                return format!("{:.1} ms", seconds * 1_000.0);
            }
            (from, below) = (*to, *upto);
        }
        "–".to_owned()
    }
}

impl Eq for Bound {}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
