//! Names of metrics, in Prometheus' spelling.
//!
//! The application's own metrics, recorded with the macros of the `metrics` crate, are on the same page.
//!
//! - `process_…` are the names of the Prometheus client libraries, for which dashboards exist.
//! - What the system does not report is absent, never zero: a limit that is not set, a container's values outside of a
//!   container, a path that does not exist or whose network mount hangs.
//! - `tokio_…` describes the runtime from which `init` was called, if there was one.
//! - `container_…` are not cAdvisor's names: a sum over both would count twice.
//! - What stands here of a metric is also its `# HELP` on the page, and its description over OTLP.
//! - The build is in `target_info`, as `service_version`.

names! {
    BREAKER_REJECTED = "breaker_rejected_total",
        "Counter: Calls that an open circuit breaker did not let through.";
    BREAKER_STATE = "breaker_state",
        "Gauge: 1 for the state that the circuit breaker is in, 0 for the two others.";
    BREAKER_TRANSITIONS = "breaker_transitions_total",
        "Counter: Changes of the circuit breaker, by the state that it changed to.";
    CACHE_REQUESTS = "cache_requests_total",
        "Counter: Lookups in a cache, by result.";
    CACHE_STAMPEDES = "cache_stampedes_total",
        "Counter: How often ten loads of one key of a cache ran at once.";
    CONTAINER_CPU_LIMIT = "container_cpu_limit",
        "Gauge: CPUs that the control group may use; absent without a quota.";
    CONTAINER_CPU_PERIODS = "container_cpu_periods_total",
        "Counter: Quota periods in which the control group ran.";
    CONTAINER_CPU_THROTTLED = "container_cpu_throttled_seconds_total",
        "Counter, seconds: Time for which the quota throttled the control group.";
    CONTAINER_CPU_THROTTLED_PERIODS = "container_cpu_throttled_periods_total",
        "Counter: Periods in which the quota throttled the control group.";
    CONTAINER_CPU_TIME = "container_cpu_time_seconds_total",
        "Counter, seconds: CPU time of the control group.";
    CONTAINER_MEMORY_AVAILABLE = "container_memory_available_bytes",
        "Gauge, bytes: Memory left below the limit, with reclaimable caches counted as free; absent without a limit.";
    CONTAINER_MEMORY_LIMIT = "container_memory_limit_bytes",
        "Gauge, bytes: Memory limit of the control group; absent without one.";
    CONTAINER_PRESSURE_STALLED = "container_pressure_stalled_seconds_total",
        "Counter, seconds: Time during which all tasks of the control group waited for a resource.";
    CONTAINER_PRESSURE_WAITING = "container_pressure_waiting_seconds_total",
        "Counter, seconds: Time during which at least one task of the control group waited for a resource.";
    DB_CLIENT_CONNECTION_COUNT = "db_client_connection_count",
        "Gauge: Connections of a pool, by state.";
    DB_CLIENT_CONNECTION_LIMIT = "db_client_connection_limit",
        "Gauge: With `OTEL_SEMCONV_STABILITY_OPT_IN=database` what `db_client_connection_max` is without.";
    DB_CLIENT_CONNECTION_MAX = "db_client_connection_max",
        "Gauge: How many connections the pool may have.";
    DB_CLIENT_CONNECTION_PENDING_REQUESTS = "db_client_connection_pending_requests",
        "Gauge: Tasks that wait for a connection from the pool; absent if the pool does not say.";
    DB_CLIENT_CONNECTION_TIMEOUTS = "db_client_connection_timeouts_total",
        "Counter: Waits for a connection that ended without one, by `acquire`.";
    DB_CLIENT_CONNECTION_WAIT_TIME = "db_client_connection_wait_time_seconds",
        "Histogram, seconds: Waits for a connection from the pool, by `acquire`.";
    DB_CLIENT_OPERATION_DURATION = "db_client_operation_duration_seconds",
        "Histogram, seconds: Database queries, from start to finish.";
    HTTP_CLIENT_BODY_ERRORS = "http_client_response_body_errors_total",
        "Counter: Responses to our calls whose body failed after the head.";
    HTTP_CLIENT_REQUEST_DURATION = "http_client_request_duration_seconds",
        "Histogram, seconds: Calls made, until the response head.";
    HTTP_SERVER_ACTIVE_REQUESTS = "http_server_active_requests",
        "Gauge: Requests in flight.";
    HTTP_SERVER_REQUEST_DURATION = "http_server_request_duration_seconds",
        "Histogram, seconds: Requests served, until the last byte of the response.";
    MESSAGES_DUPLICATE = "messages_duplicate_total",
        "Counter: Messages that had been processed already, by `Work::message`.";
    MESSAGES_OUT_OF_ORDER = "messages_out_of_order_total",
        "Counter: Messages older than one of their key that had been processed already, by `Work::version`.";
    MESSAGES_WAIT_DURATION = "messages_wait_duration_seconds",
        "Histogram, seconds: Time between the sending of a message and the start of its processing, by `Work::sent_at`.";
    MESSAGING_CLIENT_CONSUMED_MESSAGES = "messaging_client_consumed_messages_total",
        "Counter: Messages that were processed, if the system is set.";
    MESSAGING_CLIENT_OPERATION_DURATION = "messaging_client_operation_duration_seconds",
        "Histogram, seconds: Sending, receiving and settling of messages, if the system is set.";
    MESSAGING_CLIENT_SENT_MESSAGES = "messaging_client_sent_messages_total",
        "Counter: Messages handed to a broker, if the system is set.";
    MESSAGING_PROCESS_DURATION = "messaging_process_duration_seconds",
        "Histogram, seconds: Processing of messages, from start to finish, if the system is set.";
    OBSERVABILITY_LOG_LEFT_OUT = "observability_log_left_out_total",
        "Counter: Log lines and log records left out on purpose, by reason: `sampled`, `limited`.";
    OBSERVABILITY_LOG_QUEUE_BYTES = "observability_log_queue_bytes",
        "Gauge, bytes: Log lines in the queue.";
    OBSERVABILITY_LOG_QUEUE_CAPACITY = "observability_log_queue_capacity_bytes",
        "Gauge, bytes: Capacity of the log line queue.";
    OBSERVABILITY_LOG_SHORTENED = "observability_log_lines_shortened_total",
        "Counter: Log lines whose longest values were cut, because receivers accept 256 KiB.";
    OBSERVABILITY_SPANS_SHORTENED = "observability_spans_shortened_total",
        "Counter: Spans whose texts were shortened, because they alone were larger than a request may be.";
    OBSERVABILITY_LOG_RECORDS_SHORTENED = "observability_log_records_shortened_total",
        "Counter: Log records whose longest values were cut, because receivers accept 256 KiB of text and 64 KiB of metadata.";
    OBSERVABILITY_METRICS_REFUSED = "observability_metrics_refused_total",
        "Counter: Metrics of the application that could not be registered or recorded as requested, by reason.";
    OBSERVABILITY_SPANS_DISCARDED = "observability_spans_discarded_total",
        "Counter: Spans of traces that were neither sampled nor kept, by what ended the time for which they were held: `age`, \
         `memory`, `trace_full`, `queue_full`, `shutdown`.";
    OBSERVABILITY_SPANS_HELD = "observability_spans_held",
        "Gauge: Spans that are held until it is known whether their trace is kept.";
    OBSERVABILITY_SPANS_HELD_BYTES = "observability_spans_held_bytes",
        "Gauge, bytes: Size of the spans that are held.";
    OBSERVABILITY_SPANS_HELD_CAPACITY = "observability_spans_held_capacity_bytes",
        "Gauge, bytes: How large the spans that are held may become together.";
    OBSERVABILITY_TRACES_KEPT = "observability_traces_kept_total",
        "Counter: Traces that were kept although they were not sampled, by reason, as in `observability.kept`.";
    OBSERVABILITY_PEER_BYTES = "observability_peer_message_bytes_total",
        "Counter, bytes: Messages about kept traces, by direction: `sent`, `received`.";
    OBSERVABILITY_PEER_MESSAGES = "observability_peer_messages_total",
        "Counter: Messages about kept traces, by direction: `sent`, `received`, `failed` (three attempts), `refused` (no token, or \
         no message).";
    OBSERVABILITY_REPORTS_CREATED = "observability_reports_created_total",
        "Counter: Error reports handed to the pipeline, or left out.";
    OBSERVABILITY_REPORTS_EXPORTED = "observability_reports_exported_total",
        "Counter: Error reports that the receiver took, by error.";
    OBSERVABILITY_REPORTS_LEFT_OUT = "observability_reports_left_out_total",
        "Counter: Error reports that were left out, by reason: `sampled` (`SENTRY_SAMPLE_RATE`), `limited` (ten a minute of one cause).";
    OBSERVABILITY_REPORTS_PROCESSED = "observability_reports_processed_total",
        "Counter: Error reports that left the queue or were refused by it, by error.";
    OBSERVABILITY_REPORTS_QUEUE_CAPACITY = "observability_reports_queue_capacity",
        "Gauge: How many error reports the queue holds, long ones several times.";
    OBSERVABILITY_REPORTS_QUEUE_SIZE = "observability_reports_queue_size",
        "Gauge: Error reports queued or being sent.";
    OBSERVABILITY_REPORTS_SHORTENED = "observability_reports_shortened_total",
        "Counter: Error reports without some of their fields and lines, which had no room.";
    OBSERVABILITY_ROUTE_PRIORITY = "observability_route_priority",
        "Gauge, always 1: The priority that the layer states for a route (`http_route`) or a gRPC method (`rpc_method`).";
    OTEL_SDK_EXPORTER_LOG_EXPORTED = "otel_sdk_exporter_log_exported_total",
        "Counter: Log lines written and log records confirmed by the receiver, or why not, by error.";
    OTEL_SDK_EXPORTER_POINT_EXPORTED = "otel_sdk_exporter_metric_data_point_exported_total",
        "Counter: Data points of metrics that the receiver confirmed, or why not, by error.";
    OTEL_SDK_EXPORTER_POINT_INFLIGHT = "otel_sdk_exporter_metric_data_point_inflight",
        "Gauge: Data points of metrics that were collected and are not delivered or dropped yet.";
    OTEL_SDK_EXPORTER_SPAN_EXPORTED = "otel_sdk_exporter_span_exported_total",
        "Counter: Spans that the receiver confirmed, or why not, by error.";
    OTEL_SDK_LOG_CREATED = "otel_sdk_log_created_total",
        "Counter: Log lines and log records created.";
    OTEL_SDK_PROCESSOR_LOG_PROCESSED = "otel_sdk_processor_log_processed_total",
        "Counter: Log lines and log records that left the queue or were refused by it, by error.";
    OTEL_SDK_PROCESSOR_LOG_QUEUE_CAPACITY = "otel_sdk_processor_log_queue_capacity",
        "Gauge: Capacity of the log record queue.";
    OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE = "otel_sdk_processor_log_queue_size",
        "Gauge: Log lines and log records in the queue.";
    OTEL_SDK_PROCESSOR_SPAN_PROCESSED = "otel_sdk_processor_span_processed_total",
        "Counter: Spans that left the queue or were refused by it, by error.";
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY = "otel_sdk_processor_span_queue_capacity",
        "Gauge: Capacity of the span queue.";
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE = "otel_sdk_processor_span_queue_size",
        "Gauge: Spans in the queue.";
    OTEL_SDK_SPAN_STARTED = "otel_sdk_span_started_total",
        "Counter: Sampled spans started.";
    PROCESS_CPU = "process_cpu_seconds_total",
        "Counter, seconds: CPU time, user and system.";
    PROCESS_MAX_FDS = "process_max_fds",
        "Gauge: Limit of open file descriptors.";
    PROCESS_NETWORK_RECEIVED = "process_network_receive_bytes_total",
        "Counter, bytes: Bytes received on all interfaces except loopback; outside of a container, those of the machine.";
    PROCESS_NETWORK_TRANSMITTED = "process_network_transmit_bytes_total",
        "Counter, bytes: Bytes sent on all interfaces except loopback; outside of a container, those of the machine.";
    PROCESS_OPEN_FDS = "process_open_fds",
        "Gauge: Open file descriptors.";
    PROCESS_RESIDENT_MEMORY = "process_resident_memory_bytes",
        "Gauge, bytes: Resident memory.";
    PROCESS_START_TIME = "process_start_time_seconds",
        "Gauge, seconds: Start time of the process, as Unix time.";
    PROCESS_THREADS = "process_threads",
        "Gauge: Threads of the process.";
    PROCESS_VIRTUAL_MEMORY = "process_virtual_memory_bytes",
        "Gauge, bytes: Virtual memory.";
    PROCESS_VIRTUAL_MEMORY_MAX = "process_virtual_memory_max_bytes",
        "Gauge, bytes: Limit of virtual memory; absent without one.";
    QUEUE_DEPTH = "queue_depth",
        "Gauge: Messages that wait in a queue, or the lag of a group; absent if it could not be read.";
    QUEUE_OLDEST_MESSAGE_AGE = "queue_oldest_message_age_seconds",
        "Gauge, seconds: Age of the oldest message of a queue; absent if it could not be read, or the reader does not say.";
    QUEUE_READ_FAILURES = "queue_read_failures_total",
        "Counter: Reads of a queue that failed, or took longer than two seconds.";
    RETRIES = "retries_total",
        "Counter: What a retry policy decided, by result.";
    RPC_CLIENT_CALL_DURATION = "rpc_client_call_duration_seconds",
        "Histogram, seconds: GRPC calls made, until their status. They are not in the HTTP histogram.";
    RPC_SERVER_CALL_DURATION = "rpc_server_call_duration_seconds",
        "Histogram, seconds: GRPC calls served, until their status. They are not in the HTTP histogram.";
    SYSTEM_FILESYSTEM_LIMIT = "system_filesystem_limit_bytes",
        "Gauge, bytes: Size of the file system of each path in `OBSERVABILITY_DISK_PATHS`.";
    SYSTEM_FILESYSTEM_USAGE = "system_filesystem_usage_bytes",
        "Gauge, bytes: Space of the same file systems, by state: used, free, or reserved for the administrator.";
    TARGET_INFO = "target_info",
        "Info: The service that is scraped: its resource attributes, among them `service_version`.";
    TOKIO_ALIVE_TASKS = "tokio_alive_tasks",
        "Gauge: Tasks of the runtime that have been spawned and have not ended.";
    TOKIO_GLOBAL_QUEUE_DEPTH = "tokio_global_queue_depth",
        "Gauge: Tasks in the global queue of the runtime; those in a worker's own queue are not counted.";
    TOKIO_WORKERS = "tokio_workers",
        "Gauge: Worker threads of the runtime.";
    TOKIO_WORKERS_BUSY = "tokio_workers_busy_seconds_total",
        "Counter, seconds: Busy time of all workers together. Its rate divided by `tokio_workers` is the utilisation.";
    WORK_DURATION = "work_duration_seconds",
        "Histogram, seconds: Jobs and messages, from start to finish. Our own name: no convention has one.";
}

/// The kind of one of these metrics, and what is said of it.
pub(crate) fn describe(name: &str) -> (&'static str, &'static str) {
    let about = TABLE.iter().find(|(known, _)| *known == name).map_or("", |(_, about)| *about);
    let (kind, help) = about.split_once(": ").unwrap_or_default();
    (kind.split(',').next().unwrap_or_default(), help)
}
