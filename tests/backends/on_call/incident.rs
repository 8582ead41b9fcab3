//! An incident from its first failed request to the line that names the cause, and to its end.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use super::panels;
use super::stack::{Folder, Server, free_port};
use crate::shared::repository::top;
use crate::support::confined::Confined;
use crate::support::database;
use crate::support::http::{get, query};
use crate::support::jaeger::Trace;
use crate::support::loki::{Place, push};
use crate::support::prometheus::now;
use crate::support::sinks::{Inbox, mail, webhook};
use crate::support::systems::{BLACKBOX_EXPORTER, JAEGER, JAEGER_OTLP, NODE_EXPORTER, System, VICTORIA_LOGS};
use crate::support::victoria_logs::{PUSH, find};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop, ask, order, program};

/// What the guide promises, from the first failed request to the message.
const TOLD_WITHIN: f64 = 165.0;
const MAY_TAKE: Duration = Duration::from_secs(240);

/// The payment provider, whose fault is a switch.
async fn provider(fails: &Arc<AtomicBool>) -> String {
    let fails = fails.clone();
    let charge = async move || match fails.load(Ordering::Relaxed) {
        true => Err(StatusCode::SERVICE_UNAVAILABLE),
        false => Ok(axum::Json(json!({ "payment_id": "charge" }))),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/charges", post(charge));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Customers who book until this is dropped; keeps when the first of them failed.
struct Customers {
    stop: Arc<AtomicBool>,
    failed: Arc<std::sync::Mutex<Option<f64>>>,
}

impl Customers {
    fn start(gateway: &str) -> Self {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let customers = Self { stop: Arc::clone(&stop), failed: Arc::clone(&failed) };
        let url = format!("{gateway}/bookings");
        std::thread::spawn(move || {
            for number in (0_u64..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                let answer = ask("POST", &url, &[], Some(&order(4000 + number % 900)));
                if answer.status >= 500 {
                    failed.lock().unwrap().get_or_insert_with(now);
                }
                // The load; nothing is awaited by it.
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        customers
    }
}

impl Drop for Customers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Everything that watches the workshop.
struct Watch {
    prometheus: Server,
    alertmanager: Server,
    chat: Inbox,
    pager: Inbox,
    post: Inbox,
    /// The journey and the exporters, which only have to be there.
    _others: [Server; 3],
    folder: Folder,
}

impl Watch {
    async fn start(workshop: &Workshop) -> Self {
        let folder = Folder::new("incident");
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
                ("/etc/alertmanager/secrets", secrets.to_str().unwrap()),
                ("http://pager:8080", &pager_at),
                // A server on loopback has no certificate.
                ("mail:587", &format!("{mail_at}\n  smtp_require_tls: false")),
            ],
        );
        let alertmanager = Server::alertmanager(&alertmanager, port).await;

        let [journey_at, blackbox_at, node_at] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
        let journey = journey(workshop.gateway(), &journey_at).await;
        let blackbox = folder.copy("blackbox", &[]);
        let others = [
            journey,
            exporter(&BLACKBOX_EXPORTER, &blackbox_at, &["--config.file=blackbox.yml"], &blackbox).await,
            exporter(&NODE_EXPORTER, &node_at, &[], &blackbox).await,
        ];
        let admin =
            |service: &str| workshop.addresses(service).admin.trim_start_matches("http://").to_owned();
        let admins =
            SERVICES.map(|service| (format!("\"{service}:9464\""), format!("\"{}\"", admin(service))));
        let mut replace: Vec<(&str, &str)> = admins.iter().map(|(old, new)| (&**old, &**new)).collect();
        replace.extend([("alertmanager:9093", &*at), ("journey:9464", &journey_at)]);
        replace.extend([("blackbox:9115", &*blackbox_at), ("node:9100", &node_at)]);
        let prometheus = Server::prometheus(&folder.copy("prometheus", &replace)).await;
        Self { prometheus, alertmanager, chat, pager, post, _others: others, folder }
    }

    async fn ask(&self, promql: &str) -> Vec<Value> {
        let url = format!("{}/api/v1/query", self.prometheus.url);
        let answer = query(&url, &[("query", promql)]).await.json();
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Once PromQL answers with at least one series.
    async fn once(&self, promql: &str) -> Vec<Value> {
        eventually(MAY_TAKE, promql, async || {
            let found = self.ask(promql).await;
            if found.is_empty() { Err("nothing".to_owned()) } else { Ok(found) }
        })
        .await
    }
}

async fn exporter(program: &System, at: &str, arguments: &[&str], folder: &Path) -> Server {
    let mut command = Command::new(program.path());
    command.args(arguments).arg(format!("--web.listen-address={at}")).current_dir(folder);
    Server::listening(&mut command, at).await
}

async fn journey(gateway: &str, at: &str) -> Server {
    let program = program().with_file_name(format!("journey{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "{} is missing: `cargo build --examples` makes it", program.display());
    let (host, port) = at.split_once(':').unwrap();
    let mut command = Command::new(program);
    command.args([gateway, "--every", "5"]).env("OTEL_EXPORTER_OTLP_ENDPOINT", JAEGER_OTLP.value());
    command.envs([("OTEL_EXPORTER_PROMETHEUS_HOST", host), ("OTEL_EXPORTER_PROMETHEUS_PORT", port)]);
    Server::start_at(&mut command, at, "/ready").await
}

/// From the alert to the cause: an exemplar of a failed request, its trace, its lines.
async fn cause(watch: &Watch, workshop: &Workshop, timeline: &mut String) -> String {
    let failing = watch.once("topk(1, job_callee:call_errors:ratio_rate1m{job=\"payments\"} > 0.05)").await;
    let callee = &failing[0]["metric"];
    _ = writeln!(
        timeline,
        "  the worst callee of payments: {}:{}",
        callee["server_address"], callee["server_port"]
    );
    let promql = "http_server_request_duration_seconds_bucket{job=\"payments\", error_type!=\"\"}";
    let during = [((now() - 300.0).to_string()), (now().to_string())];
    let url = format!("{}/api/v1/query_exemplars", watch.prometheus.url);
    let found = query(&url, &[("query", promql), ("start", &during[0]), ("end", &during[1])]).await.json();
    let exemplar = &found["data"][0]["exemplars"][0];
    let trace_id = exemplar["labels"]["trace_id"].as_str().unwrap_or_else(|| panic!("{found}"));
    let trace = eventually(SOON, "the trace in Jaeger", async || {
        let trace = Trace::so_far(trace_id).await;
        let has =
            ["gateway", "bookings", "payments"].iter().all(|service| trace.services().contains(service));
        if has { Ok(trace) } else { Err(format!("{trace:?}")) }
    })
    .await;
    _ = writeln!(
        timeline,
        "  an exemplar of a failed payment: trace {trace_id}, {} spans in Jaeger",
        trace.0.len()
    );

    let lines: Vec<String> =
        workshop.lines().into_iter().map(|line| line.text).filter(|line| line.contains(trace_id)).collect();
    let place = Place { namespace: "workshop", environment: "incident" };
    assert_eq!(push(&VICTORIA_LOGS.url(PUSH), place, lines.iter().map(String::as_str)).await.status, 204);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as i64;
    let during = since - 600_000_000_000..since + 60_000_000_000;
    let line = eventually(SOON, "a line that names the cause", async || {
        let found = find(&format!("trace_id:=\"{trace_id}\""), during.clone()).await;
        let cause = found.iter().find(|line| line.text().contains("/charges answered 503"));
        cause.map(|line| line.text().to_owned()).ok_or_else(|| format!("{found:#?}"))
    })
    .await;
    let line: Value = serde_json::from_str(&line).unwrap();
    _ = writeln!(timeline, "  a line of {} names the cause: {}", line["service"], line["error"]);
    trace_id.to_owned()
}

/// Builds the program `observability`, which `cargo test` does not; long done when it is needed.
fn build() -> Child {
    let arguments = "build --quiet --locked -p tower-observability --all-features --bin observability";
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments.split(' ')).current_dir(top()).spawn().unwrap()
}

/// One page has it all: where it failed, the alert, the lines, the figures; nothing was left without an answer.
async fn evidence(watch: &Watch, trace_id: &str, built: &mut Child) {
    let program = program().with_file_name(format!("../observability{}", std::env::consts::EXE_SUFFIX));
    assert!(built.wait().unwrap().success());
    let page = watch.folder.0.join("evidence.html");
    let logs = format!("victorialogs+{}", VICTORIA_LOGS.value());
    let mut command = Command::new(program);
    command.args(["evidence", "--trace", trace_id, "--traces", &JAEGER.value(), "--logs", &logs]);
    command.args(["--metrics", &watch.prometheus.url, "--out", page.to_str().unwrap()]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("; 0 questions without an answer"), "{said}");
    let page = std::fs::read_to_string(page).unwrap();
    for part in ["Where it failed", "payments: POST", "503", "DependencyFailing", "<polyline", "Five whys"] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    let rows = page.split("<h2>Lines</h2>").nth(1).unwrap().split("</table>").next().unwrap();
    assert!(rows.contains("/charges answered 503"), "{rows}");
    println!("{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_on_call_is_told_in_time_and_led_to_the_cause() {
    let mut built = build();
    let fails = Arc::new(AtomicBool::new(false));
    let folder = Folder::new("confined");
    let confined = Confined::new(&folder.0);
    let prefix = confined.as_ref().map(Confined::prefix).unwrap_or_default();
    let payments =
        format!("{prefix}env PROVIDER_URL={} {} payments", provider(&fails).await, program().display());
    let workshop = Workshop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_BSP_SCHEDULE_DELAY", "500"),
        ("PAYMENTS_COMMAND", &payments),
        ("OBSERVABILITY_DISK_PATHS", "/"),
        ("DATABASE_URL", &database::fresh("incident").await),
    ]);
    let watch = Watch::start(&workshop).await;
    let customers = Customers::start(workshop.gateway());
    watch.once("job_route:requests:rate1m{job=\"payments\"} > 0").await;
    watch.once("job_route:severity:info{job=\"payments\", severity=\"critical\"}").await;
    // What other exporters say is there as well.
    watch.once("probe_success{job=\"readiness\", service=\"payments\"} == 1").await;
    watch.once("node_timex_offset_seconds").await;
    assert!(watch.ask("ALERTS{severity=\"critical\", alertstate=\"firing\"}").await.is_empty());

    fails.store(true, Ordering::Relaxed);
    let begun = eventually(SOON, "a failed booking", async || {
        let failed = *customers.failed.lock().unwrap();
        failed.ok_or_else(|| "all succeed".to_owned())
    })
    .await;
    let mut timeline = String::from("0.0 s: the first booking fails\n");
    let names = ["DependencyFailing", "payments"];
    for (who, inbox) in [("the chat", &watch.chat), ("the pager", &watch.pager), ("the mail", &watch.post)] {
        let told = eventually(MAY_TAKE, who, async || inbox.first(&names)).await;
        let after = told.at - begun;
        _ = writeln!(timeline, "{after:.1} s: {who} is told of DependencyFailing of payments");
        assert!(after < TOLD_WITHIN, "{timeline}");
        for part in ["Since", "var-job=payments", "viewPanel=20", "on_call/index.html#dependencyfailing"] {
            let linked = told.text.replace("=\n", "").replace("=3D", "=").contains(part);
            assert!(linked || who == "the pager", "{who}: no {part} in {}", told.text);
        }
    }
    let pager = watch.pager.first(&names).unwrap();
    assert_eq!(pager.authorization, "Bearer page-me");

    // The error ratio's own alert fires, too; it is silent, since the callee's says more.
    watch.once("ALERTS{alertname=\"RequestErrors\", job=\"payments\", alertstate=\"firing\", severity=\"critical\"}").await;
    _ = writeln!(timeline, "{:.1} s: RequestErrors of payments fires", now() - begun);
    eventually(SOON, "RequestErrors is inhibited", async || {
        let alerts = get(&format!("{}/api/v2/alerts?inhibited=true&active=false", watch.alertmanager.url))
            .await
            .json();
        let is_it = |alert: &Value| {
            alert["labels"]["alertname"] == "RequestErrors" && alert["labels"]["job"] == "payments"
        };
        let inhibited = alerts.as_array().unwrap().iter().any(is_it);
        if inhibited { Ok(()) } else { Err(alerts.to_string()) }
    })
    .await;
    let trace_id = cause(&watch, &workshop, &mut timeline).await;
    evidence(&watch, &trace_id, &mut built).await;

    let rows = panels::ask_all(&watch.prometheus.url).await;
    for (board, panel, series) in &rows {
        println!("panel {board}: {panel}: {series} series");
    }
    let empty = panels::empty(&rows, confined.is_some());
    assert!(empty.is_empty(), "{empty:?}");

    fails.store(false, Ordering::Relaxed);
    let mended = now();
    let over = ["DependencyFailing", "payments", "until"];
    let resolved = eventually(MAY_TAKE, "resolved", async || watch.chat.first(&over)).await;
    let after = resolved.at - mended;
    _ = writeln!(timeline, "{after:.1} s after the fault is gone: the chat is told that it is over");
    println!("{timeline}");
}
