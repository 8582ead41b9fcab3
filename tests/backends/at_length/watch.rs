//! Everything that watches a service in an incident, and the customers who find out first.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::support::http::query;
use crate::support::jaeger::{Trace, text};
use crate::support::prometheus::now;
use crate::support::sinks::{Inbox, mail, webhook};
use crate::support::stack::{Folder, Server, free_port};
use crate::support::systems::{JAEGER, VICTORIA_LOGS};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{Answer, built};

/// Whatever an incident waits for.
pub(super) const MAY_TAKE: Duration = Duration::from_secs(300);

/// Customers who come until this is dropped; keeps when the first of them failed.
pub(super) struct Customers {
    stop: Arc<AtomicBool>,
    failed: Arc<Mutex<Option<f64>>>,
}

/// Prometheus, Alertmanager and who is told.
pub(super) struct Watch {
    pub(super) prometheus: Server,
    pub(super) alertmanager: Server,
    pub(super) chat: Inbox,
    pub(super) pager: Inbox,
    pub(super) post: Inbox,
    pub(super) folder: Folder,
}

impl Customers {
    /// Each does this.
    pub(super) fn start(act: impl Fn(u64) -> Answer + Send + 'static) -> Self {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Option<f64>>>::default());
        let customers = Self { stop: Arc::clone(&stop), failed: Arc::clone(&failed) };
        std::thread::spawn(move || {
            for number in (0_u64..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                if act(number).status >= 500 {
                    failed.lock().unwrap().get_or_insert_with(now);
                }
                // The load; nothing is awaited by it.
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        customers
    }

    /// When the first of them failed, in seconds since 1970, once one has.
    pub(super) async fn first_failure(&self) -> f64 {
        eventually(SOON, "a customer who fails", async || {
            let failed = *self.failed.lock().unwrap();
            failed.ok_or_else(|| "all succeed".to_owned())
        })
        .await
    }
}

impl Drop for Customers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    /// Starts the files of the stack; `prometheus` copies those of Prometheus, and gets the address of Alertmanager.
    pub(super) async fn start(name: &str, prometheus: impl FnOnce(&Folder, &str) -> PathBuf) -> Self {
        let folder = Folder::new(name);
        let (chat, pager, post) = (Inbox::default(), Inbox::default(), Inbox::default());
        let (chat_at, pager_at, mail_at) = (webhook(&chat).await, webhook(&pager).await, mail(&post));
        folder.write("secrets/slack_url", &format!("{chat_at}/services/T0/B0/secret"));
        folder.write("secrets/pager_token", "page-me");
        folder.write("secrets/smtp_password", "let-me-in");
        let port = free_port();
        let (secrets, at) = (folder.0.join("secrets"), format!("127.0.0.1:{port}"));
        let alertmanager = folder.copy(
            "alertmanager",
            &[
                ("/run/secrets", secrets.to_str().unwrap()),
                ("http://pager:8080", &pager_at),
                // A server on loopback has no certificate.
                ("mail:587", &format!("{mail_at}\n  smtp_require_tls: false")),
            ],
        );
        let alertmanager = Server::alertmanager(&alertmanager, port).await;
        let prometheus = Server::prometheus(&prometheus(&folder, &at)).await;
        Self { prometheus, alertmanager, chat, pager, post, folder }
    }

    pub(super) async fn ask(&self, promql: &str) -> Vec<Value> {
        let url = format!("{}/api/v1/query", self.prometheus.url);
        let answer = query(&url, &[("query", promql)]).await.json();
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Once PromQL answers with at least one series.
    pub(super) async fn once(&self, promql: &str) -> Vec<Value> {
        eventually(MAY_TAKE, promql, async || {
            let found = self.ask(promql).await;
            if found.is_empty() { Err("nothing".to_owned()) } else { Ok(found) }
        })
        .await
    }

    /// An exemplar of the last five minutes whose trace in Jaeger is the one that is looked for.
    pub(super) async fn exemplar(&self, promql: &str, is_it: impl Fn(&Trace) -> bool) -> (String, Trace) {
        let url = format!("{}/api/v1/query_exemplars", self.prometheus.url);
        eventually(2 * SOON, &format!("an exemplar of {promql}"), async || {
            let during = [(now() - 300.0).to_string(), now().to_string()];
            let parameters = [("query", promql), ("start", &*during[0]), ("end", &*during[1])];
            let found = query(&url, &parameters).await.json();
            let series = found["data"].as_array().unwrap().iter();
            let exemplars = series.flat_map(|series| series["exemplars"].as_array().unwrap());
            for exemplar in exemplars {
                let trace_id = text(&exemplar["labels"]["trace_id"]);
                let trace = Trace::so_far(&trace_id).await;
                if is_it(&trace) {
                    return Ok((trace_id, trace));
                }
            }
            Err(found.to_string())
        })
        .await
    }

    /// One page has all of these parts of the trace's incident; nothing was left without an answer.
    pub(super) async fn evidence(&self, trace_id: &str, parts: &[&str]) -> String {
        let page = self.folder.0.join("evidence.html");
        let logs = format!("victorialogs+{}", VICTORIA_LOGS.value());
        let mut command = Command::new(built("../observability"));
        command.args(["evidence", "--trace", trace_id, "--traces", &JAEGER.value(), "--logs", &logs]);
        command.args(["--metrics", &self.prometheus.url, "--out", page.to_str().unwrap()]);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.contains("; 0 questions without an answer"), "{said}");
        println!("{said}");
        let page = std::fs::read_to_string(page).unwrap();
        for part in parts.iter().chain(&["<polyline", "Five whys"]) {
            assert!(page.contains(part), "no {part} in {page}");
        }
        page
    }
}
