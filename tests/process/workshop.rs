//! The workshop, as a stranger runs it: eight processes, one trace, and the story of the lost update.

#[path = "../backends/support/workshop.rs"]
#[allow(dead_code, unreachable_pub)] // the tests of the real systems use the rest
pub(crate) mod running;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use running::{SERVICES, Service, Workshop, ask, program};
use serde_json::{Value, json};

use crate::support::child::signal;
use crate::support::collector::Collector;
use crate::support::http::get;
use crate::support::port::free_address;

fn workshop() -> Command {
    let mut command = Command::new(program());
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
    // One hop is gRPC: the method is the name, on both sides and in the table; which attempt it is stands beside.
    for (told, times) in
        [("workshop.Inventory/Reserve", 2), (" OK ", 2), ("(attempt 2)", 1), ("(attempt 3)", 1)]
    {
        assert_eq!(waterfall.iter().filter(|line| line.contains(told)).count(), times, "{told}:\n{text}");
    }
    assert!(lines.iter().any(|line| line.contains("POST /workshop.Inventory/Reserve OK")), "{text}");
    assert!(red.iter().any(|row| row.contains("inventory      workshop.Inventory/Reserve")), "{text}");
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
    // One request has no quantiles: it took what it took.
    let edge = red.iter().find(|row| row.contains("gateway")).unwrap();
    let numbers: Vec<&str> = edge.split_whitespace().filter(|cell| cell.contains('.')).collect();
    assert!(numbers.len() == 2 && numbers[0] == numbers[1], "{edge}");
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
        "samples where name=messages_out_of_order_total",
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
    assert!(
        ["--request", "--vanished", "--load NAME", "--lines"].iter().all(|option| text.contains(option)),
        "{text}"
    );
}

#[test]
fn an_unknown_option_is_refused() {
    let refused: [&[&str]; 4] =
        [&["--requset"], &["--request", "7"], &["inventory", "--lines"], &["--help", "x"]];
    for arguments in refused {
        let output = workshop().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            errors.contains(&arguments.join(" ")) && errors.contains("Usage: ") && errors.contains("--help"),
            "{errors}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_option_without_what_it_needs_is_refused_with_what_it_wants() {
    for (arguments, wanted) in [
        (&["--chaos"][..], "--chaos list"),
        (&["--chaos", "disk", "now"], "--chaos list"),
        (&["--vanished", "--evidence"], "--evidence FOLDER"),
        (&["--vanished", "lost"], "--evidence FOLDER"),
    ] {
        let output = workshop().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        let said = errors.lines().next().unwrap_or_default();
        assert!(said.contains(wanted), "{errors}");
    }
}

#[test]
fn a_reader_that_leaves_ends_the_workshop_without_a_panic() {
    for (arguments, lines) in [("--request", 2), ("--lines", 5), ("--help", 1)] {
        let program = program();
        // The shell's last program says how it ended on the standard error of all.
        let script =
            format!("( '{}' {arguments}; echo \"code $?\" >&2 ) | head -n {lines}", program.display());
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Held open: it is the reader, and not the input, that ends it.
        let input = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.stdout.iter().filter(|byte| **byte == b'\n').count(),
            lines,
            "{arguments}: {errors}"
        );
        assert!(!errors.contains("panicked"), "{arguments}: {errors}");
        assert!(errors.contains("code 0"), "{arguments}: {errors}");
    }
}

#[test]
fn a_reader_that_leaves_while_the_eight_are_idle_ends_them_at_their_next_line() {
    let mut child =
        workshop().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.trim().starts_with("curl ") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut output, &mut line).unwrap() > 0, "no curl to try");
    }
    let url = line.split_whitespace().nth(1).unwrap();
    drop(output);
    let order = json!({ "customer_id": 4_711, "plate": "B-WS-12", "part": "wiper" });
    ask("POST", url, &[], Some(&order));
    let ended = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && !errors.contains("panicked"), "{}: {errors}", ended.status);
}

#[test]
fn the_small_examples_take_no_arguments() {
    for example in ["quickstart", "client", "grpc", "reqwest"] {
        let program = program().with_file_name(example);
        if !program.exists() && example == "reqwest" {
            continue; // built with its feature only
        }
        let output = Command::new(program).args(["--port", "4000"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{example}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            errors.contains("--port 4000") && errors.contains(&format!("--example {example}")),
            "{errors}"
        );
    }
}

#[test]
fn the_lines_of_the_eight_come_out_as_they_are_and_nothing_else() {
    let workshop = Workshop::start(&[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")]);
    let booking = workshop.book(4_711, &[]);
    assert_eq!(booking.answer.status, 201, "{:?}", booking.answer);
    workshop.lines_of(&booking.trace_id);
    let addresses = SERVICES.map(|service| workshop.addresses(service).clone());
    let metrics = get(addresses[0].admin.trim_start_matches("http://"), "/metrics");
    assert!(metrics.contains("deployment_environment_name=\"test\""), "options reach the eight: {metrics}");

    let lines = workshop.stop();
    for line in &lines {
        let service = line.json()["service"].as_str().map(str::to_owned);
        assert!(SERVICES.iter().any(|name| service.as_deref() == Some(name)), "{}", line.text);
        assert!(line.text.starts_with("{\"timestamp\":"), "another order of keys: {}", line.text);
    }
    for at in addresses {
        let address = at.url.trim_start_matches("http://");
        assert!(std::net::TcpStream::connect(address).is_err(), "{address} still listens");
    }
}

#[test]
fn what_inventory_refuses_over_grpc_is_told_to_the_customer_in_the_words_of_http() {
    let workshop = Workshop::start(&[]);
    let order = json!({ "customer_id": 4_711, "plate": "B-WS-11", "part": "propeller" });
    let answer = ask("POST", &format!("{}/bookings", workshop.gateway()), &[], Some(&order));
    assert_eq!((answer.status, &*answer.body), (404, "no such part"));
    let trace_id = workshop.trace_of(&answer.headers["x-request-id"]);
    // Whose line comes first is the pipes' business.
    for service in ["inventory", "bookings"] {
        let refused = workshop.lines_once(&format!("the line of {service}"), |lines| {
            let mut lines = lines.iter().map(running::Line::json);
            let is_its = |line: &Value| line["service"] == service && line["rpc_status"].is_string();
            lines.find(|line| line["trace_id"] == *trace_id && is_its(line))
        });
        assert_eq!(refused["outcome"], "client_error", "{refused}");
        assert_eq!(
            (&refused["rpc_status"], &refused["error"]),
            (&"NOT_FOUND".into(), &"no such part".into())
        );
    }
    workshop.stop();
}

#[test]
fn who_has_no_grpc_reserves_over_http_at_the_same_address() {
    let service = Service::start("inventory", &[]);
    let url = format!("{}/reservations", service.addresses.url);
    for _ in 0..2 {
        let reserved =
            ask("POST", &url, &[], Some(&json!({ "booking_id": "twice the same", "part": "wiper" })));
        assert_eq!((reserved.status, reserved.json()), (200, json!({ "left": 9_999 })));
    }
    let unknown = ask("POST", &url, &[], Some(&json!({ "booking_id": "another", "part": "propeller" })));
    assert_eq!((unknown.status, &*unknown.body), (404, "no such part"));
    service.stop();
}

#[test]
fn the_eight_are_found_whatever_their_lines_look_like() {
    let workshop = Workshop::start(&[("OBSERVABILITY_LOG_FORMAT", "pretty"), ("RUST_LOG", "error")]);
    assert_eq!(workshop.ask_for_booking(4_711, &[]).status, 201);
    let lines = workshop.stop();
    assert!(!lines.iter().any(|line| line.text.contains("listening")), "RUST_LOG reaches them: {lines:#?}");
}

#[test]
fn a_bookings_trace_is_found_in_every_format() {
    for format in ["json", "ecs", "logstash", "gelf", "otel"] {
        let workshop = Workshop::start(&[("OBSERVABILITY_LOG_FORMAT", format)]);
        let booking = workshop.book(4_711, &[]);
        assert!(workshop.lines_of(&booking.trace_id).len() >= SERVICES.len(), "{format}");
        workshop.stop();
    }
}

#[test]
fn the_exporters_of_the_environment_get_the_spans_of_all_eight() {
    let collector = Collector::start();
    let endpoint = format!("{}/v1/traces", collector.endpoint());
    let variables = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*endpoint)];
    let workshop = Workshop::start(&variables);
    let booking = workshop.book(4_711, &[]);
    workshop.lines_of(&booking.trace_id);
    workshop.stop();
    assert_eq!(services_of(&collector, &booking.trace_id), SERVICES.len());

    let output = workshop_with(&variables).arg("--request").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("8 services, one trace id.\n"), "{text}");
    let told = text.split("look there for trace ").nth(1).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(services_of(&collector, &told[..32]), SERVICES.len());
}

fn workshop_with(variables: &[(&str, &str)]) -> Command {
    let mut command = workshop();
    command.envs(variables.iter().copied());
    command
}

/// How many of the eight have sent spans of this trace?
fn services_of(collector: &Collector, trace_id: &str) -> usize {
    let spans = collector.spans().into_iter().filter(|span| span.trace_id() == trace_id);
    spans.map(|span| span.resource("service.name")).collect::<BTreeSet<_>>().len()
}

#[test]
fn sigterm_ends_all_eight() {
    let workshop = Workshop::start(&[]);
    let address = workshop.gateway().trim_start_matches("http://").to_owned();
    signal(workshop.id(), "-TERM");
    let (status, lines) = workshop.ended();
    assert!(status.success(), "{status}: {lines:?}");
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn another_program_takes_the_place_of_a_service() {
    let program = program();
    let command = format!("env OTEL_SERVICE_NAME=shelf {} inventory", program.display());
    let workshop = Workshop::start(&[("INVENTORY_COMMAND", &command)]);
    let booking = workshop.book(4_711, &[]);
    let is_its =
        |line: &running::Line| line.text.contains(&booking.trace_id) && line.json()["service"] == "shelf";
    workshop.lines_once("a line of the shelf", |lines| lines.iter().any(is_its).then_some(()));
    assert_eq!(booking.answer.status, 201);
    workshop.stop();
}

#[test]
fn a_program_that_does_not_start_is_named() {
    let mut command = workshop_with(&[("INVENTORY_COMMAND", "/no/such/program")]);
    let output = command.arg("--lines").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("inventory cannot be started"), "{errors}");
}

#[test]
fn one_service_alone_starts_again_at_the_same_admin_port() {
    let port = free_address().port().to_string();
    for _ in 0..2 {
        let service = Service::start("inventory", &[("OTEL_EXPORTER_PROMETHEUS_PORT", &port)]);
        assert_eq!(service.addresses.admin, format!("http://127.0.0.1:{port}"));
        let part = ask("GET", &format!("{}/parts/wiper", service.addresses.url), &[], None);
        assert_eq!(part.json()["left"], 10_000);
        service.stop();
    }
}

#[test]
fn the_one_that_keeps_running_shows_a_booking_of_all_eight_on_its_page() {
    let mut process = workshop().stdout(Stdio::piped()).spawn().unwrap();
    // Read to the end of the test: a workshop whose output nobody reads ends.
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut after =
        |text: &str| lines.find_map(|line| line.split_once(text).map(|(_, rest)| rest.to_owned())).unwrap();
    let page = after("See each request on one page: ");
    let gateway = after("curl ").trim_end_matches([' ', '\\']).to_owned();
    let booked = ask("POST", &gateway, &[], Some(&running::order(4711)));
    assert_eq!(booked.status, 201, "{}", booked.body);
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = ask("GET", &format!("{page}/api/traces?route=/bookings"), &[], None);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let trace = &answer["traces"][0];
        if trace["services"].as_array().map(Vec::len) == Some(SERVICES.len())
            && trace["lines"].as_u64() > Some(8)
        {
            assert_eq!(trace["service"], "gateway");
            break;
        }
        assert!(Instant::now() < deadline, "{answer:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(process.id(), "-INT");
    assert!(process.wait().unwrap().success());
}
