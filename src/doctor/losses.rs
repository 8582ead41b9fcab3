//! What a page of metrics says of losses: the counters of the guide, those that have counted.

use super::finding::{Finding, foreign};
use crate::terminal::steers;

/// One counter of the page that should stay at zero.
struct Loss {
    /// How its series begins.
    series: &'static str,
    /// A label that it has.
    label: &'static str,
    what: &'static str,
    remedy: &'static str,
}

const fn loss(series: &'static str, label: &'static str, what: &'static str, remedy: &'static str) -> Loss {
    Loss { series, label, what, remedy }
}

const LOSSES: [Loss; 18] = [
    loss(
        "otel_sdk_processor_span_processed_total",
        "error_type=\"queue_full\"",
        "spans dropped",
        "more spans end than can be sent; OTEL_BSP_MAX_QUEUE_SIZE, or a sampler",
    ),
    loss(
        "otel_sdk_exporter_span_exported_total",
        "error_type=\"rejected\"",
        "spans rejected",
        "the collector took batches and dropped these; its message is on a line",
    ),
    loss(
        "otel_sdk_exporter_span_exported_total",
        "error_type=\"",
        "spans not delivered",
        "a line says why `traces cannot be delivered`",
    ),
    loss(
        "otel_sdk_processor_log_processed_total",
        "error_type=\"queue_full\"",
        "lines or records dropped",
        "they are read or taken more slowly than they are written; log less, or read faster",
    ),
    loss(
        "otel_sdk_exporter_log_exported_total",
        "error_type=\"write_failed\"",
        "lines not written",
        "standard output is closed or full; check what reads it",
    ),
    loss(
        "otel_sdk_exporter_log_exported_total",
        "error_type=\"rejected\"",
        "records rejected",
        "the collector took batches and dropped these; its message is on a line",
    ),
    loss(
        "otel_sdk_exporter_log_exported_total",
        "error_type=\"",
        "records not delivered",
        "a line says why `logs cannot be delivered`",
    ),
    loss(
        "otel_sdk_exporter_metric_data_point_exported_total",
        "error_type=\"rejected\"",
        "data points rejected",
        "the collector took them and dropped these; its message is on a line",
    ),
    loss(
        "otel_sdk_exporter_metric_data_point_exported_total",
        "error_type=\"",
        "data points not delivered",
        "a line says why `metrics cannot be delivered`",
    ),
    loss(
        "observability_reports_processed_total",
        "error_type=\"",
        "error reports dropped",
        "more requests fail than can be reported; their lines and spans are there",
    ),
    loss(
        "observability_reports_exported_total",
        "error_type=\"",
        "error reports not delivered",
        "a line says why `error reports cannot be delivered`",
    ),
    loss(
        "observability_spans_shortened_total",
        "",
        "spans shortened",
        "alone they were larger than a request may be; record an id instead of the whole value",
    ),
    loss(
        "observability_log_left_out_total",
        "reason=\"limited\"",
        "lines left out",
        "one place in the code exceeds OBSERVABILITY_LOG_LIMIT; log less there, or raise it",
    ),
    loss(
        "observability_log_left_out_total",
        "reason=\"sampled\"",
        "lines of requests left out",
        "OBSERVABILITY_LOG_OK_SHARE=1 keeps them all",
    ),
    loss(
        "observability_log_lines_shortened_total",
        "",
        "lines shortened",
        "they were longer than 252 KiB; log an id instead of the whole value",
    ),
    loss(
        "observability_log_records_shortened_total",
        "",
        "records shortened",
        "they were longer than Loki takes; log an id instead of the whole value",
    ),
    loss(
        "observability_metrics_refused_total",
        "",
        "metrics refused",
        "a name is taken by another type, or a value is not a number: see `reason` on the page",
    ),
    loss(
        "observability_spans_discarded_total",
        "reason=\"memory",
        "spans discarded",
        "the memory of traces that may be kept is full; OBSERVABILITY_TRACES_KEEP_MEMORY",
    ),
];

/// What the one series has that gathers the label sets beyond the limit.
const OVERFLOW: &str = "otel_metric_overflow=\"true\"";
/// So many metrics of which there are such are named.
const MOST_NAMED: usize = 5;

/// The name of the service whose page it is, if it is one of ours.
pub(super) fn service(page: &str) -> Option<String> {
    let target = page.lines().find(|line| line.starts_with("target_info{"))?;
    let is_ours = label(target, "telemetry_distro_name")? == "tower-observability";
    let name = label(target, "service_name").filter(|_| is_ours)?;
    Some(name.chars().filter(|c| !steers(*c)).take(200).collect())
}

/// The value of the label of exactly this name.
fn label(line: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = line.split_once('{')?;
    loop {
        let (name, behind) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = behind.chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => match characters.next()? {
                    'n' => value.push('\n'),
                    escaped => value.push(escaped),
                },
                c => value.push(c),
            }
        }
        if name.trim_start_matches([',', ' ']) == wanted {
            return Some(value);
        }
        rest = characters.as_str();
    }
}

/// What the page says was lost, and what it lacks.
pub(super) fn examine(about: &'static str, page: &str) -> Vec<Finding> {
    let mut told = Vec::new();
    let mut found = Vec::new();
    for Loss { series, label, what, remedy } in &LOSSES {
        let is_of = |line: &&str| {
            line.starts_with(series) && line.contains(label) && !line.starts_with('#') && !told.contains(line)
        };
        let lines: Vec<&str> = page.lines().filter(is_of).collect();
        let sum: f64 = lines.iter().filter_map(|line| value(line)).sum();
        if sum > 0.0 {
            found.push(Finding::step(about, "losses", format!("{sum} {what}")).warns(*remedy));
            told.extend(lines);
        }
    }
    found.extend(overflowed(about, page));
    if found.is_empty() {
        found.push(Finding::step(about, "losses", "none"));
    }
    if !page.contains("\ntokio_") {
        let step = Finding::step(about, "/metrics", "no tokio_…");
        found.push(step.with("`init` was called outside of a runtime; under #[tokio::main] they are there"));
    }
    found
}

/// The metrics with more label sets than are kept. How many these were is not on the page: the values of the overflow series
/// are amounts of something.
fn overflowed(about: &'static str, page: &str) -> Option<Finding> {
    let lines = page.lines().filter(|line| !line.starts_with('#') && line.contains(OVERFLOW));
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in lines.filter_map(|line| line.split_once('{')) {
        let bases = ["_bucket", "_sum", "_count"].into_iter().filter_map(|end| name.strip_suffix(end));
        let is_histogram = |base: &&str| page.contains(&format!("# TYPE {base} histogram\n"));
        let name = bases.into_iter().find(is_histogram).unwrap_or(name);
        if !names.contains(&name) && names.len() <= MOST_NAMED {
            names.push(name);
        }
    }
    let more = if names.len() > MOST_NAMED { ", and others" } else { "" };
    names.truncate(MOST_NAMED);
    let named = foreign(&names.join(", "), 400);
    (!names.is_empty()).then(|| {
        Finding::step(about, "losses", format!("series beyond the limit: {named}{more}"))
            .warns("a metric has 2,000 label sets; find the label without a bound, most likely an id")
    })
}

/// The number behind the labels.
fn value(line: &str) -> Option<f64> {
    let behind = line.rsplit_once('}').map_or(line, |(_, behind)| behind);
    let mut words = behind.split_whitespace();
    if !line.contains('{') {
        words.next();
    }
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "# TYPE otel_sdk_exporter_span_exported counter\n\
        otel_sdk_exporter_span_exported_total{error_type=\"rejected\"} 3\n\
        otel_sdk_exporter_span_exported_total{error_type=\"timeout\"} 4\n\
        otel_sdk_exporter_span_exported_total{} 99\n\
        observability_log_lines_shortened_total 2\n\
        mine_total{otel_metric_overflow=\"true\"} 7\n\
        # TYPE wait_seconds histogram\n\
        wait_seconds_bucket{otel_metric_overflow=\"true\",le=\"1.0\"} 30\n\
        wait_seconds_bucket{otel_metric_overflow=\"true\",le=\"+Inf\"} 41\n\
        wait_seconds_sum{otel_metric_overflow=\"true\"} 1234.5\n\
        wait_seconds_count{otel_metric_overflow=\"true\"} 41\n\
        basket_count{otel_metric_overflow=\"true\"} 0\n\
        tokio_workers 1\n\
        target_info{service_name=\"bookings\",telemetry_distro_name=\"tower-observability\"} 1\n";

    #[test]
    fn what_has_counted_is_told_once_and_the_rest_is_not() {
        let found = examine("admin port", PAGE);
        let told: Vec<_> = found.iter().map(|finding| finding.answer.as_str()).collect();
        let expected = [
            "3 spans rejected",
            "4 spans not delivered",
            "2 lines shortened",
            "series beyond the limit: mine_total, wait_seconds, basket_count",
        ];
        assert_eq!(told, expected);
        assert_eq!(examine("admin port", "x 1\ntokio_x 1\n")[0].answer, "none");
        assert_eq!(examine("admin port", "x 1\n")[1].answer, "no tokio_…");
    }

    #[test]
    fn error_reports_and_shortened_spans_are_losses_as_well() {
        let page = "tokio_workers 1\n\
            observability_reports_processed_total{otel_component_name=\"a/0\"} 9\n\
            observability_reports_processed_total{error_type=\"queue_full\",otel_component_name=\"a/0\"} 1\n\
            observability_reports_exported_total{otel_component_name=\"b/0\"} 9\n\
            observability_reports_exported_total{error_type=\"rejected\",otel_component_name=\"b/0\"} 2\n\
            observability_reports_exported_total{error_type=\"timeout\",otel_component_name=\"b/0\"} 3\n\
            observability_spans_shortened_total 4\n";
        let found = examine("admin port", &format!("\n{page}"));
        let told: Vec<_> = found.iter().map(|finding| finding.answer.as_str()).collect();
        let expected = ["1 error reports dropped", "5 error reports not delivered", "4 spans shortened"];
        assert_eq!(told, expected);
    }

    #[test]
    fn only_a_page_of_ours_names_its_service() {
        assert_eq!(service(PAGE).as_deref(), Some("bookings"));
        assert_eq!(service("target_info{service_name=\"bookings\"} 1"), None);
        assert_eq!(service("up 1"), None);
    }

    #[test]
    fn a_label_is_found_by_its_whole_name_and_its_value_is_read_to_its_end() {
        let page = |labels: &str| format!("target_info{{{labels}}} 1");
        let ours = "telemetry_distro_name=\"tower-observability\"";
        let peer = "peer_service_name=\"payments\",note=\"a\\\",service_name=\\\"b\"";
        let named = page(&format!("{peer},service_name=\"book\\\"ings\\\\\",{ours}"));
        assert_eq!(service(&named).as_deref(), Some("book\"ings\\"));
        assert_eq!(service(&page(&format!("{peer},{ours}"))), None);
        assert_eq!(service(&page(&format!("service_name=\"a\",x_{ours}"))), None);
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(page in ".{0,200}", series in "((observability_log_lines_shortened_total|target_info\\{([a-z]=\"|\"|,|\\\\){0,9}).{0,30}\n)?") {
            let _ = (examine("admin port", &format!("{series}{page}")), service(&page));
        }
    }
}
