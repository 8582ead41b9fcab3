//! The admin port: free, or taken by whom; and what a service says of itself that already runs there.

use std::time::Duration;

use http::StatusCode;

use super::ask::{self, Unknown};
use super::finding::{Finding, from};
use super::losses;
use crate::config::{Config, Env};
use crate::export::{Endpoint, in_short};
use crate::init::{bind, container_advice};
use crate::names::attribute;
use crate::resource::Resource;

const ABOUT: &str = "admin port";
const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";
const HOST: &str = "OTEL_EXPORTER_PROMETHEUS_HOST";

/// Looks at the port of `/metrics`, `/live` and `/ready`.
pub(super) async fn examine(
    config: &Config,
    env: &Env,
    resource: &Resource,
    timeout: Duration,
) -> Vec<Finding> {
    let options = &config.options;
    let (admin, metrics) = (&options.admin, &options.metrics);
    let mut found = Vec::new();
    if !metrics.page || options.general.disabled {
        let off = Finding::chosen("/metrics", "off", from(config, &["OTEL_METRICS_EXPORTER"]));
        let is_meant = metrics.is_on() || options.general.disabled;
        let remedy = "OTEL_METRICS_EXPORTER=prometheus shows them";
        found.push(if is_meant { off.with(remedy) } else { off.warns(remedy) });
    }
    let place = format!("{}:{}", admin.host, admin.port);
    let chosen = |answer: String| Finding::chosen(ABOUT, answer, from(config, &[PORT, HOST]));
    let (listener, unserved) = bind(admin);
    if let Some(listener) = listener {
        let free =
            chosen(if admin.port == 0 { "any free port".to_owned() } else { format!("{place}, free") });
        found.push(match container_advice(config, env, &listener) {
            Some(advice) => free.warns(advice),
            None => free,
        });
        return found;
    }
    let unserved = unserved.unwrap_or_default();
    let taken = chosen(format!("{place}, taken"));
    match Listener::ask(admin.host.as_str(), admin.port, timeout).await {
        Listener::Ours { service, page } if service == resource.get(attribute::SERVICE_NAME) => {
            found.push(Finding { answer: format!("{place}, where {service} runs"), ..taken });
            found.extend(running(admin.host.as_str(), admin.port, &page, timeout).await);
        }
        Listener::Ours { service, .. } => {
            found.push(taken.fails(format!("the service {service} runs there; {unserved}")));
        }
        Listener::Other(what) => found.push(taken.fails(format!("{what}; {unserved}"))),
        Listener::Unread(what) => found.push(taken.warns(what)),
    }
    found
}

/// Who listens where we would.
enum Listener {
    /// A service with this library.
    Ours { service: String, page: String },
    /// Something else, or nobody who answers.
    Other(String),
    /// Somebody whose page could not be read to its end.
    Unread(String),
}

impl Listener {
    async fn ask(host: &str, port: u16, timeout: Duration) -> Self {
        match get(host, port, "/metrics", timeout).await {
            Ok((StatusCode::OK, page, _)) => match losses::service(&page) {
                Some(service) => Self::Ours { service, page },
                None => Self::Other("another program serves its own /metrics there".to_owned()),
            },
            Ok((_, _, short)) => Self::Other(format!("what answers there to GET /metrics is {short}")),
            Err(Unknown::Failed(reason)) => {
                Self::Other(format!("who listens there says nothing of itself ({reason})"))
            }
            Err(Unknown::Unread(how)) => Self::Unread(format!("who listens there is not known: {how}")),
        }
    }
}

/// What the running service says of itself.
async fn running(host: &str, port: u16, page: &str, timeout: Duration) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Ok((status, body, _)) = get(host, port, "/ready", timeout).await {
        let step = Finding::step(ABOUT, "/ready", status.as_u16().to_string());
        let is_ready = status.is_success();
        found.push(if is_ready { step } else { step.warns(format!("it is not ready: {}", body.trim())) });
    }
    if let Ok((StatusCode::OK, level, _)) = get(host, port, "/log-level", timeout).await {
        let level: String = level.trim().chars().filter(|c| !c.is_control()).take(200).collect();
        found.push(Finding::step(ABOUT, "/log-level", level));
    }
    found.extend(losses::examine(ABOUT, page));
    found
}

/// Status, body, and both in short.
async fn get(
    host: &str,
    port: u16,
    path: &str,
    timeout: Duration,
) -> Result<(StatusCode, String, String), Unknown> {
    // Every address of this machine is one of its own as well.
    let host = match host {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let url = format!("http://{host}:{port}{path}");
    let answer = ask::answer(&Endpoint::plain(&url), timeout).await.map_err(Unknown::Failed)?;
    let unread = |how| Unknown::Unread(format!("its {path} {how}"));
    let body = String::from_utf8_lossy(ask::whole(&answer).map_err(unread)?).into_owned();
    Ok((answer.status, body, in_short(&answer)))
}
