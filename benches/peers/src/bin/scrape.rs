//! What a page with 10,000 histogram series costs: time, allocations and memory of one scrape, and what the series
//! hold: ours, metrics-exporter-prometheus and prometheus-client, in turn in one run.
//!
//! `cargo run --release --locked --bin scrape`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::PrometheusBuilder;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tower::Service as _;

/// A metric takes 2,000 series at most, with us.
const FAMILIES: usize = 10;
const SERIES: usize = 1_000;
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const ROUNDS: usize = 9;

/// One of the three.
struct Page {
    name: &'static str,
    /// Another value for each series.
    fill: Box<dyn FnMut()>,
    /// The page's length.
    render: Box<dyn FnMut() -> usize>,
    holds: AllocationInfo,
    times: Vec<Duration>,
}

fn main() {
    let mut pages = [ours(), exporter(), client()];
    for page in &mut pages {
        page.holds = measure(|| {
            (page.fill)();
            black_box((page.render)());
        });
    }
    for _ in 0..ROUNDS {
        for page in &mut pages {
            (page.fill)();
            let start = Instant::now();
            black_box((page.render)());
            page.times.push(start.elapsed());
        }
    }
    println!(
        "| page | bytes | ms a scrape | × the first | allocations | MB at once | MB that the series hold |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let first = median(&mut pages[0]);
    for page in &mut pages {
        let (mut length, time) = (0, median(page));
        let scrape = measure(|| length = (page.render)());
        println!(
            "| {} | {length} | {:.1} | {:.2} | {} | {:.1} | {:.1} |",
            page.name,
            time * 1e3,
            time / first,
            scrape.count_total,
            scrape.bytes_max as f64 / 1e6,
            page.holds.bytes_current as f64 / 1e6,
        );
    }
}

fn median(page: &mut Page) -> f64 {
    page.times.sort_unstable();
    page.times[ROUNDS / 2].as_secs_f64()
}

impl Page {
    fn new(
        name: &'static str,
        fill: impl FnMut() + 'static,
        render: impl FnMut() -> usize + 'static,
    ) -> Self {
        let (fill, render) = (Box::new(fill), Box::new(render));
        Self { name, fill, render, holds: AllocationInfo::default(), times: Vec::new() }
    }
}

fn family(number: usize) -> String {
    format!("bench_{number}_seconds")
}

fn route(number: usize) -> String {
    format!("/orders/{number}")
}

/// A value for each series, through the facade.
fn fill() {
    for name in (0..FAMILIES).map(family) {
        for route in (0..SERIES).map(route) {
            metrics::histogram!(name.clone(), "route" => route).record(0.07);
        }
    }
}

fn ours() -> Page {
    let observability = tower_observability::builder("bench")
        .logs(tower_observability::Logs::new().without_lines())
        .metrics(tower_observability::Metrics::new().without_process())
        .admin(tower_observability::Admin::new().off())
        .init()
        .expect("it starts");
    let mut page: Router = observability.admin_routes();
    // Nothing shall end while it is measured.
    std::mem::forget(observability);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Page::new("tower-observability", fill, move || {
        runtime.block_on(async {
            let request = Request::get("/metrics").body(Body::empty()).expect("a request");
            let Ok(answer) = page.call(request).await;
            assert!(answer.status().is_success());
            answer.into_body().collect().await.expect("a page").to_bytes().len()
        })
    })
}

fn exporter() -> Page {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).expect("buckets");
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let fill = move || metrics::with_local_recorder(&recorder, fill);
    Page::new("metrics-exporter-prometheus", fill, move || handle.render().len())
}

fn client() -> Page {
    type Series = Family<Vec<(String, String)>, Histogram>;
    let mut registry = Registry::default();
    let families: Vec<Series> =
        (0..FAMILIES).map(|_| Series::new_with_constructor(|| Histogram::new(BOUNDS))).collect();
    for (number, family) in families.iter().enumerate() {
        registry.register(format!("bench_{number}_seconds"), "A bench", family.clone());
    }
    let fill = move || {
        for family in &families {
            for route in (0..SERIES).map(route) {
                family.get_or_create(&vec![("route".to_owned(), route)]).observe(0.07);
            }
        }
    };
    Page::new("prometheus-client", fill, move || {
        let mut page = String::new();
        encode(&mut page, &registry).expect("a page");
        page.len()
    })
}
