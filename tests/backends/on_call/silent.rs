//! Which alerts are silent because another one says more, by the real Alertmanager.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::support::http::{ask, get};
use crate::support::sinks::{Inbox, webhook};
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

/// The stack's Alertmanager, whose chat is at this URL.
async fn alertmanager(folder: &Folder, chat: &str) -> Server {
    let (secrets, port) = (folder.0.join("secrets"), free_port());
    folder.write("secrets/slack_url", chat);
    folder.write("secrets/pager_token", "page-me");
    folder.write("secrets/smtp_password", "let-me-in");
    let secrets = ("/run/secrets", secrets.to_str().unwrap());
    let configuration = folder.copy("alertmanager", &[secrets, ("http://pager:8080", "http://127.0.0.1:1")]);
    Server::alertmanager(&configuration, port).await
}

/// Tells Alertmanager of alerts with these labels; returns where it says what it knows of them.
async fn tell(alertmanager: &Server, labels: impl Iterator<Item = Value>) -> String {
    let url = format!("{}/api/v2/alerts", alertmanager.url);
    let alerts: Vec<_> = labels.map(|labels| json!({ "labels": labels })).collect();
    let headers = [("content-type", "application/json")];
    ask(Method::POST, &url, &headers, Bytes::from(Value::Array(alerts).to_string())).await.good();
    url
}

#[tokio::test]
async fn an_alert_is_silent_only_where_another_one_says_more() {
    let folder = Folder::new("silent");
    let alertmanager = alertmanager(&folder, "http://127.0.0.1:1/").await;
    let alert = |job: usize, name: &str, severity: &str| json!({ "job": format!("shop-{job}"), "alertname": name, "severity": severity });
    let alerts = PAIRS.iter().enumerate().flat_map(|(job, (first, urgent, second, less, _))| {
        [alert(job, first, urgent), alert(job, second, less)]
    });
    let url = tell(&alertmanager, alerts).await;
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

#[tokio::test]
async fn an_alert_says_nothing_of_another_environment() {
    let folder = Folder::new("environments");
    let alertmanager = alertmanager(&folder, "http://127.0.0.1:1/").await;
    let alert = |environment: &str, name: &str| json!({ "job": "shop", "environment": environment, "alertname": name, "severity": "critical" });
    let alerts = [("staging", "ServiceDown"), ("staging", "QueueStuck"), ("production", "QueueStuck")];
    let url =
        tell(&alertmanager, alerts.into_iter().map(|(environment, name)| alert(environment, name))).await;
    eventually(SOON, "what is down in one environment is silent there only", async || {
        let found = get(&url).await.json();
        let silent = found.as_array().unwrap().iter();
        let silent = silent.filter(|alert| !alert["status"]["inhibitedBy"].as_array().unwrap().is_empty());
        let silent: Vec<_> = silent.map(|alert| &alert["labels"]["environment"]).collect();
        if silent == ["staging"] { Ok(()) } else { Err(format!("{found}")) }
    })
    .await;
}

#[tokio::test]
async fn what_one_fault_raises_in_many_services_is_one_message() {
    let (folder, inbox) = (Folder::new("together"), Inbox::default());
    let alertmanager = alertmanager(&folder, &webhook(&inbox).await).await;
    let alert = |job: &str, callee: &str| json!({ "job": job, "server_address": callee, "alertname": "DependencyFailing", "severity": "critical" });
    let chain =
        [("gateway", "bookings"), ("bookings", "payments"), ("bookings", "mail"), ("payments", "card")];
    tell(&alertmanager, chain.into_iter().map(|(job, callee)| alert(job, callee))).await;
    let told = eventually(2 * SOON, "the chat is told", async || inbox.first(&["firing"])).await;
    let title = "4 firing: bookings, gateway, payments DependencyFailing";
    assert!(told.text.contains(title), "{}", told.text);
}
