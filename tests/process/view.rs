//! Promise: `observability view` shows what any service sends, on loopback and to nobody else, in bounded memory, and starts a
//! command that sends to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child as Process, Command, Stdio};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use serde_json::Value;
use tower_observability::Work;

use crate::support::child::{Child, run};
use crate::support::program::program as observability;

const SOON: Duration = Duration::from_secs(20);
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// A view that runs. Dropping it ends it.
struct View {
    process: Process,
    address: String,
    grpc: String,
}

/// An answer over HTTP/1.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

/// Sells once and says so in all three signals.
fn shop() {
    let observability = tower_observability::init("shop").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Work::consumer("orders").run(async { tracing::info!(customer = 7, "sold") }).await;
        metrics::counter!("sold").increment(1);
        observability.shutdown().await;
    });
    std::process::exit(7);
}

/// Waits until it is told to end.
fn waiting() {
    let observability = tower_observability::init("waiting").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // From here on a signal does not end it by itself.
    let told = observability.shutdown_signal();
    eprintln!("waits");
    runtime.block_on(told);
    eprintln!("was told to end");
    std::process::exit(3);
}

#[test]
fn program() {
    run(&[("shop", shop), ("waiting", waiting)]);
}

impl View {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(observability());
        command.args(["view", "--port", "0", "--grpc-port", "0"]).args(arguments);
        let mut process = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut said).unwrap();
        let address = |before: &str| {
            let rest = said.split(before).nth(1).unwrap_or_else(|| panic!("no {before:?} in {said:?}"));
            rest.split(|end: char| end.is_whitespace() || end == ')').next().unwrap().to_owned()
        };
        Self { process, address: address("http://"), grpc: address("gRPC at ") }
    }

    fn port(&self) -> &str {
        self.address.rsplit_once(':').unwrap().1
    }

    fn ask(&self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let mut head =
            format!("{request} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            head += &format!("host: {}\r\n", self.address);
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"\r\n").unwrap();
        // What is refused by its head may not be read to its end.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: answer.split_off(end + 4) }
    }

    fn get(&self, path: &str) -> Value {
        let answer = self.ask(&format!("GET {path}"), &[], b"");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn send(&self, request: &ExportTraceServiceRequest) -> Answer {
        self.ask("POST /v1/traces", &[("content-type", PROTOBUF)], &request.encode_to_vec())
    }

    /// What the page says as soon as that is so.
    #[track_caller]
    fn soon(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let answer = self.get(path);
            if is_so(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{path}: {answer:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A trace of one span of `service`.
fn request(service: &str, name: &str, trace: u128) -> ExportTraceServiceRequest {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(service.to_owned())) });
    let attribute = KeyValue { key: "service.name".to_owned(), value, ..KeyValue::default() };
    let span = Span {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: vec![1; 8],
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_001_000_000,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource = Some(Resource { attributes: vec![attribute], ..Resource::default() });
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

fn count(rows: &Value) -> usize {
    rows.as_array().unwrap().len()
}

#[test]
fn a_command_is_started_joins_the_page_and_its_exit_code_is_ours() {
    let view = View::start(&[]);
    let child = Child::new("view", "shop").behind(observability(), &["view", "--port", view.port()]);
    let ended = child.env("OTEL_METRICS_EXPORTER", "").end();
    assert_eq!(ended.status.code(), Some(7), "{:#?}", ended.output);
    assert!(
        ended.output.iter().any(|line| line.contains("which another one has opened")),
        "{:#?}",
        ended.output
    );
    assert!(
        ended.logged().iter().any(|line| line["message"] == "sold"),
        "the lines stay on the terminal as well"
    );
    let traces = view.soon("/api/traces?service=shop", |answer| count(&answer["traces"]) == 1);
    let trace = &traces["traces"][0];
    assert_eq!((&trace["service"], &trace["failed"]), (&"shop".into(), &false.into()));
    let id = trace["id"].as_str().unwrap();
    let lines = view.soon("/api/lines?text=sold&field=customer=7", |answer| count(&answer["lines"]) == 1);
    assert_eq!(lines["lines"][0]["trace"], id);
    let whole = view.get(&format!("/api/trace/{id}"));
    assert_eq!((count(&whole["spans"]), count(&whole["resources"])), (1, 1));
    let metrics = view.soon("/api/metrics?name=sold", |answer| count(&answer["metrics"]) == 1);
    assert_eq!(metrics["metrics"][0]["series"][0]["value"], 1.0);
    assert_eq!(view.get("/api/red")["routes"][0]["source"], "metrics");
    assert_eq!(view.get("/api/state")["services"][0]["service"], "shop");
}

#[test]
fn what_the_user_has_set_stays_as_it_is() {
    let told = "OTEL_EXPORTER_OTLP_ENDPOINT is set, so that the command sends there and not here";
    let child = Child::new("view", "shop").behind(observability(), &["view", "--port", "0"]);
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9").end();
    assert!(ended.output.iter().any(|line| line.contains(told)), "{:#?}", ended.output);
}

#[test]
fn a_signal_reaches_the_command_and_both_end() {
    for interrupt in [false, true] {
        let child = Child::new("view", "waiting").behind(observability(), &["view", "--port", "0"]);
        let mut running = child.start();
        running.line("waits");
        if interrupt {
            running.interrupt()
        } else {
            running.terminate()
        }
        let ended = running.end();
        assert_eq!(ended.status.code(), Some(3), "{:#?}", ended.output);
        assert!(ended.output.iter().any(|line| line.contains("was told to end")), "{:#?}", ended.output);
    }
}

#[test]
fn a_port_that_something_else_has_is_named_and_so_is_a_command_that_is_not_there() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // Whoever asks it who it is gets no answer.
    let output = Command::new(observability()).args(["view", "--port", &port]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(&port) && said.contains("--port 0"), "{said}");
    let output = Command::new(observability())
        .args(["view", "--port", "0", "--", "./no-such-program"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("./no-such-program cannot be started"), "{said}");
}

#[test]
fn other_sites_can_neither_read_nor_write() {
    let view = View::start(&[]);
    let body = request("evil", "GET /", 1).encode_to_vec();
    let own = format!("http://{}", view.address);
    for (headers, status) in [
        (&[("host", "evil.example")][..], 403),
        (&[("host", "127.0.0.1.evil.example:4318")], 403),
        (&[("origin", "http://evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", &*own)], 200),
        (&[("host", "localhost:1")], 200),
    ] {
        let read = view.ask("GET /api/traces", headers, b"");
        assert_eq!(read.status, status, "{headers:?}");
        assert!(!read.head.contains("access-control-"), "{}", read.head);
        let headers: Vec<_> = headers.iter().copied().chain([("content-type", PROTOBUF)]).collect();
        assert_eq!(view.ask("POST /v1/traces", &headers, &body).status, status, "{headers:?}");
    }
    // What a browser posts to another site without asking it first.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        assert_eq!(view.ask("POST /v1/traces", &[("content-type", content_type)], &body).status, 415);
    }
    assert_eq!(view.ask("OPTIONS /v1/traces", &[], b"").status, 405);
    assert_eq!(view.ask("POST /api/traces", &[], b"").status, 405);
    let page = view.ask("GET /", &[], b"");
    for part in
        ["content-security-policy: default-src 'none'; script-src 'self'", "x-content-type-options: nosniff"]
    {
        assert!(page.head.contains(part), "{}", page.head);
    }
}

#[test]
fn the_answers_are_those_of_otlp() {
    let view = View::start(&[]);
    let whole = request("shop", "<img src=x onerror=alert(1)>", 5);
    let answer = view.send(&whole);
    assert_eq!((answer.status, answer.body.len()), (200, 0), "an empty message");
    assert!(answer.head.contains("content-type: application/x-protobuf"), "{}", answer.head);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&request("shop", "zipped", 6).encode_to_vec()).unwrap();
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    assert_eq!(view.ask("POST /v1/traces", &headers, &gzip.finish().unwrap()).status, 200);
    let json = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"as JSON"}]}]}]}"#;
    let answer =
        view.ask("POST /v1/traces", &[("content-type", "application/json; charset=utf-8")], json.as_bytes());
    assert_eq!((answer.status, answer.text()), (200, "{}".to_owned()));
    let malformed = view.ask("POST /v1/logs", &[("content-type", JSON)], b"{");
    let status: Value = serde_json::from_slice(&malformed.body).unwrap();
    assert_eq!((malformed.status, status["code"].as_i64()), (400, Some(3)), "{status}");
    let odd = view.ask("POST /v1/logs", &[("content-type", JSON), ("content-encoding", "br")], b"{}");
    assert_eq!(odd.status, 415);
    let large = vec![b' '; (16 << 20) + 1];
    assert_eq!(view.ask("POST /v1/metrics", &[("content-type", JSON)], &large).status, 413);
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&large).unwrap();
    let headers = [("content-type", JSON), ("content-encoding", "gzip")];
    assert_eq!(view.ask("POST /v1/metrics", &headers, &bomb.finish().unwrap()).status, 413);
    let traces = view.get("/api/traces");
    assert_eq!(count(&traces["traces"]), 3);
    let read = view.ask("GET /api/traces?text=onerror", &[], b"");
    assert!(
        read.head.contains("content-type: application/json") && read.text().contains("<img src=x"),
        "as data"
    );
}

#[tokio::test]
async fn grpc_is_received() {
    let view = View::start(&[]);
    let mut client = TraceServiceClient::connect(format!("http://{}", view.grpc)).await.unwrap();
    let answer = client.export(request("shop", "over gRPC", 7)).await.unwrap().into_inner();
    assert_eq!(answer.partial_success, None);
    let mut nameless = request("shop", "no id", 8);
    nameless.resource_spans[0].scope_spans[0].spans[0].span_id.clear();
    let answer = client.export(nameless).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    assert_eq!(view.get("/api/traces?text=over+grpc")["traces"][0]["service"], "shop");
}

/// As the environment of a container or of a CI often has it.
#[cfg(feature = "otlp-grpc")]
#[test]
fn a_command_that_is_told_to_speak_grpc_is_received_at_the_page_s_port() {
    let view = View::start(&[]);
    let child = Child::new("view", "shop").behind(observability(), &["view", "--port", view.port()]);
    let ended = child.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").end();
    assert_eq!(ended.status.code(), Some(7), "{:#?}", ended.output);
    view.soon("/api/traces?service=shop", |answer| count(&answer["traces"]) == 1);
}

#[cfg(feature = "gzip")]
#[test]
fn all_three_signals_are_received_over_grpc_compressed() {
    let view = View::start(&[]);
    let child =
        Child::new("view", "shop").env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", view.grpc));
    let child =
        child.env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let child = child.env("OTEL_LOGS_EXPORTER", "otlp").env("OTEL_METRICS_EXPORTER", "otlp");
    assert_eq!(child.end().status.code(), Some(7));
    view.soon("/api/traces?service=shop", |answer| count(&answer["traces"]) == 1);
    view.soon("/api/lines?text=sold", |answer| count(&answer["lines"]) == 1);
    view.soon("/api/metrics?name=sold", |answer| count(&answer["metrics"]) == 1);
}

#[test]
fn the_page_is_told_that_something_came() {
    let view = View::start(&[]);
    let mut stream = TcpStream::connect(&view.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET /api/live HTTP/1.1\r\nhost: {}\r\n\r\n", view.address).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut told = || lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    assert_eq!(told(), r#"{"version":0,"spans":0,"lines":0}"#);
    view.send(&request("shop", "GET /", 1));
    assert_eq!(told(), r#"{"version":1,"spans":1,"lines":0}"#);
}

/// Resident memory of the process in MiB.
fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn a_flood_stays_within_the_memory_and_is_counted() {
    let view = View::start(&["--memory", "8"]);
    let before = resident(&view.process);
    let long = "x".repeat(1_000);
    for batch in 0..60_u128 {
        let mut whole = request("flood", "GET /", 1);
        let span = whole.resource_spans[0].scope_spans[0].spans.pop().unwrap();
        let spans = (0..1_000_u128).map(|number| Span {
            trace_id: (1 + batch * 1_000 + number).to_be_bytes().to_vec(),
            name: long.clone(),
            ..span.clone()
        });
        whole.resource_spans[0].scope_spans[0].spans = spans.collect();
        assert_eq!(view.send(&whole).status, 200);
    }
    let state = view.get("/api/state");
    let (held, dropped) = (&state["held"], &state["dropped"]);
    assert!(held["bytes"].as_u64() <= held["limit"].as_u64(), "{state:#}");
    assert_eq!(held["spans"].as_u64().unwrap() + dropped["spans"].as_u64().unwrap(), 60_000);
    let grown = resident(&view.process).saturating_sub(before);
    println!("{grown} MiB more than the {before} before, {held}");
    assert!(grown < 64, "60 MiB came, and it has grown by {grown} MiB");
    assert_eq!(view.get("/api/traces?limit=1")["traces"][0]["service"], "flood");
}
