//! What a Prometheus that wants native histograms reads of the page: quantiles that no list of buckets has.

use std::process::Command;

use metrics::histogram;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::shared::child::{Child, run};
use crate::support::http;
use crate::support::stack::{Folder, Server, free_port};
use crate::support::systems::PROMETHEUS_PROGRAM;
use crate::support::wait::{SOON, eventually};

#[test]
fn program() {
    run(&[("slow", slow)]);
}

/// All requests take 260 ms, which the fixed buckets put between 250 and 500; and some waits are spread.
fn slow() {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let observability = tower_observability::init("slow").unwrap();
        let end = observability.shutdown_signal();
        (0..1_000).for_each(|_| histogram!("exact_seconds", "route" => "/cars").record(0.26));
        (1..=1_000).for_each(|n| histogram!("spread_seconds").record(f64::from(n) / 1_000.0));
        histogram!("spread_seconds").record(0.0);
        eprintln!("admin: {}", observability.admin_address().unwrap());
        end.await;
    });
}

async fn ask(prometheus: &Server, promql: &str) -> Option<f64> {
    let url = format!("{}/api/v1/query", prometheus.url);
    let answer = http::query(&url, &[("query", promql)]).await.json();
    let value = answer["data"]["result"].get(0)?["value"].get(1).and_then(Value::as_str)?.to_owned();
    value.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quantile_of_native_histograms_is_as_good_as_their_buckets_and_better_than_the_fixed_ones() {
    let aggregation = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    let child =
        Child::new("prometheus::native", "slow").env(aggregation, "base2_exponential_bucket_histogram");
    let mut running = child.env("OBSERVABILITY_DRAIN_DELAY", "0").start();
    let admin = running.line("admin: ").split_once("admin: ").unwrap().1.to_owned();
    let folder = Folder::new("native");
    folder.write(
        "prometheus.yml",
        &format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: slow\n    static_configs: [{{ targets: [\"{admin}\"] }}]\n"
        ),
    );
    let address = format!("127.0.0.1:{}", free_port());
    let mut command = Command::new(PROMETHEUS_PROGRAM.path());
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--log.level=warn"]);
    command.args(["--enable-feature=native-histograms", &format!("--web.listen-address={address}")]);
    let prometheus = Server::start_at(command.current_dir(&folder.0), &address, "/-/ready").await;
    let answers = async |promql: &str| {
        eventually(SOON, promql, async || ask(&prometheus, promql).await.ok_or("no answer".to_owned())).await
    };
    let wide = 2_f64.powf(1.0 / 8.0);
    let near = |seen: f64, truth: f64| seen / truth < wide && truth / seen < wide;
    let exact = answers("histogram_quantile(0.95, exact_seconds)").await;
    assert!(near(exact, 0.26), "{exact}");
    for quantile in [0.5, 0.9, 0.99] {
        let seen = answers(&format!("histogram_quantile({quantile}, spread_seconds)")).await;
        assert!(near(seen, quantile), "{quantile}: {seen}");
    }
    assert_eq!(answers("histogram_count(spread_seconds)").await, 1_001.0);
    assert!((answers("histogram_sum(spread_seconds)").await - 500.5).abs() < 1e-6);
    // What has no buckets is there as ever.
    assert!(answers("process_start_time_seconds").await > 1.0);
    assert_eq!(answers("up").await, 1.0);
    running.terminate();
    running.end().well();
}
