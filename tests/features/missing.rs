//! Promise: what is configured and not built in is a warning with what to add in Cargo.toml, and the service runs.

use crate::support::child::{Child, Ended, run};
use crate::support::collector::Collector;

#[test]
fn program() {
    run(&[("started", started)]);
}

fn started() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("missing").unwrap();
        tower_observability::Work::internal("job").run(async {}).await;
        println!("report: {}", observability.shutdown().await.spans);
    });
}

fn line(feature: &str) -> String {
    format!("add features = [\"{feature}\"] to tower-observability in Cargo.toml")
}

fn start_up(ended: &Ended) -> String {
    let messages = ended.messages("INFO");
    messages.into_iter().find(|message| message.starts_with("observability started")).unwrap()
}

#[test]
fn grpc_and_tls_say_once_how_they_are_built_in_and_the_start_up_line_points_there() {
    for (name, value, feature) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "otlp-grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://127.0.0.1:9/v1/traces", "tls"),
    ] {
        let child = Child::new("missing", "started").env("OTEL_TRACES_EXPORTER", "otlp");
        let ended = child.env("OTEL_LOGS_EXPORTER", "console,otlp").env(name, value).end().well();
        let warned = ended.messages("WARN");
        let begin = format!("{name}={value} is not served: ");
        assert!(
            warned.iter().any(|warning| warning.starts_with(&begin) && warning.ends_with(&line(feature)))
        );
        let said = start_up(&ended);
        assert!(said.contains("traces off (a warning says why)"), "{said}");
        // A variable of all signals is refused once, and one of traces leaves the records as they are.
        let times = ended.output.iter().filter(|text| text.contains("is not built in")).count();
        assert_eq!(times, 1, "{:#?}", ended.output);
    }
}

#[test]
fn without_compression_spans_leave_as_they_are() {
    let collector = Collector::start();
    let child = Child::new("missing", "started").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let ended = child.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip").end().well();
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(collector.received()[0].header("content-encoding"), "");
    let warned = ended.messages("WARN");
    assert!(warned.iter().any(|warning| warning.contains(&line("gzip"))), "{warned:#?}");
}
