//! What Prometheus says of the service: whether it is scraped, whether its facts have arrived, whether exemplars are kept.

use std::time::Duration;

use serde_json::Value;

use super::ask;
use super::finding::{Finding, WHICH, foreign};
use crate::config::Config;
use crate::error::masked_url;
use crate::export::Destination;

const ABOUT: &str = "prometheus";
/// So many targets and jobs are named.
const MOST: usize = 8;

/// Asks Prometheus at this URL.
pub(super) async fn examine(
    url: &str,
    service: Option<&str>,
    config: &Config,
    timeout: Duration,
) -> Vec<Finding> {
    let mut found = vec![Finding::chosen(ABOUT, masked_url(url), "--prometheus")];
    let metrics = &config.options.metrics;
    if metrics.page {
        match ask::json(url, "/api/v1/targets", &[("state", "active")], timeout).await {
            Err(unknown) => {
                found.push(unknown.of(Finding::step(ABOUT, "targets", "not known")));
                return found;
            }
            Ok(answer) => found.extend(targets(&answer, service)),
        }
    }
    found.push(facts(url, service, timeout).await);
    if matches!(config.options.traces.destination(), Destination::Url(_)) && metrics.page {
        found.extend(exemplars(url, timeout).await);
    }
    found
}

/// The targets of this job, each with its last error.
fn targets(answer: &Value, service: Option<&str>) -> Vec<Finding> {
    let all = answer["data"]["activeTargets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let job = |target: &Value| target["labels"]["job"].as_str().unwrap_or_default().to_owned();
    let ours: Vec<_> = all.iter().filter(|target| service == Some(&*job(target))).collect();
    if ours.is_empty() {
        let mut jobs: Vec<_> = all.iter().map(job).collect();
        jobs.sort();
        jobs.dedup();
        let known = if jobs.is_empty() { "none".to_owned() } else { foreign(&jobs.join(", "), 200) };
        let Some(service) = service else {
            let unasked = Finding::step(ABOUT, "targets", "not looked for");
            return vec![unasked.warns(format!("{WHICH}; the jobs that are scraped: {known}"))];
        };
        let none = Finding::step(ABOUT, "targets", "none of this job");
        return vec![none.fails(format!(
            "no target has the label job=\"{service}\"; the jobs that are scraped: {known}"
        ))];
    }
    let found = ours.iter().take(MOST).map(|target| {
        let text = |name: &str| foreign(target[name].as_str().unwrap_or_default(), 200);
        let (scraped, health) = (text("scrapeUrl"), text("health"));
        let step = Finding::step(ABOUT, "target", format!("{scraped} is {health}"));
        match health.as_str() {
            "up" => step,
            "down" => step.fails(format!("its last scrape failed: {}", text("lastError"))),
            _ => step.warns("it was not scraped yet"),
        }
    });
    found.collect()
}

/// Has the resource of the service arrived?
async fn facts(url: &str, service: Option<&str>, timeout: Duration) -> Finding {
    let step = |answer: &str| Finding::step(ABOUT, "target_info", answer);
    let Some(service) = service else { return step("not looked for").warns(WHICH) };
    let quoted = service.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let query = format!("count(target_info{{job=\"{quoted}\"}} or target_info{{service_name=\"{quoted}\"}})");
    match ask::json(url, "/api/v1/query", &[("query", &query)], timeout).await {
        Err(unknown) => unknown.of(step("not known")),
        Ok(answer) => match answer["data"]["result"][0]["value"][1].as_str() {
            Some(count) => step(&format!("{} of this service", foreign(count, 20))),
            None => step("none").warns("nothing of this service has arrived in the last five minutes"),
        },
    }
}

/// Are exemplars kept? Only where it is known that they are not, there is a row.
async fn exemplars(url: &str, timeout: Duration) -> Option<Finding> {
    let flags = ask::json(url, "/api/v1/status/flags", &[], timeout).await.ok()?;
    let features = flags["data"]["enable-feature"].as_str()?;
    let step = |answer: &str| Finding::step(ABOUT, "exemplars", answer);
    Some(if features.contains("exemplar-storage") {
        step("kept")
    } else {
        step("not kept")
            .warns("--enable-feature=exemplar-storage keeps them, which lead from a bucket to a trace")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_target_that_is_down_is_told_with_its_last_error_and_a_job_that_is_missing_with_the_others() {
        let target = |job: &str, health: &str, error: &str| json!({ "labels": { "job": job }, "scrapeUrl": "http://u:s3cr3t@h:9464/metrics", "health": health, "lastError": error });
        let answer =
            json!({ "data": { "activeTargets": [target("a", "up", ""), target("b", "down", "refused")] } });
        let of = |service| targets(&answer, Some(service));
        assert_eq!(of("a")[0].verdict, Verdict::Ok);
        assert_eq!(of("b")[0].detail, "its last scrape failed: refused");
        assert!(!of("b")[0].answer.contains("s3cr3t"));
        let said = "Get \"http://h:9464/metrics?token=s3cr3t\": dial tcp: refused";
        let down = targets(&json!({ "data": { "activeTargets": [target("b", "down", said)] } }), Some("b"));
        let shown = "its last scrape failed: Get \"http://h:9464/metrics?REDACTED\": dial tcp: refused";
        assert_eq!(down[0].detail, shown);
        assert!(of("c")[0].detail.ends_with("the jobs that are scraped: a, b"));
        assert_eq!(targets(&Value::Null, Some("a"))[0].verdict, Verdict::Failed);
        let unnamed = &targets(&answer, None)[0];
        assert_eq!(unnamed.verdict, Verdict::Warning);
        assert_eq!(unnamed.detail, format!("{WHICH}; the jobs that are scraped: a, b"));
    }
}
