//! The table of faults: what breaks inside of a service, and in the machine below it.

use super::cause::Cause;
use super::fault::{Alert, Ask, Fault, Metric, Mix, Part, Seen, Sight};

const CHANGES: Mix = Mix { asks: &[Ask::ChangePhone, Ask::LookAtVehicle], rate: 6 };

const HABIT: &str = "the rule also asks for twice the habit, which takes an hour to learn";
const SLOW_CALLS: &str = "job_callee:call_duration_seconds:p95_5m > 1";

/// What breaks inside of a service.
pub(super) const INSIDE: [Fault; 7] = [
    Fault {
        name: "database",
        story: "The database of customers is down: what it lies on answers no more.",
        cause: Cause::Switch(
            ("customers", "/database/broken", "true"),
            ("customers", "/database/broken", "false"),
        ),
        variables: &[],
        traffic: Mix { asks: &[Ask::Book, Ask::ChangePhone], rate: 8 },
        alerts: &[Alert { name: "RequestErrors", job: "customers", part: None }],
        metric: Metric {
            service: "customers",
            name: "http_server_request_duration_seconds_count",
            labels: &[("http_route", "/customers/{id}"), ("error_type", "500")],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "customers")
                && span.row.is("db.system.name", "redb")
                && span.row.is("error", "yes")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "customers")
                && line.row.is("level", "ERROR")
                && !line.row.get("error").is_empty()
        }),
        is_felt: true,
    },
    Fault {
        name: "slow-database",
        story: "A heavy report runs in the database of customers: it holds the writer's place for 1.4 s at a time.",
        cause: Cause::Reports("corrections", 1),
        variables: &[],
        traffic: CHANGES,
        alerts: &[
            Alert {
                name: "DatabaseSlow",
                job: "customers",
                part: Some(Part {
                    condition: "job_database:query_duration_seconds:p95_5m > 0.01",
                    rest: HABIT,
                }),
            },
            Alert {
                name: "DependencySlow",
                job: "gateway",
                part: Some(Part { condition: SLOW_CALLS, rest: HABIT }),
            },
        ],
        metric: Metric {
            service: "customers",
            name: "db_client_operation_duration_seconds_sum",
            labels: &[("db_query_summary", "update customers")],
            seen: Seen::Grows(3.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "customers")
                && span.row.is("db.query.summary", "update customers")
                && span.micros > 1_000_000
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "customers") && line.row.is("observability.slow_query", "update customers")
        }),
        is_felt: true,
    },
    Fault {
        name: "pool",
        story: "Five lists are written for slow readers: each holds a connection of customers' database, and none is left.",
        cause: Cause::Reports("lists", 5),
        variables: &[],
        traffic: CHANGES,
        alerts: &[
            Alert { name: "PoolNearlyUsedUp", job: "customers", part: None },
            Alert { name: "PoolWaiting", job: "customers", part: None },
        ],
        metric: Metric {
            service: "customers",
            name: "db_client_connection_count",
            labels: &[("db_client_connection_state", "used")],
            seen: Seen::Reaches(5.0, 1.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "customers") && span.row.is("observability.connection_missing", "redb")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "customers") && line.row.is("observability.connection_missing", "redb")
        }),
        is_felt: true,
    },
    Fault {
        name: "crash-loop",
        story: "The process of inventory is killed 2.5 s after each start, as the kernel does for lack of memory.",
        cause: Cause::Crashes("inventory"),
        variables: &[],
        traffic: Mix { asks: &[Ask::Book], rate: 6 },
        alerts: &[Alert { name: "CrashLoop", job: "inventory", part: None }],
        metric: Metric {
            service: "inventory",
            name: "process_start_time_seconds",
            labels: &[],
            seen: Seen::Changes(3),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "bookings") && span.row.is("rpc.response.status_code", "UNAVAILABLE")
        }),
        line: Sight::Shows(|line| line.row.is("service", "inventory") && line.row.is("message", "listening")),
        is_felt: true,
    },
    Fault {
        name: "log-reader",
        story: "Nobody reads the lines of inventory any more, while a stranger tries names of 16 KiB.",
        cause: Cause::Unread("inventory"),
        variables: &[],
        traffic: Mix { asks: &[Ask::Probe], rate: 40 },
        alerts: &[Alert { name: "TelemetryLost", job: "inventory", part: None }],
        metric: Metric {
            service: "inventory",
            name: "otel_sdk_processor_log_processed_total",
            labels: &[("error_type", "queue_full")],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Shows(|span| span.row.is("service", "inventory") && span.row.is("kind", "server")),
        line: Sight::Missing("inventory"),
        is_felt: false,
    },
    Fault {
        name: "disk",
        story: "The file system that the lines of vehicles go to is full: somebody else wrote too much.",
        cause: Cause::DiskFull,
        variables: &[],
        traffic: Mix { asks: &[Ask::LookAtVehicle], rate: 10 },
        alerts: &[
            Alert { name: "DiskNearlyFull", job: "vehicles", part: None },
            Alert { name: "TelemetryLost", job: "vehicles", part: None },
        ],
        metric: Metric {
            service: "vehicles",
            name: "otel_sdk_exporter_log_exported_total",
            labels: &[("error_type", "write_failed")],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Shows(|span| span.row.is("service", "vehicles") && span.row.is("kind", "server")),
        line: Sight::Missing("vehicles"),
        is_felt: false,
    },
    Fault {
        name: "cpu",
        story: "vehicles gets a twentieth of the CPU: it is stopped for 1.5 s and runs for 75 ms, as under a quota.",
        cause: Cause::Starves("vehicles"),
        variables: &[],
        traffic: Mix { asks: &[Ask::LookAtVehicle], rate: 8 },
        alerts: &[Alert {
            name: "DependencySlow",
            job: "gateway",
            part: Some(Part { condition: SLOW_CALLS, rest: HABIT }),
        }],
        metric: Metric {
            service: "gateway",
            name: "http_client_request_duration_seconds_sum",
            labels: &[],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "gateway") && span.row.is("kind", "client") && span.micros > 1_000_000
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "gateway")
                && line.row.is("route", "/vehicles/{plate}")
                && line.row.get("duration_ms").parse::<f64>().is_ok_and(|millis| millis > 1_000.0)
        }),
        is_felt: true,
    },
];
