//! The names of metrics, as Prometheus writes them.

names! {
    CONTAINER_CPU_LIMIT = "container_cpu_limit",
        "Gauge: how many processors the control group may use; absent without a quota.";
    CONTAINER_CPU_PERIODS = "container_cpu_periods_total",
        "Counter: periods of the quota in which the control group ran.";
    CONTAINER_CPU_THROTTLED = "container_cpu_throttled_seconds_total",
        "Counter, seconds: how long the control group was held back by its quota.";
    CONTAINER_CPU_THROTTLED_PERIODS = "container_cpu_throttled_periods_total",
        "Counter: periods in which the quota held the control group back.";
    CONTAINER_CPU_TIME = "container_cpu_time_seconds_total",
        "Counter, seconds: processor time of the control group.";
    CONTAINER_MEMORY_AVAILABLE = "container_memory_available_bytes",
        "Gauge, bytes: what is left until the memory limit, caches that can go counted as left; absent without a limit.";
    CONTAINER_MEMORY_LIMIT = "container_memory_limit_bytes",
        "Gauge, bytes: the control group's memory limit; absent without one.";
    CONTAINER_PRESSURE_STALLED = "container_pressure_stalled_seconds_total",
        "Counter, seconds: how long all tasks of the control group waited for a resource.";
    CONTAINER_PRESSURE_WAITING = "container_pressure_waiting_seconds_total",
        "Counter, seconds: how long at least one task of the control group waited for a resource.";
    HTTP_CLIENT_BODY_ERRORS = "http_client_response_body_errors_total",
        "Counter: answers to our calls that broke off after their head.";
    HTTP_CLIENT_REQUEST_DURATION = "http_client_request_duration_seconds",
        "Histogram, seconds: calls made, until the answer's head.";
    HTTP_SERVER_ACTIVE_REQUESTS = "http_server_active_requests",
        "Gauge: requests being served now.";
    HTTP_SERVER_REQUEST_DURATION = "http_server_request_duration_seconds",
        "Histogram, seconds: requests served, from the first byte to the last.";
    OBSERVABILITY_LOG_LEFT_OUT = "observability_log_left_out_total",
        "Counter: log lines and log records that were left out on purpose, by reason: `sampled`, `limited`.";
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
    PROCESS_CPU = "process_cpu_seconds_total",
        "Counter, seconds: processor time, in user and in system mode.";
    PROCESS_MAX_FDS = "process_max_fds",
        "Gauge: how many file descriptors may be open.";
    PROCESS_NETWORK_RECEIVED = "process_network_receive_bytes_total",
        "Counter, bytes: received by all interfaces but the loopback; outside of a container, the machine's.";
    PROCESS_NETWORK_TRANSMITTED = "process_network_transmit_bytes_total",
        "Counter, bytes: sent by all interfaces but the loopback; outside of a container, the machine's.";
    PROCESS_OPEN_FDS = "process_open_fds",
        "Gauge: open file descriptors.";
    PROCESS_RESIDENT_MEMORY = "process_resident_memory_bytes",
        "Gauge, bytes: memory that is in the machine's memory.";
    PROCESS_START_TIME = "process_start_time_seconds",
        "Gauge: when the process started, in Unix seconds.";
    PROCESS_THREADS = "process_threads",
        "Gauge: threads.";
    PROCESS_VIRTUAL_MEMORY = "process_virtual_memory_bytes",
        "Gauge, bytes: address space.";
    PROCESS_VIRTUAL_MEMORY_MAX = "process_virtual_memory_max_bytes",
        "Gauge, bytes: how large the address space may be; absent without a limit.";
    RPC_CLIENT_CALL_DURATION = "rpc_client_call_duration_seconds",
        "Histogram, seconds: calls made over gRPC, until their status; they are not in the one of HTTP.";
    RPC_SERVER_CALL_DURATION = "rpc_server_call_duration_seconds",
        "Histogram, seconds: calls served over gRPC, until their status; they are not in the one of HTTP.";
    SYSTEM_FILESYSTEM_LIMIT = "system_filesystem_limit_bytes",
        "Gauge, bytes: size of the file system of each path of `OBSERVABILITY_DISK_PATHS`.";
    SYSTEM_FILESYSTEM_USAGE = "system_filesystem_usage_bytes",
        "Gauge, bytes: its space by state.";
    TARGET_INFO = "target_info",
        "Info: the resource attributes; among them the build, as `service_version`.";
    TOKIO_ALIVE_TASKS = "tokio_alive_tasks",
        "Gauge: tasks of the runtime that called `init`, from their spawning to their end.";
    TOKIO_GLOBAL_QUEUE_DEPTH = "tokio_global_queue_depth",
        "Gauge: tasks in the queue that all of its workers share.";
    TOKIO_WORKERS = "tokio_workers",
        "Gauge: its worker threads.";
    TOKIO_WORKERS_BUSY = "tokio_workers_busy_seconds_total",
        "Counter, seconds: how long they were busy, all together; its rate divided by `tokio_workers` is the busy share.";
    WORK_DURATION = "work_duration_seconds",
        "Histogram, seconds: jobs and messages; a name of our own, no convention has one.";
}
