//! What is sent, to whom, and what is shown of it.

use super::{asked, command, doctor};
use crate::support::collector::{Answer, Collector};
use crate::support::reports::{Receiver, Told};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const ALL: [(&str, &str); 3] = [
    ("OTEL_LOGS_EXPORTER", "console,otlp"),
    ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
    ("OTEL_SERVICE_NAME", "bookings"),
];

#[test]
fn one_marked_span_record_and_counter_arrive_as_the_services_own_would() {
    for (protocol, temporality, aggregation) in
        [("http/protobuf", "cumulative", "Cumulative"), ("grpc", "delta", "Delta")]
    {
        let collector = Collector::start();
        let endpoint = collector.endpoint();
        let how = [
            (ENDPOINT, &*endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality),
        ];
        let told = doctor(&[&how[..], &ALL].concat());
        assert_eq!(told.code, 0, "{:#}", told.said);
        let trace_id = told.said["trace_id"].as_str().unwrap();
        told.is_ok(("traces", "marked span"), &["taken, trace ", trace_id]);
        told.is_ok(("logs", "marked record"), &["taken"]);
        told.is_ok(("metrics", "marked counter"), &["taken"]);

        let [span] = &collector.spans()[..] else { panic!("{:#?}", collector.spans()) };
        assert_eq!((span.span.name.as_str(), span.trace_id().as_str()), ("observability doctor", trace_id));
        assert_eq!(span.text("observability.doctor"), "true");
        let whose = ["service.name", "service.instance.id"].map(|name| span.resource(name));
        assert_eq!(whose, ["bookings", "observability-doctor"]);
        let [log] = &collector.logs()[..] else { panic!("{:#?}", collector.logs()) };
        assert_eq!((log.body(), log.trace_id()), ("observability doctor".to_owned(), trace_id.to_owned()));
        let metrics = collector.metrics();
        let marked: Vec<_> = metrics.iter().filter(|one| one.metric.name.contains("doctor")).collect();
        let [marked] = &marked[..] else { panic!("{metrics:#?}") };
        let shown = format!("{:?}", marked.metric.data);
        assert!(shown.contains(&format!("aggregation_temporality: {aggregation}")), "{shown}");
    }
}

#[test]
fn zipkins_json_is_taken_and_a_page_of_a_web_server_is_not() {
    let collector = Collector::start();
    let url = format!("{}/api/v2/spans", collector.endpoint());
    let variables = [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &*url)];
    collector.always(Answer::Status(202));
    let told = doctor(&variables);
    told.is_ok(("traces", ""), &["/api/v2/spans, Zipkin's JSON", "OTEL_EXPORTER_ZIPKIN_ENDPOINT"]);
    told.is_ok(("traces", "marked span"), &["taken"]);
    collector.always(Answer::Foreign("text/html", b"<p>hello"));
    doctor(&variables).fails(("traces", "marked span"), &["what answers there is not Zipkin"]);
    let console = doctor(&[("OTEL_TRACES_EXPORTER", "console")]);
    console.is_ok(("traces", ""), &["drawn on standard error", "OTEL_TRACES_EXPORTER"]);
}

#[test]
fn a_report_is_sent_only_where_that_was_asked_for() {
    let server = Receiver::start();
    let dsn = server.dsn();
    let told = doctor(&[("SENTRY_DSN", &dsn)]);
    told.is_ok(("reports", ""), &["/api/1/envelope/", "SENTRY_DSN"]);
    told.is_ok(("reports", "marked report"), &["not sent; --send-report sends one"]);
    assert!(server.posted().is_empty());
    let told = asked(&[("SENTRY_DSN", &dsn)], &["--send-report"]);
    told.is_ok(("reports", "marked report"), &["taken"]);
    assert_eq!(server.events().len(), 1, "{:#?}", server.events());
    assert!(server.events()[0].to_string().contains("observability doctor"));
    server.always(Told::status(403));
    let told = asked(&[("SENTRY_DSN", &dsn)], &["--send-report"]);
    told.fails(("reports", "marked report"), &["the server answered 403 Forbidden"]);
}

#[test]
fn a_clock_that_differs_is_warned_of() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 64 * 1024]);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: old\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            );
        }
    });
    doctor(&[(ENDPOINT, &url)])
        .warns(("traces", "clock"), &[" s behind ours (old)", "clock not synchronised"]);
    let collector = Collector::start();
    doctor(&[(ENDPOINT, &collector.endpoint())]).is_ok(("traces", "clock"), &["the same as ours"]);
}

#[test]
fn no_secret_is_shown() {
    let collector = Collector::start();
    collector.always(Answer::Status(401));
    let endpoint = collector.endpoint().replace("http://", "http://ann:s3cr3t@") + "?key=s3cr3t";
    let server = Receiver::start();
    let dsn = server.dsn().replace("k3y", "s3cr3t");
    let variables = [
        (ENDPOINT, &*endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cr3t"),
        ("OBSERVABILITY_ADMIN_TOKEN", "s3cr3t"),
        ("OBSERVABILITY_TRACES_PEERS_TOKEN", "s3cr3t"),
        ("SENTRY_DSN", &dsn),
    ];
    let stores = ["--prometheus", "http://ann:s3cr3t@127.0.0.1:9/", "--loki", "http://127.0.0.1:9/?k=s3cr3t"];
    for format in ["table", "json"] {
        let mut program = command(&[&variables[..], &ALL].concat(), &["--format", format]);
        let output = program.args(stores).arg("--send-report").output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("REDACTED") && text.contains("***"), "{text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
    assert_eq!(collector.received()[0].header("api-key"), "s3cr3t");
}

#[test]
fn the_table_fits_into_a_hundred_columns_and_a_wrong_command_is_2() {
    let collector = Collector::start();
    let endpoint = collector.endpoint();
    let mut program = command(&[&[(ENDPOINT, &*endpoint)][..], &ALL].concat(), &[]);
    let output = program.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("verdict what "), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.ends_with(" failed\n") && text.contains("0 failed"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    for wrong in [&["--timeout", "soon"][..], &["--prometheus", "127.0.0.1:9090"], &["now"]] {
        assert_eq!(command(&[], wrong).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
}
