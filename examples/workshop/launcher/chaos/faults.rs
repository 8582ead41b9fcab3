//! The table of faults: what breaks between the services and around them.

use super::super::proxy::Way;
use super::cause::Cause;
use super::fault::{Alert, Ask, Fault, Metric, Mix, Seen, Sight};

const SHOPPING: Mix = Mix { asks: &[Ask::Book, Ask::ChangePhone, Ask::LookAtVehicle], rate: 8 };

/// What breaks between the services.
pub(super) const BETWEEN: [Fault; 7] = [
    Fault {
        name: "network",
        story: "Packets to customers vanish: connections stand, and nothing arrives.",
        cause: Cause::Network("customers", Way::Silent),
        variables: &[],
        traffic: SHOPPING,
        alerts: &[Alert { name: "DependencyFailing", job: "bookings", part: None }],
        metric: Metric {
            service: "bookings",
            name: "http_client_request_duration_seconds_count",
            labels: &[("error_type", "timeout")],
            seen: Seen::Grows(2.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "bookings") && span.row.is("kind", "client") && span.row.is("error", "yes")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "bookings")
                && line.row.is("level", "WARN")
                && line.row.is("outcome", "timeout")
        }),
        is_felt: true,
    },
    Fault {
        name: "provider",
        story: "The payment provider is flaky: of ten charges one hangs and seven fail.",
        cause: Cause::Switch(("provider", "/mood", "\"flaky\""), ("provider", "/mood", "\"steady\"")),
        variables: &[],
        traffic: Mix { asks: &[Ask::Book], rate: 6 },
        alerts: &[
            Alert { name: "DependencyFailing", job: "payments", part: None },
            Alert { name: "BreakerOpen", job: "payments", part: None },
        ],
        metric: Metric {
            service: "payments",
            name: "retries_total",
            labels: &[("retry", "provider")],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "payments")
                && span.row.is("kind", "client")
                && span.row.is("error.type", "500")
                && !span.row.get("http.request.resend_count").is_empty()
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "payments") && line.row.is("message", "provider failed, trying again")
        }),
        is_felt: true,
    },
    Fault {
        name: "flag",
        story: "A feature behind a flag fails: the provider's fraud checks. The remedy is PUT /flags/fraud-check false.",
        cause: Cause::Switch(
            ("provider", "/mood", "\"checks-fail\""),
            ("payments", "/flags/fraud-check", "false"),
        ),
        variables: &[("payments", "FLAGS", "fraud-check")],
        traffic: Mix { asks: &[Ask::Book], rate: 6 },
        alerts: &[Alert { name: "RequestErrors", job: "payments", part: None }],
        metric: Metric {
            service: "payments",
            name: "http_server_request_duration_seconds_count",
            labels: &[("http_route", "/payments"), ("error_type", "502")],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "payments")
                && span.row.is("observability.feature_flag.fraud-check", "on")
                && span.row.is("error", "yes")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "payments")
                && line.row.is("observability.feature_flag.fraud-check", "on")
                && line.row.is("level", "ERROR")
        }),
        is_felt: true,
    },
    Fault {
        name: "queue",
        story: "The queue is down: nobody listens where its broker was.",
        cause: Cause::Network("broker", Way::Refused),
        variables: &[],
        traffic: SHOPPING,
        alerts: &[Alert { name: "RequestErrors", job: "bookings", part: None }],
        metric: Metric {
            service: "bookings",
            name: "work_duration_seconds_count",
            labels: &[("work_name", "send bookings"), ("error_type", "server_error")],
            seen: Seen::Grows(3.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "bookings")
                && span.row.is("kind", "producer")
                && span.row.is("error", "yes")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "bookings")
                && line.row.is("level", "ERROR")
                && line.row.is("route", "/bookings")
        }),
        is_felt: true,
    },
    Fault {
        name: "worker",
        story: "The worker is stuck: each of its messages waits for notifications, where nothing arrives. The queue grows.",
        cause: Cause::Network("notifications", Way::Silent),
        variables: &[],
        traffic: Mix { asks: &[Ask::Book], rate: 12 },
        alerts: &[Alert { name: "QueueGrowing", job: "worker", part: None }],
        metric: Metric {
            service: "worker",
            name: "queue_depth",
            labels: &[("queue", "bookings")],
            seen: Seen::Reaches(20.0, 10.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "worker") && span.row.is("kind", "client") && span.row.is("error", "yes")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "worker")
                && line.row.is("level", "WARN")
                && line.row.is("outcome", "timeout")
        }),
        is_felt: false,
    },
    Fault {
        name: "events",
        story: "Of three acknowledgements of the queue customers one is lost: events come twice, and behind newer ones.",
        cause: Cause::Switch(
            ("worker", "/queues/customers/loses-every", "3"),
            ("worker", "/queues/customers/loses-every", "1000000"),
        ),
        variables: &[],
        traffic: Mix { asks: &[Ask::ChangePhone], rate: 10 },
        alerts: &[Alert { name: "MessagesOutOfOrder", job: "worker", part: None }],
        metric: Metric {
            service: "worker",
            name: "messages_out_of_order_total",
            labels: &[("messaging_destination_name", "customers")],
            seen: Seen::Grows(3.0),
        },
        trace: Sight::Shows(|span| {
            span.row.is("service", "worker") && span.row.is("observability.message.out_of_order", "true")
        }),
        line: Sight::Shows(|line| {
            line.row.is("service", "worker") && line.row.is("observability.message.out_of_order", "true")
        }),
        is_felt: false,
    },
    Fault {
        name: "collector",
        story: "The collector of the traces is down. (The queues of spans are of 64, that it is seen in seconds.)",
        cause: Cause::Network("viewer", Way::Refused),
        variables: &[("", "OTEL_BSP_MAX_QUEUE_SIZE", "64"), ("", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32")],
        traffic: Mix { asks: &[Ask::LookAtVehicle], rate: 10 },
        alerts: &[Alert { name: "TelemetryLost", job: "gateway", part: None }],
        metric: Metric {
            service: "gateway",
            name: "otel_sdk_processor_span_processed_total",
            labels: &[("error_type", "queue_full")],
            seen: Seen::Grows(5.0),
        },
        trace: Sight::Missing(""),
        line: Sight::Shows(|line| {
            line.row.is("service", "gateway")
                && line.row.is("level", "WARN")
                && line.row.get("target").starts_with("tower_observability")
                && line.row.get("trace_id").is_empty()
        }),
        is_felt: false,
    },
];
