//! What Loki answers about the workshop's lines, pushed by an agent or sent over OTLP. Its server's licence keeps it
//! out of what `systems` installs: these tests run for who names one, of version 3 or newer.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::json;

use crate::support::booked::{
    Booked, at, booked, is_loud, is_marked, is_slow, line_of, read, said_too_much, sorted, time_of,
};
use crate::support::http::post;
use crate::support::logql::{LOUD, LOUD_JSON, SLOW, of_boards, of_trace, of_trace_and, of_trace_with};
use crate::support::loki::{Found, Place, discarded, find, push};
use crate::support::systems::LOKI;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::SERVICES;

const PUSH: &str = "/loki/api/v1/push";
/// What Loki takes of one line at most.
const LONGEST_LINE: usize = 256 * 1024;
/// What Loki takes of one line's metadata at most.
const MOST_METADATA: usize = 64 * 1024;

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

#[tokio::test]
#[ignore = "not asked: it needs BACKEND_LOKI=http://… and `-- --include-ignored`"]
async fn lines_that_an_agent_pushed_are_found_by_trace_time_and_level() {
    let Booked { trace_id, lines } = booked(&[]);
    let place = Place { namespace: "workshop", environment: "pushed" };
    let texts = || lines.iter().map(String::as_str);
    assert_eq!(push(&LOKI.url(PUSH), place, texts()).await.status, 204);

    // By the trace: each line of all eight, as it was written, at its own time.
    let time = time_of(&lines);
    let found = find_all(&of_trace(&trace_id), time.clone(), lines.len()).await;
    assert_eq!(services(&found), SERVICES.into());
    assert_eq!(sorted(found.iter().map(|line| &*line.text)), sorted(texts()));
    for line in &found {
        assert_eq!(line.at, at(&line.text), "{line:?}");
        assert_eq!(line.labels["request_id"], read(&line.text)["request_id"], "{line:?}");
    }

    // By a time within it: its end does not count, as everywhere in Loki.
    let middle = found[found.len() / 2].at;
    let early = find(&of_trace(&trace_id), time.start..middle).await;
    let before = sorted(texts().filter(|line| at(line) < middle));
    assert!(!before.is_empty());
    assert_eq!(sorted(early.iter().map(|line| &*line.text)), before);

    // By level, with and without the line's own fields.
    let troubled = sorted(texts().filter(|line| is_loud(line)));
    assert!(!troubled.is_empty());
    for stage in [LOUD, LOUD_JSON] {
        let found = find(&of_trace_and(&trace_id, stage), time.clone()).await;
        assert_eq!(sorted(found.iter().map(|line| &*line.text)), troubled, "{stage}");
    }

    // By what a line says: a number is one.
    let found = find(&of_trace_and(&trace_id, SLOW), time).await;
    assert_eq!(sorted(found.iter().map(|line| &*line.text)), sorted(texts().filter(|line| is_slow(line))));
    assert!(services(&found).contains("payments"));
}

#[tokio::test]
#[ignore = "not asked: it needs BACKEND_LOKI=http://… and `-- --include-ignored`"]
async fn the_same_question_finds_what_an_agent_pushed_and_what_came_over_otlp() {
    let endpoint = LOKI.url("/otlp/v1/logs");
    let Booked { trace_id, lines } = booked(&[
        ("OTEL_LOGS_EXPORTER", "console,otlp"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &endpoint),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=workshop,deployment.environment.name=both"),
    ]);
    let place = Place { namespace: "workshop", environment: "both" };
    assert_eq!(push(&LOKI.url(PUSH), place, lines.iter().map(String::as_str)).await.status, 204);

    let found = find_all(&of_trace(&trace_id), time_of(&lines), 2 * lines.len()).await;
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
    let loud = find(&of_trace_and(&trace_id, LOUD), time_of(&lines)).await;
    assert_eq!(loud.len(), 2 * lines.iter().filter(|line| is_loud(line)).count());

    // And the panel of the board.
    let of_payments = |line: &&String| is_loud(line) && read(line)["service"] == "payments";
    let count = 2 * lines.iter().filter(of_payments).count();
    for query in of_boards("payments") {
        find_all(&query, time_of(&lines), count).await;
    }
}

#[tokio::test]
#[ignore = "not asked: it needs BACKEND_LOKI=http://… and `-- --include-ignored`"]
async fn a_record_is_cut_by_us_and_not_refused_by_loki() {
    let refused = discarded("otlp").await;
    let (ended, lines) = said_too_much(Some(&LOKI.url("/otlp/v1/logs")));
    let query = of_trace(ended.said("trace: "));
    let found = find_all(&query, time_of(&lines), 2).await;
    for message in ["one huge field", "job ok"] {
        let record = found.iter().find(|record| record.text == message).unwrap();
        assert!(record.labels.values().any(is_marked), "{record:?}");
    }
    assert_eq!(ended.said("records cut: "), "2");
    assert_eq!(discarded("otlp").await, refused);
}

#[tokio::test]
#[ignore = "not asked: it needs BACKEND_LOKI=http://… and `-- --include-ignored`"]
async fn a_line_is_cut_by_us_and_not_refused_by_loki() {
    let (ended, lines) = said_too_much(None);
    let place = Place { namespace: "limits", environment: "cut" };
    let refused = discarded("loki").await;
    assert_eq!(push(&LOKI.url(PUSH), place, lines.iter().map(String::as_str)).await.status, 204);
    assert_eq!(discarded("loki").await, refused);

    // Found again as it was written, with our mark, and counted.
    for message in ["one huge field", "job ok"] {
        let line = line_of(&lines, message);
        assert!(line.len() <= LONGEST_LINE && line.len() > LONGEST_LINE - 8 * 1024, "{} bytes", line.len());
        assert!(read(line).as_object().unwrap().values().any(is_marked));
        let query = of_trace_with(ended.said("trace: "), message);
        let found = find_all(&query, at(line)..at(line) + 1, 1).await;
        assert_eq!(found[0].text, line);
    }
    assert_eq!(ended.said("lines cut: "), "2");

    // The limits are real.
    let too_long = json!({ "service": "limits", "timestamp": read(&lines[0])["timestamp"], "huge": "x".repeat(LONGEST_LINE) });
    let answer = push(&LOKI.url(PUSH), place, [&*too_long.to_string()]).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("max entry size '262144' bytes exceeded"), "{answer:?}");
    assert_eq!(discarded("loki").await, refused + 1.0);
    let metadata = json!({ "huge": "x".repeat(MOST_METADATA) });
    let values = json!([[at(&lines[0]).to_string(), "a line", metadata]]);
    let body = json!({ "streams": [{ "stream": { "service_name": "limits" }, "values": values }] });
    let answer = post(&LOKI.url(PUSH), &body).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("structured metadata too large"), "{answer:?}");
}
