//! `examples/stack` as the real systems see it: rules, routing and boards by their own tools, and an incident.

mod cost;
mod messages;
mod page;
pub(crate) mod panels;
mod pipeline;
mod silent;

use std::path::{Path, PathBuf};

use crate::shared::repository::top;
use crate::support::prometheus::{promtool, run};
use crate::support::stack::{Folder, file};
use crate::support::systems::{AMTOOL, BOARDS, MANIFESTS};

/// Labels of an alert, and who gets it.
const ROUTES: [(&str, &str); 10] = [
    ("alertname=RequestErrors severity=critical job=payments", "page"),
    ("alertname=ServiceDown severity=critical job=payments", "page"),
    ("alertname=DependencyFailing severity=critical job=payments", "page"),
    ("alertname=DependencyFailing severity=warning job=payments", "chat"),
    ("alertname=TrafficGone severity=warning job=payments", "chat"),
    ("alertname=JourneyFailed severity=critical job=journey", "page"),
    ("alertname=RequestErrorsElevated severity=warning job=payments", "chat"),
    ("alertname=DiskLow severity=warning job=payments", "chat"),
    ("alertname=LogLinesLeftOut severity=info job=payments", "boards-only"),
    ("alertname=Watchdog severity=none", "dead-mans-switch"),
];

/// The files of a folder of the stack, sorted.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(file(folder)).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

#[test]
fn promtool_finds_no_fault_in_the_rules() {
    let rules = files("prometheus/rules");
    let arguments = ["check", "rules", "--lint=all", "--lint-fatal"].into_iter();
    promtool(&arguments.chain(rules.iter().map(String::as_str)).collect::<Vec<_>>(), "");
    promtool(&["check", "config", file("prometheus/prometheus.yml").to_str().unwrap()], "");
}

#[test]
fn each_alert_goes_to_whom_it_is_meant_for() {
    let config = file("alertmanager/alertmanager.yml").to_str().unwrap().to_owned();
    run(&AMTOOL.path(), &["check-config", &config], "");
    for (labels, receiver) in ROUTES {
        let mut arguments = vec!["config", "routes", "test", "--config.file", &config];
        arguments.extend(labels.split(' '));
        assert_eq!(run(&AMTOOL.path(), &arguments, "").trim(), receiver, "{labels}");
    }
}

#[test]
fn boards_are_what_grafanas_schema_allows() {
    let boards = files("grafana/dashboards");
    let read = run(&BOARDS.path(), &boards.iter().map(String::as_str).collect::<Vec<_>>(), "");
    assert_eq!(read.lines().count(), boards.len(), "{read}");
}

/// What the schemas' reader says of this Compose file and these manifests, and that it ended well.
fn read_manifests(compose: &str, manifests: &[String]) -> String {
    let script = top().join("tests/backends/config/manifests.cjs").to_str().unwrap().to_owned();
    let modules = format!("NODE_PATH={}", MANIFESTS.value());
    let mut arguments = vec![&*modules, "node", &script, compose];
    arguments.extend(manifests.iter().map(String::as_str));
    run(Path::new("env"), &arguments, "")
}

#[test]
fn the_compose_file_and_the_manifests_are_what_their_schemas_allow() {
    let compose = file("compose.yml").to_str().unwrap().to_owned();
    let read = read_manifests(&compose, &files("kubernetes"));
    assert!(
        read.lines().all(|line| line.ends_with("ok")) && read.contains("PrometheusRule requests ok"),
        "{read}"
    );
}

#[test]
#[should_panic(expected = "Deployment faulty:")]
fn a_fault_in_a_manifest_is_found() {
    let folder = Folder::new("faulty");
    let faulty =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: faulty }\nspec: { replicas: two }\n";
    let compose = file("compose.yml").to_str().unwrap().to_owned();
    read_manifests(&compose, &[folder.write("faulty.yml", faulty)]);
}
