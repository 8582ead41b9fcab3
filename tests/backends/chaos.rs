//! The faults that the workshop rehearses, with the rules of `examples/stack` evaluated by the real Prometheus.

use std::process::{Command, Stdio};

use crate::support::workshop::program;

/// Rehearses it and checks that an alert of this name is pending, or fires.
#[track_caller]
fn alerts(name: &str, alerts: &[&str]) {
    let mut command = Command::new(program());
    command.args(["--chaos", name, "--quick"]).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").stdin(Stdio::null());
    let output = command.output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} ended with {}\n{text}\n{errors}", output.status);
    for alert in alerts {
        let is_its = |line: &&str| line.contains(&format!("  alert   {alert}{{job=\""));
        let row = text.lines().find(is_its).unwrap_or_else(|| panic!("no {alert}: {text}"));
        assert!([" pending, ", " firing, ", " is true: "].iter().any(|state| row.contains(state)), "{row}");
    }
}

#[test]
fn a_flaky_provider() {
    alerts("provider", &["DependencyFailing", "BreakerOpen"]);
}

#[test]
fn a_database_that_a_report_holds_up() {
    alerts("slow-database", &["DatabaseSlow", "DependencySlow"]);
}

#[test]
fn a_worker_that_is_stuck() {
    alerts("worker", &["QueueGrowing"]);
}

#[test]
fn events_that_come_twice_and_late() {
    alerts("events", &["MessagesOutOfOrder"]);
}

#[test]
fn a_process_in_a_crash_loop() {
    alerts("crash-loop", &["CrashLoop"]);
}

#[test]
fn a_collector_that_is_down() {
    alerts("collector", &["TelemetryLost"]);
}

#[test]
#[ignore = "the other eight take three minutes; run by hand before a release"]
fn the_others() {
    alerts("network", &["DependencyFailing"]);
    alerts("flag", &["RequestErrors"]);
    alerts("queue", &["RequestErrors"]);
    alerts("database", &["RequestErrors"]);
    alerts("pool", &["PoolNearlyUsedUp", "PoolWaiting"]);
    alerts("log-reader", &["TelemetryLost"]);
    alerts("disk", &["DiskNearlyFull", "TelemetryLost"]);
    alerts("cpu", &["DependencySlow"]);
}
