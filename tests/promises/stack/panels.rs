//! The boards and what each of their panels asks.

use super::boards::Kind::{Heatmap, Lights, Lines, Logs, Table};
use super::boards::{About, Board, Panel, panel};

const ALL_LIGHTS: &[Panel] = &[
    panel(
        "Services",
        "Red: an alert that pages. Orange: one that does not.",
        Lights,
        "none",
        &[(
            "2 * (count by (job) (ALERTS{alertstate=\"firing\", severity=\"critical\"}) > bool 0)\n\
         or count by (job) (ALERTS{alertstate=\"firing\", severity=\"warning\"}) > bool 0\nor 0 * group by (job) (up or target_info)",
            "{{job}}",
        )],
        &[],
    ),
    panel(
        "Firing alerts",
        "What fires now, and since when.",
        Table,
        "none",
        &[(
            "sort_desc(ALERTS{alertstate=\"firing\", severity=~\"critical|warning\"})",
            "{{job}} {{alertname}}",
        )],
        &[],
    ),
    panel("Requests a second", "By service.", Lines, "reqps", &[("job:requests:rate5m", "{{job}}")], &[]),
    panel(
        "Failed share",
        "By service.",
        Lines,
        "percentunit",
        &[("job:request_errors:ratio_rate5m", "{{job}}")],
        &["RequestErrorsElevated", "RequestErrors"],
    ),
    panel(
        "Slowest route",
        "The highest 95th percentile of a service's routes.",
        Lines,
        "s",
        &[("max by (job) (job_route:request_duration_seconds:p95_5m)", "{{job}}")],
        &["RequestsSlow"],
    ),
    panel(
        "Processes",
        "Scraped by Prometheus or, where metrics are pushed, seen within five minutes.",
        Lights,
        "none",
        &[("sum by (job) (up) or count by (job) (target_info)", "{{job}}")],
        &[],
    ),
    panel(
        "Journeys",
        "1: the last run succeeded.",
        Lights,
        "none",
        &[("min by (journey) (journey_success)", "{{journey}}")],
        &[],
    ),
];

const SERVICE: &[Panel] = &[
    panel(
        "Requests a second",
        "By route.",
        Lines,
        "reqps",
        &[(
            "job_route:requests:rate1m{job=\"$job\", http_route=~\"$route\"}",
            "{{http_route}}{{rpc_method}}",
        )],
        &[],
    ),
    panel(
        "Failed share",
        "By route.",
        Lines,
        "percentunit",
        &[(
            "job_route:request_errors:ratio_rate1m{job=\"$job\", http_route=~\"$route\"}",
            "{{http_route}}{{rpc_method}}",
        )],
        &["RequestErrorsElevated", "RequestErrors"],
    ),
    panel(
        "Errors by kind",
        "A second.",
        Lines,
        "reqps",
        &[
            (
                "sum by (http_route, error_type) (rate(http_server_request_duration_seconds_count{job=\"$job\", error_type!=\"\", instance=~\"$instance\"}[$__rate_interval]))",
                "{{http_route}} {{error_type}}",
            ),
            (
                "sum by (rpc_method, error_type) (rate(rpc_server_call_duration_seconds_count{job=\"$job\", error_type!=\"\", instance=~\"$instance\"}[$__rate_interval]))",
                "{{rpc_method}} {{error_type}}",
            ),
        ],
        &[],
    ),
    panel(
        "95th percentile",
        "By route; a dot is a trace.",
        Lines,
        "s",
        &[
            (
                "histogram_quantile(0.95, sum by (http_route, le) (rate(http_server_request_duration_seconds_bucket{job=\"$job\", http_route=~\"$route\", instance=~\"$instance\"}[$__rate_interval])))",
                "{{http_route}}",
            ),
            (
                "histogram_quantile(0.95, sum by (rpc_method, le) (rate(rpc_server_call_duration_seconds_bucket{job=\"$job\", instance=~\"$instance\"}[$__rate_interval])))",
                "{{rpc_method}}",
            ),
        ],
        &["RequestsSlow"],
    ),
    panel(
        "Durations",
        "How many requests took how long.",
        Heatmap,
        "s",
        &[(
            "sum by (le) (increase(http_server_request_duration_seconds_bucket{job=\"$job\", http_route=~\"$route\", instance=~\"$instance\"}[$__rate_interval]) or increase(rpc_server_call_duration_seconds_bucket{job=\"$job\", http_route=~\"$route\", instance=~\"$instance\"}[$__rate_interval]))",
            "{{le}}",
        )],
        &[],
    ),
    panel(
        "In flight",
        "Requests at this moment, by instance.",
        Lines,
        "none",
        &[(
            "sum by (instance) (http_server_active_requests{job=\"$job\", instance=~\"$instance\"})",
            "{{instance}}",
        )],
        &[],
    ),
    panel(
        "Failing callees",
        "Share of the calls that fail, by callee.",
        Lines,
        "percentunit",
        &[("job_callee:call_errors:ratio_rate1m{job=\"$job\"}", "{{server_address}}:{{server_port}}")],
        &["DependencyFailing"],
    ),
    panel(
        "Slow callees",
        "95th percentile of the calls, by callee.",
        Lines,
        "s",
        &[("job_callee:call_duration_seconds:p95_5m{job=\"$job\"}", "{{server_address}}:{{server_port}}")],
        &["DependencySlow"],
    ),
    panel(
        "Instances",
        "Version and start of each process.",
        Table,
        "dateTimeFromNow",
        &[(
            "1000 * process_start_time_seconds{job=\"$job\", instance=~\"$instance\"} * on (job, instance) group_left (service_version) target_info",
            "{{instance}} {{service_version}}",
        )],
        &[],
    ),
    panel(
        "Jobs and messages",
        "A second, by name.",
        Lines,
        "ops",
        &[(
            "sum by (work_name, error_type) (rate(work_duration_seconds_count{job=\"$job\", instance=~\"$instance\"}[$__rate_interval]))",
            "{{work_name}} {{error_type}}",
        )],
        &[],
    ),
    panel(
        "Reached and ready",
        "1: Prometheus reaches the process; its readiness probe succeeds.",
        Lines,
        "none",
        &[
            ("up{job=\"$job\", instance=~\"$instance\"}", "{{instance}} reached"),
            (
                "probe_success{job=\"readiness\", service=\"$job\", instance=~\"$instance\"}",
                "{{instance}} ready",
            ),
        ],
        &[],
    ),
    panel(
        "Lines of failures",
        "What the service says of requests that failed.",
        Logs,
        "none",
        // Of lines that an agent pushed, and of records that came over OTLP, whose text is no JSON.
        &[("{service_name=\"$job\"} | detected_level=~\"warn|error|fatal\"", "")],
        &[],
    ),
];

const DEPENDENCIES: &[Panel] = &[
    panel(
        "Calls a second",
        "By caller and callee.",
        Lines,
        "reqps",
        &[("job_callee:calls:rate1m{job=~\"$job\"}", "{{job}} → {{server_address}}:{{server_port}}")],
        &[],
    ),
    panel(
        "Failed share",
        "By caller and callee.",
        Lines,
        "percentunit",
        &[(
            "job_callee:call_errors:ratio_rate1m{job=~\"$job\"}",
            "{{job}} → {{server_address}}:{{server_port}}",
        )],
        &["DependencyFailing"],
    ),
    panel(
        "95th percentile",
        "By caller and callee.",
        Lines,
        "s",
        &[(
            "job_callee:call_duration_seconds:p95_5m{job=~\"$job\"}",
            "{{job}} → {{server_address}}:{{server_port}}",
        )],
        &["DependencySlow"],
    ),
    panel(
        "Why calls fail",
        "Within five minutes.",
        Table,
        "none",
        &[(
            "sum by (job, server_address, server_port, error_type) (increase(http_client_request_duration_seconds_count{job=~\"$job\", error_type!=\"\"}[5m]) or increase(rpc_client_call_duration_seconds_count{job=~\"$job\", error_type!=\"\"}[5m])) > 0",
            "{{job}} → {{server_address}}:{{server_port}} {{error_type}}",
        )],
        &[],
    ),
    panel(
        "Consumers",
        "95th percentile of jobs and messages.",
        Lines,
        "s",
        &[(
            "histogram_quantile(0.95, sum by (job, work_name, le) (rate(work_duration_seconds_bucket{job=~\"$job\"}[$__rate_interval])))",
            "{{job}} {{work_name}}",
        )],
        &[],
    ),
    panel(
        "Databases",
        "95th percentile of the queries.",
        Lines,
        "s",
        &[("job_database:query_duration_seconds:p95_5m{job=~\"$job\"}", "{{job}} {{db_namespace}}")],
        &["DatabaseSlow"],
    ),
    panel(
        "Pools",
        "Used share of the connections.",
        Lines,
        "percentunit",
        &[(
            "job_instance_pool:connections_used:ratio{job=~\"$job\"}",
            "{{job}} {{instance}} {{db_client_connection_pool_name}}",
        )],
        &["PoolNearlyUsedUp"],
    ),
    panel(
        "Wait for a connection",
        "95th percentile of what `acquire` waited.",
        Lines,
        "s",
        &[(
            "histogram_quantile(0.95, sum by (job, db_client_connection_pool_name, le) (rate(db_client_connection_wait_time_seconds_bucket{job=~\"$job\"}[$__rate_interval])))",
            "{{job}} {{db_client_connection_pool_name}}",
        )],
        &["PoolSlow"],
    ),
    panel(
        "Tasks that wait for a connection",
        "Where the pool says it.",
        Lines,
        "none",
        &[(
            "sum by (job, db_client_connection_pool_name) (db_client_connection_pending_requests{job=~\"$job\"})",
            "{{job}} {{db_client_connection_pool_name}}",
        )],
        &["PoolWaiting"],
    ),
    panel(
        "Queues",
        "Messages that wait, and readings that failed.",
        Lines,
        "none",
        &[
            ("max by (job, queue) (queue_depth{job=~\"$job\"})", "{{job}} {{queue}}"),
            (
                "sum by (job, queue) (increase(queue_read_failures_total{job=~\"$job\"}[5m])) > 0",
                "{{job}} {{queue}} not read",
            ),
        ],
        &["QueueGrowing"],
    ),
    panel(
        "Oldest message",
        "Of each queue.",
        Lines,
        "s",
        &[("max by (job, queue) (queue_oldest_message_age_seconds{job=~\"$job\"})", "{{job}} {{queue}}")],
        &["QueueStuck"],
    ),
    panel(
        "Caches",
        "Share of look-ups that hit.",
        Lines,
        "percentunit",
        &[("job_cache:hits:ratio10m{job=~\"$job\"}", "{{job}} {{cache}}")],
        &[],
    ),
    panel(
        "Circuit breakers",
        "1: open.",
        Lines,
        "none",
        &[("max by (job, breaker) (breaker_state{job=~\"$job\", state=\"open\"})", "{{job}} {{breaker}}")],
        &["BreakerOpen"],
    ),
    panel(
        "Messages behind newer ones",
        "Within five minutes, by destination.",
        Lines,
        "none",
        &[(
            "sum by (job, messaging_destination_name) (increase(messages_out_of_order_total{job=~\"$job\"}[5m]))",
            "{{job}} {{messaging_destination_name}}",
        )],
        &["MessagesOutOfOrder"],
    ),
];

const SATURATION: &[Panel] = &[
    panel(
        "CPU",
        "Used share of the limit, or of the workers.",
        Lines,
        "percentunit",
        &[("job_instance:cpu_used:ratio5m{job=~\"$job\"}", "{{job}} {{instance}}")],
        &["CpuSaturated"],
    ),
    panel(
        "Throttled",
        "Share of the quota periods.",
        Lines,
        "percentunit",
        &[("job_instance:cpu_throttled:ratio5m{job=~\"$job\"}", "{{job}} {{instance}}")],
        &["CpuThrottled"],
    ),
    panel(
        "Memory",
        "Used share of the limit.",
        Lines,
        "percentunit",
        &[("job_instance:memory_used:ratio{job=~\"$job\"}", "{{job}} {{instance}}")],
        &["MemoryNearLimit"],
    ),
    panel(
        "Resident memory",
        "Of each process.",
        Lines,
        "bytes",
        &[(
            "process_resident_memory_bytes{job=~\"$job\"} or process_memory_usage_bytes{job=~\"$job\"}",
            "{{job}} {{instance}}",
        )],
        &[],
    ),
    panel(
        "Free disk",
        "Share of each file system.",
        Lines,
        "percentunit",
        &[("job_instance_path:disk_free:ratio{job=~\"$job\"}", "{{job}} {{instance}} {{path}}")],
        &[],
    ),
    panel(
        "Network",
        "Bytes a second.",
        Lines,
        "Bps",
        &[("job:network_bytes:rate5m{job=~\"$job\"}", "{{job}}")],
        &[],
    ),
    panel(
        "Network, by request",
        "Bytes for each request.",
        Lines,
        "bytes",
        &[("job:network_bytes_per_request:rate5m{job=~\"$job\"}", "{{job}}")],
        &[],
    ),
    panel(
        "File descriptors",
        "Used share.",
        Lines,
        "percentunit",
        &[(
            "process_open_fds{job=~\"$job\"} / process_max_fds{job=~\"$job\"} or process_unix_file_descriptor_count{job=~\"$job\"} / process_max_fds{job=~\"$job\"}",
            "{{job}} {{instance}}",
        )],
        &[],
    ),
    panel(
        "Tasks that wait",
        "In the global queue of the runtime.",
        Lines,
        "none",
        &[("tokio_global_queue_depth{job=~\"$job\"}", "{{job}} {{instance}}")],
        &[],
    ),
    panel(
        "Clocks",
        "The offset of each machine's clock and, where nothing sets it, its largest possible error.",
        Lines,
        "s",
        &[
            ("abs(node_timex_offset_seconds)", "{{instance}}"),
            (
                "node_timex_maxerror_seconds and on (job, instance) node_timex_sync_status == 0",
                "{{instance}} at most",
            ),
        ],
        &["ClockWrong"],
    ),
];

const TELEMETRY: &[Panel] = &[
    panel(
        "Created",
        "Spans and lines a second.",
        Lines,
        "cps",
        &[
            (
                "sum by (job) (rate(otel_sdk_span_started_total{job=~\"$job\"}[$__rate_interval]))",
                "{{job}} spans",
            ),
            (
                "sum by (job) (rate(otel_sdk_log_created_total{job=~\"$job\"}[$__rate_interval]))",
                "{{job}} lines",
            ),
        ],
        &[],
    ),
    panel(
        "Delivered",
        "Spans, lines and data points a second.",
        Lines,
        "cps",
        &[
            (
                "sum by (job) (rate(otel_sdk_exporter_span_exported_total{job=~\"$job\", error_type=\"\"}[$__rate_interval]))",
                "{{job}} spans",
            ),
            (
                "sum by (job) (rate(otel_sdk_exporter_log_exported_total{job=~\"$job\", error_type=\"\"}[$__rate_interval]))",
                "{{job}} lines",
            ),
            (
                "sum by (job) (rate(otel_sdk_exporter_metric_data_point_exported_total{job=~\"$job\", error_type=\"\"}[$__rate_interval]))",
                "{{job}} data points",
            ),
        ],
        &[],
    ),
    panel(
        "Lost",
        "By part of the pipeline and reason, a second.",
        Lines,
        "cps",
        &[
            (
                "sum by (job, otel_component_name, error_type) (rate(otel_sdk_processor_span_processed_total{job=~\"$job\", error_type!=\"\"}[$__rate_interval]))",
                "{{job}} {{otel_component_name}} {{error_type}}",
            ),
            (
                "sum by (job, otel_component_name, error_type) (rate(otel_sdk_exporter_span_exported_total{job=~\"$job\", error_type!=\"\"}[$__rate_interval]))",
                "{{job}} {{otel_component_name}} {{error_type}}",
            ),
            (
                "sum by (job, otel_component_name, error_type) (rate(otel_sdk_processor_log_processed_total{job=~\"$job\", error_type!=\"\"}[$__rate_interval]))",
                "{{job}} {{otel_component_name}} {{error_type}}",
            ),
            (
                "sum by (job, otel_component_name, error_type) (rate(otel_sdk_exporter_log_exported_total{job=~\"$job\", error_type!=\"\"}[$__rate_interval]))",
                "{{job}} {{otel_component_name}} {{error_type}}",
            ),
            (
                "sum by (job, otel_component_name, error_type) (rate(otel_sdk_exporter_metric_data_point_exported_total{job=~\"$job\", error_type!=\"\"}[$__rate_interval]))",
                "{{job}} {{otel_component_name}} {{error_type}}",
            ),
        ],
        &["TelemetryLost"],
    ),
    panel(
        "Queued spans",
        "Used share of the queue.",
        Lines,
        "percentunit",
        &[(
            "otel_sdk_processor_span_queue_size{job=~\"$job\"} / ignoring (otel_component_name, otel_component_type) otel_sdk_processor_span_queue_capacity{job=~\"$job\"}",
            "{{job}} {{instance}}",
        )],
        &[],
    ),
    panel(
        "Queued lines",
        "Used share of the buffer.",
        Lines,
        "percentunit",
        &[(
            "observability_log_queue_bytes{job=~\"$job\"} / observability_log_queue_capacity_bytes{job=~\"$job\"}",
            "{{job}} {{instance}}",
        )],
        &[],
    ),
    panel(
        "Left out on purpose",
        "Lines a second, by reason.",
        Lines,
        "cps",
        &[(
            "sum by (job, reason) (rate(observability_log_left_out_total{job=~\"$job\"}[$__rate_interval]))",
            "{{job}} {{reason}}",
        )],
        &["LogLinesLeftOut"],
    ),
    panel(
        "Held spans let go before their time",
        "A second, by reason.",
        Lines,
        "cps",
        &[(
            "sum by (job, reason) (rate(observability_spans_discarded_total{job=~\"$job\", reason=~\"memory|queue_full|trace_full\"}[$__rate_interval]))",
            "{{job}} {{reason}}",
        )],
        &["HeldTracesDiscarded"],
    ),
    panel(
        "Metrics beyond 2,000 label sets",
        "By name.",
        Table,
        "none",
        &[(
            "count by (job, __name__) ({job=~\"$job\", otel_metric_overflow=\"true\", __name__!~\".+_(bucket|sum)\"})",
            "{{job}} {{__name__}}",
        )],
        &[],
    ),
];

const SLO: &[Panel] = &[
    panel(
        "Budget left",
        "Of 30 days, at the pace of the last three days.",
        Lights,
        "percentunit",
        &[("job:slo_budget_left:ratio{job=~\"$job\"}", "{{job}}")],
        &[],
    ),
    panel(
        "Burn rate, 1 hour",
        "1: the budget lasts exactly for the period.",
        Lines,
        "none",
        &[(
            "job:slo_errors:ratio_rate1h{job=~\"$job\"} / on (job) (1 - job:slo_objective:ratio{job=~\"$job\"})",
            "{{job}}",
        )],
        &["SloBurnHour"],
    ),
    panel(
        "Burn rate, 6 hours",
        "1: the budget lasts exactly for the period.",
        Lines,
        "none",
        &[(
            "job:slo_errors:ratio_rate6h{job=~\"$job\"} / on (job) (1 - job:slo_objective:ratio{job=~\"$job\"})",
            "{{job}}",
        )],
        &["SloBurnQuarterDay"],
    ),
    panel(
        "Burn rate, 3 days",
        "1: the budget lasts exactly for the period.",
        Lines,
        "none",
        &[(
            "job:slo_errors:ratio_rate3d{job=~\"$job\"} / on (job) (1 - job:slo_objective:ratio{job=~\"$job\"})",
            "{{job}}",
        )],
        &["SloBurnThreeDays"],
    ),
    panel(
        "Objectives",
        "The share of requests that must succeed.",
        Table,
        "percentunit",
        &[("job:slo_objective:ratio{job=~\"$job\"}", "{{job}}")],
        &[],
    ),
];

/// All boards.
pub(super) const BOARDS: &[Board] = &[
    Board { uid: "all-lights", title: "All lights", about: About::All, panels: ALL_LIGHTS },
    Board { uid: "service", title: "Service", about: About::One, panels: SERVICE },
    Board { uid: "dependencies", title: "Dependencies", about: About::Chosen, panels: DEPENDENCIES },
    Board { uid: "saturation", title: "Saturation", about: About::Chosen, panels: SATURATION },
    Board { uid: "telemetry", title: "Telemetry", about: About::Chosen, panels: TELEMETRY },
    Board { uid: "slo", title: "SLO", about: About::Chosen, panels: SLO },
];
