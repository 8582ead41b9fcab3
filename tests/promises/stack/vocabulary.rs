//! The names and values that rules and boards may use: what this crate emits, what the rules record, and what a few
//! exporters say that the guide names.

use std::collections::BTreeSet;

use tower_observability::names::instrument::{self, Instrument, Kind};
use tower_observability::names::{label, metric, word};

use super::promql::Used;
use super::rules::{Rule, rules};
use crate::support::repository::top;

/// Prometheus' own, and the exporters' that the guide names.
const OTHERS: [&str; 9] = [
    "up",
    "ALERTS",
    "ALERTS_FOR_STATE",
    "alertmanager_notifications_failed_total",
    "prometheus_rule_evaluation_failures_total",
    "probe_success",
    "node_timex_maxerror_seconds",
    "node_timex_offset_seconds",
    "node_timex_sync_status",
];
/// What the scraper, the rules and the resource add.
const OTHER_LABELS: [&str; 13] = [
    "__name__",
    "job",
    "instance",
    "le",
    "severity",
    "journey",
    "alertname",
    "alertstate",
    "integration",
    "rule_group",
    "service",
    "service_version",
    "step",
];
/// gRPC's, HTTP's classes, and the pipeline's reasons, beside `names::word`.
const ERRORS: [&str; 24] = [
    "",
    "4..",
    "5..",
    "cancelled",
    "timeout",
    "panic",
    "body_error",
    "queue_full",
    "already_shutdown",
    "rejected",
    "unconfirmed",
    "too_large",
    "write_failed",
    "CANCELLED",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNAUTHENTICATED",
    "INTERNAL",
    "UNAVAILABLE",
];
/// Why a line was left out, and why a held span was discarded.
const REASONS: [&str; 6] = ["sampled", "limited", "name_clash", "memory", "queue_full", "trace_full"];

/// Everything that an expression may refer to.
pub(super) struct Vocabulary {
    recorded: BTreeSet<String>,
    journey: String,
}

impl Vocabulary {
    pub(super) fn new() -> Self {
        let recorded = rules().into_iter().filter(|rule| !rule.is_alert).map(|rule: Rule| rule.name);
        let journey = std::fs::read_to_string(top().join("examples/journey.rs")).unwrap();
        Self { recorded: recorded.collect(), journey }
    }

    /// What of the expression nobody emits.
    pub(super) fn unknown(&self, promql: &str) -> Vec<String> {
        let used = Used::of(promql);
        let metrics = used.metrics.iter().filter(|name| !self.has_metric(name)).cloned();
        let labels = used.labels.iter().filter(|name| {
            let ours = label::TABLE.iter().any(|(label, _)| label == name);
            !ours && !OTHER_LABELS.contains(&name.as_str())
        });
        let values = used.matchers.iter().filter(|(label, _, text)| {
            // A variable of a board.
            !text.contains('$') && text.split('|').any(|value| !has_value(label, value))
        });
        let values = values.map(|(label, operator, text)| format!("{label}{operator}\"{text}\""));
        metrics.chain(labels.cloned()).chain(values).collect()
    }

    fn has_metric(&self, name: &str) -> bool {
        let pushed = instrument::TABLE.iter().any(|instrument| pushed(instrument) == name);
        let plain = ["_bucket", "_count", "_sum"].into_iter().find_map(|end| name.strip_suffix(end));
        let ours = |name: &str| metric::TABLE.iter().any(|(metric, _)| *metric == name);
        let histogram = plain.is_some_and(|name| name.ends_with("_seconds") && ours(name));
        let journeys = name.starts_with("journey_") && self.journey.contains(&format!("\"{name}\""));
        ours(name)
            || pushed
            || histogram
            || journeys
            || self.recorded.contains(name)
            || OTHERS.contains(&name)
    }
}

/// The name of a metric that came over OTLP, as Prometheus and a collector's page write it.
fn pushed(instrument: &Instrument) -> String {
    let unit = match instrument.unit {
        "s" => "_seconds",
        "By" => "_bytes",
        _ => "",
    };
    let total = if matches!(instrument.kind, Kind::Counter | Kind::OlderCounter) { "_total" } else { "" };
    format!("{}{unit}{total}", instrument.name.replace('.', "_"))
}

/// Can the label have this value? Labels whose values are the user's have any.
fn has_value(name: &str, value: &str) -> bool {
    match name {
        label::ERROR_TYPE => ERRORS.contains(&value) || word::TABLE.iter().any(|(word, _)| *word == value),
        label::PRIORITY => ["high", "medium", "low"].contains(&value),
        label::REASON => REASONS.contains(&value),
        label::DB_CLIENT_CONNECTION_STATE => ["idle", "used"].contains(&value),
        label::STATE => ["closed", "open", "half_open"].contains(&value),
        label::RESULT => ["hit", "miss", "stale", "coalesced"].contains(&value),
        label::RESOURCE => ["cpu", "memory", "io"].contains(&value),
        label::SYSTEM_FILESYSTEM_STATE => ["used", "free", "reserved"].contains(&value),
        label::OTEL_METRIC_OVERFLOW => value == "true",
        "severity" => ["critical", "warning", "info", "none"].contains(&value),
        "alertstate" => ["firing", "pending"].contains(&value),
        _ => true,
    }
}

#[test]
fn a_name_a_label_and_a_value_that_nobody_emits_are_found() {
    let vocabulary = Vocabulary::new();
    let unknown = vocabulary.unknown(
        "http_server_request_duration_count{http_rout=\"/\", error_type=\"canceled\"} + up_bucket + \
         http_server_active_requests_bucket + http_server_request_duration_seconds_bucket{le=\"1\"}",
    );
    assert_eq!(
        unknown,
        [
            "http_server_active_requests_bucket",
            "http_server_request_duration_count",
            "up_bucket",
            "http_rout",
            "error_type=\"canceled\"",
        ]
    );
}
