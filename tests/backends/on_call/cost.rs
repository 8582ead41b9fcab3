//! What the rules cost Prometheus: 20 services with 10,000 series of histograms.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Router;

use crate::support::http::get;
use crate::support::prometheus::now;
use crate::support::stack::{Folder, Server};
use crate::support::wait::eventually;

const SERVICES: usize = 20;
/// With 14 bounds, `+Inf`, sum and count each: 500 series for each service.
const ROUTES: usize = 30;
const BOUNDS: [&str; 15] = [
    "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5", "10",
    "+Inf",
];
/// Of the ten seconds between two evaluations.
const MAY_TAKE: f64 = 5.0;

/// A page whose counters grow with time.
fn page() -> String {
    let (name, count) = ("http_server_request_duration_seconds", now() as u64);
    let mut page = format!("# TYPE {name} histogram\n");
    for route in 0..ROUTES {
        let labels = format!("http_request_method=\"GET\",http_route=\"/{route}\"");
        for bound in BOUNDS {
            _ = writeln!(page, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
        }
        _ = writeln!(page, "{name}_sum{{{labels}}} {count}\n{name}_count{{{labels}}} {count}");
    }
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rules_cost_a_fraction_of_their_interval_with_ten_thousand_series() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let exporter = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(async || page())).await });
    let folder = Folder::new("cost");
    let prometheus = folder.copy("prometheus", &[]);
    let file = prometheus.join("prometheus.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut text = text.split("scrape_configs:").next().unwrap().replace("alertmanager:9093", "127.0.0.1:9");
    text += "scrape_configs:\n  - job_name: services\n    static_configs:\n";
    for service in 0..SERVICES {
        // One exporter, asked under as many names.
        let labels = format!("{{ job: service-{service}, __metrics_path__: /{service} }}");
        _ = writeln!(text, "      - {{ targets: [\"{exporter}\"], labels: {labels} }}");
    }
    std::fs::write(&file, text).unwrap();
    let prometheus = Server::prometheus(&prometheus).await;
    let (seconds, rules) = eventually(Duration::from_secs(120), "every group is evaluated", async || {
        let ask = async |path: &str| get(&format!("{}/api/v1/{path}", prometheus.url)).await.json();
        let series = ask("query?query=count(http_server_request_duration_seconds_bucket)").await;
        let series =
            series["data"]["result"][0]["value"][1].as_str().map_or(0, |count| count.parse().unwrap());
        let recorded = ask("query?query=count(job:slo_budget_left:ratio)").await;
        if series < SERVICES * ROUTES * BOUNDS.len() || recorded["data"]["result"][0].is_null() {
            return Err(format!("{series} series, {recorded}"));
        }
        let answer = ask("rules").await;
        let groups = answer["data"]["groups"].as_array().unwrap();
        let seconds: f64 = groups.iter().map(|group| group["evaluationTime"].as_f64().unwrap()).sum();
        let rules: usize = groups.iter().map(|group| group["rules"].as_array().unwrap().len()).sum();
        Ok((seconds, rules))
    })
    .await;
    println!(
        "{rules} rules over {} series: {:.0} ms for each evaluation",
        SERVICES * ROUTES * 17,
        seconds * 1e3
    );
    assert!(seconds < MAY_TAKE, "{seconds} s");
}
