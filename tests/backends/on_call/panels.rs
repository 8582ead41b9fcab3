//! Each panel's queries, asked of the Prometheus that watches the workshop.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files;
use crate::support::http::query;
use crate::support::prometheus::now;

/// Whose board is looked at: a panel shows something for at least one of them.
const JOBS: [&str; 5] = ["payments", "worker", "customers", "bookings", "vehicles"];
/// What nothing can be had of where no control group can be made.
const OF_CONTROL_GROUPS: [&str; 2] = ["Throttled", "Memory"];
/// What a pool of sqlx does not say, what a queue has none of as long as its worker keeps up, and what is there only once
/// something went wrong with it.
const MAY_BE_EMPTY: [&str; 5] = [
    "Tasks that wait for a connection",
    "Oldest message",
    "Messages behind newer ones",
    "Held spans let go before their time",
    "Metrics beyond 2,000 label sets",
];

/// Asks all of them about the last minutes, as a board does; returns a row for each: board, panel, how many series.
pub(crate) async fn ask_all(prometheus: &str) -> Vec<(String, String, usize)> {
    let mut rows = Vec::new();
    let during = [(now() - 300.0).to_string(), now().to_string()];
    let (since, until) = (("start", &*during[0]), ("end", &*during[1]));
    for file in files("grafana/dashboards") {
        let board: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for panel in board["panels"].as_array().unwrap() {
            if panel["datasource"]["type"] != "prometheus" {
                continue;
            }
            let mut count = 0;
            for target in panel["targets"].as_array().unwrap() {
                let promql = text(&target["expr"]).replace("$__rate_interval", "1m");
                let promql = promql.replace("$route", ".*").replace("$instance", ".*");
                for promql in BTreeSet::from(JOBS.map(|job| promql.replace("$job", job))) {
                    let url = format!("{prometheus}/api/v1/query_range");
                    let answer =
                        query(&url, &[("query", &*promql), since, until, ("step", "5")]).await.json();
                    count += answer["data"]["result"].as_array().unwrap().len();
                }
            }
            rows.push((text(&board["title"]), text(&panel["title"]), count));
        }
    }
    rows
}

/// Panels that show nothing although they should.
pub(crate) fn empty(rows: &[(String, String, usize)], has_control_groups: bool) -> Vec<String> {
    let may_be_empty = |panel: &str| {
        MAY_BE_EMPTY.contains(&panel) || (!has_control_groups && OF_CONTROL_GROUPS.contains(&panel))
    };
    let empty = rows.iter().filter(|(_, panel, count)| *count == 0 && !may_be_empty(panel));
    empty.map(|(board, panel, _)| format!("{board}: {panel}")).collect()
}
