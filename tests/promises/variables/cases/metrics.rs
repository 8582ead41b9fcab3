//! The cases of metrics and of the admin listener.

use super::*;

const NOT_SERVED: &str = "is not served: metrics are not sent over OTLP; the page /metrics has them all";

pub(super) fn cases() -> Vec<Case> {
    let mut all = vec![
        of("OTEL_METRICS_EXPORTER", "prometheus")
            .same("prometheus", Scene::default(), |seen| {
                !seen.page("http_server_request_duration").is_empty()
            })
            .good("none", Scene::default(), |seen| seen.page("http_server_request_duration").is_empty())
            .bad("pigeon", "is not `prometheus` or `none`; prometheus stays")
            .bad("otlp", "is not served: `otlp` is ignored; the page /metrics has them all")
            .bad("prometheus,console", "is not served: `console` is ignored; the page /metrics has them all"),
        of("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based")
            .same("trace_based", exporting(), has_exemplars)
            .good("always_off", exporting(), |seen| {
                !has_exemplars(seen) && !seen.page("http_server_request_duration").is_empty()
            })
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
    all
}

fn over_otlp() -> Vec<Case> {
    vec![
        of("OTEL_METRIC_EXPORT_INTERVAL", "60000").bad("1", NOT_SERVED),
        of("OTEL_METRIC_EXPORT_TIMEOUT", "30000").bad("1", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "").bad("http://127.0.0.1:9/v1/metrics", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "").bad("grpc", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "").bad("x-team=workshop", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "10000").bad("1", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "").bad("gzip", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "").bad("file.pem", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "").bad("file.pem", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "").bad("file.pem", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_INSECURE", "false").bad("true", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative").bad("delta", NOT_SERVED),
        of("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram")
            .bad("base2_exponential_bucket_histogram", NOT_SERVED),
    ]
}
