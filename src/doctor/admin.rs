//! The admin port: free, or taken by whom; and what a service says of itself that already runs there.

use std::io::ErrorKind;
use std::time::Duration;

use http::StatusCode;

use super::ask::{self, Unknown};
use super::finding::{Finding, foreign, from};
use super::losses;
use crate::admin::{METRICS_OFF, METRICS_SENT};
use crate::config::{Config, Env};
use crate::export::{Endpoint, in_short};
use crate::init::{bind, container_advice};

const ABOUT: &str = "admin port";
const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";
const HOST: &str = "OTEL_EXPORTER_PROMETHEUS_HOST";
/// So many characters of an answer are shown.
const MOST: usize = 200;

/// Looks at the port of `/metrics`, `/live` and `/ready`.
pub(super) async fn examine(
    config: &Config,
    env: &Env,
    service: Option<&str>,
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
    let place = admin.address();
    let chosen = |answer: String| Finding::chosen(ABOUT, answer, from(config, &[PORT, HOST]));
    let (error, unserved) = match bind(admin) {
        Ok(None) => return found,
        Ok(Some(listener)) => {
            let any = admin.port == 0;
            let free = chosen(if any { "any free port".to_owned() } else { format!("{place}, free") });
            found.push(match container_advice(config, env, &listener) {
                Some(advice) => free.warns(advice),
                None => free,
            });
            return found;
        }
        Err(why) => why,
    };
    // Whoever listens at an address that is not this machine's, say, has not taken it from us.
    if error.kind() != ErrorKind::AddrInUse {
        found.push(chosen(format!("{place}, cannot be opened")).fails(unserved));
        return found;
    }
    let taken = chosen(format!("{place}, taken"));
    match Listener::ask(admin.host.as_str(), admin.port, timeout).await {
        Listener::Ours { name, page } if service.is_none_or(|service| service == name) => {
            found.push(Finding { answer: format!("{place}, where {name} runs"), ..taken });
            found.extend(running(admin.host.as_str(), admin.port, timeout).await);
            found.extend(losses::examine(ABOUT, &page));
        }
        Listener::Pageless => {
            let answer = format!("{place}, where a service without metrics runs");
            let unnamed = "its /metrics says that none are shown there, and so not which service it is";
            found.push(Finding { answer, ..taken.with(unnamed) });
            found.extend(running(admin.host.as_str(), admin.port, timeout).await);
        }
        Listener::Ours { name, .. } => {
            found.push(taken.fails(format!("the service {name} runs there; {unserved}")));
        }
        Listener::Other(what) => found.push(taken.fails(format!("{what}; {unserved}"))),
        Listener::Unread(what) => found.push(taken.warns(what)),
    }
    found
}

/// Who listens where we would.
enum Listener {
    /// A service with this library.
    Ours { name: String, page: String },
    /// A service with this library that shows no metrics, and so not its name.
    Pageless,
    /// Something else, or nobody who answers.
    Other(String),
    /// Somebody whose page could not be read to its end.
    Unread(String),
}

impl Listener {
    async fn ask(host: &str, port: u16, timeout: Duration) -> Self {
        match get(host, port, "/metrics", timeout).await {
            Ok((StatusCode::OK, page, _)) => match losses::service(&page) {
                Some(name) => Self::Ours { name, page },
                None => Self::Other("another program serves its own /metrics there".to_owned()),
            },
            Ok((StatusCode::NOT_FOUND, body, _)) if body == METRICS_OFF || body == METRICS_SENT => {
                Self::Pageless
            }
            Ok((_, _, short)) => Self::Other(format!("what answers there to GET /metrics is {short}")),
            Err(Unknown::Failed(reason)) => {
                Self::Other(format!("who listens there says nothing of itself ({reason})"))
            }
            Err(Unknown::Unread(how)) => Self::Unread(format!("who listens there is not known: {how}")),
        }
    }
}

/// What the running service says of itself, beside its page.
async fn running(host: &str, port: u16, timeout: Duration) -> [Finding; 2] {
    let step = |path, answer: &str| Finding::step(ABOUT, path, answer);
    let ready = match get(host, port, "/ready", timeout).await {
        Ok((status, ..)) if status.is_success() => step("/ready", status.as_str()),
        Ok((status, body, _)) => {
            step("/ready", status.as_str()).warns(format!("it is not ready: {}", foreign(body.trim(), MOST)))
        }
        Err(unknown) => step("/ready", "not known").warns(unknown.reason()),
    };
    let level = match get(host, port, "/log-level", timeout).await {
        Ok((StatusCode::OK, level, _)) => step("/log-level", &foreign(level.trim(), MOST)),
        Ok((.., short)) => step("/log-level", "not known").warns(format!("what answers is {short}")),
        Err(unknown) => step("/log-level", "not known").warns(unknown.reason()),
    };
    [ready, level]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Options, Terminals, choose};
    use crate::doctor::Verdict;
    use crate::doctor::ask::tests::{PATIENCE, server};

    /// What is found at this port by the doctor of `bookings`.
    async fn found(port: u16, patience: Duration) -> Vec<(Verdict, &'static str, String)> {
        found_of(Some("bookings"), port, patience).await
    }

    async fn found_of(
        service: Option<&str>,
        port: u16,
        patience: Duration,
    ) -> Vec<(Verdict, &'static str, String)> {
        found_at("127.0.0.1", service, port, patience).await
    }

    async fn found_at(
        host: &str,
        service: Option<&str>,
        port: u16,
        patience: Duration,
    ) -> Vec<(Verdict, &'static str, String)> {
        let port = port.to_string();
        let env = [(HOST, host), (PORT, &port)];
        let env: Env = env.into_iter().collect();
        let config = choose(Options::default(), &env, Terminals { output: false, errors: false });
        let found = examine(&config, &env, service, patience).await;
        let told = |finding: Finding| {
            let answer = finding.answer.replace(&port, "PORT");
            (finding.verdict, finding.step, format!("{answer} → {}", finding.detail))
        };
        found.into_iter().map(told).collect()
    }

    #[track_caller]
    fn is(row: Option<&(Verdict, &'static str, String)>, verdict: Verdict, step: &str, texts: &[&str]) {
        let row = row.unwrap();
        assert_eq!((row.0, row.1), (verdict, step), "{row:?}");
        assert!(texts.iter().all(|text| row.2.contains(text)), "{row:?} {texts:?}");
    }

    #[tokio::test]
    async fn a_running_service_is_known_without_a_page_of_metrics() {
        for said in [METRICS_SENT, METRICS_OFF] {
            let answers = move |path: &str| match path {
                "/metrics" => Some(("404 Not Found", said.as_bytes().to_vec())),
                "/ready" => Some(("503 Service Unavailable", b"{\"draining\":true}".to_vec())),
                _ => Some(("200 OK", b"info\n".to_vec())),
            };
            let found = found(server(answers).await, PATIENCE).await;
            is(found.first(), Verdict::Ok, "", &["127.0.0.1:PORT, where a service without metrics runs"]);
            is(found.get(1), Verdict::Warning, "/ready", &["503", "draining"]);
            is(found.get(2), Verdict::Ok, "/log-level", &["info"]);
            assert_eq!(found.len(), 3);
        }
        let other = server(|_| Some(("404 Not Found", b"no\n".to_vec()))).await;
        is(found(other, PATIENCE).await.first(), Verdict::Failed, "", &["what answers there", "404"]);
    }

    #[tokio::test]
    async fn only_a_port_that_is_in_use_is_taken() {
        let page = "target_info{service_name=\"bookings\",telemetry_distro_name=\"tower-observability\"} 1\n";
        let port = server(move |_| Some(("200 OK", page.as_bytes().to_vec()))).await;
        // An address for documentation, which no machine has (RFC 5737), and a name that none has (RFC 6761).
        for host in ["192.0.2.1", "bookings.invalid"] {
            let found = found_at(host, Some("bookings"), port, PATIENCE).await;
            let texts = ["cannot be opened", "are not served at", HOST];
            is(found.first(), Verdict::Failed, "", &texts);
            assert!(found.len() == 1 && !found[0].2.contains("taken"), "{found:?}");
        }
    }

    #[tokio::test]
    async fn an_unknown_name_is_that_of_whoever_runs_there() {
        let page = "target_info{service_name=\"payments\",telemetry_distro_name=\"tower-observability\"} 1\n";
        let port = server(move |_| Some(("200 OK", page.as_bytes().to_vec()))).await;
        is(found_of(None, port, PATIENCE).await.first(), Verdict::Ok, "", &["where payments runs"]);
        let of_another = found(port, PATIENCE).await;
        is(of_another.first(), Verdict::Failed, "", &["the service payments runs there"]);
    }

    #[tokio::test]
    async fn what_a_running_service_does_not_answer_has_a_row() {
        let answers =
            |path: &str| (path == "/metrics").then(|| ("404 Not Found", METRICS_OFF.as_bytes().to_vec()));
        let found = found(server(answers).await, Duration::from_secs(1)).await;
        is(found.first(), Verdict::Ok, "", &["runs"]);
        is(found.get(1), Verdict::Warning, "/ready", &["not known", "no answer within 1s"]);
        is(found.get(2), Verdict::Warning, "/log-level", &["not known", "no answer within 1s"]);
    }

    #[tokio::test]
    async fn a_page_that_breaks_off_accuses_nobody() {
        let port = server(|_| Some(("200 OK\r\ncontent-length: 9", b"up 1".to_vec()))).await;
        let found = found(port, PATIENCE).await;
        is(found.first(), Verdict::Warning, "", &["its /metrics broke off"]);
    }
}
