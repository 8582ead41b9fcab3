//! The rules as their files have them, and their unit tests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_yaml_ng::Value;

use crate::support::repository::top;

/// A recording or alerting rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) is_alert: bool,
    pub(super) expr: String,
    /// For how long; `0` where it fires at once.
    pub(super) for_: String,
    pub(super) severity: Option<String>,
    annotations: Value,
}

/// One scenario of an alert, and how many alerts fire in it at each time.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) alert: String,
    pub(super) name: String,
    pub(super) firing: Vec<u64>,
}

impl Rule {
    fn of(rule: &Value) -> Self {
        let text = |name: &str| rule.get(name).and_then(Value::as_str).map(str::to_owned);
        let (record, alert) = (text("record"), text("alert"));
        Self {
            is_alert: alert.is_some(),
            name: alert.or(record).unwrap(),
            expr: text("expr").unwrap(),
            for_: text("for").unwrap_or_else(|| "0".to_owned()),
            severity: rule["labels"].get("severity").and_then(Value::as_str).map(str::to_owned),
            annotations: rule["annotations"].clone(),
        }
    }

    pub(super) fn annotation(&self, name: &str) -> &str {
        self.annotations[name].as_str().unwrap_or_else(|| panic!("{} has no {name}", self.name))
    }
}

/// The rules of all files.
pub(super) fn rules() -> Vec<Rule> {
    let files = files("rules");
    let groups = files.iter().flat_map(|file| file["groups"].as_sequence().unwrap());
    groups.flat_map(|group| group["rules"].as_sequence().unwrap()).map(Rule::of).collect()
}

/// The scenarios of all files.
pub(super) fn scenarios() -> Vec<Scenario> {
    let files = files("tests");
    let tests = files.iter().flat_map(|file| file["tests"].as_sequence().unwrap());
    let scenario = |test: &Value| {
        let (alert, name) = test["name"].as_str().unwrap().split_once(": ").unwrap();
        let checks = test["promql_expr_test"].as_sequence().unwrap();
        let firing = checks.iter().map(|check| {
            let asked = format!("sum(ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"");
            assert!(check["expr"].as_str().unwrap().starts_with(&asked), "{alert}: {name} asks for another");
            check["exp_samples"][0]["value"].as_u64().unwrap()
        });
        Scenario { alert: alert.to_owned(), name: name.to_owned(), firing: firing.collect() }
    };
    tests.map(scenario).collect()
}

/// The groups of each file of tests, as the files of rules that it names have them, and the order that it tells promtool.
pub(super) fn orders() -> Vec<(String, Vec<String>, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = |value: &Value| value.as_sequence().cloned().unwrap_or_default();
    let rules: BTreeMap<_, _> = texts("rules").into_iter().collect();
    let groups = |file: &Value| {
        let rules: Value =
            serde_yaml_ng::from_str(&rules[text(file).trim_start_matches("../rules/")]).unwrap();
        list(&rules["groups"]).iter().map(|group| text(&group["name"])).collect::<Vec<_>>()
    };
    let order = |(name, tests): (String, String)| {
        let tests: Value = serde_yaml_ng::from_str(&tests).unwrap();
        let has = list(&tests["rule_files"]).iter().flat_map(groups).collect();
        (name, has, tests.get("group_eval_order").map(list).unwrap_or_default().iter().map(text).collect())
    };
    texts("tests").into_iter().map(order).collect()
}

fn files(folder: &str) -> Vec<Value> {
    texts(folder).iter().map(|(_, text)| serde_yaml_ng::from_str(text).unwrap()).collect()
}

/// Name and text of each file of a folder beside Prometheus' configuration.
pub(super) fn texts(folder: &str) -> Vec<(String, String)> {
    let folder = top().join("examples/stack/prometheus").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}
