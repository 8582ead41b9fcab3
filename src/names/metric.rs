//! Owns the names of metrics, as Prometheus writes them.

names! {
    HTTP_CLIENT_BODY_ERRORS = "http_client_response_body_errors_total",
        "Counter: answers to our calls that broke off after their head.";
    HTTP_CLIENT_REQUEST_DURATION = "http_client_request_duration_seconds",
        "Histogram, seconds: calls made, until the answer's head.";
    HTTP_SERVER_ACTIVE_REQUESTS = "http_server_active_requests",
        "Gauge: requests being served now.";
    HTTP_SERVER_REQUEST_DURATION = "http_server_request_duration_seconds",
        "Histogram, seconds: requests served, from the first byte to the last.";
    OBSERVABILITY_LOG_QUEUE_BYTES = "observability_log_queue_bytes",
        "Gauge, bytes: log lines waiting.";
    OBSERVABILITY_LOG_QUEUE_CAPACITY = "observability_log_queue_capacity_bytes",
        "Gauge, bytes: how much of log lines may wait.";
    OBSERVABILITY_LOG_SHORTENED = "observability_log_lines_shortened_total",
        "Counter: log lines whose longest values were cut, because receivers take 256 KiB.";
    OBSERVABILITY_LOG_RECORDS_SHORTENED = "observability_log_records_shortened_total",
        "Counter: log records whose longest values were cut, because receivers take 256 KiB and 64 KiB.";
    OBSERVABILITY_METRICS_REFUSED = "observability_metrics_refused_total",
        "Counter: registrations that the page could not take as asked, by reason.";
    OTEL_SDK_EXPORTER_LOG_EXPORTED = "otel_sdk_exporter_log_exported_total",
        "Counter: log lines and log records that left, by error.";
    OTEL_SDK_EXPORTER_SPAN_EXPORTED = "otel_sdk_exporter_span_exported_total",
        "Counter: spans that left, by error.";
    OTEL_SDK_LOG_CREATED = "otel_sdk_log_created_total",
        "Counter: log lines and log records made.";
    OTEL_SDK_PROCESSOR_LOG_PROCESSED = "otel_sdk_processor_log_processed_total",
        "Counter: log lines and log records that left the queue or were refused by it, by error.";
    OTEL_SDK_PROCESSOR_LOG_QUEUE_CAPACITY = "otel_sdk_processor_log_queue_capacity",
        "Gauge: how many log records may wait.";
    OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE = "otel_sdk_processor_log_queue_size",
        "Gauge: log lines and log records waiting.";
    OTEL_SDK_PROCESSOR_SPAN_PROCESSED = "otel_sdk_processor_span_processed_total",
        "Counter: spans that left the queue or were refused by it, by error.";
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY = "otel_sdk_processor_span_queue_capacity",
        "Gauge: the span queue's capacity.";
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE = "otel_sdk_processor_span_queue_size",
        "Gauge: spans waiting.";
    OTEL_SDK_SPAN_STARTED = "otel_sdk_span_started_total",
        "Counter: sampled spans.";
    PROCESS_START_TIME = "process_start_time_seconds",
        "Gauge: when the process started, in Unix seconds.";
    TARGET_INFO = "target_info",
        "Info: the resource attributes.";
    WORK_DURATION = "work_duration_seconds",
        "Histogram, seconds: jobs and messages; a name of our own, no convention has one.";
}
