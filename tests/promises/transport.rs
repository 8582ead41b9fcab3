//! Promise: what is exported over OTLP is the same over HTTP and over gRPC, plain or compressed; each status of gRPC is
//! what the specification makes of it.

#[cfg(feature = "otlp-grpc")]
mod large;

use http::Version;
use tower_observability::{Logs, Otlp, Traces, Work};

use crate::support::child::{Child, Ended, run};
use crate::support::collector::{Answer, Collector, Received};
use crate::support::http::get;

const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

const JOBS: usize = 6;

#[test]
fn program() {
    run(&[
        ("jobs", jobs),
        ("code", code),
        ("scraped", scraped),
        #[cfg(feature = "otlp-grpc")]
        ("requests", large::requests),
    ]);
}

fn jobs() {
    work(tower_observability::builder("transport"));
}

/// What the code chooses, but for the address.
fn code() {
    let address = std::env::var("TO").unwrap();
    let traces = Traces::new().otlp(Otlp::new().endpoint(&address).grpc().gzip());
    let logs = Logs::new().otlp(Otlp::new().endpoint(address));
    work(tower_observability::builder("transport").traces(traces).logs(logs));
}

fn work(builder: tower_observability::Builder) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = builder.init().unwrap();
        for _ in 0..JOBS {
            Work::internal("job").run(async { tracing::info!("at work") }).await;
        }
        let report = observability.shutdown().await;
        println!("report: {}", report.spans);
    });
}

fn scraped() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("transport").unwrap();
        let page = get(&observability.admin_address().unwrap().to_string(), "/metrics");
        page.lines().filter(|line| line.contains("exporter")).for_each(|line| println!("{line}"));
    });
}

fn child(collector: &Collector) -> Child {
    let child = Child::new("transport", "jobs").env(ENDPOINT, collector.endpoint());
    child.env("OTEL_LOGS_EXPORTER", "console,otlp")
}

#[track_caller]
fn all_arrived(collector: &Collector, ended: &Ended) {
    assert_eq!(ended.said("report: "), "6 delivered, 0 unconfirmed, 0 dropped");
    let spans = collector.spans();
    assert!(spans.iter().all(|seen| seen.span.name == "job" && seen.resource("service.name") == "transport"));
    let logs = collector.logs();
    assert_eq!((spans.len(), logs.iter().filter(|log| log.body() == "at work").count()), (JOBS, JOBS));
    let of_spans = |id: &String| spans.iter().any(|seen| seen.span_id() == *id);
    assert!(logs.iter().filter(|log| log.body() == "at work").all(|log| of_spans(&log.span_id())));
}

fn encodings(received: &Received) -> (&str, &str, &str) {
    (received.header("content-type"), received.header("content-encoding"), received.header("grpc-encoding"))
}

#[test]
fn spans_and_records_arrive_on_each_way_packed_and_not() {
    for (protocol, compression) in
        [("http/protobuf", "none"), ("http/protobuf", "gzip"), ("grpc", "none"), ("grpc", "gzip")]
    {
        let collector = Collector::start();
        let child = child(&collector).env(PROTOCOL, protocol).env(COMPRESSION, compression);
        let ended = child.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=k").end().well();
        all_arrived(&collector, &ended);
        assert_eq!(ended.messages("WARN"), Vec::<String>::new());
        let is_grpc = protocol == "grpc";
        let packed = if compression == "gzip" { "gzip" } else { "" };
        let expected =
            if is_grpc { ("application/grpc", "", packed) } else { ("application/x-protobuf", packed, "") };
        let paths = if is_grpc { [TRACES, LOGS] } else { ["/v1/traces", "/v1/logs"] };
        for received in collector.received() {
            assert_eq!(encodings(&received), expected);
            assert!(paths.contains(&&*received.path), "{}", received.path);
            assert_eq!(received.version, if is_grpc { Version::HTTP_2 } else { Version::HTTP_11 });
            assert_eq!(received.header("api-key"), "k");
            assert!(received.header("user-agent").starts_with("tower-observability/"));
        }
    }
}

#[test]
fn each_signal_has_its_own_protocol_and_compression() {
    let collector = Collector::start();
    let child = child(&collector).env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
    let ended = child.env("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip").end().well();
    all_arrived(&collector, &ended);
    for received in collector.received() {
        let expected = match &*received.path {
            TRACES => ("application/grpc", "", ""),
            "/v1/logs" => ("application/x-protobuf", "gzip", ""),
            other => panic!("{other}"),
        };
        assert_eq!(encodings(&received), expected);
    }
}

#[test]
fn the_code_chooses_what_no_variable_says() {
    let collector = Collector::start();
    let child = Child::new("transport", "code").env("TO", collector.endpoint());
    all_arrived(&collector, &child.end().well());
    let received = collector.received();
    assert!(received.iter().any(|one| one.path == TRACES && one.header("grpc-encoding") == "gzip"));
    assert!(received.iter().any(|one| one.path == "/v1/logs" && one.header("content-encoding").is_empty()));
}

#[test]
fn an_endpoint_of_grpc_needs_no_scheme_and_no_path() {
    let collector = Collector::start();
    let child = child(&collector).env(PROTOCOL, "grpc").env("OTEL_EXPORTER_OTLP_INSECURE", "true");
    let ended = child.env(ENDPOINT, collector.address().to_string()).end().well();
    all_arrived(&collector, &ended);
    let collector = Collector::start();
    let child = self::child(&collector).env(PROTOCOL, "grpc");
    let ended = child.env(ENDPOINT, format!("{}/v1/traces", collector.endpoint())).end().well();
    all_arrived(&collector, &ended);
    let [warning] = &ended.messages("WARN")[..] else { panic!("{:?}", ended.messages("WARN")) };
    assert!(warning.starts_with(ENDPOINT) && warning.contains("no use for the path /v1/traces"), "{warning}");
}

/// Each span is a batch of its own.
fn one_by_one(collector: &Collector) -> Ended {
    let child = Child::new("transport", "jobs").env(ENDPOINT, collector.endpoint()).env(PROTOCOL, "grpc");
    child.env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1").end().well()
}

#[test]
fn what_may_be_tried_again_is_and_what_may_not_is_counted() {
    let collector = Collector::start();
    collector.next([
        Answer::Grpc(14, "restarting"),
        Answer::Ok,
        // Without a word of when, there is no room for it.
        Answer::Grpc(8, "full"),
        Answer::GrpcRetry(8, std::time::Duration::from_secs(1)),
        Answer::Ok,
        Answer::Grpc(3, "strange"),
        Answer::Partial(1, "too old".to_owned()),
    ]);
    let ended = one_by_one(&collector);
    assert_eq!(ended.said("report: "), "3 delivered, 0 unconfirmed, 3 dropped (rejected 3)");
    assert_eq!(collector.received().len(), JOBS + 2);
    let said = ended.messages("WARN");
    for reason in ["the collector answered UNAVAILABLE: restarting", "rejected 1 spans: too old"] {
        assert_eq!(said.iter().filter(|line| line.ends_with(reason)).count(), 1, "{said:#?}");
    }
}

#[test]
fn a_collector_that_never_answers_costs_the_shutdown_its_deadline_and_no_more() {
    let collector = Collector::start();
    collector.always(Answer::Hang);
    let child = Child::new("transport", "jobs").env(ENDPOINT, collector.endpoint()).env(PROTOCOL, "grpc");
    let ended = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000").end().well();
    assert_eq!(ended.said("report: "), "0 delivered, 6 unconfirmed, 0 dropped");
}

#[test]
fn the_page_tells_which_way_they_leave() {
    let collector = Collector::start();
    let child = Child::new("transport", "scraped").env(ENDPOINT, collector.endpoint()).env(PROTOCOL, "grpc");
    let ended = child.env("OTEL_LOGS_EXPORTER", "otlp").end().well();
    for exporter in ["otlp_grpc_span_exporter", "otlp_grpc_log_exporter"] {
        let label = format!("otel_component_name=\"{exporter}/0\"");
        assert!(ended.output.iter().any(|line| line.contains(&label)), "{label}: {:#?}", ended.output);
    }
}
