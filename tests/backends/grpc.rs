//! What Jaeger and the OpenTelemetry Collector take over gRPC, compressed, from a server that is not ours.

use std::fs;

use tower_observability::Work;

use crate::shared::child::{Child, run};
use crate::support::jaeger::Trace;
use crate::support::systems::{COLLECTOR_OTLP_GRPC, COLLECTOR_OUTPUT, JAEGER_OTLP_GRPC};
use crate::support::wait::{SOON, eventually};

#[test]
fn program() {
    run(&[("job", job)]);
}

fn job() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("over-grpc").unwrap();
        Work::internal("job").run(async { tracing::info!("at work over gRPC") }).await;
        let report = observability.shutdown().await;
        println!("spans: {}", report.spans);
        println!("records: {} lost", report.records.dropped_total());
    });
}

/// The trace's id, once all of it was delivered.
fn sent(to: String, logs: &str) -> String {
    let child = Child::new("grpc", "job").env("OTEL_EXPORTER_OTLP_ENDPOINT", to);
    let child =
        child.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let ended = child.env("OTEL_LOGS_EXPORTER", logs).end().well();
    assert_eq!(ended.said("spans: "), "1 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(ended.said("records: "), "0 lost", "{:#?}", ended.output);
    let lines = ended.logged();
    let line = lines.iter().find(|line| line["message"] == "at work over gRPC").unwrap();
    line["trace_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn jaeger_takes_spans() {
    let trace_id = sent(JAEGER_OTLP_GRPC.value(), "console");
    let trace = Trace::whole(&trace_id, &["over-grpc"], "").await;
    assert_eq!((trace.0.len(), &*trace.0[0].name), (1, "job"));
}

#[tokio::test]
async fn the_collector_takes_spans_and_log_records() {
    let trace_id = sent(COLLECTOR_OTLP_GRPC.value(), "console,otlp");
    eventually(SOON, "the span and the record", async || {
        let printed = fs::read_to_string(COLLECTOR_OUTPUT.path()).map_err(|error| error.to_string())?;
        // The span, the record of the event, and that of the work's end.
        let times = printed.matches(&trace_id).count();
        if times >= 3 && printed.contains("at work over gRPC") {
            Ok(())
        } else {
            Err(format!("{times} times"))
        }
    })
    .await;
}
