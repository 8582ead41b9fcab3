//! What a page with 10,000 histogram series costs: time, allocations and memory of one scrape, and what the series
//! hold: ours, metrics-exporter-prometheus and prometheus-client, in turn in one run.
//!
//! Each hands its page to a sink that counts, in the way it has for that: ours as the body of an answer, the exporter by
//! `render_to_write`, prometheus-client by `encode`. The exporter's `render`, which makes one text of it, stands beside.
//! The run fails if a hundred scrapes of ours leave memory behind.
//!
//! `cargo run --release --locked --bin scrape`.

use std::fmt;
use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
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
/// Scrapes after which ours must hold what it held after the first.
const SCRAPES: usize = 100;

/// One way to a page.
struct Page {
    name: &'static str,
    /// Another value for each series.
    fill: Box<dyn FnMut()>,
    /// The page's length.
    render: Box<dyn FnMut() -> usize>,
    holds: AllocationInfo,
    scrape: AllocationInfo,
    length: usize,
    times: Vec<Duration>,
}

/// Takes what it is given, and keeps none of it.
#[derive(Default)]
struct Sink(usize);

fn main() {
    let (mut pages, exporter) = (vec![ours()], exporter());
    pages.extend(exporter);
    pages.push(client());
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
    for page in &mut pages {
        page.scrape = measure(|| page.length = (page.render)());
    }
    let more = measure(|| {
        for _ in 0..SCRAPES {
            black_box((pages[0].render)());
        }
    });
    assert_eq!(more.bytes_current, 0, "{SCRAPES} scrapes leave memory behind");
    table(&mut pages);
}

fn table(pages: &mut [Page]) {
    println!(
        "| page | MB | ms a scrape | × the first | allocations | MB allocated | KB at once | × the first | MB that the series hold |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    let (first, least) = (median(&mut pages[0]), pages[0].scrape.bytes_max as f64);
    for page in pages {
        let (time, scrape) = (median(page), &page.scrape);
        println!(
            "| {} | {:.1} | {:.1} | {:.2} | {} | {:.1} | {:.0} | {:.1} | {:.1} |",
            page.name,
            page.length as f64 / 1e6,
            time * 1e3,
            time / first,
            scrape.count_total,
            scrape.bytes_total as f64 / 1e6,
            scrape.bytes_max as f64 / 1e3,
            scrape.bytes_max as f64 / least,
            page.holds.bytes_current as f64 / 1e6,
        );
    }
    println!("\nAfter {SCRAPES} more scrapes the first held not a byte more than before.");
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
        let (holds, scrape) = (AllocationInfo::default(), AllocationInfo::default());
        Self { name, fill, render, holds, scrape, length: 0, times: Vec::new() }
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += black_box(bytes).len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += black_box(text).len();
        Ok(())
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
            let (mut body, mut sink) = (answer.into_body(), Sink::default());
            while let Some(frame) = body.frame().await {
                sink.0 += black_box(frame.expect("a piece").into_data().expect("data")).len();
            }
            sink.0
        })
    })
}

fn exporter() -> [Page; 2] {
    let written = |handle: &PrometheusHandle| {
        let mut sink = Sink::default();
        handle.render_to_write(&mut sink).expect("a page");
        sink.0
    };
    [
        exporter_by("metrics-exporter-prometheus, `render_to_write`", written),
        exporter_by("metrics-exporter-prometheus, `render`", |handle| black_box(handle.render()).len()),
    ]
}

fn exporter_by(name: &'static str, render: fn(&PrometheusHandle) -> usize) -> Page {
    let builder = PrometheusBuilder::new().set_buckets(&BOUNDS).expect("buckets");
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    let fill = move || metrics::with_local_recorder(&recorder, fill);
    Page::new(name, fill, move || render(&handle))
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
        let mut sink = Sink::default();
        encode(&mut sink, &registry).expect("a page");
        sink.0
    })
}
