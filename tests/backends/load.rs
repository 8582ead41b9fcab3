//! The figures of a load are those of Prometheus: each query that the report prints is asked there, over the same window.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::shared::child::signal;
use crate::support::database::fresh;
use crate::support::prometheus::{Sample, Scraped, Target, ask, ask_at};
use crate::support::stack::Folder;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, program};

/// A row of the report's figures.
struct Figure {
    what: String,
    /// The service, and what of it.
    of: String,
    value: String,
    query: String,
}

/// Runs a load, has the eight scraped meanwhile as jobs of this prefix, and returns the report.
fn loaded(prefix: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let out = Folder::new(&format!("load-{prefix}"));
    let mut command = Command::new(program());
    command.arg("--load").args(arguments).arg("--out").arg(&out.0).envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (mut targets, mut said) = (Vec::new(), String::new());
    while targets.len() < SERVICES.len() {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "where are the eight?\n{said}");
        if let Some((name, admin)) = line.trim().split_once(' ').filter(|(name, _)| SERVICES.contains(name)) {
            let admin = admin.trim().trim_end_matches("/metrics").to_owned();
            targets.push(Target { job: format!("{prefix}{name}"), instance: name.to_owned(), admin });
        }
        said += &line;
    }
    // It takes seconds until Prometheus has found the eight; a quick machine is through with the load by then.
    // The launcher makes the load; the eight go on.
    signal(child.id(), "-STOP");
    let _scraped = Scraped::start(prefix.trim_end_matches('-'), &targets);
    Handle::current().block_on(scraped(prefix));
    signal(child.id(), "-CONT");
    output.read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    std::fs::read_to_string(out.0.join("load.md")).unwrap()
}

async fn scraped(prefix: &str) {
    let promql = format!("count(up{{job=~\"{prefix}.*\"}} == 1)");
    eventually(SOON, "scrapes of the eight", async || {
        let found = ask(&promql).await.first().map_or(0.0, |sample| sample.value);
        if found == SERVICES.len() as f64 { Ok(()) } else { Err(format!("{found} of them")) }
    })
    .await;
}

/// Those that have a query and a number.
fn figures(report: &str) -> Vec<Figure> {
    let rows = report.lines().filter(|line| line.ends_with("` |") && !line.starts_with("| command |"));
    let figures = rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [what, of, value, _, _, query] = *cells else { panic!("{row}") };
        let [what, of, value, query] = [what, of, value, query.trim_matches('`')].map(str::to_owned);
        Figure { what, of, value, query }
    });
    // What a service asks its database while it starts, nobody has scraped yet.
    let is_of_start = |figure: &Figure| figure.of.ends_with("other_sql");
    figures.filter(|figure| number(&figure.value).is_some() && !is_of_start(figure)).collect()
}

/// A cell's number, in the base unit.
fn number(cell: &str) -> Option<f64> {
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let number: f64 = number.trim_end_matches("/s").parse().ok()?;
    Some(
        number
            * if unit == "ms" {
                1e-3
            } else if unit == "%" {
                1e-2
            } else {
                1.0
            },
    )
}

/// What Prometheus answers for this row; the window's last second since 1970 stands in the report.
async fn asked(figure: &Figure, prefix: &str, report: &str) -> Option<f64> {
    let end = report.split(" to ").nth(1).unwrap().split(' ').next().unwrap().parse::<f64>().unwrap();
    let query = figure.query.replace("job=\"", &format!("job=\"{prefix}"));
    let mut words = figure.of.split(' ');
    let job = format!("{prefix}{}", words.next().unwrap());
    let rest: Vec<&str> = words.filter(|word| *word != "→").collect();
    let found = ask_at(&query, end).await;
    let is_its = |sample: &&Sample| {
        let others = ["queue", "db_system_name", "db_client_connection_pool_name"]
            .map(|label| sample.labels.get(label).to_owned());
        let is_named = |word: &&str| {
            others.iter().any(|other| other == word) || !sample.labels.get("server_port").is_empty()
        };
        sample.labels.get("job") == job && rest.iter().all(is_named)
    };
    found.iter().find(is_its).map(|sample| sample.value)
}

/// As near as scrapes a second apart allow, the first of which Prometheus makes a second or two after ours.
fn is_near(figure: &Figure, ours: f64, theirs: f64, rates: f64) -> bool {
    let apart = (ours - theirs).abs();
    match figure.what.as_str() {
        "requests" | "RPS" => apart <= rates * ours,
        "CPU" | "workers busy" => apart <= 0.03 + rates * ours,
        "queue, highest" | "pool waiting" => apart <= 5.0 + 0.5 * ours,
        // The highest of what was seen once a second, of five connections that are used for a millisecond.
        "pool used" => apart <= 0.81,
        _ => apart <= 0.005 + 0.4 * ours.max(theirs),
    }
}

async fn every_figure_is_that_of_prometheus(prefix: &'static str, report: &str, rates: f64) -> Vec<String> {
    let mut seen = Vec::new();
    for figure in figures(report) {
        let ours = number(&figure.value).unwrap();
        let theirs = asked(&figure, prefix, report).await;
        let theirs = theirs
            .unwrap_or_else(|| panic!("{} of {}: no answer to {}", figure.what, figure.of, figure.query));
        println!("{} of {}: {ours} here, {theirs} there", figure.what, figure.of);
        assert!(
            is_near(&figure, ours, theirs, rates),
            "{} of {}: {ours}, but {theirs}: {}",
            figure.what,
            figure.of,
            figure.query
        );
        seen.push(format!("{} of {}", figure.what, figure.of));
    }
    seen
}

#[tokio::test]
async fn the_figures_of_a_closed_loop_on_postgresql_are_those_of_prometheus() {
    const PREFIX: &str = "high-load-";
    let database = fresh(&format!("high_load_{}", std::process::id())).await;
    let run = move || loaded(PREFIX, &["high", "--seconds", "20"], &[("DATABASE_URL", &database)]);
    let report = spawn_blocking(run).await.unwrap();
    let seen = every_figure_is_that_of_prometheus(PREFIX, &report, 0.35).await;
    for figure in
        ["database p95 of customers postgresql", "pool used of customers postgres", "errors of gateway"]
    {
        assert!(seen.iter().any(|seen| seen == figure), "{figure} is not among {seen:#?}");
    }
}
