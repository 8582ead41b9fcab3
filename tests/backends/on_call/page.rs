//! The page in front of the workshop, behind the real nginx, in a real browser: its trace goes through all services.

use std::process::Command;

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::jaeger::Trace;
use crate::support::stack::{Folder, Server, free_port};
use crate::support::systems::{JAEGER_OTLP, NGINX};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_begins_in_the_browser() {
    let workshop = Workshop::start(&[
        ("CALLERS", "ours"),
        ("OBSERVABILITY_TRUSTED_PROXIES", "hops=1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ]);
    let folder = Folder::new("page");
    let (at, scratch) = (format!("127.0.0.1:{}", free_port()), folder.0.to_str().unwrap().to_owned());
    let page = folder.0.join("nginx/page");
    let lines = folder.write("lines", "");
    let nginx = folder.copy(
        "nginx",
        &[
            ("listen 8080", &format!("listen {at}")),
            ("http://gateway:8080", workshop.gateway()),
            ("/usr/share/nginx/page", page.to_str().unwrap()),
            ("/run/nginx", &scratch),
            ("/dev/stdout", &lines),
        ],
    );
    let mut command = Command::new(NGINX.path());
    command.arg("-c").arg(nginx.join("nginx.conf")).args(["-e", "stderr"]);
    let nginx = Server::listening(&mut command, &at).await;

    let browser = Browser::start("page").await;
    browser.open(&nginx.url).await;
    browser.find("#booking button").await.click().await;
    let trace_id = browser.find("#answer a").await.text().await;
    assert!(browser.find("#answer").await.text().await.starts_with("Booked"), "{trace_id}");

    let line = eventually(SOON, "nginx's line", async || {
        let lines = std::fs::read_to_string(&lines).unwrap();
        let mut lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["trace_id"] == *trace_id).ok_or_else(|| trace_id.clone())
    })
    .await;
    // Whole but for the page's own span, which nobody sends.
    let trace = Trace::whole(&trace_id, &SERVICES, line["span_id"].as_str().unwrap()).await;
    let edge = trace.one("gateway", "server");
    assert_eq!(line["message"], "POST /api/bookings 201");
    assert_eq!(edge.tag("client.address"), "127.0.0.1");
    assert_eq!(edge.tag("server.address"), "127.0.0.1");
    assert_eq!(edge.tag("server.port"), at.rsplit(':').next().unwrap());
}
