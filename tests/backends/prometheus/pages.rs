//! What the tools say: promtool and the Python client read both pages, promtool the guide's configuration.

use serde_json::{Value, json};
use tokio::runtime::Builder;
use tower_observability::names;

use super::once;
use crate::shared::child::{Child, run};
use crate::shared::exposition::read;
use crate::support::prometheus::{self, Scraped, Target, guide, promtool, python_reads, questions};
use crate::support::stack::Folder;
use crate::support::workshop::{SERVICES, Workshop, ask};

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A label's value with everything that must be escaped, and what must not.
const ODD: &str = "a\\\\b\\n\"c\"\n{d=\"e\"} # {f} ü 1";

/// What scrapers send, and what they get.
const ACCEPTED: [(&str, &str); 6] = [
    // Prometheus 2.42.
    (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        OPENMETRICS,
    ),
    // Before 2.5, and whoever wants nothing else.
    ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
    ("text/plain;version=0.0.4", TEXT),
    // 3, which can also read what we do not write: names in quotes.
    (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
         text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPENMETRICS,
    ),
    // With native histograms switched on: its protobuf first.
    (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,\
         application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
         text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        OPENMETRICS,
    ),
    // A browser.
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
];

/// The page without the one gauge whose name promtool has reserved for histograms: it is the name that OpenTelemetry's
/// conventions give it (database client metrics, `db.client.connection.count`).
fn without_the_pools_count(page: &str) -> String {
    let is_other = |line: &&str| !line.contains(names::metric::DB_CLIENT_CONNECTION_COUNT);
    page.lines().filter(is_other).fold(String::new(), |page, line| page + line + "\n")
}

#[test]
fn every_page_of_the_eight_is_accepted_by_the_tools_and_by_our_own_reader() {
    // An endpoint that nobody is at: the account of the spans is on the page as well.
    let workshop = Workshop::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
    workshop.book(4711, &[]);
    for service in SERVICES {
        let url = format!("{}/metrics", workshop.addresses(service).admin);
        for (accept, content) in ACCEPTED {
            let answer = ask("GET", &url, &[("accept", accept)], None);
            assert_eq!(answer.headers["content-type"], content, "{accept}");
            let openmetrics = content == OPENMETRICS;
            let families = read(&answer.body, openmetrics).unwrap().len();
            assert_eq!(python_reads(&answer.body, openmetrics), families, "{service}: {}", answer.body);
            if !openmetrics {
                let complaints = promtool(&["check", "metrics"], &without_the_pools_count(&answer.body));
                assert_eq!(complaints, "", "{service}");
            }
        }
    }
}

#[tokio::test]
async fn whatever_a_user_calls_things_is_scraped_and_read_back() {
    let mut odd = Child::new("prometheus::pages", "odd").start();
    let admin = odd.line("admin: ").replace("admin: ", "");
    for (accept, content) in ACCEPTED {
        let page = ask("GET", &format!("{admin}/metrics"), &[("accept", accept)], None).body;
        let openmetrics = content == OPENMETRICS;
        assert_eq!(python_reads(&page, openmetrics), read(&page, openmetrics).unwrap().len(), "{page}");
    }
    let job = format!("odd-{}", std::process::id());
    let target = Target { job: job.clone(), instance: "odd-1".to_owned(), admin };
    let _scraped = Scraped::start("odd", &[target]);
    once(&format!("up{{job=\"{job}\"}}"), 1.0).await;
    for (name, count) in [("__gr__e_total", 3.0), ("falling_bucket", 2.0), ("level", -0.25)] {
        let name = format!("{name}{{job=\"{job}\",le=~\"|.Inf\"}}");
        once(&name, count).await;
    }
    let found = prometheus::ask(&format!("level{{job=\"{job}\"}}")).await;
    assert_eq!(found[0].labels.get("odd"), ODD);
    odd.terminate();
    odd.end().well();
}

#[test]
fn program() {
    run(&[("odd", odd)]);
}

/// A service with names and values that no format takes as they are.
fn odd() {
    let observability = tower_observability::init("odd").unwrap();
    metrics::counter!("1 größe").increment(3);
    metrics::gauge!("level", "odd" => ODD).set(-0.25);
    for value in [-2.0, 1.0] {
        metrics::histogram!("falling").record(value);
    }
    eprintln!("admin: http://{}", observability.admin_address().unwrap());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(observability.shutdown_signal());
    runtime.block_on(observability.shutdown());
}

/// The labels under which Prometheus scrapes the targets of this list, each before and after relabelling.
fn targets(config: &str, job: &str) -> Value {
    let found = promtool(&["check", "service-discovery", "--timeout=2s", config, job], "");
    serde_json::from_str(&found).unwrap()
}

#[test]
fn the_guides_lists_and_annotations_are_scraped_under_the_names_that_it_promises() {
    let [list, pods, _] = guide("yaml").try_into().unwrap();
    let [targets_list] = guide("json").try_into().unwrap();
    let folder = Folder::new("prometheus-scrape");
    let found = folder.write("bookings.json", &targets_list);
    let list = list.replace("/etc/prometheus/services/*.json", &found);
    let list = folder.write("list.yml", &list);
    promtool(&["check", "config", &list], "");
    let scraped = &targets(&list, "services")[0]["labels"];
    let names = |labels: &Value| ["__address__", "job", "instance"].map(|name| labels[name].clone());
    assert_eq!(names(scraped), ["10.0.0.7:9464", "bookings", "bookings-1"]);

    // Debian's build knows no Kubernetes: a list of what Kubernetes would tell stands in for it.
    let pod = |name: &str, scrape: &str| {
        json!({ "targets": ["10.1.2.3"], "labels": {
            "__meta_kubernetes_pod_ip": "10.1.2.3",
            "__meta_kubernetes_pod_name": name,
            "__meta_kubernetes_pod_label_app_kubernetes_io_name": "bookings",
            "__meta_kubernetes_pod_annotation_prometheus_io_scrape": scrape,
            "__meta_kubernetes_pod_annotation_prometheus_io_port": "9464",
        } })
    };
    let told = json!([pod("bookings-7d9f-x2x", "true"), pod("bookings-7d9f-y3y", "false")]);
    let told = folder.write("pods.json", &told.to_string());
    let discovery = "kubernetes_sd_configs:\n      - role: pod";
    assert!(pods.contains(discovery));
    let pods = pods.replace(discovery, &format!("file_sd_configs:\n      - files: [{told}]"));
    let pods = targets(&folder.write("pods.yml", &pods), "pods");
    let scraped: Vec<_> =
        pods.as_array().unwrap().iter().filter(|pod| pod["labels"]["job"].is_string()).collect();
    assert_eq!(scraped.len(), 1, "{pods:#}");
    assert_eq!(names(&scraped[0]["labels"]), ["10.1.2.3:9464", "bookings", "bookings-7d9f-x2x"]);
}

#[test]
fn the_guides_alert_is_valid_and_asks_what_its_question_about_errors_asks() {
    let [_, _, rules] = guide("yaml").try_into().unwrap();
    let folder = Folder::new("prometheus-rules");
    promtool(&["check", "rules", &folder.write("rules.yml", &rules)], "");
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let share = questions().into_iter().find(|question| question.title.starts_with("Errors: their share"));
    let asked = format!("{} > 0.05", plain(&share.unwrap().promql));
    assert!(plain(&rules).contains(&asked), "{asked} is not in {rules}");
}
