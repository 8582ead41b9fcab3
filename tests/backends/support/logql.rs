//! The LogQL of these tests, and what Grafana's own grammar says of a query.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::systems::LOGQL;
use crate::shared::repository::top;

/// Lines that somebody should look at, by the level that Loki finds in them.
pub const LOUD: &str = r#"detected_level=~"warn|error|fatal""#;
/// The same by the line's own field.
pub const LOUD_JSON: &str = r#"json | level=~"WARN|ERROR|FATAL""#;
/// What went well and took long.
pub const SLOW: &str = r#"json | outcome="ok" | duration_ms > 100"#;

/// All lines of a trace, however they came.
pub fn of_trace(trace_id: &str) -> String {
    format!("{{service_name=~\".+\"}} | trace_id=\"{trace_id}\"")
}

/// The lines of a trace that a stage lets through, such as [`LOUD`].
pub fn of_trace_and(trace_id: &str, stage: &str) -> String {
    format!("{} | {stage}", of_trace(trace_id))
}

/// The lines of a trace in which this text stands.
pub fn of_trace_with(trace_id: &str, text: &str) -> String {
    format!("{{service_name=~\".+\"}} |= `{text}` | trace_id=\"{trace_id}\"")
}

/// The queries of the boards' panels of lines, about this service.
pub fn of_boards(job: &str) -> Vec<String> {
    let boards = std::fs::read_dir(top().join("examples/stack/grafana/dashboards")).unwrap();
    let mut queries = Vec::new();
    for board in boards.map(|board| std::fs::read_to_string(board.unwrap().path()).unwrap()) {
        let board: Value = serde_json::from_str(&board).unwrap();
        let panels = board["panels"].as_array().unwrap().iter();
        let of_lines = panels.filter(|panel| panel["datasource"]["type"] == "loki");
        for target in of_lines.flat_map(|panel| panel["targets"].as_array().unwrap()) {
            queries.push(target["expr"].as_str().unwrap().replace("$job", job));
        }
    }
    queries
}

/// For each query `None`, or what stands where the grammar cannot go on.
pub fn faults(queries: &[String]) -> Vec<Option<String>> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/backends/config/logql.cjs");
    let mut node = Command::new("node")
        .arg(program)
        .env("NODE_PATH", LOGQL.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(&serde_json::to_vec(queries).unwrap()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}
