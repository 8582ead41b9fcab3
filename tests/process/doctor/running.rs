//! A service that already runs at the admin port: what it says of itself.

use std::path::Path;
use std::time::Duration;

use tower_observability::Work;

use super::asked;
use crate::support::child::{Child, run};
use crate::support::collector::{Answer, Collector};
use crate::support::http::get;
use crate::support::silent::dead;

/// Loses something of every kind, and says where it is asked about that.
fn losing() {
    // Outside of a runtime, so that there is nothing of tokio.
    let observability = tower_observability::init("losing").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let long = "x".repeat(300 * 1024);
        for number in 0..3_000 {
            Work::internal("job").run(async { tracing::info!(number, "at work") }).await;
        }
        // Only what finds room in the queue is shortened.
        observability.flush(Duration::from_secs(2)).await;
        tracing::info!(long, "more than a line holds");
        metrics::counter!("taken").increment(1);
        metrics::gauge!("taken").set(1.0);
        for number in 0..2_010 {
            metrics::counter!("many", "id" => number.to_string()).increment(1);
        }
        observability.flush(Duration::from_secs(2)).await;
        eprintln!("admin: {}", observability.admin_address().unwrap());
        std::future::pending::<()>().await;
    });
}

#[test]
fn program() {
    run(&[("losing", losing), ("quiet", quiet)]);
}

/// Is there, and no more.
fn quiet() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("quiet").unwrap();
        eprintln!("admin: {}", observability.admin_address().unwrap());
        std::future::pending::<()>().await;
    });
}

/// The port and what is there of a service that has lost something, and whose variables are these.
fn port(running: &mut crate::support::child::Running) -> String {
    let line = running.line("admin: ");
    line.rsplit_once(':').unwrap().1.to_owned()
}

#[test]
fn what_a_running_service_has_lost_is_read_from_its_page() {
    let collector = Collector::start();
    collector.always(Answer::Partial(1, "too old".to_owned()));
    let child =
        Child::new("doctor::running", "losing").env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let child = child.env("OTEL_LOGS_EXPORTER", "console,otlp").env("OTEL_BSP_MAX_QUEUE_SIZE", "64");
    let child = child.env("OTEL_BLRP_MAX_QUEUE_SIZE", "64").env("OBSERVABILITY_LOG_LIMIT", "500");
    let mut running = child.env("OBSERVABILITY_LOG_OK_SHARE", "0.5").start();
    let port = port(&mut running);
    let variables = [("OTEL_EXPORTER_PROMETHEUS_PORT", &*port), ("OTEL_SERVICE_NAME", "losing")];
    let told = asked(&variables, &[]);
    assert_eq!(told.code, 0, "{:#}", told.said);
    told.is_ok(("admin port", ""), &["where losing runs"]);
    told.is_ok(("admin port", "/ready"), &["200"]);
    told.is_ok(("admin port", "/log-level"), &["info"]);
    told.is_ok(("admin port", "/metrics"), &["no tokio_…", "outside of a runtime"]);
    for (lost, remedy) in [
        ("spans dropped", "OTEL_BSP_MAX_QUEUE_SIZE"),
        ("spans rejected", "its message is on a line"),
        ("lines or records dropped", "log less, or read faster"),
        ("records rejected", "its message is on a line"),
        ("lines left out", "OBSERVABILITY_LOG_LIMIT"),
        ("lines of requests left out", "OBSERVABILITY_LOG_OK_SHARE=1"),
        ("lines shortened", "252 KiB"),
        ("records shortened", "log an id"),
        ("metrics refused", "`reason`"),
        ("series beyond the limit", "2,000 label sets"),
    ] {
        told.warns(("admin port", "losses"), &[lost, remedy]);
    }
    // Whose name is not known may be any service.
    let told = asked(&variables[..1], &[]);
    told.warns(("service", ""), &["not known", "--service says it"]);
    told.is_ok(("admin port", ""), &["where losing runs"]);
    // For another service the port is taken.
    let told = asked(&[variables[0], ("OTEL_SERVICE_NAME", "bookings")], &[]);
    told.fails(("admin port", ""), &["the service losing runs there", "OTEL_EXPORTER_PROMETHEUS_PORT"]);
}

#[test]
fn what_could_not_be_delivered_or_written_is_told_as_well() {
    let child = Child::new("doctor::running", "losing").env("OTEL_EXPORTER_OTLP_ENDPOINT", dead());
    let child = child.env("OTEL_BSP_EXPORT_TIMEOUT", "100").env("RUST_LOG", "info,losing=debug");
    let full = Path::new(env!("CARGO_TARGET_TMPDIR")).join("doctor-full");
    let mut running = child.into_full_file(&full, 64).start();
    let port = port(&mut running);
    let page = get(&format!("127.0.0.1:{port}"), "/metrics");
    assert!(page.contains("unreachable\"") || page.contains("timeout\""), "{page}");
    let told = asked(&[("OTEL_EXPORTER_PROMETHEUS_PORT", &port), ("OTEL_SERVICE_NAME", "losing")], &[]);
    told.warns(("admin port", "losses"), &["spans not delivered", "`traces cannot be delivered`"]);
    told.warns(("admin port", "losses"), &["lines not written", "standard output is closed or full"]);
    told.is_ok(("admin port", "/log-level"), &["info,losing=debug"]);
}

#[test]
fn a_service_that_shows_no_metrics_is_known_as_one() {
    for exporter in ["otlp", "none"] {
        let child = Child::new("doctor::running", "quiet").env("OTEL_METRICS_EXPORTER", exporter);
        let mut running = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", dead()).start();
        let port = port(&mut running);
        let variables = [("OTEL_EXPORTER_PROMETHEUS_PORT", &*port), ("OTEL_SERVICE_NAME", "quiet")];
        let told = asked(&variables, &[]);
        assert_eq!(told.code, 0, "{:#}", told.said);
        told.is_ok(("admin port", ""), &["where a service without metrics runs"]);
        told.is_ok(("admin port", "/ready"), &["200"]);
        told.is_ok(("admin port", "/log-level"), &["info"]);
        assert!(told.rows("admin port", "losses").is_empty(), "{:#}", told.said);
    }
}
