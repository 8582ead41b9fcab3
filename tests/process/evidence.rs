//! Promise: `observability evidence` looks at all of a trace's time, shows no password, and says what could not be had. The
//! real stores are asked by the tests of the real systems.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;

use crate::support::program::program;
use crate::support::server::Server;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// What it said, and the page that it wrote.
struct Told {
    code: i32,
    said: String,
    page: String,
}

fn out(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tower-observability-{name}-{}.html", std::process::id()))
}

async fn tell(name: &str, arguments: &[&str]) -> Told {
    let out = out(name);
    let mut command = Command::new(program());
    command.arg("evidence").args(arguments).arg("--out").arg(&out);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let page = std::fs::read_to_string(&out).unwrap_or_default();
    let _ = std::fs::remove_file(&out);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Told { code: output.status.code().unwrap(), said, page }
}

/// A store that answers everything with this, and what it was asked.
async fn store(answer: String) -> (Server, String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let remembered = asked.clone();
    let answers = async move |request: Request| {
        remembered.lock().unwrap().push(request.uri().to_string());
        answer
    };
    let server = Server::start(Router::new().fallback(answers)).await;
    let url = server.url("");
    (server, url, asked)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_at_the_end_of_a_long_trace_is_within_the_window() {
    // A job that began three hours ago and failed one hour ago, after two.
    let (begun, took) = (now() - 3.0 * 3600.0, 2.0 * 3600.0);
    let trace = json!({ "data": [{ "processes": { "p": { "serviceName": "bills" } }, "spans": [{
        "traceID": TRACE, "spanID": "0000000000000001", "processID": "p", "operationName": "nightly bills",
        "startTime": begun * 1e6, "duration": took * 1e6, "references": [], "tags": [{ "key": "error", "value": true }],
    }] }] });
    let (_traces, traces, _) = store(trace.to_string()).await;
    let (_logs, logs, asked) = store(json!({ "data": { "result": [] } }).to_string()).await;
    let stores = ["--traces", &*traces, "--logs", &*logs, "--metrics", "http://127.0.0.1:9"];
    let told = tell("long", &[&["--trace", TRACE], &stores[..]].concat()).await;
    assert!(told.page.contains("bills: nightly bills: error"), "{}", told.said);
    let asked = asked.lock().unwrap().join(" ");
    let time = |name: &str| {
        let digits = asked.split(&format!("{name}=")).nth(1).unwrap();
        digits.split('&').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    assert!(time("start") < begun && time("end") > begun + took, "{asked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_of_which_nothing_is_known_is_no_trace_without_a_fault() {
    let (_empty, empty, _) = store(json!({ "data": [] }).to_string()).await;
    let stores = ["--traces", &*empty, "--logs", "http://127.0.0.1:9", "--metrics", "http://127.0.0.1:9"];
    let told = tell("unknown", &[&["--trace", TRACE], &stores[..]].concat()).await;
    assert_eq!(told.code, 0, "{}", told.said);
    assert!(told.page.contains("No span is known") && !told.page.contains("No span failed"), "{}", told.page);
    // The last minutes are not when it was.
    assert!(told.said.contains("no span and no --at"), "{}", told.said);
    let file = std::env::temp_dir().join(format!("tower-observability-no-{}.json", std::process::id()));
    std::fs::write(&file, "<html>no JSON").unwrap();
    let traces = format!("file:{}", file.display());
    for about in [&["--trace", TRACE][..], &["--service", "shop", "--at", "2026-11-29T12:00:00+01:00"]] {
        let stores = ["--traces", &traces, "--logs", "http://127.0.0.1:9", "--metrics", "http://127.0.0.1:9"];
        let told = tell("no-json", &[about, &stores[..]].concat()).await;
        assert!(told.said.contains("it is no JSON"), "{}", told.said);
    }
    std::fs::remove_file(file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_no_record_or_not_all_of_them_is_said() {
    let (_page, page, _) = store("<!doctype html>\n<title>Log in</title>".to_owned()).await;
    let logs = format!("victorialogs+{}", page);
    let stores = ["--traces", "http://127.0.0.1:9", "--logs", &logs, "--metrics", &*page];
    let told = tell("html", &[&["--trace", TRACE], &stores[..]].concat()).await;
    assert!(told.said.contains("an answer that has no records: <!doctype html>"), "{}", told.said);
    assert!(
        told.page.contains("&lt;title&gt;Log in") && !told.page.contains("<title>Log in"),
        "{}",
        told.page
    );

    let values: Vec<_> = (0..5000).map(|n| json!([n.to_string(), "{\"message\":\"m\"}"])).collect();
    let (_many, many, _) =
        store(json!({ "data": { "result": [{ "stream": {}, "values": values }] } }).to_string()).await;
    let stores = ["--traces", "http://127.0.0.1:9", "--logs", &*many, "--metrics", "http://127.0.0.1:9"];
    let told = tell("many", &[&["--trace", TRACE], &stores[..]].concat()).await;
    assert!(told.said.contains("older ones than the last 5000"), "{}", told.said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_that_is_not_what_was_asked_for_is_said() {
    let (_other, other, _) = store(json!({ "status": "error", "message": "log in first" }).to_string()).await;
    for traces in [other.clone(), format!("zipkin+{other}")] {
        let stores = ["--traces", &*traces, "--logs", &*other, "--metrics", &*other];
        let told = tell("other", &[&["--trace", TRACE], &stores[..]].concat()).await;
        let named = told.said.matches("it is not what was asked for: {\"message\":\"log in first\"").count();
        assert_eq!(named, 3, "{}", told.said);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_all_there_is_says_so() {
    let span = json!({ "traceID": TRACE, "spanID": "1", "processID": "p", "operationName": "GET /", "startTime": now() * 1e6 });
    let trace = json!({ "processes": { "p": { "serviceName": "shop" } }, "spans": [span] });
    let (_part, part, _) =
        store(json!({ "data": [trace], "errors": [{ "msg": "shard 3 is away" }] }).to_string()).await;
    let (_less, less, _) =
        store(json!({ "data": { "result": [] }, "warnings": ["store eu-2 is away"] }).to_string()).await;
    let stores = ["--traces", &*part, "--logs", "http://127.0.0.1:9", "--metrics", &*less];
    let told = tell("part", &[&["--trace", TRACE], &stores[..]].concat()).await;
    assert!(told.said.contains("has errors: [{\"msg\":\"shard 3 is away\"}]"), "{}", told.said);
    assert_eq!(told.said.matches("query has warnings: [\"store eu-2 is away\"]").count(), 1, "{}", told.said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_may_end_with_a_slash_and_a_wrong_one_is_answered_with_right_ones() {
    let (_empty, empty, asked) = store(json!({ "data": { "result": [] } }).to_string()).await;
    let base = format!("{empty}/");
    let stores = ["--traces", &*base, "--logs", &*base, "--metrics", &*base];
    tell("slash", &[&["--trace", TRACE], &stores[..]].concat()).await;
    let asked = asked.lock().unwrap().clone();
    assert!(asked.len() >= 3 && asked.iter().all(|path| !path.starts_with("//")), "{asked:?}");

    for (arguments, right) in [
        (["--traces", "127.0.0.1:16686"], "a store such as http://127.0.0.1:16686, zipkin+http://"),
        (["--logs", "zipkin+http://logs"], "a store such as http://127.0.0.1:3100, victorialogs+http://"),
        (["--metrics", "prometheus"], "a URL such as http://127.0.0.1:9090"),
        (["--at", "2026-11-29T12:00:00"], "a time with its zone, such as 2026-11-29T12:00:00Z"),
        (["--around", "1d"], "a time such as 90s, 10m or 24h"),
        (["--around", "10"], "a time such as 90s, 10m or 24h"),
    ] {
        let told = tell("wrong", &[&["--trace", TRACE], &arguments[..]].concat()).await;
        assert_eq!(told.code, 2, "{}", told.said);
        assert!(told.said.contains(right) && told.said.contains(arguments[0]), "{}", told.said);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_within_an_address_is_not_on_the_page() {
    let (_empty, empty, _) = store("<html>".to_owned()).await;
    let secret = |url: &str| url.replace("http://", "http://reader:s3cr3t@");
    let (good, bad) = (secret(&empty), secret("http://127.0.0.1:9"));
    let told =
        tell("secret", &["--trace", TRACE, "--traces", &good, "--logs", &bad, "--metrics", &good]).await;
    let shown = [&*empty, "http://127.0.0.1:9"].map(|url| url.replace("http://", "http://REDACTED@"));
    assert!(shown.iter().all(|url| told.page.contains(url)), "{}", told.page);
    for text in [&told.page, &told.said] {
        assert!(!text.contains("s3cr3t") && !text.contains("reader"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_within_an_address_is_sent_and_shown_to_nobody() {
    let (_keyed, keyed, asked) = store(json!({ "data": { "result": [] } }).to_string()).await;
    let (good, bad) = (format!("{keyed}/x?token=s3cr3t"), "http://127.0.0.1:9/?by=ann@s3cr3t");
    let told = tell("key", &["--trace", TRACE, "--traces", bad, "--logs", &good, "--metrics", &good]).await;
    let asked = asked.lock().unwrap().clone();
    assert!(asked.iter().any(|path| path.starts_with("/x/api/v1/query?token=s3cr3t&query=")), "{asked:?}");
    for text in [&told.page, &told.said] {
        assert!(!text.contains("s3cr3t") && text.contains("?REDACTED"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_store_says_steers_the_terminal_and_a_redirect_says_where_it_leads() {
    let answers = async |request: Request| match request.uri().path() {
        "/loki/api/v1/query_range" => {
            let to = [("location", "https://login.example/?state=s3cr3t")];
            (StatusCode::FOUND, to, String::new()).into_response()
        }
        // What a server would compress for whoever does not say that it must not.
        _ if request.headers().get("accept-encoding").is_none() => "\u{1f}\u{8b}".into_response(),
        _ => {
            let steering = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\n\u{202e}oops";
            (StatusCode::INTERNAL_SERVER_ERROR, steering).into_response()
        }
    };
    let server = Server::start(Router::new().fallback(answers)).await;
    let url = server.url("");
    let told = tell("steers", &["--trace", TRACE, "--traces", &url, "--logs", &url, "--metrics", &url]).await;
    let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!told.said.contains(steers) && told.said.contains("500"), "{:?}", told.said);
    assert!(told.said.contains("302 Found to https://login.example/?REDACTED"), "{}", told.said);
}

#[test]
fn a_standard_error_that_nobody_reads_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let out = out("unread");
    let stores =
        ["--traces", "http://127.0.0.1:9", "--logs", "http://127.0.0.1:9", "--metrics", "http://127.0.0.1:9"];
    let mut command = Command::new(program());
    command.args(["evidence", "--trace", TRACE]).args(stores).arg("--out").arg(&out).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(0));
    assert!(std::fs::read_to_string(&out).unwrap().contains("No span is known"));
    std::fs::remove_file(out).unwrap();
}

/// A store that answers only whom it knows.
async fn guarded_store() -> (Server, String) {
    let answers = async |request: Request| {
        let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        match shown {
            // ann@shop:s3cr3t
            Some("Basic YW5uQHNob3A6czNjcjN0") => {
                (StatusCode::OK, json!({ "status": "success", "data": { "result": [] } }).to_string())
            }
            _ => (StatusCode::UNAUTHORIZED, String::new()),
        }
    };
    let server = Server::start(Router::new().fallback(answers)).await;
    let url = server.url("").replace("http://", "http://ann%40shop:s3cr3t@");
    (server, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_a_password_within_an_address_are_sent() {
    let (_guarded, url) = guarded_store().await;
    let stores = ["--traces", "http://127.0.0.1:9", "--logs", &*url, "--metrics", &*url];
    let told = tell("guarded", &[&["--trace", TRACE], &stores[..]].concat()).await;
    // As a number of its own: a port may have these digits.
    let is_refused =
        |said: &str| said.split(|sign: char| !sign.is_ascii_digit()).any(|number| number == "401");
    assert!(!is_refused(&told.said), "{}", told.said);
    let mut command = Command::new(program());
    command.args(["doctor", "--service", "shop", "--prometheus", &url, "--loki", &url]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("--loki") && !is_refused(&said) && !said.contains("s3cr3t"), "{said}");
}

#[test]
fn a_page_that_cannot_be_written_is_said_before_anything_is_asked() {
    // Nobody answers at this address; waiting for it would take longer than the test may.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut command = Command::new(program());
    command.args(["evidence", "--trace", TRACE, "--traces", &url, "--out", "/nowhere/page.html"]);
    let output = command.output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/page.html: "), "{output:?}");
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_err(), "it was asked");
}
