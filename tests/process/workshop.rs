//! The workshop, as a stranger runs it: eight processes, one trace, and the story of the lost update.

use std::path::PathBuf;
use std::process::{Command, Stdio};

const SERVICES: [&str; 8] =
    ["gateway", "bookings", "customers", "vehicles", "inventory", "payments", "worker", "notifications"];

/// `cargo test` builds the examples before it runs tests, next to the directory of the tests themselves; where
/// only this test was asked for, it does not.
fn workshop() -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.extend(["examples", &format!("workshop{}", std::env::consts::EXE_SUFFIX)]);
    assert!(path.is_file(), "{} is missing: `cargo build --examples` makes it", path.display());
    let mut command = Command::new(path);
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").stdin(Stdio::null());
    command
}

/// What it printed, if it ended well.
fn shown_by(option: &str) -> String {
    let output = workshop().arg(option).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{option} ended with {}\n{text}\n{errors}", output.status);
    text.into_owned()
}

/// The lines between one heading and the next empty line.
fn part<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.contains(heading)).skip(1);
    lines.skip_while(|line| line.trim().is_empty()).take_while(|line| !line.trim().is_empty()).collect()
}

#[test]
fn one_booking_is_followed_through_eight_services_in_trace_lines_and_metrics() {
    let text = shown_by("--request");
    assert!(text.contains("8 services, one trace id, every parent present."), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour where nobody looks: {text}");

    let waterfall = part(&text, "Where the time went");
    let lines = part(&text, "What the eight logged");
    let red = part(&text, "Rate, errors, duration");
    let id = waterfall[0].split_whitespace().nth(1).unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
    for service in SERVICES {
        assert!(waterfall.iter().any(|line| line.trim_start().starts_with(service)), "{service}:\n{text}");
        assert!(lines.iter().any(|line| line.contains(service)), "{service}:\n{text}");
    }
    for kind in ["server", "client", "producer", "consumer", "internal"] {
        assert!(waterfall.iter().any(|line| line.contains(kind)), "{kind}:\n{text}");
    }
    // The provider's plan: no answer in time, then a 500, then a success.
    assert!(
        lines.iter().filter(|line| line.contains("WARN") && line.contains("trying again")).count() >= 2,
        "{text}"
    );
    for service in SERVICES {
        let row =
            red.iter().find(|row| row.contains(service)).unwrap_or_else(|| panic!("{service}:\n{text}"));
        assert!(row.ends_with("ms"), "{text}");
    }
}

#[test]
fn a_lost_update_is_explained_from_a_customers_id_and_a_time() {
    let text = shown_by("--vanished");
    for told in [
        "level=ERROR around",
        "lines where customer_id=",
        "message=profile written",
        "spans where trace_id=",
        "spans where event_id=",
        "samples where name=queue_redeliveries_total",
        "Cause: the queue delivered CustomerUpdated",
    ] {
        assert!(text.contains(told), "{told}:\n{text}");
    }
    let requests: u64 = text.split_whitespace().next().unwrap().parse().unwrap();
    assert!(requests >= 2_000, "{text}");
}

#[test]
fn help_names_what_the_workshop_shows() {
    let text = shown_by("--help");
    assert!(text.contains("--request") && text.contains("--vanished"), "{text}");
}

#[test]
fn an_unknown_option_is_refused() {
    let output = workshop().arg("--requset").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--help"));
}
