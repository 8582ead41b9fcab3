//! An incident from its first failed request to the line that names the cause, and to its end.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};

use super::watch::{Customers, MAY_TAKE, Watch};
use crate::on_call::panels;
use crate::support::confined::Confined;
use crate::support::database;
use crate::support::http::get;
use crate::support::jaeger::Trace;
use crate::support::loki::{Place, push};
use crate::support::prometheus::now;
use crate::support::stack::{Folder, Server, file, free_port};
use crate::support::systems::{BLACKBOX_EXPORTER, JAEGER_OTLP, NODE_EXPORTER, System, VICTORIA_LOGS};
use crate::support::victoria_logs::{PUSH, find};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop, ask, built, order, program};

/// What the guide promises, from the first failed request to the message.
const TOLD_WITHIN: f64 = 165.0;

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

/// What watches the workshop; the journey and the exporters only have to be there.
async fn watch(workshop: &Workshop) -> (Watch, [Server; 3]) {
    let [journey_at, blackbox_at, node_at] = [(); 3].map(|()| format!("127.0.0.1:{}", free_port()));
    let folder = file("blackbox");
    let others = [
        journey(workshop.gateway(), &journey_at).await,
        exporter(&BLACKBOX_EXPORTER, &blackbox_at, &["--config.file=blackbox.yml"], &folder).await,
        exporter(&NODE_EXPORTER, &node_at, &["--no-collector.systemd"], &folder).await,
    ];
    let admin = |service: &str| workshop.addresses(service).admin.trim_start_matches("http://").to_owned();
    let admins = SERVICES.map(|service| (format!("\"{service}:9464\""), format!("\"{}\"", admin(service))));
    let watch = Watch::start("incident", |folder, at| {
        let mut replace: Vec<(&str, &str)> = admins.iter().map(|(old, new)| (&**old, &**new)).collect();
        replace.extend([("alertmanager:9093", at), ("journey:9464", &journey_at)]);
        replace.extend([("blackbox:9115", &*blackbox_at), ("node:9100", &node_at)]);
        folder.copy("prometheus", &replace)
    });
    (watch.await, others)
}

async fn exporter(program: &System, at: &str, arguments: &[&str], folder: &Path) -> Server {
    let mut command = Command::new(program.path());
    command.args(arguments).arg(format!("--web.listen-address={at}")).current_dir(folder);
    Server::listening(&mut command, at).await
}

async fn journey(gateway: &str, at: &str) -> Server {
    let (host, port) = at.split_once(':').unwrap();
    let mut command = Command::new(built("journey"));
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
    // Once the circuit is open, payments answers 503 and may not have asked the provider.
    let promql = "http_server_request_duration_seconds_bucket{job=\"payments\", error_type=~\"502|503\"}";
    let has_asked = |trace: &Trace| {
        ["gateway", "bookings"].iter().all(|service| trace.services().contains(service))
            && trace.of("payments", "client").next().is_some()
    };
    let (trace_id, trace) = watch.exemplar(promql, has_asked).await;
    _ = writeln!(
        timeline,
        "  an exemplar of a failed payment: trace {trace_id}, {} spans in Jaeger",
        trace.0.len()
    );

    let lines: Vec<String> =
        workshop.lines().into_iter().map(|line| line.text).filter(|line| line.contains(&trace_id)).collect();
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
    trace_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_on_call_is_told_in_time_and_led_to_the_cause() {
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
    let (watch, _others) = watch(&workshop).await;
    let url = format!("{}/bookings", workshop.gateway());
    let customers = Customers::start(move |number| ask("POST", &url, &[], Some(&order(4000 + number % 900))));
    watch.once("job_route:requests:rate1m{job=\"payments\"} > 0").await;
    watch.once("job_route:severity:info{job=\"payments\", severity=\"critical\"}").await;
    // What other exporters say is there as well.
    watch.once("probe_success{job=\"readiness\", service=\"payments\"} == 1").await;
    watch.once("node_timex_offset_seconds").await;
    // So is what the alerting path says of itself.
    watch.once("alertmanager_notifications_failed_total{job=\"alertmanager\", integration=\"slack\"}").await;
    watch.once("prometheus_rule_evaluation_failures_total{job=\"prometheus\"}").await;
    assert!(watch.ask("ALERTS{severity=\"critical\", alertstate=\"firing\"}").await.is_empty());

    fails.store(true, Ordering::Relaxed);
    let begun = customers.first_failure().await;
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
    let parts = ["Where it failed", "payments: POST", "503", "DependencyFailing", "start: "];
    let page = watch.evidence(&trace_id, &parts).await;
    let rows = page.split("<h2>Lines</h2>").nth(1).unwrap().split("</table>").next().unwrap();
    assert!(rows.contains("/charges answered 503"), "{rows}");

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
