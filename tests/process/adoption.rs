//! Promise: a service keeps its own `tracing` registry and `metrics` recorder, and nothing is lost without a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::layers::FanoutBuilder;
use tower::{Layer as _, ServiceExt as _};
use tower_observability::{Logs, Metrics, Observability, ObservabilityLayer, Work, builder, request};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::support::child::{Child, Ended, run};
use crate::support::exposition::read;
use crate::support::http::get as fetch;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNHEARD: &str = "no `tracing` subscriber has our layer";
const UNCOUNTED: &str = "no `metrics` recorder is installed";

#[test]
fn program() {
    run(&[
        ("plain", plain),
        ("forgotten", forgotten),
        ("refused", refused),
        ("some", || with(|observability| Some(observability.tracing_layer()))),
        ("boxed", || with(|observability| observability.tracing_layer().boxed())),
        ("filtered", || with(|observability| observability.tracing_layer().with_filter(LevelFilter::INFO))),
        ("some-filtered", || {
            with(|observability| Some(observability.tracing_layer().with_filter(EnvFilter::new("info"))))
        }),
        ("reloaded", || with(|observability| reload::Layer::new(observability.tracing_layer()).0)),
        ("beside", beside),
        ("below-a-filter", below_a_filter),
        ("reload", reloading),
        ("finished", finished),
        ("default-filter", || below(EnvFilter::from_default_env())),
        ("info-filter", || below(EnvFilter::new("info"))),
        ("none", none),
        ("own-lines", own_lines),
        ("log-records", log_records),
        ("installed", installed),
        ("installed-late", installed_late),
        ("uncounted", uncounted),
        ("of-no-size", of_no_size),
        ("fan-out", fan_out),
        ("ours-installed", ours_installed),
        ("twice", twice),
        ("built-twice", built_twice),
    ]);
}

async fn booking() -> &'static str {
    tracing::info_span!("load", rows = 3).in_scope(|| tracing::info!("looking into the book"));
    tracing::debug!("deep in the book");
    metrics::counter!("bookings_read_total").increment(1);
    "booked"
}

/// One request through a router below our layer.
fn ask() {
    ask_below(ObservabilityLayer::new());
}

fn ask_below(layer: ObservabilityLayer) {
    let app = Router::new().route("/bookings/{id}", get(booking)).layer(layer);
    let request = Request::get("/bookings/7").header("traceparent", PARENT).body(Body::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let response = app.oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    });
}

/// One call of gRPC, without a server.
fn ask_grpc() {
    let kind = ("content-type", "application/grpc");
    let answer = move |_: Request<Body>| {
        let answer = axum::http::Response::builder().header(kind.0, kind.1).header("grpc-status", "0");
        std::future::ready(answer.body(Body::empty()))
    };
    let request = Request::post("/shop.Orders/Place").header(kind.0, kind.1).body(Body::empty()).unwrap();
    let service = ObservabilityLayer::new().layer(tower::service_fn(answer));
    futures_util::FutureExt::now_or_never(service.oneshot(request)).unwrap().unwrap();
}

/// The service with one layer in its registry.
fn with<L: Layer<Registry> + Send + Sync>(layer: impl FnOnce(&Observability) -> L) {
    let observability = builder("bookings").build().unwrap();
    tracing_subscriber::registry().with(layer(&observability)).init();
    ask();
    ask();
}

fn plain() {
    with(Observability::tracing_layer);
}

fn forgotten() {
    let _observability = builder("bookings").build().unwrap();
    tracing_subscriber::registry().with(fmt::layer().json()).init();
    ask();
    ask();
}

fn refused() {
    tracing_subscriber::registry().with(fmt::layer().json()).init();
    let observability = builder("bookings").build().unwrap();
    let late = tracing_subscriber::registry().with(observability.tracing_layer());
    println!("refused: {}", late.try_init().is_err());
    ask();
}

fn set_level(observability: &Observability, level: &str) {
    let address = observability.admin_address().unwrap().to_string();
    let answer = crate::support::http::send("PUT", &address, "/log-level", level);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Their lines go to standard error, so that they are told apart.
fn theirs<S>() -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().with_writer(std::io::stderr).with_ansi(false).without_time()
}

fn beside() {
    let observability = builder("bookings").build().unwrap();
    let own = observability.tracing_layer();
    let filter = EnvFilter::new("adoption=debug,process=debug");
    tracing_subscriber::registry().with(theirs().with_filter(filter)).with(own).init();
    ask();
    set_level(&observability, "debug");
    ask();
}

fn below_a_filter() {
    let observability = builder("bookings").build().unwrap();
    let own = observability.tracing_layer();
    tracing_subscriber::registry().with(EnvFilter::new("info")).with(theirs()).with(own).init();
    set_level(&observability, "debug");
    ask();
}

/// The set-up that most services have before they adopt anything.
fn finished() {
    let observability = builder("bookings").build().unwrap();
    let own =
        fmt().with_writer(std::io::stderr).with_ansi(false).with_env_filter(EnvFilter::new("info")).finish();
    own.with(observability.tracing_layer()).init();
    ask();
    ask();
}

fn below(filter: EnvFilter) {
    let observability = builder("bookings").build().unwrap();
    tracing_subscriber::registry().with(filter).with(observability.tracing_layer()).init();
    ask();
    ask();
}

fn reloading() {
    let observability = builder("bookings").build().unwrap();
    set_level(&observability, "debug");
    let (filter, handle) = reload::Layer::new(LevelFilter::WARN);
    tracing_subscriber::registry().with(observability.tracing_layer().with_filter(filter)).init();
    ask();
    handle.modify(|filter| *filter = LevelFilter::DEBUG).unwrap();
    ask();
}

fn none() {
    let observability = builder("bookings").build().unwrap();
    let own = false.then(|| observability.tracing_layer());
    tracing_subscriber::registry().with(theirs()).with(own).init();
    ask();
}

fn own_lines() {
    let observability = builder("bookings").logs(Logs::new().off()).build().unwrap();
    tracing_subscriber::registry().with(fmt::layer().json()).with(observability.tracing_layer()).init();
    let layer = ObservabilityLayer::new().request_span_with(|| {
        let trace = request::trace().map(|trace| tracing::field::display(trace.trace_id));
        tracing::info_span!("request", trace_id = trace)
    });
    ask_below(layer);
}

fn log_records() {
    let observability = builder("bookings").build().unwrap();
    tracing_subscriber::registry().with(observability.tracing_layer()).init();
    log::info!("by the registry's own bridge");
    log::debug!("unwanted");
}

/// Theirs, with our bounds.
fn theirs_with_buckets() -> PrometheusBuilder {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, Metrics::SECONDS).unwrap()
}

fn tell(pages: &PrometheusHandle, observability: &Observability) {
    let theirs = pages.render();
    print!("{}", theirs.lines().map(|line| format!("theirs: {line}\n")).collect::<String>());
    let address = observability.admin_address().unwrap().to_string();
    let ours = fetch(&address, "/metrics");
    print!("{}", ours.lines().map(|line| format!("ours: {line}\n")).collect::<String>());
}

fn installed() {
    let pages = theirs_with_buckets().install_recorder().unwrap();
    let observability = builder("bookings").metrics(Metrics::new().installed_recorder()).init().unwrap();
    ask();
    ask_grpc();
    tell(&pages, &observability);
}

fn installed_late() {
    let observability = builder("bookings").metrics(Metrics::new().installed_recorder()).init().unwrap();
    let pages = theirs_with_buckets().install_recorder().unwrap();
    ask();
    ask_grpc();
    tell(&pages, &observability);
}

fn uncounted() {
    let _observability = builder("bookings").metrics(Metrics::new().installed_recorder()).init().unwrap();
    ask();
    ask();
}

/// A recorder whose numbers stand elsewhere.
struct Durations;

static DURATIONS: AtomicUsize = AtomicUsize::new(0);

impl HistogramFn for Durations {
    fn record(&self, _: f64) {
        DURATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

impl Recorder for Durations {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let wanted = key.name() == "http_server_request_duration_seconds";
        if wanted { Arc::new(Self).into() } else { Histogram::noop() }
    }
}

fn of_no_size() {
    assert_eq!(size_of::<Durations>(), 0);
    let _observability = builder("bookings").metrics(Metrics::new().installed_recorder()).init().unwrap();
    metrics::set_global_recorder(Durations).unwrap();
    ask();
    println!("durations: {}", DURATIONS.load(Ordering::Relaxed));
}

fn fan_out() {
    let observability = builder("bookings").metrics(Metrics::new().installed_recorder()).build().unwrap();
    tracing_subscriber::registry().with(observability.tracing_layer()).init();
    let own = theirs_with_buckets().build_recorder();
    let pages = own.handle();
    let both = FanoutBuilder::default().add_recorder(own).add_recorder(observability.recorder()).build();
    metrics::set_global_recorder(both).unwrap();
    ask();
    tell(&pages, &observability);
}

fn ours_installed() {
    let observability = builder("bookings").build().unwrap();
    tracing_subscriber::registry().with(observability.tracing_layer()).init();
    metrics::set_global_recorder(observability.recorder()).ok().unwrap();
    ask();
    tell(&PrometheusBuilder::new().build_recorder().handle(), &observability);
}

fn twice() {
    let _first = builder("first").build().unwrap();
    println!("second: {}", tower_observability::init("second").unwrap_err());
}

fn built_twice() {
    let _first = tower_observability::init("first").unwrap();
    println!("second: {}", builder("second").build().unwrap_err().is_already_started());
    drop(Work::internal("nothing").begin());
}

fn program_of(name: &str) -> Child {
    Child::new("adoption", name)
}

/// How many lines of its output contain this.
fn times(ended: &Ended, text: &str) -> usize {
    ended.output.iter().filter(|line| line.contains(text)).count()
}

fn messages(ended: &Ended) -> Vec<String> {
    let lines = ended.logged().into_iter().filter(|line| line["target"] != "tower_observability");
    lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

const READ: &str = "looking into the book";
const DEEP: &str = "deep in the book";
const ANSWERED: &str = "GET /bookings/{id} 200";

#[test]
fn with_our_layer_in_their_registry_everything_is_as_after_init() {
    let ended = program_of("plain").end().well();
    assert_eq!(messages(&ended), [READ, ANSWERED, READ, ANSWERED]);
    let read = ended.logged().into_iter().find(|line| line["message"] == READ).unwrap();
    assert_eq!((&read["trace_id"], &read["rows"]), (&TRACE.into(), &3.into()));
    assert_ne!(read["span_id"], serde_json::Value::Null);
}

#[test]
fn whatever_holds_the_layer_it_is_heard_and_nobody_complains() {
    for program in ["plain", "some", "boxed", "filtered", "some-filtered", "reloaded"] {
        let ended = program_of(program).end().well();
        assert_eq!(messages(&ended), [READ, ANSWERED, READ, ANSWERED], "{program}");
        assert_eq!(times(&ended, UNHEARD), 0, "{program}: {:#?}", ended.output);
    }
}

#[test]
fn a_layer_that_no_subscriber_has_is_told_at_the_first_request_and_once() {
    let ended = program_of("forgotten").end().well();
    assert_eq!(times(&ended, UNHEARD), 1, "{:#?}", ended.output);
    assert_eq!(times(&ended, "with(observability.tracing_layer()).init()"), 1);
    let ended = program_of("refused").end().well();
    assert_eq!((ended.said("refused: "), times(&ended, UNHEARD)), ("true", 1));
    let ended = program_of("none").end().well();
    assert_eq!(times(&ended, UNHEARD), 1);
}

#[test]
fn where_nothing_is_observed_nothing_is_missed() {
    let ended = program_of("forgotten").env("OTEL_SDK_DISABLED", "true").end().well();
    assert_eq!(times(&ended, UNHEARD), 0, "{:#?}", ended.output);
    let ended = program_of("beside").env("OTEL_SDK_DISABLED", "true").end().well();
    assert_eq!(times(&ended, DEEP), 2, "theirs has what it had: {:#?}", ended.output);
}

#[test]
fn our_level_and_theirs_do_not_meddle_with_each_other() {
    let ended = program_of("beside").end().well();
    // Theirs wants DEBUG from the start, ours from the second request on.
    assert_eq!(messages(&ended), [READ, ANSWERED, READ, DEEP, ANSWERED]);
    let theirs = ended.output.iter().filter(|line| line.contains(DEEP) && line.contains("DEBUG process"));
    assert_eq!(theirs.count(), 2, "{:#?}", ended.output);
}

#[test]
fn a_filter_of_the_whole_registry_beats_the_log_level() {
    let ended = program_of("below-a-filter").end().well();
    assert_eq!(messages(&ended), [READ, ANSWERED]);
}

#[test]
fn a_subscriber_that_takes_no_filtered_layer_keeps_its_lines_and_is_answered_with_the_code_to_write() {
    let ended = program_of("finished").end().well();
    let warned = ended.messages("WARN");
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(
        warned[0].contains("tracing_subscriber::registry().with(tracing_subscriber::fmt::layer()"),
        "{warned:?}"
    );
    assert_eq!(messages(&ended), [ANSWERED, ANSWERED], "the requests' own lines need no subscriber");
    assert_eq!(ended.output.iter().filter(|line| line.contains(READ) && line.contains(" INFO ")).count(), 2);
    assert_eq!(times(&ended, UNHEARD), 0);
}

#[test]
fn a_filter_that_silences_the_registry_is_told_at_the_first_request_with_the_remedy() {
    let silent = program_of("default-filter").end().well();
    assert_eq!(times(&silent, "EnvFilter::from_default_env() without RUST_LOG lets only ERROR pass"), 1);
    assert_eq!(messages(&silent), [ANSWERED, ANSWERED]);
    for (program, level) in [("info-filter", ""), ("default-filter", "info"), ("default-filter", "error")] {
        let chosen = program_of(program).env("RUST_LOG", level).end().well();
        assert_eq!(
            times(&chosen, "EnvFilter::from_default_env()"),
            0,
            "{program} {level}: {:#?}",
            chosen.output
        );
    }
}

#[test]
fn a_filter_of_theirs_around_our_layer_can_be_reloaded() {
    let ended = program_of("reload").end().well();
    assert_eq!(messages(&ended), [ANSWERED, READ, DEEP, ANSWERED]);
}

#[test]
fn their_own_lines_have_the_trace_id_of_a_real_span() {
    let ended = program_of("own-lines").end().well();
    let lines = ended.logged();
    let read = lines.iter().find(|line| line["fields"]["message"] == READ).unwrap();
    assert_eq!(read["spans"][0]["trace_id"], TRACE);
    assert!(!lines.iter().any(|line| line["message"] == ANSWERED), "{lines:#?}");
}

#[test]
fn records_of_the_log_crate_come_by_the_registrys_bridge() {
    let ended = program_of("log-records").end().well();
    assert_eq!(messages(&ended), ["by the registry's own bridge"]);
}

/// The samples of one of the two pages.
fn page(ended: &Ended, whose: &str) -> Vec<String> {
    let prefix = format!("{whose}: ");
    let lines = ended.output.iter().filter_map(|line| line.strip_prefix(&prefix));
    lines.filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn has(page: &[String], parts: &[&str]) -> bool {
    page.iter().any(|line| parts.iter().all(|part| line.contains(part)))
}

const COUNT: [&str; 3] =
    ["http_server_request_duration_seconds_count{", r#"http_route="/bookings/{id}""#, r#"status_code="200""#];

#[test]
fn their_recorder_gets_our_metrics_by_the_same_names_wherever_it_was_installed() {
    for program in ["installed", "installed-late"] {
        let ended = program_of(program).end().well();
        let (theirs, ours) = (page(&ended, "theirs"), page(&ended, "ours"));
        assert!(has(&theirs, &COUNT) && has(&theirs, &["bookings_read_total 1"]), "{theirs:#?}");
        assert!(
            has(&theirs, &["http_server_request_duration_seconds_bucket{", r#"le="0.005""#]),
            "{theirs:#?}"
        );
        assert!(has(&theirs, &["http_server_active_requests{"]));
        // What the other recorder does with durations cannot be asked of it, so the start says how they get buckets.
        let started =
            ended.messages("INFO").into_iter().find(|line| line.starts_with("observability started"));
        let code =
            "set_buckets_for_metric(Matcher::Suffix(\"_duration_seconds\".to_owned()), Metrics::SECONDS)";
        assert!(started.as_ref().is_some_and(|line| line.contains(code)), "{started:?}");
        assert!(has(
            &theirs,
            &["rpc_server_call_duration_seconds_count{", r#"rpc_method="shop.Orders/Place""#]
        ));
        assert!(!has(&ours, &["http_server_"]) && has(&ours, &["otel_sdk_log_created_total"]), "{ours:#?}");
        let described = format!("theirs: # HELP {} ", "http_server_request_duration_seconds");
        assert!(
            ended.output.iter().any(|line| line.starts_with(&described)),
            "{program}: {:#?}",
            ended.output
        );
        assert_eq!(times(&ended, UNCOUNTED), 0);
    }
}

#[test]
fn a_recorder_that_nobody_installed_is_told_once() {
    let ended = program_of("uncounted").end().well();
    assert_eq!(times(&ended, UNCOUNTED), 1, "{:#?}", ended.output);
}

#[test]
fn a_recorder_without_a_size_counts_and_is_not_taken_for_none() {
    let ended = program_of("of-no-size").end().well();
    assert_eq!((ended.said("durations: "), times(&ended, UNCOUNTED)), ("1", 0), "{:#?}", ended.output);
}

#[test]
fn in_a_fan_out_both_pages_have_everything() {
    let ended = program_of("fan-out").env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").end().well();
    for whose in ["theirs", "ours"] {
        let page = page(&ended, whose);
        assert!(has(&page, &COUNT) && has(&page, &["bookings_read_total 1"]), "{whose}: {page:#?}");
    }
}

#[test]
fn our_recorder_can_be_installed_by_hand() {
    let ended = program_of("ours-installed").end().well();
    let ours = page(&ended, "ours");
    assert!(has(&ours, &COUNT) && has(&ours, &["bookings_read_total 1"]), "{ours:#?}");
    let text: String = ended
        .output
        .iter()
        .filter_map(|line| line.strip_prefix("ours: "))
        .skip_while(|line| !line.trim().is_empty())
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect();
    read(&text, false).unwrap();
}

#[test]
fn one_process_starts_once_by_init_or_by_build() {
    let ended = program_of("twice").end().well();
    assert!(ended.said("second: ").contains(file!()), "{:#?}", ended.output);
    assert_eq!(program_of("built-twice").end().well().said("second: "), "true");
}
