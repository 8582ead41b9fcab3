//! Each panel's queries, asked of the Prometheus that watches the workshop.

use serde_json::Value;

use super::files;
use crate::support::http::query;

/// Panels that rightly have nothing here: no quota, no limit of memory, no listed disk, no jobs in payments, and a
/// workshop without database, pool and named queue.
const MAY_BE_EMPTY: [&str; 11] = [
    "Throttled",
    "Memory",
    "Free disk",
    "Jobs and messages",
    "Databases",
    "Pools",
    "Waiting for a connection",
    "Queues",
    "Oldest message",
    "Caches",
    "Circuit breakers",
];

/// Asks all of them about this service; returns a row for each: board, panel, how many series.
pub(super) async fn ask_all(prometheus: &str, job: &str) -> Vec<(String, String, usize)> {
    let mut rows = Vec::new();
    for file in files("grafana/dashboards") {
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for panel in board["panels"].as_array().unwrap() {
            if panel["datasource"]["type"] != "prometheus" {
                continue;
            }
            let mut count = 0;
            for target in panel["targets"].as_array().unwrap() {
                let promql = text(&target["expr"]).replace("$__rate_interval", "1m").replace("$job", job);
                let promql = promql.replace("$route", ".*").replace("$instance", ".*");
                let answer = query(&format!("{prometheus}/api/v1/query"), &[("query", &promql)]).await.json();
                count += answer["data"]["result"].as_array().unwrap().len();
            }
            rows.push((text(&board["title"]), text(&panel["title"]), count));
        }
    }
    rows
}

/// Panels that show nothing although they should.
pub(super) fn empty(rows: &[(String, String, usize)]) -> Vec<String> {
    let empty =
        rows.iter().filter(|(_, panel, count)| *count == 0 && !MAY_BE_EMPTY.contains(&panel.as_str()));
    empty.map(|(board, panel, _)| format!("{board}: {panel}")).collect()
}
