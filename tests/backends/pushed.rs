//! What the OpenTelemetry Collector understands of metrics over OTLP: its debug exporter field by field, and the page of
//! its Prometheus exporter beside our own.
//!
//! Both pages are of one moment: the service prints its own right after everything was delivered.

mod printed;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::process::Command;
use std::time::Duration;

use ::http::{Request, Response};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tower::{Layer, ServiceExt, service_fn};
use tower_observability::{ObservabilityLayer, PoolState, Work, request};

use self::printed::{Times, expected};
use crate::shared::child::{Child, run};
use crate::shared::exposition::{Family, read};
use crate::support::http::get;
use crate::support::relay::Relay;
use crate::support::stack::{Folder, Server, free_port};
use crate::support::systems::COLLECTOR;
use crate::support::wait::{SOON, eventually};

#[test]
fn program() {
    run(&[("shop", shop)]);
}

/// Something of each kind, then its own page.
fn shop() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::builder("shop").version("1.2.3").init().unwrap();
        observability.pool("bookings", || PoolState { used: Some(3), max: Some(10), ..PoolState::default() });
        for (route, status) in [("/users/{id}", 200), ("/users/{id}", 200), ("/broken", 500)] {
            served(route, status).await;
        }
        Work::consumer("process bookings").system("kafka").destination("bookings").run(async {}).await;
        users();
        // The metrics themselves must be still before both pages are made.
        tokio::time::sleep(Duration::from_millis(300)).await;
        println!("delivered: {}", observability.flush(Duration::from_secs(20)).await.points);
        let address = observability.admin_address().unwrap();
        let page = get(&format!("http://{address}/metrics")).await.body;
        print!("{}", page.lines().map(|line| format!("page: {line}\n")).collect::<String>());
        println!("report: {}", observability.shutdown().await.points);
    });
}

async fn served(route: &'static str, status: u16) {
    let handler = service_fn(move |_: Request<String>| async move {
        request::route(route);
        Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap())
    });
    let incoming = Request::get("http://api.example:8080/users/7").body(String::new()).unwrap();
    drop(ObservabilityLayer::new().layer(handler).oneshot(incoming).await.unwrap());
}

/// The service's own, through the facade.
fn users() {
    describe_counter!("orders_total", "Orders that were placed.");
    describe_gauge!("basket.size", metrics::Unit::Bytes, "How large.");
    describe_gauge!("temperature", "How warm.");
    describe_counter!("too_many", "More than a metric may have.");
    describe_histogram!("wait.seconds", metrics::Unit::Seconds, "How long.");
    describe_histogram!("change", "How much more, or less.");
    counter!("orders_total", "order.kind" => "tyres \"new\"\\\n").increment(7);
    counter!("orders_total", "order.kind" => "").increment(2);
    gauge!("basket.size").set(1.5);
    gauge!("temperature").set(-3.25);
    [0.02, 0.3, 40.0].into_iter().for_each(|value| histogram!("wait.seconds").record(value));
    [-2.0, 3.0, 0.0].into_iter().for_each(|value| histogram!("change").record(value));
    (0..2_005).for_each(|n| counter!("too_many", "n" => n.to_string()).increment(1));
}

/// A collector, with what it prints and where its page is.
struct Collector {
    server: Server,
    folder: Folder,
    page: String,
}

impl Collector {
    async fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let (otlp, page) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let configuration = folder.write(
            "collector.yaml",
            &format!(
                "service:\n  pipelines:\n    metrics: {{ receivers: [otlp], exporters: [debug, prometheus] }}\n  \
                 telemetry: {{ metrics: {{ level: none }}, logs: {{ level: warn }} }}\n\
                 receivers:\n  otlp:\n    protocols: {{ http: {{ endpoint: \"{otlp}\" }} }}\n\
                 exporters:\n  debug: {{ verbosity: detailed, use_internal_logger: false, sending_queue: {{ enabled: false }} }}\n  \
                 prometheus: {{ endpoint: \"{page}\", enable_open_metrics: true }}\n"
            ),
        );
        let mut command = Command::new("sh");
        let output = folder.0.join("printed");
        command.args(["-c", &format!("exec \"$0\" \"$@\" > '{}'", output.display())]);
        command.arg(COLLECTOR.path()).args(["--config", &configuration]);
        let server = Server::listening(&mut command, &otlp).await;
        Self { server, folder, page: format!("http://{page}/metrics") }
    }

    /// What it has printed, once it ends with a whole request.
    async fn printed(&self, awaited: &str) -> String {
        eventually(SOON, "what was sent, in the collector's output", async || {
            let text =
                fs::read_to_string(self.folder.0.join("printed")).map_err(|error| error.to_string())?;
            if text.contains(awaited) && text.ends_with("\n\n") { Ok(text) } else { Err(text) }
        })
        .await
    }

    async fn families(&self) -> BTreeMap<String, Family> {
        // It shows the scope of the user's metrics, which has no name.
        let page = get(&self.page).await.body;
        let page = page.replace(",otel_scope_name=\"\"", "").replace(",otel_scope_version=\"\"", "");
        by_name(read(&page, false).unwrap_or_else(|error| panic!("{error}:\n{page}")))
    }
}

fn by_name(families: Vec<Family>) -> BTreeMap<String, Family> {
    families.into_iter().map(|family| (family.name.clone(), family)).collect()
}

/// The service's run: the bodies that passed on the way to the collector, and the service's own page.
async fn told(
    collector: &Collector,
    env: &[(&str, &str)],
) -> (Vec<hyper::body::Bytes>, BTreeMap<String, Family>) {
    let relay = Relay::start(collector.server.url.clone()).await;
    let child = Child::new("pushed", "shop").env("OTEL_EXPORTER_OTLP_ENDPOINT", relay.url());
    let child = child.env("OTEL_METRICS_EXPORTER", "prometheus,otlp");
    let child = env.iter().fold(child, |child, (name, value)| child.env(name, value));
    let ended = tokio::task::spawn_blocking(|| child.end().well()).await.unwrap();
    assert!(ended.said("report: ").ends_with(" 0 unconfirmed, 0 dropped"), "{:?}", ended.said("report: "));
    let page = ended.output.iter().filter_map(|line| line.strip_prefix("page: "));
    let page: String = page.map(|line| format!("{line}\n")).collect();
    let passed = relay.passed("/v1/metrics");
    assert!(passed.iter().all(|passed| passed.status.is_success()), "{passed:?}");
    let families = by_name(read(&page, false).unwrap_or_else(|error| panic!("{error}:\n{page}")));
    (passed.into_iter().map(|passed| passed.body).collect(), families)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_metric_is_read_as_it_was_sent() {
    for (name, aggregation, temporality) in [
        ("fixed", "explicit_bucket_histogram", "cumulative"),
        ("exponential", "base2_exponential_bucket_histogram", "delta"),
    ] {
        let collector = Collector::start(&format!("metrics-{name}")).await;
        let env = [
            ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", aggregation),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality),
        ];
        let (bodies, _) = told(&collector, &env).await;
        let sent: Vec<_> = bodies.iter().flat_map(|body| expected(body)).collect();
        let last = sent.last().unwrap();
        let printed = collector.printed(last).await;
        let printed: Vec<_> = printed.lines().filter(|line| !line.is_empty()).map(Times::read).collect();
        let printed: Vec<_> = printed.iter().filter(|line| !line.starts_with("Metrics\t")).collect();
        for (place, (read, written)) in printed.iter().zip(&sent).enumerate() {
            let before = &sent[place.saturating_sub(12)..place];
            assert_eq!(read.as_str(), written.as_str(), "{name}, line {place}, after {before:#?}");
        }
        assert_eq!(printed.len(), sent.len(), "{name}");
        assert!(sent.len() > 2_000 && sent.iter().any(|line| line == "Exemplars:"), "{name}: {}", sent.len());
    }
}

/// Families whose values change by themselves, or by being sent: both pages have them, with other values.
const LIVELY: [&str; 6] =
    ["process_", "tokio_", "container_", "otel_sdk_", "observability_log_queue", "http_server_active"];

/// What the collector calls otherwise: the convention has another name than Prometheus' client libraries, or the unit that
/// the service described is not in its metric's name.
const RENAMED: [(&str, &str); 6] = [
    ("basket_size", "basket_size_bytes"),
    ("process_cpu_seconds", "process_cpu_time_seconds"),
    ("process_open_fds", "process_unix_file_descriptor_count"),
    ("process_resident_memory_bytes", "process_memory_usage_bytes"),
    ("process_threads", "process_thread_count"),
    ("process_virtual_memory_bytes", "process_memory_virtual_bytes"),
];

/// The labels of a sample, without those that the collector adds: the scope, the job and the instance.
fn labels(labels: &[(String, String)]) -> BTreeSet<(String, String)> {
    let added = |name: &str| name.starts_with("otel_scope_") || ["job", "instance"].contains(&name);
    let labels = labels.iter().filter(|(name, _)| !added(name)).map(|(name, value)| {
        // 0.005 is 0.005, and 5.0 is 5.
        let number = value.parse::<f64>().ok().filter(|_| name == "le");
        (name.clone(), number.map_or_else(|| value.clone(), |number| number.to_string()))
    });
    labels.collect()
}

/// A sample: the end of its name, its labels, and its value as text, a NaN too.
type Told = (String, BTreeSet<(String, String)>, String);

fn samples(family: &Family, name: &str) -> BTreeSet<Told> {
    let samples = family.samples.iter().map(|sample| {
        let suffix = sample.name.strip_prefix(name).unwrap_or_else(|| panic!("{name}: {}", sample.name));
        (suffix.to_owned(), labels(&sample.labels), format!("{:?}", sample.value))
    });
    samples.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collectors_own_page_has_the_families_and_values_of_ours() {
    let collector = Collector::start("metrics-page").await;
    let (_, ours) = told(&collector, &[]).await;
    let theirs = collector.families().await;
    let (mut families, mut values) = (0, 0);
    for (name, family) in &ours {
        if name == "target" || name == "target_info" {
            continue;
        }
        let base = name.strip_suffix("_total").unwrap_or(name);
        let renamed = RENAMED.iter().find(|(ours, _)| *ours == base).map_or(base, |(_, theirs)| theirs);
        let renamed = if base == name { renamed.to_owned() } else { format!("{renamed}_total") };
        let other = theirs.get(&renamed).unwrap_or_else(|| panic!("no {renamed} among {:?}", theirs.keys()));
        assert_eq!(other.kind, family.kind, "{name}");
        if LIVELY.iter().any(|prefix| name.starts_with(prefix)) {
            let of = |family: &Family| {
                family.samples.iter().map(|sample| labels(&sample.labels)).collect::<BTreeSet<_>>()
            };
            assert_eq!(of(other), of(family), "{name}");
            continue;
        }
        // A sum that may fall is not sent.
        let (mut ours, theirs) = (samples(family, name), samples(other, &renamed));
        if name == "change" {
            ours.retain(|(suffix, ..)| suffix != "_sum");
        }
        let theirs: BTreeSet<_> =
            theirs.into_iter().filter(|(suffix, ..)| name != "change" || suffix != "_sum").collect();
        let missing: Vec<_> = ours.difference(&theirs).take(5).collect();
        let more: Vec<_> = theirs.difference(&ours).take(5).collect();
        assert!(missing.is_empty() && more.is_empty(), "{name}: missing {missing:#?}, more {more:#?}");
        (families, values) = (families + 1, values + ours.len());
    }
    println!("{families} families with {values} values are the same");
    assert!(families > 15 && values > 2_000, "{families}, {values}");
    let known: BTreeSet<_> = ours.keys().map(String::as_str).collect();
    let unknown: Vec<_> = theirs
        .keys()
        .filter(|name| {
            let base = name.strip_suffix("_total").unwrap_or(name);
            let renamed = RENAMED.iter().find(|(_, theirs)| *theirs == base);
            renamed.is_none() && !known.contains(name.as_str()) && !name.starts_with("target")
        })
        .collect();
    assert_eq!(unknown, Vec::<&String>::new());
}
