//! Which alerts are silent because another one says more, by the real Alertmanager.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::support::http::{ask, get};
use crate::support::stack::{Folder, Server, free_port};
use crate::support::wait::{SOON, eventually};

/// Alert and severity; another one of the same service; is it silent?
const PAIRS: [(&str, &str, &str, &str, bool); 18] = [
    ("ServiceDown", "critical", "RequestErrors", "critical", true),
    ("ServiceDown", "critical", "QueueStuck", "critical", true),
    ("DependencyFailing", "critical", "RequestErrors", "critical", true),
    ("DependencyFailing", "critical", "SloBurnHour", "critical", true),
    ("DependencyFailing", "critical", "WorkFailing", "critical", true),
    ("DependencyFailing", "critical", "QueueStuck", "critical", false),
    ("DependencyFailing", "warning", "RequestErrors", "critical", false),
    ("DependencyFailing", "warning", "RequestErrors", "warning", true),
    ("DependencySlow", "critical", "RequestsSlow", "critical", true),
    ("DependencySlow", "critical", "RequestErrors", "critical", false),
    ("DependencySlow", "critical", "SloBurnHour", "critical", false),
    ("DependencySlow", "warning", "RequestsSlow", "critical", false),
    ("RequestErrors", "warning", "RequestErrorsElevated", "warning", true),
    ("RequestErrors", "info", "RequestErrorsElevated", "warning", false),
    ("WorkFailing", "warning", "WorkFailed", "warning", true),
    ("DiskNearlyFull", "critical", "DiskLow", "warning", true),
    ("ServiceNotReady", "critical", "NotReady", "warning", true),
    ("CrashLoop", "critical", "ProcessUnreachable", "warning", true),
];

#[tokio::test]
async fn an_alert_is_silent_only_where_another_one_says_more() {
    let (folder, port) = (Folder::new("silent"), free_port());
    let secrets = folder.0.join("secrets");
    folder.write("secrets/slack_url", "http://127.0.0.1:1/");
    folder.write("secrets/pager_token", "page-me");
    folder.write("secrets/smtp_password", "let-me-in");
    let secrets = ("/run/secrets", secrets.to_str().unwrap());
    let configuration = folder.copy("alertmanager", &[secrets, ("http://pager:8080", "http://127.0.0.1:1")]);
    let alertmanager = Server::alertmanager(&configuration, port).await;
    let url = format!("{}/api/v2/alerts", alertmanager.url);
    let alert = |job: usize, name: &str, severity: &str| json!({ "labels": { "job": format!("shop-{job}"), "alertname": name, "severity": severity } });
    let alerts = PAIRS.iter().enumerate().flat_map(|(job, (first, urgent, second, less, _))| {
        [alert(job, first, urgent), alert(job, second, less)]
    });
    let alerts = Value::Array(alerts.collect());
    let headers = [("content-type", "application/json")];
    ask(Method::POST, &url, &headers, Bytes::from(alerts.to_string())).await.good();
    eventually(SOON, "the silent ones are those of the table", async || {
        let found = get(&url).await.json();
        let of = |job: usize, name: &str| {
            let of = found.as_array().unwrap().iter().find(|alert| {
                alert["labels"]["job"] == format!("shop-{job}") && alert["labels"]["alertname"] == name
            });
            of.map(|alert| !alert["status"]["inhibitedBy"].as_array().unwrap().is_empty())
        };
        let wrong = PAIRS.iter().enumerate().filter(|(job, (first, _, second, _, silent))| {
            (of(*job, first), of(*job, second)) != (Some(false), Some(*silent))
        });
        let wrong: Vec<_> = wrong.map(|(_, pair)| pair).collect();
        if wrong.is_empty() { Ok(()) } else { Err(format!("{wrong:?}")) }
    })
    .await;
}
