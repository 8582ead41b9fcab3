//! Promise: every name that leaves the process is documented, and none changes unnoticed.
//!
//! The names are under semantic versioning. A name that is added goes into the snapshot below and is a minor
//! version; one that is changed or removed is a major one. The documentation of `names` is made of the names
//! themselves; the tables in files are written by `UPDATE_DOCS=1 cargo test -p tests --test promises wire`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tower_observability::names::{FORMATS, attribute, event, header, key, label, metric, tag, word};
use tower_observability::{Outcome, variables};

use super::readme::read;
use crate::support::repository::top;

type Rows = Vec<(String, String)>;

const KEYS: &str = "\
duration_ms error error_chain error_type file instance level line message method outcome path request_bytes request_id response_bytes
route rpc_method rpc_status service span_id status target timestamp trace_flags trace_id ttfb_ms version
client_address server_address server_port user_agent work_name";

/// The keys of the formats beside `json`, one after the other as their columns stand in the table.
const FORMAT_KEYS: [&str; 4] = [
    "@timestamp log.level ecs.version service.name service.version service.node.name service.environment
    event.dataset process.pid log.logger message trace.id span.id labels.trace_flags transaction.id
    http.request.id http.request.method url.path labels.route labels.rpc_method labels.rpc_status http.response.status_code event.duration
    numeric_labels.ttfb_ms labels.outcome event.outcome http.request.body.bytes http.response.body.bytes error.type error.message
    error.stack_trace process.thread.name log.origin.file.name log.origin.file.line
    client.address server.address server.port user_agent.original labels.work_name",
    "@timestamp @version level level_value service version instance logger_name message trace_id span_id
    trace_flags request_id method path route status rpc_method rpc_status duration_ms ttfb_ms outcome request_bytes response_bytes error_type error
    stack_trace thread_name file line client_address server_address server_port user_agent work_name",
    "version timestamp level _level_name host short_message full_message _service _version _instance _target
    _trace_id _span_id _trace_flags _request_id _method _path _route _rpc_method _rpc_status _status _duration_ms _ttfb_ms _outcome
    _request_bytes _response_bytes _error_type _error _thread _file _line
    _client_address _server_address _server_port _user_agent _work_name",
    "timestamp severity_text severity_number resource scope_name body trace_id span_id trace_flags
    observability.request_id http.request.method url.path http.route http.response.status_code
    rpc.method rpc.response.status_code
    observability.duration_ms observability.ttfb_ms observability.outcome http.request.body.size http.response.body.size error.type
    exception.message exception.stacktrace thread.name code.file.path code.line.number
    client.address server.address server.port user_agent.original observability.work_name",
];

const ATTRIBUTES: &str = "\
client.address code.file.path code.line.number deployment.environment.name error.type exception.message exception.stacktrace
http.request.body.size http.request.header. http.request.method http.request.method_original http.request.resend_count http.response.body.size http.response.header. http.response.status_code http.route
messaging.destination.name messaging.operation.name messaging.operation.type messaging.system
network.peer.address network.peer.port network.protocol.name network.protocol.version observability.duration_ms observability.kept observability.outcome
observability.request_id observability.report_id rpc.method rpc.method_original rpc.request.header. rpc.response.header. rpc.status_code rpc.request.metadata. rpc.response.metadata. observability.feature_flag. observability.route.priority
    rpc.response.status_code rpc.system.name
server.address server.port service.instance.id service.name service.namespace
service.version observability.target telemetry.distro.name telemetry.distro.version telemetry.sdk.language
telemetry.sdk.name telemetry.sdk.version thread.name observability.ttfb_ms url.full url.path url.query url.scheme
user_agent.original
messaging.batch.message_count messaging.consumer.group.name messaging.destination.partition.id messaging.kafka.offset messaging.message.id
messaging.system.name kafka.offset
observability.message.duplicate observability.message.newer_version observability.message.out_of_order observability.message.waited_ms
db.collection.name db.namespace db.operation.batch.size db.operation.name db.query.summary db.query.text
db.response.returned_rows db.response.status_code db.system.name observability.rolled_back observability.slow_query observability.slow_query_ms
observability.breaker_open observability.cache. observability.connection_missing observability.connection_wait_ms observability.retry observability.retry_attempts observability.retry_reason";

const TAGS: &str = "\
error otel.dropped_attributes_count otel.dropped_links_count otel.library.name otel.library.version
otel.scope.name otel.scope.version otel.status_code otlp.link. w3c.tracestate";

const WORDS: &str = "\
connection_error connection_refused connection_reset connection_timeout dns_error host_unreachable invalid_request
protocol_error redirect_error request_body_error timeout tls_error";

const METRICS: &str = "\
container_cpu_limit container_cpu_periods_total container_cpu_throttled_periods_total
container_cpu_throttled_seconds_total container_cpu_time_seconds_total container_memory_available_bytes
container_memory_limit_bytes container_pressure_stalled_seconds_total container_pressure_waiting_seconds_total
process_cpu_seconds_total process_max_fds process_network_receive_bytes_total process_network_transmit_bytes_total
process_open_fds process_resident_memory_bytes process_threads process_virtual_memory_bytes
process_virtual_memory_max_bytes system_filesystem_limit_bytes system_filesystem_usage_bytes tokio_alive_tasks
tokio_global_queue_depth tokio_workers tokio_workers_busy_seconds_total
http_client_response_body_errors_total http_client_request_duration_seconds http_server_active_requests
http_server_request_duration_seconds observability_log_left_out_total observability_log_lines_shortened_total observability_log_queue_bytes
observability_log_records_shortened_total
observability_log_queue_capacity_bytes observability_metrics_refused_total observability_peer_message_bytes_total observability_peer_messages_total
observability_spans_shortened_total observability_spans_discarded_total observability_spans_held observability_spans_held_bytes
observability_spans_held_capacity_bytes observability_reports_created_total observability_reports_exported_total observability_reports_left_out_total
observability_reports_processed_total observability_reports_queue_capacity observability_reports_queue_size
observability_reports_shortened_total observability_traces_kept_total otel_sdk_exporter_log_exported_total observability_route_priority
otel_sdk_exporter_metric_data_point_exported_total otel_sdk_exporter_metric_data_point_inflight
otel_sdk_exporter_span_exported_total otel_sdk_log_created_total otel_sdk_processor_log_processed_total
otel_sdk_processor_log_queue_capacity otel_sdk_processor_log_queue_size otel_sdk_processor_span_processed_total
otel_sdk_processor_span_queue_capacity otel_sdk_processor_span_queue_size otel_sdk_span_started_total
process_start_time_seconds rpc_client_call_duration_seconds rpc_server_call_duration_seconds target_info work_duration_seconds
messages_duplicate_total messages_out_of_order_total messages_wait_duration_seconds
messaging_client_consumed_messages_total messaging_client_operation_duration_seconds messaging_client_sent_messages_total
messaging_process_duration_seconds db_client_operation_duration_seconds breaker_rejected_total breaker_state breaker_transitions_total cache_requests_total cache_stampedes_total
db_client_connection_count db_client_connection_limit db_client_connection_max db_client_connection_pending_requests db_client_connection_timeouts_total
db_client_connection_wait_time_seconds queue_depth queue_oldest_message_age_seconds queue_read_failures_total retries_total";

const LABELS: &str = "\
direction error_type http_request_method http_response_status_code http_route network_protocol_version
otel_component_name otel_component_type otel_metric_overflow otel_span_sampling_result path priority reason resource
rpc_method rpc_status_code rpc_response_status_code rpc_system_name server_address server_port system_filesystem_state url_scheme work_kind work_name
messaging_system_name messaging_consumer_group_name messaging_destination_name messaging_operation_name messaging_operation_type messaging_system
db_collection_name db_namespace db_operation_name db_query_summary db_response_status_code db_system_name
breaker cache db_client_connection_pool_name db_client_connection_state queue result retry state";

const EVENTS: &str = "observability.call observability.panic observability.request observability.work";

const HEADERS: &str = "\
traceparent tracestate baggage x-request-id b3 x-b3-traceid x-b3-spanid x-b3-parentspanid x-b3-sampled x-b3-flags
uber-trace-id observability-peer forwarded x-forwarded-for x-forwarded-host x-forwarded-proto server-timing";

const OUTCOMES: &str = "ok client_error server_error cancelled timeout panic body_error upgraded";

const VARIABLES: &str = "\
OTEL_SDK_DISABLED OTEL_SERVICE_NAME OTEL_RESOURCE_ATTRIBUTES OTEL_PROPAGATORS OBSERVABILITY_TRUSTED_PROXIES
OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS OTEL_SEMCONV_STABILITY_OPT_IN OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN
OBSERVABILITY_DRAIN_DELAY OBSERVABILITY_SHUTDOWN_TIMEOUT OTEL_TRACES_EXPORTER OTEL_TRACES_SAMPLER
OTEL_TRACES_SAMPLER_ARG OBSERVABILITY_TRACES_KEEP OBSERVABILITY_TRACES_KEEP_SLOW OBSERVABILITY_TRACES_KEEP_MEMORY
OBSERVABILITY_TRACES_KEEP_TIME OBSERVABILITY_TRACES_PEERS OBSERVABILITY_TRACES_PEERS_TOKEN OBSERVABILITY_TRACES_PEERS_ADDRESS
OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_TRACES_HEADERS OTEL_EXPORTER_OTLP_TIMEOUT
OTEL_EXPORTER_OTLP_TRACES_TIMEOUT OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
OTEL_EXPORTER_OTLP_COMPRESSION OTEL_EXPORTER_OTLP_TRACES_COMPRESSION OTEL_EXPORTER_ZIPKIN_ENDPOINT
OTEL_EXPORTER_OTLP_INSECURE OTEL_EXPORTER_OTLP_TRACES_INSECURE OTEL_EXPORTER_OTLP_LOGS_INSECURE
OTEL_EXPORTER_OTLP_CERTIFICATE OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE
OTEL_EXPORTER_OTLP_CLIENT_KEY OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY
OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE
OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE
OTEL_EXPORTER_ZIPKIN_TIMEOUT OTEL_BSP_SCHEDULE_DELAY OTEL_BSP_EXPORT_TIMEOUT OTEL_BSP_MAX_QUEUE_SIZE OTEL_BSP_MAX_EXPORT_BATCH_SIZE OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE OTEL_ATTRIBUTE_COUNT_LIMIT
OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT
OTEL_SPAN_LINK_COUNT_LIMIT OTEL_EXPORTER_OTLP_LOGS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_HEADERS
OTEL_EXPORTER_OTLP_LOGS_TIMEOUT OTEL_EXPORTER_OTLP_LOGS_PROTOCOL OTEL_EXPORTER_OTLP_LOGS_COMPRESSION
OTEL_BLRP_SCHEDULE_DELAY OTEL_BLRP_EXPORT_TIMEOUT OTEL_BLRP_MAX_QUEUE_SIZE OTEL_BLRP_MAX_EXPORT_BATCH_SIZE
OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT RUST_LOG OTEL_LOG_LEVEL OBSERVABILITY_LOG_FORMAT OBSERVABILITY_LOG_CLIENT OBSERVABILITY_LOG_REQUEST_SIZE OBSERVABILITY_LOG_LIMIT OBSERVABILITY_LOG_OK_SHARE OBSERVABILITY_LOG_SLOW OTEL_LOGS_EXPORTER NO_COLOR
OTEL_METRIC_EXPORT_INTERVAL OTEL_METRIC_EXPORT_TIMEOUT OTEL_EXPORTER_OTLP_METRICS_ENDPOINT OTEL_EXPORTER_OTLP_METRICS_HEADERS
OTEL_EXPORTER_OTLP_METRICS_TIMEOUT OTEL_EXPORTER_OTLP_METRICS_PROTOCOL OTEL_EXPORTER_OTLP_METRICS_COMPRESSION
OTEL_EXPORTER_OTLP_METRICS_INSECURE OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY
OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE
OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION
OTEL_METRICS_EXPORTER OTEL_METRICS_EXEMPLAR_FILTER OBSERVABILITY_DB_SYSTEM OBSERVABILITY_PROCESS_METRICS OBSERVABILITY_DISK_PATHS OTEL_EXPORTER_PROMETHEUS_HOST
SENTRY_DSN SENTRY_ENVIRONMENT SENTRY_RELEASE SENTRY_SAMPLE_RATE ROLLBAR_ACCESS_TOKEN ROLLBAR_ENDPOINT
OTEL_EXPORTER_PROMETHEUS_PORT OBSERVABILITY_ADMIN_TOKEN";

fn is_served(about: &str) -> bool {
    !about.starts_with("Not served")
}

/// What each fact of a line is called in each format.
fn formats() -> Rows {
    let cell = |name: &str| if name.is_empty() { String::new() } else { format!("`{name}`") };
    let rows = FORMATS.iter().map(|[json, others @ ..]| {
        let others: Vec<_> = others.iter().map(|name| cell(name)).collect();
        (cell(json), others.join(" | "))
    });
    rows.collect()
}

/// What is served, with its default; then the rest in one row, because their values change nothing.
fn environment() -> Rows {
    let all = variables();
    let served = all.iter().filter(|row| is_served(row.about));
    let mut rows: Rows = served
        .map(|row| {
            let default =
                if row.default.is_empty() { "none".to_owned() } else { format!("`{}`", row.default) };
            let secret = if row.secret { " Its value is never shown." } else { "" };
            (format!("`{}`", row.name), format!("{default} | {}{secret}", row.about))
        })
        .collect();
    let known = all.iter().filter(|row| !is_served(row.about)).map(|row| format!("`{}`", row.name));
    let known: Vec<_> = known.collect();
    rows.push((known.join("<br>"), "| Known, but not served by this version; a warning says so.".to_owned()));
    rows
}

/// Each table in a file: the file, its marker, its head, its rows.
fn tables() -> [(&'static str, &'static str, &'static str, Rows); 2] {
    [
        (
            "src/guide/log_formats.md",
            "log formats",
            "| `json` | `ecs` | `logstash` | `gelf` | `otel` |\n|---|---|---|---|---|\n",
            formats(),
        ),
        (
            "src/config/variables.md",
            "variables",
            "| variable | default | what it does |\n|---|---|---|\n",
            environment(),
        ),
    ]
}

/// The text with this table as the code says it is.
fn with_table(text: &str, name: &str, head: &str, rows: Rows) -> String {
    let (begin, end) = (format!("<!-- begin: {name} -->\n"), format!("<!-- end: {name} -->"));
    let start = text.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
    let stop = start + text[start..].find(&end).unwrap_or_else(|| panic!("no {end}"));
    let mut table = head.to_owned();
    for (name, about) in rows {
        writeln!(table, "| {name} | {about} |").unwrap();
    }
    format!("{}{table}{}", &text[..start], &text[stop..])
}

#[test]
fn every_table_is_what_the_code_says() {
    for (path, name, head, rows) in tables() {
        let text = read(path);
        let right = with_table(&text, name, head, rows);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(top().join(path), &right).unwrap();
            continue;
        }
        let differing = text.lines().zip(right.lines()).find(|(is, should)| is != should);
        assert!(
            text == right,
            "{path} is old, first {differing:?}; UPDATE_DOCS=1 cargo test -p tests --test promises wire"
        );
    }
}

/// Each constant is documented with its name on the wire, so that the page of its module is a table of them.
#[test]
fn every_name_has_a_description_in_whole_sentences() {
    let tables = [
        key::TABLE,
        attribute::TABLE,
        event::TABLE,
        tag::TABLE,
        word::TABLE,
        metric::TABLE,
        label::TABLE,
        header::TABLE,
    ];
    for (name, about) in tables.concat() {
        let first = about.trim_start_matches('`').chars().next().unwrap();
        assert!(
            about.starts_with('`') || first.is_uppercase() || about.starts_with("gRPC"),
            "{name}: {about}"
        );
        assert!(about.ends_with('.') || about.ends_with(".)"), "{name}: {about}");
    }
}

fn names(table: &[(&str, &str)]) -> Vec<String> {
    table.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[track_caller]
fn same(snapshot: &str, mut is: Vec<String>) {
    let mut was: Vec<_> = snapshot.split_whitespace().map(str::to_owned).collect();
    was.sort_unstable();
    is.sort_unstable();
    let gone: Vec<_> = was.iter().filter(|name| !is.contains(name)).collect();
    let new: Vec<_> = is.iter().filter(|name| !was.contains(name)).collect();
    assert!(was == is, "names are a promise to dashboards and alerts; gone: {gone:?}, new: {new:?}");
}

#[test]
fn no_name_on_the_wire_changes_unnoticed() {
    same(KEYS, names(key::TABLE));
    for (column, snapshot) in FORMAT_KEYS.iter().enumerate() {
        let keys: std::collections::BTreeSet<_> =
            FORMATS.iter().map(|row| row[column + 1].to_owned()).filter(|key| !key.is_empty()).collect();
        same(snapshot, keys.into_iter().collect());
    }
    same(ATTRIBUTES, names(attribute::TABLE));
    same(TAGS, names(tag::TABLE));
    same(WORDS, names(word::TABLE));
    same(EVENTS, names(event::TABLE));
    same(METRICS, names(metric::TABLE));
    same(LABELS, names(label::TABLE));
    same(HEADERS, names(header::TABLE));
    let served = variables().into_iter().filter(|row| is_served(row.about));
    same(VARIABLES, served.map(|row| row.name.to_owned()).collect());
}

#[test]
fn no_outcome_changes_its_word() {
    let all = [
        Outcome::Ok,
        Outcome::ClientError,
        Outcome::ServerError,
        Outcome::Cancelled,
        Outcome::Timeout,
        Outcome::Panic,
        Outcome::BodyError,
        Outcome::Upgraded,
    ];
    same(OUTCOMES, all.map(|outcome| outcome.to_string()).into());
    let page = read("src/guide/outcomes.md");
    for outcome in all {
        assert!(page.contains(&format!("\n| `{outcome}` | ")), "the guide does not explain {outcome}");
    }
}

#[test]
fn every_variable_is_described_in_whole_sentences() {
    for row in variables() {
        let first = row.about.trim_start_matches('`').chars().next().unwrap();
        let is_code = row.about.starts_with('`');
        assert!(is_code || first.is_uppercase(), "{}: {}", row.name, row.about);
        assert!(row.about.ends_with('.') && !row.about.contains('|'), "{}: {}", row.name, row.about);
    }
}

/// A name that nothing writes is no name on the wire. Two attributes of the resource are the operator's to set.
#[test]
fn every_name_is_used_by_the_code() {
    const SET_BY_USERS: [&str; 2] = ["DEPLOYMENT_ENVIRONMENT_NAME", "SERVICE_NAMESPACE"];
    // The line's first keys, which their writer spells out.
    const SPELT: [&str; 2] = ["TIMESTAMP", "LEVEL"];
    let source = source_without_names(&top().join("src"));
    let declared = ["mod", "attribute", "header", "key", "label", "metric", "tag", "word"]
        .map(|file| read(format!("src/names/{file}.rs")));
    let constants: Vec<_> = declared
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.trim_start().strip_suffix(',')?.split_once(" = \""))
        .map(|(constant, _)| constant)
        .collect();
    assert!(constants.len() > 80, "the reading of the names is broken: {constants:?}");
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: std::collections::BTreeSet<_> = source.split(|c: char| !is_part(c)).collect();
    let unused: Vec<_> = constants
        .into_iter()
        .filter(|name| !words.contains(name) && !SET_BY_USERS.contains(name) && !SPELT.contains(name))
        .collect();
    assert_eq!(unused, Vec::<&str>::new());
}

fn source_without_names(folder: &Path) -> String {
    let mut source = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("src/names") {
            continue;
        }
        if path.is_dir() {
            source.push_str(&source_without_names(&path));
        } else {
            source.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    source
}
