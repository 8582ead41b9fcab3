//! The cases of metrics and of the admin listener.

use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::*;

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![
        of("OTEL_METRICS_EXPORTER", "prometheus")
            .same("prometheus", Scene::default(), |seen| {
                !seen.page("http_server_request_duration").is_empty()
            })
            .good("none", Scene::default(), |seen| seen.page("http_server_request_duration").is_empty())
            .good("NONE", Scene::default(), |seen| seen.page("http_server_request_duration").is_empty())
            .good("otlp", exporting(), |seen| {
                !seen.posted("/v1/metrics").is_empty() && seen.page("http_server_request_duration").is_empty()
            })
            .good("prometheus,otlp", exporting(), |seen| {
                !seen.posted("/v1/metrics").is_empty()
                    && !seen.page("http_server_request_duration").is_empty()
            })
            .bad(
                "pigeon",
                "is not a list of prometheus and otlp (`prometheus,otlp` is both), or none; prometheus stays",
            )
            .bad(
                "prometheus,console",
                "is not served: `console` is ignored; the page /metrics shows all metrics",
            ),
        of("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based")
            .same("trace_based", exporting(), has_exemplars)
            .good("always_off", exporting(), |seen| {
                !has_exemplars(seen) && !seen.page("http_server_request_duration").is_empty()
            })
            .good("Always_Off", exporting(), |seen| !has_exemplars(seen))
            .bad("sometimes", "is not `trace_based` or `always_off`; trace_based stays")
            .bad(
                "always_on",
                "is not served: an exemplar without a trace opens nothing; trace_based is used",
            ),
        of("OBSERVABILITY_PROCESS_METRICS", "true")
            .good("FALSE", Scene::default(), |seen| seen.page("process_cpu_seconds").is_empty())
            .bad("no", "is not true or false; true stays"),
        of("OBSERVABILITY_DISK_PATHS", "")
            .good("/,/", Scene::default(), |seen| {
                seen.page("system_filesystem_limit_bytes{path=\"/\"}").len() == 1
            })
            .bad("data", "is not absolute paths, separated by commas; it is ignored"),
        of("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1")
            .good("0.0.0.0", Scene::default(), |seen| seen.said("admin").starts_with("0.0.0.0:"))
            .bad(
                "http://localhost",
                "is not a name or an IP address, without scheme and port; 127.0.0.1 stays",
            ),
        of("OTEL_EXPORTER_PROMETHEUS_PORT", "9464")
            .good("{port}", Scene::default(), |seen| seen.said("admin").ends_with(&format!(":{}", seen.port)))
            .bad("65536", "is not a port, 0 to 65535; 9464 stays"),
        of("OBSERVABILITY_ADMIN_TOKEN", "").good("hush", Scene::default(), |seen| {
            seen.said("level") == "200" && !seen.output.iter().any(|line| line.contains("hush"))
        }),
    ];
    all.extend(over_otlp());
    all.extend(forms());
    all
}

/// Metrics go to the collector, and no spans.
pub(super) fn only_metrics() -> Scene {
    pushing().with("OTEL_TRACES_EXPORTER", "none")
}

/// Metrics go there beside the spans.
fn pushing() -> Scene {
    exporting().with("OTEL_METRICS_EXPORTER", "prometheus,otlp")
}

/// Was something delivered before the end?
fn has_delivered(seen: &Seen) -> bool {
    let begin = "otel_sdk_exporter_metric_data_point_exported_total{otel_component_name";
    seen.page(begin).iter().any(|line| !line.ends_with(" 0"))
}

fn over_otlp() -> Vec<Case> {
    vec![
        of("OTEL_METRIC_EXPORT_INTERVAL", "60000")
            .good("300", only_metrics().runs(Program::Waits), has_delivered)
            .bad("1", "is not a whole number of milliseconds from 10; 60000 stays"),
        of("OTEL_METRIC_EXPORT_TIMEOUT", "30000")
            .good(
                "300",
                only_metrics()
                    .with("OTEL_METRIC_EXPORT_INTERVAL", "100")
                    .always(Answer::Status(503))
                    .runs(Program::Waits),
                |seen| gives_up(seen, "metric_data_point"),
            )
            .bad("30s", "is not a whole number of milliseconds; 30000 stays"),
        of("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "")
            .good("{collector}/own/v1/metrics", pushing(), |seen| !seen.posted("/own/v1/metrics").is_empty())
            .bad("ftp://127.0.0.1", "is not a URL such as http://collector:4318; it is ignored"),
        of("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "")
            .good("x-team=own", pushing().with("OTEL_EXPORTER_OTLP_HEADERS", "x-team=all"), |seen| {
                seen.received.iter().all(|received| {
                    (received.header("x-team") == "own") == received.path.ends_with("/v1/metrics")
                })
            })
            .bad("x-team", HEADERS),
        of("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "10000")
            .good("200", only_metrics().always(Answer::Hang), |seen| {
                seen.output.iter().any(|line| line.contains("no answer within 200ms"))
            })
            .bad("10s", "is not a whole number of milliseconds; 10000 stays"),
    ]
}

/// What a metric's points are told from: the start, or the collection before.
fn is_told(seen: &Seen, name: &str, temporality: AggregationTemporality) -> bool {
    let data = seen.metric(name).and_then(|metric| metric.data.as_ref());
    match data {
        Some(Data::Sum(sum)) => sum.aggregation_temporality() == temporality,
        Some(Data::Histogram(histogram)) => histogram.aggregation_temporality() == temporality,
        _ => false,
    }
}

fn forms() -> Vec<Case> {
    const RECORDED: &str = "http.server.request.duration";
    const ASKED: &str = "otel.sdk.log.created";
    use AggregationTemporality::{Cumulative, Delta};
    vec![
        of("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative")
            .same("Cumulative", only_metrics(), |seen| is_told(seen, RECORDED, Cumulative))
            .good("delta", only_metrics(), |seen| {
                is_told(seen, RECORDED, Delta) && is_told(seen, ASKED, Delta)
            })
            .good("lowmemory", only_metrics(), |seen| {
                is_told(seen, RECORDED, Delta) && is_told(seen, ASKED, Cumulative)
            })
            .bad("sometimes", "is not cumulative, delta or lowmemory; cumulative stays"),
        of("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram")
            .good("base2_exponential_bucket_histogram", only_metrics(), |seen| {
                let data = seen.metric(RECORDED).and_then(|metric| metric.data.as_ref());
                matches!(data, Some(Data::ExponentialHistogram(_)))
            })
            .bad(
                "many",
                "is not explicit_bucket_histogram or base2_exponential_bucket_histogram; explicit_bucket_histogram \
                 stays",
            ),
    ]
}
