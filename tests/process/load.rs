//! The workshop's loads, as a stranger runs them: what they state, the table, and that every request is counted.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::workshop::running::program;

/// A folder for a report. Dropping it removes it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("workshop-load-{name}-{}", std::process::id())))
    }

    /// The report, whose plots are there.
    fn report(&self) -> String {
        let text = std::fs::read_to_string(self.0.join("load.md")).unwrap();
        let plots: Vec<&str> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(".svg)"))
            .map(|(name, _)| name)
            .collect();
        assert!(plots.len() >= 2, "{text}");
        for plot in plots {
            let svg = std::fs::read_to_string(self.0.join(format!("{plot}.svg"))).unwrap();
            assert!(
                svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && !svg.contains("NaN"),
                "{plot}: {svg}"
            );
        }
        text
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn workshop(arguments: &[&str], out: &Folder) -> Command {
    let mut command = Command::new(program());
    for option in ["OTEL_EXPORTER_OTLP_ENDPOINT", "DATABASE_URL", "REDIS_URL", "AMQP_URL", "KAFKA_BROKERS"] {
        command.env_remove(option);
    }
    command.arg("--load").args(arguments).arg("--out").arg(&out.0).stdin(Stdio::null());
    command
}

fn ended_well(output: &Output) -> String {
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{text}\n{errors}", output.status);
    text.into_owned()
}

/// The cells of the row of the figures that begins so.
#[track_caller]
fn row<'a>(report: &'a str, what: &str, of: &str) -> Vec<&'a str> {
    let begin = format!("| {what} | {of}");
    let row = report
        .lines()
        .find(|line| line.starts_with(&begin))
        .unwrap_or_else(|| panic!("no {begin}\nin\n{report}"));
    row.trim_matches('|').split(" | ").map(str::trim).collect()
}

const HEAD: &str = "| figure | of | value | bounds | verdict | query |";

#[test]
fn a_normal_load_states_what_it_does_and_counts_what_the_gateway_counts() {
    let out = Folder::new("normal");
    let shown = ended_well(&workshop(&["normal", "--seconds", "3", "--rate", "5"], &out).output().unwrap());
    let report = out.report();
    for told in [
        HEAD,
        "# Load: normal",
        "-- --load normal --seconds 3 --rate 5 ",
        "| rate | 5/s |",
        "GET /vehicles/{plate}",
        "Verdict: **",
    ] {
        assert!(report.contains(told), "{told}\nin\n{report}");
    }
    assert_eq!((row(&report, "requests", "users")[2], row(&report, "requests", "gateway")[2]), ("15", "15"));
    assert_eq!(row(&report, "RPS", "users")[2], "5.0/s");
    let query = "`sum by (job) (increase(http_server_request_duration_seconds_count{job=\"gateway\",http_route=\"/vehicles/{plate}\"}[3s]))`";
    assert_eq!(row(&report, "requests", "gateway")[5], query);
    for service in super::workshop::running::SERVICES {
        assert!(row(&report, "CPU", service)[2].ends_with(" cores"), "{report}");
    }
    assert!(row(&report, "pool used", "customers")[2].ends_with(" %"), "{report}");
    for (what, of) in [
        ("p95", "users"),
        ("p95", "gateway"),
        ("errors", "users"),
        ("errors", "gateway"),
        ("p95 served", "vehicles"),
    ] {
        let row = row(&report, what, of);
        assert!(["healthy", "warning", "incident"].contains(&row[4]), "{row:?}");
    }
    assert!(shown.contains("figure") && shown.contains("Verdict: ") && shown.contains("load.md"), "{shown}");
}

#[test]
fn a_high_load_has_three_users_and_ends_in_its_time() {
    let out = Folder::new("high");
    ended_well(&workshop(&["high", "--seconds", "2"], &out).output().unwrap());
    let report = out.report();
    assert!(
        report.contains("3, each in a closed loop") && report.contains("POST and GET /customers"),
        "{report}"
    );
    let (sent, counted) = (row(&report, "requests", "users")[2], row(&report, "requests", "gateway")[2]);
    assert_eq!(sent, counted);
    assert!((1..=3_000).contains(&sent.parse::<u32>().unwrap()), "{sent}");
    assert_eq!(row(&report, "errors", "users")[2], "0.00 %");
    assert!(row(&report, "database p95", "customers redb")[2].ends_with(" ms"), "{report}");
}

#[test]
fn where_every_request_fails_there_is_no_capacity_and_the_class_is_named() {
    let out = Folder::new("failing");
    let mut command = workshop(&["find", "--seconds", "1", "--rate", "2"], &out);
    // It knows no customers.
    command.env("CUSTOMERS_COMMAND", format!("{} vehicles", program().display()));
    ended_well(&command.output().unwrap());
    let report = out.report();
    assert!(report.contains("Capacity: less than 1 requests a second ("), "{report}");
    assert_eq!(row(&report, "errors of class", "404")[2], "100.00 %");
    let steps: Vec<&str> = report.lines().filter(|line| line.ends_with(" | no |")).collect();
    assert_eq!(steps.len(), 4, "each of the two steps is made twice: {report}");
    assert!(
        report.contains("## What was near its end") && report.contains("## Where the time went"),
        "{report}"
    );
}

/// As a terminal does it: all processes of the group get the signal.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_search_with_the_table_of_what_was() {
    use std::os::unix::process::CommandExt as _;

    let out = Folder::new("ended");
    let mut command = workshop(&["find", "--seconds", "1", "--rate", "10"], &out);
    let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("10/s: 10 sent") {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended by itself");
    }
    let sent = Command::new("kill").args(["-INT", "--", &format!("-{}", child.id())]).status().unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let status = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&status.stderr);
    assert!(status.status.success() && errors.is_empty(), "{}\n{rest}\n{errors}", status.status);
    let report = out.report();
    assert!(report.contains("It was ended before it had found the capacity."), "{report}");
    let head = "| rate asked | sent | counted by gateway |";
    let steps: Vec<&str> = report
        .lines()
        .skip_while(|line| !line.starts_with(head))
        .skip(2)
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(!steps.is_empty(), "{report}");
    for step in steps {
        let cells: Vec<&str> = step.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells[1], cells[2], "sent and counted: {step}");
    }
}

#[test]
fn what_a_load_cannot_be_is_refused() {
    for (arguments, told) in [
        (&["--load"][..], "--load wants normal, high or find"),
        (&["--load", "slow"], "not `slow`"),
        (&["--load", "high", "--rate", "3"], "--load high has no --rate"),
        (&["--load", "normal", "--seconds", "0"], "--seconds wants a whole number from 1 to 3600, not `0`"),
    ] {
        let output = Command::new(program()).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(told) && errors.contains("Usage: ") && output.stdout.is_empty(), "{errors}");
    }
}
