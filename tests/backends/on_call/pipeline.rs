//! The stack's collector: what a service sends it arrives at the trace store and at the log store.

use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::support::jaeger::Trace;
use crate::support::stack::{Folder, Server, free_port};
use crate::support::systems::{COLLECTOR, JAEGER_OTLP, VICTORIA_LOGS};
use crate::support::victoria_logs::find;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{Service, ask};

#[tokio::test]
async fn the_collector_hands_traces_and_log_records_to_their_stores() {
    let folder = Folder::new("pipeline");
    let (grpc, http) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let configuration = folder.copy(
        "collector",
        &[
            ("0.0.0.0:4317", &grpc),
            ("0.0.0.0:4318", &http),
            ("http://jaeger:4318", &JAEGER_OTLP.value()),
            ("http://loki:3100/otlp", &VICTORIA_LOGS.url("/insert/opentelemetry")),
        ],
    );
    let mut command = Command::new(COLLECTOR.path());
    command.arg("--config").arg(configuration.join("collector.yaml"));
    let collector = Server::listening(&mut command, &http).await;
    let payments = Service::start(
        "payments",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
            ("OTEL_LOGS_EXPORTER", "console,otlp"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
            ("PROVIDER_URL", "http://127.0.0.1:1"),
        ],
    );
    let payment = json!({ "booking_id": "7", "customer_id": 4711, "cents": 1 });
    let parent = "00-5b8aa5a2d2c872e8321cf37308d69df2-51581bf3cb55c135-01";
    let trace_id = parent.split('-').nth(1).unwrap();
    let answer = ask(
        "POST",
        &format!("{}/payments", payments.addresses.url),
        &[("traceparent", parent)],
        Some(&payment),
    );
    assert_eq!(answer.status, 502);
    eventually(SOON, "the trace in Jaeger", async || {
        let trace = Trace::so_far(trace_id).await;
        if trace.services().contains("payments") { Ok(()) } else { Err(format!("{trace:?}")) }
    })
    .await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as i64;
    let minute = Duration::from_secs(60).as_nanos() as i64;
    eventually(SOON, "the records in the log store", async || {
        let found = find(&format!("trace_id:=\"{trace_id}\""), now - minute..now + minute).await;
        let has = found.iter().any(|record| record.text() == "POST /payments 502");
        if has { Ok(()) } else { Err(format!("{found:#?}")) }
    })
    .await;
}
