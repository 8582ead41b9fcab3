//! What Grafana's own grammar says of every LogQL query that the documentation and the boards show and these tests ask.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shared::repository::top;
use crate::support::logql::{
    LOUD, LOUD_JSON, SLOW, faults, of_boards, of_trace, of_trace_and, of_trace_with,
};

/// The README and the pages of the guide.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![top().join("README.md")];
    markdown(&top().join("src"), &mut pages);
    pages
}

fn markdown(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            markdown(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// The lines of the blocks of LogQL, and the queries that a configuration of Grafana has.
fn queries(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_logql = false;
    for line in page.lines() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            is_logql = language == "logql";
        } else if is_logql && !line.is_empty() {
            found.push(line.to_owned());
        } else if let Some(query) = line.strip_prefix("query: '{").and_then(|rest| rest.strip_suffix('\'')) {
            found.push(format!("{{{query}"));
        }
    }
    found
}

#[test]
fn every_query_that_is_shown_or_asked_is_one_to_grafana() {
    let shown: Vec<String> =
        pages().iter().flat_map(|page| queries(&fs::read_to_string(page).unwrap())).collect();
    for kind in ["} | trace_id=", "detected_level", "| json |", "${__trace.traceId}"] {
        assert!(shown.iter().any(|query| query.contains(kind)), "no query with {kind:?} in {shown:#?}");
    }
    let stages = [LOUD, LOUD_JSON, SLOW].map(|stage| of_trace_and("4bf9", stage));
    let asked = [of_trace("4bf9"), of_trace_with("4bf9", "job ok")].into_iter().chain(stages);
    let boards = of_boards("payments");
    assert!(!boards.is_empty());
    let queries: Vec<String> = shown.into_iter().chain(asked).chain(boards).collect();
    for (query, fault) in queries.iter().zip(faults(&queries)) {
        assert_eq!(fault, None, "{query}");
    }
}

#[test]
fn what_is_no_query_is_found() {
    let broken = [
        (r#"{a="b" | json"#, "| json"),
        (r#"{a="b"} | | json"#, "| json"),
        (r#"{a="b"} | duration_ms >"#, ""),
        ("{a=b}", "b}"),
        ("", ""),
    ];
    let found = faults(&broken.map(|(query, _)| query.to_owned()));
    let expected: Vec<_> = broken.iter().map(|(_, rest)| Some((*rest).to_owned())).collect();
    assert_eq!(found, expected);
}
