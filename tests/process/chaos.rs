//! Faults that the workshop rehearses, as a machine without Prometheus sees them. `tests/backends/chaos.rs` has the alerts.

use std::process::{Command, Output, Stdio};

use super::workshop::running::program;

/// A rehearsal with few customers before the fault.
fn rehearsed(name: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program());
    command.args(["--chaos", name, "--quick"]).env("PROMETHEUS", "").stdin(Stdio::null());
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").envs(variables.iter().copied()).output().unwrap()
}

/// What it printed, if all was seen and well again.
#[track_caller]
fn seen(name: &str) -> String {
    let output = rehearsed(name, &[]);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} ended with {}\n{text}\n{errors}", output.status);
    assert!(text.contains("the eight have ended by themselves"), "{text}");
    text.into_owned()
}

/// The row of this kind, without what stands before it.
#[track_caller]
fn row<'a>(text: &'a str, what: &str) -> &'a str {
    let kind = format!(" s  {what:6}  ");
    let row = text.lines().find_map(|line| line.split_once(&*kind));
    row.unwrap_or_else(|| panic!("no {what}: {text}")).1
}

#[track_caller]
fn is_trace(row: &str, of: &str) {
    let (id, rest) = row.split_once(' ').unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{row}");
    assert!(rest.contains(of), "{row}");
}

#[test]
fn the_list_names_every_fault() {
    let output = Command::new(program()).args(["--chaos", "list"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for name in [
        "network",
        "provider",
        "flag",
        "queue",
        "worker",
        "events",
        "collector",
        "database",
        "slow-database",
        "pool",
        "crash-loop",
        "log-reader",
        "disk",
        "cpu",
    ] {
        let mut names = text.lines().filter_map(|line| line.split_whitespace().next());
        assert!(names.any(|listed| listed == name), "{name}: {text}");
    }
    assert_eq!(text.lines().count(), 14, "{text}");
}

#[test]
fn an_unknown_fault_is_refused() {
    let output = rehearsed("weather", &[]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("`weather`") && errors.contains("--chaos list"),
        "{errors}"
    );
}

#[test]
fn a_feature_that_fails_is_turned_off_by_its_flag_and_payments_go_well_again() {
    let text = seen("flag");
    assert!(row(&text, "alert").contains("not evaluated: no `prometheus`"), "{text}");
    assert!(row(&text, "metric").contains("error_type=\"502\"} 0 → "), "{text}");
    is_trace(row(&text, "trace"), "observability.feature_flag.fraud-check=on");
    assert!(row(&text, "line").contains("observability.feature_flag.fraud-check=on"), "{text}");
    assert!(text.contains("fraud-check=on: ") && text.contains("fraud-check=off: 0 of "), "{text}");
}

#[test]
fn a_pool_that_is_used_up_is_named_on_trace_and_line() {
    let text = seen("pool");
    assert!(row(&text, "metric").contains("db_client_connection_count"), "{text}");
    is_trace(row(&text, "trace"), "observability.connection_missing=redb");
    assert!(row(&text, "line").contains("the database has no connection left"), "{text}");
}

#[test]
fn a_process_that_is_killed_again_and_again_is_found() {
    let text = seen("crash-loop");
    assert!(row(&text, "metric").contains("process_start_time_seconds"), "{text}");
    is_trace(row(&text, "trace"), "UNAVAILABLE");
    assert!(row(&text, "line").contains("inventory INFO listening"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_costs_lines_and_no_request() {
    let text = seen("disk");
    if text.contains("disk is not rehearsed") {
        return; // the machine has no name spaces for users
    }
    assert!(row(&text, "metric").contains("write_failed"), "{text}");
    assert!(row(&text, "line").starts_with("no line of vehicles since "), "{text}");
    assert!(text.contains("during  customers: 0 of "), "{text}");
}

#[test]
fn what_is_not_seen_is_an_error_that_says_what_there_is_instead() {
    let silent = format!("env RUST_LOG=off {} payments", program().display());
    let output = rehearsed("flag", &[("PAYMENTS_COMMAND", &silent)]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("flag: no line showed it; the metric was 0 and is "), "{errors}");
}
