//! Prometheus as its user sees it: lists of targets, questions in PromQL, exemplars, and the tools beside it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::http::query;
use super::systems::{PROMETHEUS, PROMETHEUS_TARGETS, PROMTOOL, PYTHON};
use crate::shared::repository::top;

/// One process to be scraped, named as its operator names it.
#[derive(Clone, Debug)]
pub struct Target {
    pub job: String,
    pub instance: String,
    /// The admin listener's URL.
    pub admin: String,
}

/// A list of targets. Dropping it takes it away again.
pub struct Scraped {
    list: PathBuf,
}

/// One series' value.
#[derive(Clone, Debug)]
pub struct Sample {
    pub labels: Labels,
    pub value: f64,
}

/// A series' samples within a window: seconds since 1970, value.
#[derive(Clone, Debug)]
pub struct Series {
    pub labels: Labels,
    pub samples: Vec<(f64, f64)>,
}

/// A value's trace, with the series that it was found at.
#[derive(Clone, Debug)]
pub struct Exemplar {
    pub series: Labels,
    pub trace_id: String,
    pub span_id: String,
    pub value: f64,
}

/// Labels of a series; one that is absent is empty, as in PromQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(BTreeMap<String, String>);

/// A query of the guide, with the comment above it.
#[derive(Clone, Debug)]
pub struct Question {
    pub title: String,
    pub promql: String,
}

impl Scraped {
    /// Has these scraped from now on.
    pub fn start(name: &str, targets: &[Target]) -> Self {
        let list = targets.iter().map(|Target { job, instance, admin }| {
            let address = admin.strip_prefix("http://").unwrap_or(admin);
            json!({ "targets": [address], "labels": { "job": job, "instance": instance } })
        });
        let folder = PROMETHEUS_TARGETS.path();
        // Written beside and moved, so that nobody reads half a list.
        let (half, whole) = (folder.join(format!("{name}.half")), folder.join(format!("{name}.json")));
        std::fs::write(&half, list.collect::<Value>().to_string()).unwrap();
        std::fs::rename(half, &whole).unwrap();
        Self { list: whole }
    }
}

impl Drop for Scraped {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.list);
    }
}

impl Labels {
    fn of(labels: &Value) -> Self {
        let labels = labels.as_object().unwrap().iter();
        Self(labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect())
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Does it have all of these?
    pub fn have(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.get(name) == *value)
    }
}

/// The present time, in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// What PromQL answers now.
pub async fn ask(promql: &str) -> Vec<Sample> {
    ask_at(promql, now()).await
}

/// What PromQL answers for this time.
pub async fn ask_at(promql: &str, at: f64) -> Vec<Sample> {
    let found = instant(promql, at).await;
    let sample =
        |found: &Value| Sample { labels: Labels::of(&found["metric"]), value: point(&found["value"]).1 };
    found.iter().map(sample).collect()
}

/// The samples that a selector with a window finds.
pub async fn samples_at(promql: &str, at: f64) -> Vec<Series> {
    let found = instant(promql, at).await;
    let series = |found: &Value| Series {
        labels: Labels::of(&found["metric"]),
        samples: found["values"].as_array().unwrap().iter().map(point).collect(),
    };
    found.iter().map(series).collect()
}

async fn instant(promql: &str, at: f64) -> Vec<Value> {
    let parameters = [("query", promql), ("time", &format!("{at:.3}"))];
    let answer = query(&PROMETHEUS.url("/api/v1/query"), &parameters).await.json();
    answer["data"]["result"].as_array().unwrap().clone()
}

fn point(point: &Value) -> (f64, f64) {
    (point[0].as_f64().unwrap(), point[1].as_str().unwrap().parse().unwrap())
}

/// The one value that it answers; `None` where there is no series.
pub async fn value(promql: &str) -> Option<f64> {
    let found = ask(promql).await;
    assert!(found.len() <= 1, "{promql}: {found:#?}");
    found.first().map(|sample| sample.value)
}

/// The exemplars of the last ten minutes.
pub async fn exemplars(promql: &str) -> Vec<Exemplar> {
    let (start, end) = ((now() - 600.0).to_string(), (now() + 60.0).to_string());
    let parameters = [("query", promql), ("start", &start), ("end", &end)];
    let answer = query(&PROMETHEUS.url("/api/v1/query_exemplars"), &parameters).await.json();
    let mut all = Vec::new();
    for series in answer["data"].as_array().unwrap() {
        for found in series["exemplars"].as_array().unwrap() {
            let labels = Labels::of(&found["labels"]);
            all.push(Exemplar {
                series: Labels::of(&series["seriesLabels"]),
                trace_id: labels.get("trace_id").to_owned(),
                span_id: labels.get("span_id").to_owned(),
                value: found["value"].as_str().unwrap().parse().unwrap(),
            });
        }
    }
    all
}

/// What promtool has to say of this input or these files.
///
/// # Panics
///
/// If it fails, which with `check metrics` is so at each complaint of its lint.
#[track_caller]
pub fn promtool(arguments: &[&str], input: &str) -> String {
    run(&PROMTOOL.path(), arguments, input)
}

/// How many families the Python client's reader of this kind found on a page.
///
/// # Panics
///
/// If it does not accept the page.
#[track_caller]
pub fn python_reads(page: &str, openmetrics: bool) -> usize {
    let module =
        if openmetrics { "prometheus_client.openmetrics.parser" } else { "prometheus_client.parser" };
    let program = format!(
        "import sys; from {module} import text_string_to_metric_families as read; \
         print(len(list(read(sys.stdin.buffer.read().decode('utf-8')))))"
    );
    run(&PYTHON.path(), &["-c", &program], page).trim().parse().unwrap()
}

/// What a program has to say of this input or these arguments.
///
/// # Panics
///
/// If it fails.
#[track_caller]
pub fn run(program: &Path, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever does not read its input has ended, and says why.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {out}{error}\nof:\n{input}");
    out
}

/// The fenced blocks of this language in the guide's page on Prometheus.
pub fn guide(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(top().join("src/guide/prometheus.md")).unwrap();
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).map(|block| block.split_once("```\n").unwrap().0.to_owned()).collect()
}

/// Every query in the guide's page on Prometheus.
pub fn questions() -> Vec<Question> {
    let blocks = guide("promql").join("\n");
    let parts = blocks.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    let questions = parts.map(|part| {
        let (title, promql) = part.split_once('\n').unwrap();
        Question { title: title.strip_prefix("# ").unwrap().to_owned(), promql: promql.to_owned() }
    });
    questions.collect()
}
