//! What Loki answers about the workshop's lines, pushed by an agent or sent over OTLP.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tower_observability::{Work, request};

use crate::shared::child::{Child, run};
use crate::shared::http::get;
use crate::support::http::post;
use crate::support::loki::{Found, Place, discarded, find, push};
use crate::support::systems::LOKI;
use crate::support::time::nanoseconds;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop};

/// What Loki takes of one line at most.
const LONGEST_LINE: usize = 256 * 1024;
/// What Loki takes of one line's metadata at most.
const MOST_METADATA: usize = 64 * 1024;

/// A booking's trace, and every line of it as the services wrote it.
struct Booked {
    trace_id: String,
    lines: Vec<String>,
}

/// The one question for all lines of a trace, however they came.
fn lines_of_trace(trace_id: &str) -> String {
    format!("{{service_name=~\".+\"}} | trace_id=\"{trace_id}\"")
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn at(line: &str) -> i64 {
    nanoseconds(read(line)["timestamp"].as_str().unwrap())
}

/// From the first of these lines to the last, whose record may be a part of a microsecond younger.
fn time_of(lines: &[String]) -> Range<i64> {
    let times: Vec<i64> = lines.iter().map(|line| at(line)).collect();
    *times.iter().min().unwrap()..*times.iter().max().unwrap() + 1_000
}

/// One booking; all that the eight wrote about it, to their end.
fn booked(variables: &[(&str, &str)]) -> Booked {
    let workshop = Workshop::start(variables);
    let trace_id = workshop.book(4711, &[]).trace_id;
    workshop.lines_of(&trace_id);
    let lines = workshop.stop().into_iter().map(|line| line.text);
    let lines = lines.filter(|line| read(line)["trace_id"] == *trace_id).collect();
    Booked { trace_id, lines }
}

/// Asks until as many lines are there.
async fn find_all(logql: &str, during: Range<i64>, count: usize) -> Vec<Found> {
    eventually(SOON, "all lines", async || {
        let found = find(logql, during.clone()).await;
        if found.len() >= count { Ok(found) } else { Err(format!("{} of {count}: {found:#?}", found.len())) }
    })
    .await
}

fn services(found: &[Found]) -> BTreeSet<&str> {
    found.iter().filter_map(|line| line.labels["service_name"].as_str()).collect()
}

/// The same lines, whatever their order.
fn sorted<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn lines_that_an_agent_pushed_are_found_by_trace_time_and_level() {
    let Booked { trace_id, lines } = booked(&[]);
    let place = Place { namespace: "workshop", environment: "pushed" };
    let texts = || lines.iter().map(String::as_str);
    assert_eq!(push(place, texts()).await.status, 204);

    // By the trace: each line of all eight, as it was written, at its own time.
    let time = time_of(&lines);
    let found = find_all(&lines_of_trace(&trace_id), time.clone(), lines.len()).await;
    assert_eq!(services(&found), SERVICES.into());
    assert_eq!(sorted(found.iter().map(|line| &*line.text)), sorted(texts()));
    for line in &found {
        assert_eq!(line.at, at(&line.text), "{line:?}");
        assert_eq!(line.labels["request_id"], read(&line.text)["request_id"], "{line:?}");
    }

    // By a time within it: its end does not count, as everywhere in Loki.
    let middle = found[found.len() / 2].at;
    let early = find(&lines_of_trace(&trace_id), time.start..middle).await;
    let before = sorted(texts().filter(|line| at(line) < middle));
    assert!(!before.is_empty());
    assert_eq!(sorted(early.iter().map(|line| &*line.text)), before);

    // By level, with and without the line's own fields.
    let loud = |line: &&str| ["WARN", "ERROR", "FATAL"].iter().any(|level| read(line)["level"] == *level);
    let troubled = sorted(texts().filter(loud));
    assert!(!troubled.is_empty());
    for filter in [r#"detected_level=~"warn|error|fatal""#, r#"json | level=~"WARN|ERROR|FATAL""#] {
        let found = find(&format!("{} | {filter}", lines_of_trace(&trace_id)), time.clone()).await;
        assert_eq!(sorted(found.iter().map(|line| &*line.text)), troubled, "{filter}");
    }

    // By what a line says: a number is one.
    let slow = r#"json | outcome="ok" | duration_ms > 100"#;
    let found = find(&format!("{} | {slow}", lines_of_trace(&trace_id)), time).await;
    let is_slow = |line: &&str| {
        let line = read(line);
        line["outcome"] == "ok" && line["duration_ms"].as_f64() > Some(100.0)
    };
    assert_eq!(sorted(found.iter().map(|line| &*line.text)), sorted(texts().filter(is_slow)));
    assert!(services(&found).contains("payments"));
}

#[tokio::test]
async fn the_same_question_finds_what_an_agent_pushed_and_what_came_over_otlp() {
    let endpoint = LOKI.url("/otlp/v1/logs");
    let Booked { trace_id, lines } = booked(&[
        ("OTEL_LOGS_EXPORTER", "console,otlp"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &endpoint),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=workshop,deployment.environment.name=both"),
    ]);
    let place = Place { namespace: "workshop", environment: "both" };
    assert_eq!(push(place, lines.iter().map(String::as_str)).await.status, 204);

    let found = find_all(&lines_of_trace(&trace_id), time_of(&lines), 2 * lines.len()).await;
    // Only over OTLP the process is known.
    let (records, pushed): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|line| line.labels.contains_key("service_instance_id"));
    assert_eq!(services(&pushed), SERVICES.into());
    assert_eq!(services(&records), SERVICES.into());
    assert_eq!((pushed.len(), records.len()), (lines.len(), lines.len()));

    // A line and its record tell the same.
    for line in &pushed {
        let text = read(&line.text);
        let record = records.iter().find(|record| {
            let same = |label: &str| record.labels[label] == line.labels[label];
            record.at / 1_000 == line.at / 1_000
                && same("service_name")
                && same("span_id")
                && text["message"] == *record.text
        });
        let record = record.unwrap_or_else(|| panic!("no record of {text} in {records:#?}"));
        for label in ["trace_id", "service_namespace", "deployment_environment_name", "detected_level"] {
            assert_eq!(record.labels[label], line.labels[label], "{record:?}");
        }
        assert_eq!(record.labels["severity_text"], text["level"], "{record:?}");
    }

    // So does a question about levels.
    let loud = format!("{} | detected_level=~\"warn|error|fatal\"", lines_of_trace(&trace_id));
    let loud = find(&loud, time_of(&lines)).await;
    let is_loud =
        |line: &&String| ["WARN", "ERROR", "FATAL"].iter().any(|level| read(line)["level"] == *level);
    assert_eq!(loud.len(), 2 * lines.iter().filter(is_loud).count());
}

#[tokio::test]
async fn a_record_is_cut_by_us_and_not_refused_by_loki() {
    let refused = discarded("otlp").await;
    let endpoint = LOKI.url("/otlp/v1/logs");
    let child = Child::new("loki", "huge").env("OTEL_LOGS_EXPORTER", "console,otlp");
    let ended = child.env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &endpoint).end().well();
    let lines: Vec<String> = ended.output.iter().filter(|line| line.starts_with('{')).cloned().collect();
    let query = format!("{{service_name=\"limits\"}} | trace_id=\"{}\"", ended.said("trace: "));
    let found = find_all(&query, time_of(&lines), 2).await;
    for message in ["one huge field", "job ok"] {
        let record = found.iter().find(|record| record.text == message).unwrap();
        let marked = |value: &Value| value.as_str().is_some_and(|text| text.ends_with("…[truncated]"));
        assert!(record.labels.values().any(marked), "{record:?}");
    }
    assert_eq!(ended.said("records cut: "), "2");
    assert_eq!(discarded("otlp").await, refused);
}

#[tokio::test]
async fn a_line_is_cut_by_us_and_not_refused_by_loki() {
    let ended = Child::new("loki", "huge").end().well();
    let lines: Vec<&str> =
        ended.output.iter().map(|line| &**line).filter(|line| line.starts_with('{')).collect();
    let place = Place { namespace: "limits", environment: "cut" };
    let refused = discarded("loki").await;
    assert_eq!(push(place, lines.iter().copied()).await.status, 204);
    assert_eq!(discarded("loki").await, refused);

    // Found again as it was written, with our mark, and counted.
    for message in ["one huge field", "job ok"] {
        let line = lines.iter().find(|line| read(line)["message"] == message);
        let line = line.unwrap_or_else(|| panic!("no {message:?} in {lines:#?}"));
        assert!(line.len() <= LONGEST_LINE && line.len() > LONGEST_LINE - 8 * 1024, "{} bytes", line.len());
        let marked = |value: &Value| value.as_str().is_some_and(|text| text.ends_with("…[truncated]"));
        assert!(read(line).as_object().unwrap().values().any(marked));
        let query = format!(
            "{{service_namespace=\"limits\"}} |= `{message}` | trace_id=\"{}\"",
            ended.said("trace: ")
        );
        let found = find_all(&query, at(line)..at(line) + 1, 1).await;
        assert_eq!(found[0].text, *line);
    }
    assert_eq!(ended.said("lines cut: "), "2");

    // The limits are real.
    let too_long = json!({ "service": "limits", "timestamp": read(lines[0])["timestamp"], "huge": "x".repeat(LONGEST_LINE) });
    let answer = push(place, [&*too_long.to_string()]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("max entry size '262144' bytes exceeded"), "{answer:?}");
    assert_eq!(discarded("loki").await, refused + 1.0);
    let metadata = json!({ "huge": "x".repeat(MOST_METADATA) });
    let values = json!([[at(lines[0]).to_string(), "a line", metadata]]);
    let body = json!({ "streams": [{ "stream": { "service_name": "limits" }, "values": values }] });
    let answer = post(&LOKI.url("/loki/api/v1/push"), &body).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("structured metadata too large"), "{answer:?}");
}

#[test]
fn program() {
    run(&[("huge", huge)]);
}

/// A service that says too much: a field of 1 MiB, and hundreds of large ones.
fn huge() {
    let observability = tower_observability::init("limits").unwrap();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {
        eprintln!("trace: {}", request::trace().unwrap().trace_id);
        tracing::info!(huge = "x".repeat(1024 * 1024), "one huge field");
        for n in 0..400 {
            // Loki puts letters before a name that begins with a digit.
            request::add(format!("{n}_field"), "é".repeat(1_000));
        }
    }));
    let address = observability.admin_address().unwrap().to_string();
    // A finished hop's line is made, and cut, behind the request.
    let start = Instant::now();
    let page = loop {
        let page = get(&address, "/metrics");
        let mut sizes = page.lines().filter(|line| line.starts_with("otel_sdk_processor_log_queue_size"));
        if sizes.all(|size| size.ends_with(" 0")) {
            break page;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "a queue does not empty:\n{page}");
        std::thread::yield_now();
    };
    for (what, metric) in [
        ("lines", "observability_log_lines_shortened_total "),
        ("records", "observability_log_records_shortened_total "),
    ] {
        let cut = page.lines().find_map(|line| line.strip_prefix(metric));
        eprintln!("{what} cut: {}", cut.unwrap_or("none"));
    }
}
