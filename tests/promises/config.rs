//! Promise: one table of variables; each row's good value is in force, each bad one warns and changes nothing.

use std::collections::BTreeSet;

use tower_observability::variables;

use crate::support::child::{Child, Ended, run};

/// A row's values, as an operator would write them.
struct Example {
    name: &'static str,
    /// `None`: no value is served.
    good: Option<&'static str>,
    /// `None`: every value is good.
    bad: Option<&'static str>,
}

const fn row(name: &'static str, good: &'static str, bad: &'static str) -> Example {
    Example { name, good: Some(good), bad: Some(bad) }
}

const fn any(name: &'static str, good: &'static str) -> Example {
    Example { name, good: Some(good), bad: None }
}

const fn never(name: &'static str, bad: &'static str) -> Example {
    Example { name, good: None, bad: Some(bad) }
}

/// A file of TLS: good where TLS is built in.
const fn file(name: &'static str, good: &'static str) -> Example {
    if cfg!(feature = "tls") { row(name, good, "file.pem") } else { never(name, "file.pem") }
}

const CERTIFICATE: &str = "tests/support/pem/certificate.pem";
const KEY: &str = "tests/support/pem/key.pem";

const ZIPKIN_ENDPOINT: &str = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
const ZIPKIN_TIMEOUT: &str = "OTEL_EXPORTER_ZIPKIN_TIMEOUT";

const EXAMPLES: &[Example] = &[
    row("OTEL_SDK_DISABLED", "false", "1"),
    any("OTEL_SERVICE_NAME", "by-operator"),
    row("OTEL_RESOURCE_ATTRIBUTES", "team=workshop", "team"),
    row("OTEL_PROPAGATORS", "b3,tracecontext,jaeger", "carrier-pigeon"),
    never("OTEL_CONFIG_FILE", "otel.yaml"),
    row("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET,BREW", "GET,("),
    row("OTEL_SEMCONV_STABILITY_OPT_IN", "http", "http/dup"),
    row("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs", "spans"),
    row("OBSERVABILITY_DRAIN_DELAY", "123", "5s"),
    row("OBSERVABILITY_SHUTDOWN_TIMEOUT", "456", "soon"),
    row("OTEL_TRACES_EXPORTER", "otlp", "pigeon"),
    row("OTEL_TRACES_SAMPLER", "traceidratio", "sometimes"),
    row("OTEL_TRACES_SAMPLER_ARG", "0.5", "half"),
    row("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9", "ftp://127.0.0.1"),
    row("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces", "ftp://127.0.0.1"),
    row("OTEL_EXPORTER_OTLP_HEADERS", "x-team=workshop", "x-team"),
    row("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-team=workshop", "x-team"),
    row("OTEL_EXPORTER_OTLP_TIMEOUT", "1001", "10s"),
    row("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1002", "10s"),
    row("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "udp"),
    row("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf", "http/json"),
    row("OTEL_EXPORTER_OTLP_COMPRESSION", "none", "zstd"),
    row("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none", "zstd"),
    file("OTEL_EXPORTER_OTLP_CERTIFICATE", CERTIFICATE),
    file("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", CERTIFICATE),
    file("OTEL_EXPORTER_OTLP_CLIENT_KEY", KEY),
    file("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", KEY),
    file("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", CERTIFICATE),
    file("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", CERTIFICATE),
    row("OTEL_EXPORTER_OTLP_INSECURE", "true", "1"),
    row("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "true", "1"),
    row(ZIPKIN_ENDPOINT, "http://127.0.0.1:9/api/v2/spans", "ftp://127.0.0.1"),
    row(ZIPKIN_TIMEOUT, "1007", "10s"),
    row("OTEL_BSP_SCHEDULE_DELAY", "1003", "5s"),
    row("OTEL_BSP_EXPORT_TIMEOUT", "1004", "30s"),
    row("OTEL_BSP_MAX_QUEUE_SIZE", "1005", "many"),
    row("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "106", "0"),
    row("OTEL_ATTRIBUTE_COUNT_LIMIT", "107", "-1"),
    row("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "108", "long"),
    row("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "109", "few"),
    row("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "110", "long"),
    row("OTEL_SPAN_LINK_COUNT_LIMIT", "111", "few"),
    row("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "112", "few"),
    row("OTEL_SPAN_EVENT_COUNT_LIMIT", "113", "few"),
    row("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "114", "few"),
    row("RUST_LOG", "warn,app=debug", "app=loud"),
    row("OTEL_LOG_LEVEL", "debug", "loud"),
    row("OBSERVABILITY_LOG_FORMAT", "json", "xml"),
    row("OTEL_LOGS_EXPORTER", "console", "file"),
    any("NO_COLOR", "1"),
    row("OBSERVABILITY_LOG_OK_SHARE", "0.5", "half"),
    row("OBSERVABILITY_LOG_SLOW", "117", "1s"),
    row("OBSERVABILITY_LOG_LIMIT", "118", "many"),
    row("OTEL_BLRP_SCHEDULE_DELAY", "1006", "1s"),
    row("OTEL_BLRP_EXPORT_TIMEOUT", "1007", "30s"),
    row("OTEL_BLRP_MAX_QUEUE_SIZE", "1008", "many"),
    row("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "109", "0"),
    row("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:9/v1/logs", "ftp://127.0.0.1"),
    row("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf", "udp"),
    row("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-team=workshop", "x-team"),
    row("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "1009", "10s"),
    row("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none", "zstd"),
    file("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", CERTIFICATE),
    file("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", KEY),
    file("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", CERTIFICATE),
    row("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "true", "1"),
    row("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "115", "few"),
    row("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "116", "long"),
    row("OTEL_METRICS_EXPORTER", "none", "pigeon"),
    row("OTEL_METRICS_EXEMPLAR_FILTER", "always_off", "sometimes"),
    row("OBSERVABILITY_PROCESS_METRICS", "false", "no"),
    row("OBSERVABILITY_DISK_PATHS", "/", "data"),
    never("OTEL_METRIC_EXPORT_INTERVAL", "1"),
    never("OTEL_METRIC_EXPORT_TIMEOUT", "1"),
    never("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:9/v1/metrics"),
    never("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc"),
    never("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-team=workshop"),
    never("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "1"),
    never("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
    never("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "file.pem"),
    never("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "file.pem"),
    never("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "file.pem"),
    never("OTEL_EXPORTER_OTLP_METRICS_INSECURE", "true"),
    never("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta"),
    never("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "base2_exponential_bucket_histogram"),
    row("OTEL_EXPORTER_PROMETHEUS_HOST", "localhost", "http://localhost"),
    row("OTEL_EXPORTER_PROMETHEUS_PORT", "0", "65536"),
    any("OBSERVABILITY_ADMIN_TOKEN", "hush"),
];

#[test]
fn program() {
    run(&[("configured", configured)]);
}

fn configured() {
    let _observability = tower_observability::init("configured").unwrap();
}

fn child() -> Child {
    Child::new("config", "configured")
}

fn start_up(ended: &Ended) -> String {
    let messages = ended.messages("INFO");
    messages.into_iter().find(|message| message.starts_with("observability started")).unwrap()
}

/// What may be seen of a value.
fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    let row = variables().into_iter().find(|row| row.name == name);
    if row.is_some_and(|row| row.secret) { "***" } else { value }
}

#[test]
fn every_row_has_its_example_and_is_there_once() {
    let rows: Vec<_> = variables().iter().map(|row| row.name).collect();
    let known: BTreeSet<_> = rows.iter().copied().collect();
    let shown: BTreeSet<_> = EXAMPLES.iter().map(|example| example.name).collect();
    assert_eq!(known.len(), rows.len());
    assert_eq!(shown, known);
    assert_eq!(EXAMPLES.len(), rows.len());
    for row in variables() {
        assert!(!row.about.is_empty(), "{}", row.name);
        assert!(row.name.ends_with("HEADERS") || row.name.ends_with("TOKEN") || !row.secret, "{}", row.name);
    }
}

#[test]
fn a_good_value_is_in_force_and_the_start_up_line_says_that_the_environment_chose_it() {
    let good = || EXAMPLES.iter().filter_map(|example| Some((example.name, example.good?)));
    let ended = good().fold(child(), |child, (name, value)| child.env(name, value)).end().well();
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
    let said = start_up(&ended);
    for (name, value) in good().filter(|(name, _)| *name != "OTEL_SERVICE_NAME") {
        // Spans leave over OTLP here.
        let part = if [ZIPKIN_ENDPOINT, ZIPKIN_TIMEOUT].contains(&name) {
            format!("{name} (environment, not in force)")
        } else {
            format!("{name}={} (environment)", shown(name, value))
        };
        assert!(said.contains(&part), "no {part:?} in {said}");
    }
    for part in ["service by-operator (environment)", "traces to http://127.0.0.1:9/v1/traces", "metrics off"]
    {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
}

#[test]
fn what_is_said_of_zipkin_is_in_force_once_spans_go_there() {
    let good = EXAMPLES.iter().filter(|example| [ZIPKIN_ENDPOINT, ZIPKIN_TIMEOUT].contains(&example.name));
    let good: Vec<_> = good.map(|example| (example.name, example.good.unwrap())).collect();
    let ended = good.iter().fold(child(), |child, (name, value)| child.env(name, value)).end().well();
    let said = start_up(&ended);
    for (name, value) in good {
        assert!(said.contains(&format!("{name}={value} (environment)")), "{said}");
    }
    assert!(said.contains("traces to http://127.0.0.1:9/api/v2/spans as Zipkin's JSON"), "{said}");
}

#[test]
fn a_bad_value_is_one_warning_and_the_default_stays() {
    let bad = || EXAMPLES.iter().filter_map(|example| Some((example.name, example.bad?)));
    let ended = bad().fold(child(), |child, (name, value)| child.env(name, value)).end().well();
    let warned = ended.messages("WARN");
    let said = start_up(&ended);
    for (name, value) in bad() {
        let begin = format!("{name}={} is not ", shown(name, value));
        assert_eq!(
            warned.iter().filter(|warning| warning.starts_with(&begin)).count(),
            1,
            "{begin}: {warned:#?}"
        );
        assert!(!said.contains(&format!("{name}=")), "{name} in {said}");
    }
    let known = |warning: &String| bad().any(|(name, _)| warning.starts_with(&format!("{name}=")));
    // Two children at the default port meet; that is the only other warning there may be.
    let others: Vec<_> = warned.iter().filter(|warning| !known(warning)).collect();
    assert!(others.iter().all(|warning| warning.contains("OTEL_EXPORTER_PROMETHEUS_")), "{others:?}");
}

#[test]
fn without_an_environment_every_value_is_the_default() {
    let said = start_up(&child().end().well());
    let by_harness = "OTEL_EXPORTER_PROMETHEUS_HOST=127.0.0.1 (environment), OTEL_EXPORTER_PROMETHEUS_PORT=0 (environment)";
    assert!(said.ends_with(&format!("; {by_harness}")), "{said}");
}

#[test]
fn an_empty_variable_is_unset() {
    let names = variables().into_iter().map(|row| row.name);
    let empty = names.filter(|name| !name.starts_with("OTEL_EXPORTER_PROMETHEUS"));
    let ended = empty.fold(child(), |child, name| child.env(name, "")).end().well();
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
    assert!(start_up(&ended).contains("service configured (code)"));
}
