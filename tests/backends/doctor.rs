//! `observability doctor` beside the real systems: what it marks is found where it says, and it sees what Prometheus sees.

use std::process::Command;

use serde_json::Value;

use crate::shared::child::{Child, run};
use crate::shared::silent::dead;
use crate::support::jaeger::Trace;
use crate::support::prometheus::{Scraped, Target};
use crate::support::systems::{
    COLLECTOR_OTLP, COLLECTOR_OTLP_GRPC, COLLECTOR_OUTPUT, JAEGER_OTLP, JAEGER_OTLP_GRPC, PROMETHEUS,
    VICTORIA_LOGS,
};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::built;

#[test]
fn program() {
    run(&[("scraped", scraped)]);
}

/// A service that is there.
fn scraped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("doctored").unwrap();
        eprintln!("admin: {}", observability.admin_address().unwrap());
        std::future::pending::<()>().await;
    });
}

/// Its findings, and whether it was content.
fn doctor(variables: &[(&str, &str)], arguments: &[&str]) -> (Value, bool) {
    let mut command = Command::new(built("../observability"));
    command.env_clear().args(["doctor", "--service", "doctored", "--format", "json"]).args(arguments);
    command.env("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1").env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.success())
}

/// What is said of a step, with its verdict.
fn said(told: &Value, about: &str, step: &str) -> String {
    let rows = told["findings"].as_array().unwrap().iter();
    let row = rows.filter(|row| row["about"] == about && row["step"] == step);
    let text =
        |row: &Value| ["verdict", "answer", "detail"].map(|part| row[part].as_str().unwrap()).join(" ");
    row.map(text).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_marked_span_is_found_in_jaeger_under_the_id_that_was_told() {
    for (url, protocol) in [(JAEGER_OTLP.value(), "http/protobuf"), (JAEGER_OTLP_GRPC.value(), "grpc")] {
        let (told, is_well) =
            doctor(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)], &[]);
        assert!(is_well, "{told:#}");
        let id = told["trace_id"].as_str().unwrap();
        let trace = Trace::whole(id, &["doctored"], "").await;
        assert_eq!(trace.0[0].name, "observability doctor");
        assert_eq!(trace.0[0].tags["observability.doctor"], true);
    }
}

#[tokio::test]
async fn the_collector_takes_what_it_has_a_pipeline_for_and_says_what_it_has_none_for() {
    for (url, protocol) in [(COLLECTOR_OTLP.value(), "http/protobuf"), (COLLECTOR_OTLP_GRPC.value(), "grpc")]
    {
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_LOGS_EXPORTER", "console,otlp"),
            ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
        ];
        let (told, is_well) = doctor(&variables, &[]);
        assert!(said(&told, "logs", "marked record").starts_with("ok taken"), "{told:#}");
        let counter = said(&told, "metrics", "marked counter");
        assert!(!is_well && counter.contains("pipeline"), "{counter}");
        let id = told["trace_id"].as_str().unwrap().to_owned();
        eventually(SOON, "span and record", async || {
            let printed =
                std::fs::read_to_string(COLLECTOR_OUTPUT.path()).map_err(|error| error.to_string())?;
            let is_there = ["Body: Str(observability doctor)", "Name           : observability doctor", &id];
            let missing: Vec<_> = is_there.into_iter().filter(|text| !printed.contains(text)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
        })
        .await;
    }
    let url = VICTORIA_LOGS.value();
    let variables = [("OTEL_LOGS_EXPORTER", "console,otlp"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*url)];
    let (told, is_well) = doctor(&variables, &[]);
    let record = said(&told, "logs", "marked record");
    assert!(
        !is_well && record.starts_with("failed ") && record.contains("logs cannot be delivered"),
        "{record}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_the_service_or_says_why_it_cannot() {
    let mut service = Child::new("doctor", "scraped").start();
    let line = service.line("admin: ");
    let admin = line.rsplit_once(' ').unwrap().1.to_owned();
    let target = |job: &str, admin: &str| Target {
        job: job.to_owned(),
        instance: job.to_owned(),
        admin: admin.to_owned(),
    };
    let _scraped = Scraped::start("doctor", &[target("doctored", &admin), target("down", &dead())]);
    let (_, port) = admin.rsplit_once(':').unwrap();
    let url = PROMETHEUS.value();
    let told = eventually(SOON, "the service among the targets", async || {
        let (told, is_well) = doctor(&[("OTEL_EXPORTER_PROMETHEUS_PORT", port)], &["--prometheus", &url]);
        // What was not scraped yet is a warning only.
        let is_up = said(&told, "prometheus", "target").ends_with(" is up ");
        if is_well && is_up { Ok(told) } else { Err(format!("{told:#}")) }
    })
    .await;
    assert!(said(&told, "admin port", "").contains("where doctored runs"), "{told:#}");
    let variables = [("OTEL_SERVICE_NAME", "down"), ("OTEL_EXPORTER_OTLP_ENDPOINT", &*JAEGER_OTLP.value())];
    eventually(SOON, "why it is down", async || {
        let (told, is_well) = doctor(&variables, &["--prometheus", &url]);
        let target = said(&told, "prometheus", "target");
        let is_told = !is_well && target.starts_with("failed ") && target.contains("connection refused");
        if is_told { Ok(()) } else { Err(format!("{told:#}")) }
    })
    .await;
    let (told, is_well) = doctor(&[("OTEL_SERVICE_NAME", "nobody")], &["--prometheus", &url]);
    assert!(!is_well && said(&told, "prometheus", "targets").contains("job=\"nobody\""), "{told:#}");
}
