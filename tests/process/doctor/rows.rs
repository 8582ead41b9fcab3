//! The rows of "when nothing shows up": which of them the doctor finds, and by which test that is known.

use std::fs;
use std::net::TcpListener;

use super::{asked, command, doctor};
use crate::support::authority::{Authority, Shown};
use crate::support::collector::{Answer, Collector};
use crate::support::repository::top;
use crate::support::silent::{dead, hanging};

/// Whether a row can be seen from outside of the service.
enum Seen {
    /// In this file and this test.
    By(&'static str, &'static str),
    /// It cannot, because of this.
    Not(&'static str),
}
use Seen::{By, Not};

const HERE: &str = "rows.rs";
const RUNNING: &str = "running.rs";
const CODE: &str = "it is what the code of the service does";
const REQUEST: &str = "it is seen at a request of the service only";

/// How a row begins, and who sees it.
const ROWS: &[(&str, Seen)] = &[
    (
        "No span; the start-up line says `traces off",
        By(HERE, "without_an_endpoint_traces_are_off_and_the_variable_is_named"),
    ),
    ("No span; a warning says `4317", By(HERE, "the_port_of_the_other_protocol_is_warned_of")),
    (
        "No span; a warning says that something `is not built in`",
        By(HERE, "what_has_to_be_built_in_is_named"),
    ),
    (
        "No span; a line says `the collector's certificate`",
        By(HERE, "a_certificate_that_is_not_trusted_is_shown_with_the_reason"),
    ),
    (
        "No span; a line says `the collector demands",
        By(HERE, "a_collector_that_demands_a_clients_certificate_is_told"),
    ),
    ("No span; a line says `traces are not exported`", By(HERE, "a_file_that_is_not_there_is_named")),
    (
        "No span; a warning says `is appended to it`",
        By(HERE, "an_endpoint_without_its_path_is_warned_of_and_the_404_explained"),
    ),
    (
        "No span; a warning says `it is used as it is",
        By(HERE, "an_endpoint_without_its_path_is_warned_of_and_the_404_explained"),
    ),
    (
        "No span; a line says `traces cannot be delivered to",
        By(HERE, "what_keeps_spans_from_being_delivered_is_told_in_the_words_of_the_line"),
    ),
    (
        "No span, and the request's line has an even `trace_flags`",
        By(HERE, "a_sampler_that_records_nothing_is_warned_of"),
    ),
    (
        "Nothing at all; standard error says `OTEL_SDK_DISABLED",
        By(HERE, "a_disabled_sdk_is_warned_of_and_nothing_is_sent"),
    ),
    ("Nothing at all; standard error says ``before `init`", Not(CODE)),
    ("Nothing after the start; a warning says that ``the guard", Not(CODE)),
    ("Some child spans are missing.", Not(CODE)),
    ("The trace breaks between two services.", Not(CODE)),
    ("A call starts a trace of its own.", Not(CODE)),
    (
        "Successful requests have no line; a warning says `it gives no level",
        By(HERE, "a_level_that_hides_lines_is_warned_of"),
    ),
    ("An event has no line.", By(HERE, "a_level_that_hides_lines_is_warned_of")),
    (
        "A warning says that `RUST_LOG` `is read as a target`.",
        By(HERE, "a_level_that_hides_lines_is_warned_of"),
    ),
    ("The last lines before `std::process::exit` are missing.", Not(CODE)),
    ("A field is called `field_status`", Not(CODE)),
    (
        "Standard error says `log lines are being lost`.",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    (
        "Standard error says `spans are being lost`",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    (
        "No lines; `otel_sdk_exporter_log_exported_total{error_type=\"write_failed\"}`",
        By(HERE, "a_standard_output_that_takes_nothing_is_found"),
    ),
    ("Lines are missing under load;", By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page")),
    (
        "An event or a request has no line;",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    ("A value on a line is cut;", By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page")),
    (
        "Elasticsearch rejects lines",
        Not("it depends on the fields of all services, which only Elasticsearch has seen"),
    ),
    ("Some routes, or all, are not observed", Not(CODE)),
    ("Pages in a browser do not start the trace;", Not(REQUEST)),
    ("The `x-request-id` that a client got", Not(CODE)),
    ("Timeouts are `cancelled`", Not(CODE)),
    ("Every event stream is `cancelled`.", Not(REQUEST)),
    ("No line and no metric for `/health`.", Not(CODE)),
    (
        "No log records; `otel_sdk_processor_log_queue_capacity`",
        By(HERE, "an_endpoint_alone_turns_on_no_records_and_no_metrics_and_that_is_said"),
    ),
    (
        "No metrics at the collector;",
        By(HERE, "an_endpoint_alone_turns_on_no_records_and_no_metrics_and_that_is_said"),
    ),
    (
        "No log records; a line, or standard error, says `logs cannot",
        By(HERE, "records_for_loki_at_the_wrong_path_are_told_the_right_one"),
    ),
    (
        "A log record's body or attribute is cut;",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    ("`client.address` is that of the proxy", Not(REQUEST)),
    ("That changes nothing; standard error says `proxies", Not(CODE)),
    ("A field of `request::add`", Not(CODE)),
    ("A line has no `trace_id`.", Not(CODE)),
    ("`Span::current()` is disabled", Not(CODE)),
    ("No `route` on span, line and metric.", Not(CODE)),
    ("A field named `version`", Not(CODE)),
    (
        "A series has `otel_metric_overflow=\"true\"`.",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    ("No `tokio_…` on the page.", By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page")),
    ("No `container_…`", Not("nothing is wrong: what does not exist is absent")),
    (
        "A metric of your own is missing or wrong;",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    (
        "`/metrics` cannot be reached from another container;",
        By(HERE, "a_page_on_loopback_in_a_container_is_warned_of"),
    ),
    (
        "A warning says that `/metrics` is not served at its port.",
        By(HERE, "a_port_that_is_taken_is_told_with_who_has_it"),
    ),
    (
        "Spans are missing; `otel_sdk_processor_span_processed_total",
        By(RUNNING, "what_a_running_service_has_lost_is_read_from_its_page"),
    ),
    (
        "A line says that the collector `rejected` spans.",
        By(HERE, "a_span_that_is_rejected_is_told_with_the_collectors_reason"),
    ),
    ("The last spans before the end are missing.", Not(CODE)),
    ("Requests fail during a rollout.", Not(CODE)),
    ("`init` fails with", Not(CODE)),
    ("Lines of requests but not of events; a warning says", Not(CODE)),
    ("Lines of requests but not of events; standard error says `EnvFilter", Not(CODE)),
    ("Lines of requests but not of events; standard error says ``no `tracing`", Not(CODE)),
    ("No `http_server_request_duration_seconds` anywhere;", Not(CODE)),
    ("Spans are there twice.", Not(CODE)),
    ("A variable has no effect.", By(HERE, "a_variable_without_effect_is_told_as_init_tells_it")),
];

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const CONNECTION: (&str, &str) = ("traces", "connection");
const TLS: (&str, &str) = ("traces", "TLS");
const SPAN: (&str, &str) = ("traces", "marked span");

#[test]
fn every_row_is_found_or_cannot_be_seen_from_outside() {
    let page = fs::read_to_string(top().join("src/guide/troubleshooting.md")).unwrap();
    let (_, table) = page.split_once("<!-- begin: nothing shows up -->\n").unwrap();
    let (table, _) = table.split_once("<!-- end: nothing shows up -->").unwrap();
    let rows: Vec<_> = table.lines().skip(2).map(|row| row.trim_start_matches("| ")).collect();
    for row in &rows {
        let known = ROWS.iter().filter(|(begin, _)| row.starts_with(begin)).count();
        assert_eq!(known, 1, "{row}");
    }
    for (begin, seen) in ROWS {
        assert!(rows.iter().any(|row| row.starts_with(begin)), "no row {begin:?}");
        match seen {
            By(file, test) => {
                let text = fs::read_to_string(top().join("tests/process/doctor").join(file)).unwrap();
                assert!(text.contains(&format!("fn {test}()")), "{file} has no test {test}");
            }
            Not(why) => assert!(why.len() > 20, "{begin}"),
        }
    }
}

#[test]
fn without_an_endpoint_traces_are_off_and_the_variable_is_named() {
    let told = doctor(&[]);
    told.warns(("traces", ""), &["off", "OTEL_EXPORTER_OTLP_ENDPOINT turns them on"]);
    assert_eq!(told.code, 0);
    assert_eq!(asked(&[], &["--strict"]).code, 1);
    // Who has chosen it is not warned.
    doctor(&[("OTEL_TRACES_EXPORTER", "none")]).is_ok(("traces", ""), &["off", "OTEL_TRACES_EXPORTER"]);
}

#[test]
fn the_port_of_the_other_protocol_is_warned_of() {
    let told = doctor(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://localhost.invalid:4317/v1/traces")]);
    told.warns(("variable", ""), &["4317 is the port of OTLP over gRPC"]);
    let collector = Collector::start();
    let grpc = [(ENDPOINT, &*collector.endpoint()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    doctor(&grpc).is_ok(SPAN, &["taken"]);
    assert!(collector.received()[0].path.ends_with("TraceService/Export"), "{:?}", collector.received());
}

#[test]
fn what_has_to_be_built_in_is_named() {
    let told = doctor(&[(ENDPOINT, "https://localhost.invalid:9"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    told.is_ok(("features", ""), &["otlp-grpc, tls", "`is not built in`"]);
    told.fails(("traces", "name"), &["localhost.invalid", "it does not resolve"]);
}

#[test]
fn a_certificate_that_is_not_trusted_is_shown_with_the_reason() {
    let authority = Authority::new("doctor");
    let ca = authority.file();
    for (shown, trusted, reason) in [
        (Shown::Right, false, "is not signed by a CA"),
        (Shown::OfAnother, true, "is for other.example, not for 127.0.0.1"),
        (Shown::Expired, true, "has expired on"),
    ] {
        let collector = Collector::start_tls(authority.server(shown));
        let endpoint = collector.endpoint();
        let mut variables = vec![(ENDPOINT, &*endpoint)];
        variables.extend(trusted.then_some(("OTEL_EXPORTER_OTLP_CERTIFICATE", &*ca)));
        // Whom the machine trusts is another matter: here it is a file that does not have our authority.
        variables
            .push(("SSL_CERT_FILE", concat!(env!("CARGO_MANIFEST_DIR"), "/support/pem/certificate.pem")));
        let told = doctor(&variables);
        told.fails(TLS, &["signed by doctor", "the collector's certificate", reason]);
        assert!(told.rows("traces", "marked span").is_empty() && collector.received().is_empty());
    }
    let collector = Collector::start_tls(authority.server(Shown::Right));
    let told = doctor(&[(ENDPOINT, &collector.endpoint()), ("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca)]);
    told.is_ok(TLS, &["certificate for 127.0.0.1, signed by doctor, until "]);
    told.is_ok(SPAN, &["taken"]);
    let plain = Collector::start();
    let told = doctor(&[
        (ENDPOINT, &plain.endpoint().replace("http", "https")),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca),
    ]);
    told.fails(TLS, &["does not speak TLS"]);
}

#[test]
fn a_collector_that_demands_a_clients_certificate_is_told() {
    let authority = Authority::new("doctor-demanding");
    let collector = Collector::start_tls(authority.demanding());
    let (endpoint, ca) = (collector.endpoint(), authority.file());
    let with = [(ENDPOINT, &*endpoint), ("OTEL_EXPORTER_OTLP_CERTIFICATE", &*ca)];
    let told = doctor(&with);
    told.fails(SPAN, &["the collector demands a client's certificate", "OTEL_EXPORTER_OTLP_CLIENT_KEY"]);
    let (certificate, key) = authority.client();
    let client =
        [("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &*certificate), ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &*key)];
    doctor(&[with, client].concat()).is_ok(SPAN, &["taken"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let variables = [(ENDPOINT, "https://127.0.0.1:9"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem")];
    let told = doctor(&variables);
    told.fails(("traces", "client"), &["/nowhere.pem is not a file with certificates"]);
    told.warns(("variable", ""), &["OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere.pem"]);
}

#[test]
fn an_endpoint_without_its_path_is_warned_of_and_the_404_explained() {
    let collector = Collector::start();
    collector.always(Answer::Status(404));
    let told = doctor(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &collector.endpoint())]);
    told.warns(("variable", ""), &["it is used as it is and has no path", "/v1/traces"]);
    told.fails(SPAN, &["404 Not Found", "nothing is served at this path"]);
    let told = doctor(&[(ENDPOINT, &format!("{}/v1/traces", collector.endpoint()))]);
    told.warns(("variable", ""), &["/v1/traces is appended to it; write it without /v1/traces"]);
}

#[test]
fn what_keeps_spans_from_being_delivered_is_told_in_the_words_of_the_line() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    for (answer, reason) in [
        (Answer::Status(401), "the collector answered 401 Unauthorized; OTEL_EXPORTER_OTLP_HEADERS"),
        (Answer::Status(503), "the collector answered 503 Service Unavailable"),
        (Answer::Foreign("text/html", b"<h1>Welcome to nginx!</h1>"), "does not speak OTLP"),
        (Answer::Disconnect, "the collector hung up"),
        (Answer::BreaksOff, "the collector's answer broke off"),
    ] {
        collector.always(answer);
        let line = format!("traces cannot be delivered to {endpoint}/v1/traces: ");
        doctor(&[(ENDPOINT, &endpoint)]).fails(SPAN, &[&line, reason]);
    }
    collector.always(Answer::Grpc(16, "no\u{20}key"));
    let told = doctor(&[(ENDPOINT, &endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    told.fails(SPAN, &["the collector answered UNAUTHENTICATED: no key", "OTEL_EXPORTER_OTLP_HEADERS"]);

    let told = doctor(&[(ENDPOINT, &dead())]);
    told.fails(CONNECTION, &["refuses it: nothing listens there", "4318"]);
    assert!(told.rows("traces", "marked span").is_empty());
    let told = asked(&[(ENDPOINT, &hanging())], &["--timeout", "300ms"]);
    told.fails(SPAN, &["no answer within 300ms"]);
}

#[test]
fn a_sampler_that_records_nothing_is_warned_of() {
    let of = |name, argument| doctor(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
    of("always_off", "").warns(("sampler", ""), &["no span is recorded", "OTEL_TRACES_SAMPLER"]);
    of("parentbased_traceidratio", "0").warns(("sampler", ""), &["but those that a caller has sampled"]);
    let told = of("parentbased_traceidratio", "0.1");
    told.is_ok(("sampler", ""), &["1 of 10 traces; a caller's decision is followed"]);
    let none = doctor(&[("OTEL_PROPAGATORS", "none")]);
    none.warns(("propagators", ""), &["every service has traces of its own"]);
}

#[test]
fn a_disabled_sdk_is_warned_of_and_nothing_is_sent() {
    let collector = Collector::start();
    let told = doctor(&[("OTEL_SDK_DISABLED", "true"), (ENDPOINT, &collector.endpoint())]);
    told.warns(("everything", ""), &["off", "OTEL_SDK_DISABLED=true: no log line"]);
    assert!(collector.received().is_empty());
}

#[test]
fn a_level_that_hides_lines_is_warned_of() {
    let of = |directives| doctor(&[("RUST_LOG", directives)]);
    of("my_crate=info").warns(("variable", ""), &["RUST_LOG", "it gives no level to other targets"]);
    of("inf").warns(("variable", ""), &["is read as a target"]);
    for hidden in ["error", "warn,my_crate=debug", "off", "my_crate=info"] {
        of(hidden).warns(("level", ""), &[hidden, "have the level INFO and are not written"]);
    }
    of("info,my_crate=debug").is_ok(("level", ""), &["info,my_crate=debug", "RUST_LOG"]);
}

#[test]
fn a_standard_output_that_takes_nothing_is_found() {
    for (redirected, found) in [
        (">/dev/full", "FAILED    output          /dev/full"),
        (">&-", "warning   output          /dev/null"),
        (">/dev/null", "warning   output          /dev/null"),
    ] {
        let program = command(&[], &[]);
        let mut shell = std::process::Command::new("sh");
        let script = format!("exec \"$0\" doctor {redirected}");
        shell.args(["-c", &script]).arg(program.get_program());
        let output = shell.env_clear().env("OTEL_EXPORTER_PROMETHEUS_PORT", "0").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_full = redirected == ">/dev/full";
        // Only where it is full does the table go elsewhere, and only that fails.
        assert_eq!(said.contains(found), is_full, "{said}");
        assert_eq!(output.status.code(), Some(i32::from(is_full)), "{said}");
        if !is_full {
            let strict = format!("exec \"$0\" doctor --strict {redirected}");
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &strict]).arg(program.get_program());
            assert_eq!(shell.env_clear().status().unwrap().code(), Some(1), "{redirected}");
        }
    }
    let off = doctor(&[("OTEL_LOGS_EXPORTER", "none")]);
    off.warns(("lines", ""), &["off", "OTEL_LOGS_EXPORTER=console turns them on"]);
}

#[test]
fn an_endpoint_alone_turns_on_no_records_and_no_metrics_and_that_is_said() {
    let collector = Collector::start();
    let told = doctor(&[(ENDPOINT, &collector.endpoint())]);
    told.is_ok(("logs", ""), &["off", "OTEL_LOGS_EXPORTER=console,otlp sends them"]);
    told.is_ok(("metrics", ""), &["off", "OTEL_METRICS_EXPORTER=prometheus,otlp sends them"]);
    assert!(collector.logs().is_empty() && collector.metrics().is_empty());
    let unsent = doctor(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:9/v1/logs")]);
    unsent.warns(("variable", ""), &["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "changes nothing"]);
}

#[test]
fn records_for_loki_at_the_wrong_path_are_told_the_right_one() {
    let collector = Collector::start();
    collector.always(Answer::Status(404));
    let told = doctor(&[("OTEL_LOGS_EXPORTER", "console,otlp"), (ENDPOINT, &collector.endpoint())]);
    told.fails(("logs", "marked record"), &["logs cannot be delivered to ", "/otlp/v1/logs"]);
    told.is_ok(("logs", "connection"), &["as for traces"]);
}

#[test]
fn a_page_on_loopback_in_a_container_is_warned_of() {
    let mut program = command(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")], &[]);
    let output = program.env_remove("OTEL_EXPORTER_PROMETHEUS_HOST").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0 opens them"), "{text}");
    let open =
        doctor(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0")]);
    open.is_ok(("admin port", ""), &["any free port"]);
}

#[test]
fn a_port_that_is_taken_is_told_with_who_has_it() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let of =
        |port: u16| asked(&[("OTEL_EXPORTER_PROMETHEUS_PORT", &port.to_string())], &["--timeout", "300ms"]);
    let told = of(silent.local_addr().unwrap().port());
    told.fails(
        ("admin port", ""),
        &["taken", "says nothing of itself", "/metrics, /live and /ready are not served"],
    );
    let collector = Collector::start();
    collector.always(Answer::Status(418));
    let told = of(collector.address().port());
    told.fails(
        ("admin port", ""),
        &["what answers there to GET /metrics is 418", "OTEL_EXPORTER_PROMETHEUS_PORT"],
    );
}

#[test]
fn a_span_that_is_rejected_is_told_with_the_collectors_reason() {
    let collector = Collector::start();
    collector.always(Answer::Partial(1, "too old".to_owned()));
    let told = doctor(&[(ENDPOINT, &collector.endpoint())]);
    told.fails(SPAN, &["rejected 1 spans: too old"]);
    collector.always(Answer::Partial(0, "slow down".to_owned()));
    let told = doctor(&[(ENDPOINT, &collector.endpoint())]);
    told.warns(SPAN, &["took the traces and says: slow down"]);
    assert_eq!(told.code, 0);
}

#[test]
fn a_variable_without_effect_is_told_as_init_tells_it() {
    let told = doctor(&[
        ("OTEL_SERVICE_NAMES", "bookings"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("OBSERVABILITY_DRAIN_DELAY", "5s"),
        ("OTEL_CONFIG_FILE", "otel.yaml"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "77"),
        ("https_proxy", "http://proxy:3128"),
    ]);
    let variable = ("variable", "");
    told.warns(variable, &["did you mean OTEL_SERVICE_NAME?"]);
    told.warns(variable, &["OTEL_TRACES_SAMPLER_ARG=0.5 changes nothing"]);
    told.warns(variable, &["OBSERVABILITY_DRAIN_DELAY=5s is not a whole number of milliseconds"]);
    told.warns(variable, &["OTEL_CONFIG_FILE", "the file is not read"]);
    told.warns(("proxy", ""), &["https_proxy", "is not heeded"]);
    told.is_ok(("also set", ""), &["77", "OTEL_BSP_MAX_QUEUE_SIZE"]);
}
