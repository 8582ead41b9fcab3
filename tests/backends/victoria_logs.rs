//! What VictoriaLogs answers about the workshop's lines, pushed as an agent pushes them to Loki, or sent over OTLP.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::support::booked::{
    Booked, at, booked, is_loud, is_marked, is_slow, line_of, read, said_too_much, sorted, time_of,
};
use crate::support::loki::{Place, push};
use crate::support::systems::VICTORIA_LOGS;
use crate::support::victoria_logs::{Found, OTLP, PUSH, discarded, find};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::SERVICES;

fn of_trace(trace_id: &str) -> String {
    format!("trace_id:=\"{trace_id}\"")
}

async fn find_all(logsql: &str, during: Range<i64>, count: usize) -> Vec<Found> {
    eventually(SOON, "all lines", async || {
        let found = find(logsql, during.clone()).await;
        if found.len() >= count { Ok(found) } else { Err(format!("{} of {count}: {found:#?}", found.len())) }
    })
    .await
}

fn services<'a>(found: &'a [Found], field: &str) -> BTreeSet<&'a str> {
    found.iter().map(|line| line.field(field)).collect()
}

#[tokio::test]
async fn lines_that_an_agent_pushed_are_found_by_trace_time_and_level() {
    let Booked { trace_id, lines } = booked(&[]);
    let place = Place { namespace: "workshop", environment: "pushed" };
    let texts = || lines.iter().map(String::as_str);
    assert_eq!(push(&VICTORIA_LOGS.url(PUSH), place, texts()).await.status, 204);

    // By the trace: each line of all eight, as it was written, at its own time.
    let time = time_of(&lines);
    let found = find_all(&of_trace(&trace_id), time.clone(), lines.len()).await;
    assert_eq!(services(&found, "service_name"), SERVICES.into());
    assert_eq!(sorted(found.iter().map(Found::text)), sorted(texts()));
    for line in &found {
        assert_eq!(line.at(), at(line.text()), "{line:?}");
        assert_eq!(line.field("request_id"), read(line.text())["request_id"], "{line:?}");
    }

    // By a time within it.
    let mut times: Vec<i64> = found.iter().map(Found::at).collect();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    let early = find(&of_trace(&trace_id), time.start..middle).await;
    let before = sorted(texts().filter(|line| at(line) < middle));
    assert!(!before.is_empty());
    assert_eq!(sorted(early.iter().map(Found::text)), before);

    // By level, and by what a line says: a number is one.
    let unpacked = format!("{} | unpack_json | filter ", of_trace(&trace_id));
    let troubled = sorted(texts().filter(|line| is_loud(line)));
    assert!(!troubled.is_empty());
    let found = find(&format!("{unpacked} level:in(WARN, ERROR, FATAL)"), time.clone()).await;
    assert_eq!(sorted(found.iter().map(Found::text)), troubled);
    let found = find(&format!("{unpacked} outcome:=ok duration_ms:>100"), time).await;
    assert_eq!(sorted(found.iter().map(Found::text)), sorted(texts().filter(|line| is_slow(line))));
    assert!(services(&found, "service_name").contains("payments"));
}

#[tokio::test]
async fn the_same_question_finds_what_an_agent_pushed_and_what_came_over_otlp() {
    let endpoint = VICTORIA_LOGS.url(OTLP);
    let Booked { trace_id, lines } = booked(&[
        ("OTEL_LOGS_EXPORTER", "console,otlp"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &endpoint),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=workshop,deployment.environment.name=both"),
    ]);
    let place = Place { namespace: "workshop", environment: "both" };
    let texts = lines.iter().map(String::as_str);
    assert_eq!(push(&VICTORIA_LOGS.url(PUSH), place, texts).await.status, 204);

    let found = find_all(&of_trace(&trace_id), time_of(&lines), 2 * lines.len()).await;
    // Only over OTLP the process is known.
    let (records, pushed): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|line| !line.field("service.instance.id").is_empty());
    assert_eq!(services(&pushed, "service_name"), SERVICES.into());
    assert_eq!(services(&records, "service.name"), SERVICES.into());
    assert_eq!((pushed.len(), records.len()), (lines.len(), lines.len()));

    // A line and its record tell the same.
    for line in &pushed {
        let text = read(line.text());
        let record = records.iter().find(|record| {
            record.at() / 1_000 == line.at() / 1_000
                && record.field("service.name") == line.field("service_name")
                && record.field("span_id") == line.field("span_id")
                && text["message"] == *record.text()
        });
        let record = record.unwrap_or_else(|| panic!("no record of {text} in {records:#?}"));
        assert_eq!(record.field("trace_id"), line.field("trace_id"), "{record:?}");
        assert_eq!(record.field("service.namespace"), line.field("service_namespace"), "{record:?}");
        let environment = record.field("deployment.environment.name");
        assert_eq!(environment, line.field("deployment_environment_name"), "{record:?}");
        assert_eq!(text["level"], *record.field("severity_text"), "{record:?}");
    }
    let loud = format!("{} severity_text:in(WARN, ERROR, FATAL)", of_trace(&trace_id));
    let loud = find(&loud, time_of(&lines)).await;
    assert_eq!(loud.len(), lines.iter().filter(|line| is_loud(line)).count());
}

#[tokio::test]
async fn a_record_and_a_line_that_we_cut_arrive_whole() {
    let refused = discarded().await;
    let (ended, lines) = said_too_much(Some(&VICTORIA_LOGS.url(OTLP)));
    let place = Place { namespace: "limits", environment: "cut" };
    assert_eq!(push(&VICTORIA_LOGS.url(PUSH), place, lines.iter().map(String::as_str)).await.status, 204);
    let found = find_all(&of_trace(ended.said("trace: ")), time_of(&lines), 4).await;
    for message in ["one huge field", "job ok"] {
        let record = found.iter().find(|record| record.text() == message).unwrap();
        assert!(record.0.values().any(is_marked), "{record:?}");
        let line = line_of(&lines, message);
        assert!(read(line).as_object().unwrap().values().any(is_marked));
        assert!(found.iter().any(|found| found.text() == line && found.at() == at(line)), "{message}");
    }
    assert_eq!((ended.said("records cut: "), ended.said("lines cut: ")), ("2", "2"));
    assert_eq!(discarded().await, refused);
}
