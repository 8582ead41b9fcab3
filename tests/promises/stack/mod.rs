//! Promise: `examples/stack` uses only what this crate emits, and each alert has its bounds, its tests and its runbook.

mod boards;
mod compose;
mod panels;
mod promql;
mod rules;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};

use boards::About;
use panels::BOARDS;
use promql::Used;
use rules::{Rule, rules, scenarios};
use vocabulary::Vocabulary;

use super::readme::read;
use crate::support::repository::top;

/// A row of the table of bounds: alert, of what, healthy, warning, incident, for, severity.
type Row = Vec<String>;

fn alerts() -> Vec<Rule> {
    rules().into_iter().filter(|rule| rule.is_alert).collect()
}

/// The rows of the guide's table.
fn bounds() -> Vec<Row> {
    let page = read("src/guide/on_call.md");
    let table =
        page.split("<!-- begin: bounds -->").nth(1).unwrap().split("<!-- end: bounds -->").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ["));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn row<'a>(rows: &'a [Row], alert: &str) -> &'a Row {
    let link = format!("[{alert}](on_call#{})", alert.to_lowercase());
    rows.iter()
        .find(|row| row[0] == link)
        .unwrap_or_else(|| panic!("{alert} has no row in the table of bounds"))
}

#[test]
fn each_test_of_rules_says_in_which_order_they_are_evaluated() {
    for (file, groups, order) in rules::orders() {
        assert_eq!(order, groups, "{file}: promtool chooses an order of its own, another one each time");
    }
}

#[test]
fn rules_use_only_what_is_emitted() {
    let vocabulary = Vocabulary::new();
    for rule in rules() {
        let unknown = vocabulary.unknown(&rule.expr);
        assert!(unknown.is_empty(), "{}: {unknown:?}", rule.name);
    }
}

#[test]
fn each_alert_has_the_bounds_that_the_guide_says() {
    let (alerts, rows) = (alerts(), bounds());
    for alert in &alerts {
        let row = row(&rows, &alert.name);
        let bounds: Vec<_> = row[3..5].iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(!bounds.is_empty() || alert.name == "Watchdog", "{row:?}");
        for bound in bounds {
            assert!(
                alert.expr.contains(bound),
                "{}: the guide says {bound}, the rule is {}",
                alert.name,
                alert.expr
            );
        }
        assert_eq!(alert.for_, row[5], "{}", alert.name);
        let said = match row[6].as_str() {
            "the route's" => {
                alert.expr.contains("group_left (severity) job_route:severity:info").then_some(None)
            }
            "the route's, at most warning" => {
                let lowered =
                    "label_replace(job_route:severity:info{severity=\"critical\"}, \"severity\", \"warning\"";
                alert.expr.contains(lowered).then_some(None)
            }
            "the service's" => alert.expr.contains("group_left (severity) job:severity:info").then_some(None),
            fixed => Some(Some(fixed.to_owned())),
        };
        assert_eq!(said, Some(alert.severity.clone()), "{}", alert.name);
    }
    assert_eq!(alerts.len(), rows.len(), "a row is of no alert");
}

#[test]
fn each_alert_has_its_links_and_its_runbook() {
    let page = read("src/guide/on_call.md");
    for alert in alerts() {
        let summary = alert.annotation("summary");
        assert!(!summary.contains("$value"), "{}: a summary is the same while it fires", alert.name);
        assert!(alert.annotation("description").ends_with(['.', '}', ')']), "{}", alert.name);
        for (link, host, leads_to) in [
            ("dashboard_url", "grafana", "/d/"),
            ("logs_url", "grafana", "viewPanel="),
            ("traces_url", "jaeger", "/search?service="),
        ] {
            let url = alert.annotation(link);
            let begins = url.starts_with(&format!("{{{{ $externalLabels.{host} }}}}/"));
            assert!(begins && url.contains(leads_to), "{}: {link}: {url}", alert.name);
        }
        let runbook = alert.annotation("runbook_url");
        assert!(
            runbook.ends_with(&format!("guide/on_call/index.html#{}", alert.name.to_lowercase())),
            "{runbook}"
        );
        let section = page.split(&format!("\n## {}\n\n", alert.name)).nth(1).unwrap_or_default();
        let section = section.split("\n#").next().unwrap();
        assert!(section.len() > 40, "{} has no runbook", alert.name);
    }
}

/// The metrics that an expression is about: of what is recorded, those that it is recorded of.
fn measured(promql: &str, recorded: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![promql.to_owned()]);
    let mut seen = BTreeSet::new();
    while let Some(promql) = open.pop() {
        for name in Used::of(&promql).metrics {
            // How urgent it is.
            if name.ends_with(":severity:info") || !seen.insert(name.clone()) {
                continue;
            }
            match recorded.get(&name) {
                Some(expressions) => open.extend(expressions.iter().cloned()),
                None => {
                    let family = ["_bucket", "_count"].into_iter().find_map(|part| name.strip_suffix(part));
                    found.insert(family.unwrap_or(&name).to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn each_alert_leads_to_a_board_that_shows_what_it_is_about() {
    let mut recorded: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in rules().into_iter().filter(|rule| !rule.is_alert) {
        recorded.entry(rule.name).or_default().push(rule.expr);
    }
    for alert in alerts() {
        let place = alert.annotation("dashboard_url").split("/d/").nth(1).unwrap();
        let (uid, chosen) = place.split_once('?').unwrap_or((place, ""));
        let board = BOARDS.iter().find(|board| board.uid == uid).unwrap();
        assert_eq!(chosen.starts_with("var-job="), board.about != About::All, "{}: {place}", alert.name);
        let queries = board.panels.iter().flat_map(|panel| panel.queries);
        let queries = queries.filter(|(query, _)| !query.starts_with("{service_name="));
        let shown: BTreeSet<_> = queries.flat_map(|(promql, _)| measured(promql, &recorded)).collect();
        let asked = measured(&alert.expr, &recorded);
        // Which others fire is not what it is about.
        let hidden: Vec<_> = asked.difference(&shown).filter(|name| *name != "ALERTS").collect();
        // All lights shows each alert that fires.
        assert!(
            hidden.is_empty() || shown.contains("ALERTS"),
            "{}: {uid} does not show {hidden:?}",
            alert.name
        );
    }
}

#[test]
fn what_a_board_asks_is_asked_of_the_services_that_are_chosen() {
    for (board, panel) in BOARDS.iter().flat_map(|board| board.panels.iter().map(move |panel| (board, panel)))
    {
        let chosen = match board.about {
            About::All => continue,
            About::Chosen => "job=~\"$job\"",
            About::One => "=\"$job\"",
        };
        for (promql, _) in panel.queries.iter().filter(|(promql, _)| !promql.contains("node_timex_")) {
            assert!(promql.contains(chosen), "{}: {promql}", board.uid);
        }
    }
}

#[test]
fn each_alert_is_tested_to_fire_to_resolve_and_to_keep_still() {
    let (alerts, scenarios) = (alerts(), scenarios());
    for alert in alerts.iter().filter(|alert| alert.name != "Watchdog") {
        let its: Vec<_> = scenarios.iter().filter(|scenario| scenario.alert == alert.name).collect();
        let turns =
            |firing: &[u64]| firing.first() == Some(&0) && firing.contains(&1) && firing.last() == Some(&0);
        let fires = |name: &str| name.starts_with("fires") && name.ends_with("resolves");
        let fire_and_resolve = its.iter().any(|scenario| fires(&scenario.name) && turns(&scenario.firing));
        assert!(fire_and_resolve, "{} is not tested to fire and to resolve", alert.name);
        let still = its.iter().any(|scenario| scenario.firing.iter().all(|firing| *firing == 0));
        assert!(still, "{} is not tested to keep still", alert.name);
    }
    let names: BTreeSet<_> = alerts.iter().map(|alert| &alert.name).collect();
    assert!(scenarios.iter().all(|scenario| names.contains(&scenario.alert)));
}

#[test]
fn boards_use_only_what_is_emitted() {
    let vocabulary = Vocabulary::new();
    for (board, panel) in BOARDS.iter().flat_map(|board| board.panels.iter().map(move |panel| (board, panel)))
    {
        // What asks the log store is LogQL.
        for (promql, legend) in panel.queries.iter().filter(|(query, _)| !query.starts_with("{service_name="))
        {
            let unknown = vocabulary.unknown(promql);
            assert!(unknown.is_empty(), "{}: {promql}: {unknown:?}", board.uid);
            for named in legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()) {
                let known = vocabulary.unknown(&format!("up{{{named}=\"x\"}}"));
                assert!(!known.contains(&named.to_owned()), "{}: {legend}", board.uid);
            }
        }
    }
}

#[test]
fn the_boards_files_are_those_of_their_description() {
    for board in BOARDS {
        let path = format!("examples/stack/grafana/dashboards/{}.json", board.uid);
        let wanted = format!("{}\n", serde_json::to_string_pretty(&board.json()).unwrap());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(top().join(&path), &wanted).unwrap();
        }
        assert_eq!(
            read(&path),
            wanted,
            "UPDATE_DOCS=1 cargo test -p tests --all-features --test promises -- stack"
        );
    }
}

/// The rules as the Prometheus operator takes them.
fn operators_rules() -> String {
    let mut manifests = Vec::new();
    for (name, text) in rules::texts("rules") {
        let name = name.trim_end_matches(".yml");
        let labels = "{ app.kubernetes.io/part-of: workshop }";
        let mut manifest = format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: {name}\n  labels: {labels}\nspec:\n"
        );
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            manifest += &if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") };
        }
        manifests.push(manifest);
    }
    let how = "# Written from the files in prometheus/rules: UPDATE_DOCS=1 cargo test -p tests --all-features --test promises -- stack";
    format!("{how}\n{}", manifests.join("---\n"))
}

#[test]
fn kubernetes_has_the_same_rules() {
    let (path, wanted) = ("examples/stack/kubernetes/rules.yml", operators_rules());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(top().join(path), &wanted).unwrap();
    }
    assert_eq!(
        read(path),
        wanted,
        "UPDATE_DOCS=1 cargo test -p tests --all-features --test promises -- stack"
    );
}
