//! Promise: one `init` starts everything, tells what it chose, and fails only on misuse in code.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tower_observability::{Metrics, Work, propagation};

use crate::support::child::{Child, Ended, run};
use crate::support::http::get;

#[test]
fn program() {
    run(&[
        ("plain", plain),
        ("chosen", chosen),
        ("twice", twice),
        ("subscriber", subscriber),
        ("recorder", recorder),
        ("propagates", propagates),
        ("speechless", speechless),
        ("inherits", inherits),
        ("checked", checked),
        ("logger", logger),
        ("buckets", buckets),
        ("returns", returns),
        ("dropped-at-once", || {
            let _ = tower_observability::init("dropped").unwrap();
            println!("goes on");
        }),
        ("kept", || {
            let _observability = tower_observability::init("kept").unwrap();
            tracing::info!("an event of the user");
        }),
        ("unstarted", || {
            answers_without_init(|| true);
            on_a_runtime(Work::internal("job").run(async {}));
        }),
        ("unwanted", || answers_without_init(|| false)),
        ("takes-a-key", || {
            let _observability = tower_observability::init("bookings").unwrap();
            (0..3).for_each(|_| tracing::info!(status = "paid", order = 7, "booked"));
        }),
        ("exits-at-once", || {
            std::mem::forget(tower_observability::init("short").unwrap());
            std::process::exit(0);
        }),
    ]);
}

/// Its own code logs, too.
struct Talkative;

impl std::fmt::Display for Talkative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        log::info!(part = 1; "said within");
        f.write_str("a record that logs")
    }
}

fn plain() {
    let observability = tower_observability::init("plain").unwrap();
    println!("admin: {}", observability.admin_address().is_some());
    tracing::info!("an event of the user");
    log::info!(seats = 4, who = "Ada", price = 1.5, list:? = [1, 2]; "a record of the user");
    log::info!(order = 7; "{}", Talkative);
}

/// As an error that `main` returns is printed.
fn returns() {
    let _first = tower_observability::init("first").unwrap();
    if let Err(error) = tower_observability::init("second") {
        eprintln!("Error: {error:?}");
    }
}

fn on_a_runtime(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
    std::thread::sleep(Duration::from_millis(500));
}

fn answers_without_init(wanted: fn() -> bool) {
    on_a_runtime(async {
        let answer = |_: axum::http::Request<()>| async {
            Ok::<_, ()>(axum::http::Response::new(axum::body::Body::empty()))
        };
        let layer = tower_observability::ObservabilityLayer::new();
        let layer = if wanted() { layer } else { layer.filter(move |_| wanted()) };
        let service = tower::Layer::layer(&layer, tower::service_fn(answer));
        for _ in 0..3 {
            let request = axum::http::Request::get("/").body(()).unwrap();
            println!(
                "answered: {}",
                tower::ServiceExt::oneshot(service.clone(), request).await.unwrap().status()
            );
        }
    });
}

fn chosen() {
    let builder = tower_observability::builder("in-code").version("1.2.3").attribute("team", "workshop");
    let _observability = builder.shutdown_timeout(Duration::from_secs(2)).init().unwrap();
}

fn twice() {
    let _first = tower_observability::init("first").unwrap();
    let error = tower_observability::init("second").unwrap_err();
    println!("second: {} {error}", error.is_already_started());
    tracing::info!("the first goes on");
}

fn subscriber() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    let error = tower_observability::init("late").unwrap_err();
    println!("error: {} {error}", error.is_subscriber_taken());
    println!("recorder is free: {}", metrics::set_global_recorder(metrics::NoopRecorder).is_ok());
    println!("start is free: {}", !tower_observability::init("again").unwrap_err().is_already_started());
}

fn recorder() {
    metrics::set_global_recorder(metrics::NoopRecorder).unwrap();
    let error = tower_observability::init("late").unwrap_err();
    println!("error: {} {error}", error.is_recorder_taken());
    let own = tracing_subscriber::registry();
    println!("subscriber is free: {}", tracing::subscriber::set_global_default(own).is_ok());
}

fn propagates() {
    let observability = tower_observability::init("silent").unwrap();
    tracing::error!("nobody hears this");
    let own = tracing_subscriber::registry();
    println!("subscriber is free: {}", tracing::subscriber::set_global_default(own).is_ok());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let incoming = HashMap::from([("traceparent".to_owned(), parent.to_owned())]);
    let mut outgoing = HashMap::new();
    let job = Work::consumer("process").parent(propagation::extract(&incoming));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(job.run(async { propagation::inject(&mut outgoing) }));
    println!("admin: {}", observability.admin_address().is_some());
    println!("same trace: {}", outgoing["traceparent"].starts_with(&parent[..35]));
    drop(observability);
}

fn speechless() {
    let _observability = tower_observability::init("speechless").unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let incoming = ["traceparent", "baggage", "x-request-id"].map(str::to_owned);
    let incoming: HashMap<_, _> =
        incoming.into_iter().zip([parent, "a=1", "order-7"].map(str::to_owned)).collect();
    let remote = propagation::extract(&incoming);
    println!("read: {} {}", remote.trace.is_some(), remote.baggage.iter().count());
    let mut outgoing = HashMap::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime
        .block_on(Work::consumer("process").parent(remote).run(async { propagation::inject(&mut outgoing) }));
    println!("written: {:?}", outgoing.into_iter().collect::<Vec<_>>());
}

fn inherits() {
    let _observability = tower_observability::init("inherits").unwrap();
    let mut outgoing = HashMap::new();
    let job = Work::internal("back up").parent(propagation::from_environment());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(job.run(async { propagation::inject(&mut outgoing) }));
    let mut names: Vec<_> = outgoing.keys().cloned().collect();
    names.sort_unstable();
    println!("written: {}", names.join(" "));
    println!("trace: {}", outgoing.get("traceparent").or(outgoing.get("b3")).unwrap());
}

fn checked() {
    let observability = tower_observability::init("checked").unwrap();
    let address = observability.admin_address().unwrap().to_string();
    println!("without: {}", status(&address, "/ready"));
    let healthy = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&healthy);
    observability.ready_check("database", move || {
        let healthy = asked.load(Ordering::SeqCst);
        async move { healthy }
    });
    println!("healthy: {}", status(&address, "/ready"));
    healthy.store(false, Ordering::SeqCst);
    println!("ill: {}", status(&address, "/ready"));
    println!("alive: {}", status(&address, "/live"));
    metrics::counter!("cars_repaired_total").increment(2);
    println!("counted: {}", get(&address, "/metrics").contains("cars_repaired_total 2"));
    let routes: axum::Router = observability.admin_routes();
    let request = axum::http::Request::get("/ready").body(axum::body::Body::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mounted = runtime.block_on(tower::ServiceExt::oneshot(routes, request)).unwrap();
    println!("mounted: {}", mounted.status().as_u16());
}

fn status(address: &str, path: &str) -> String {
    get(address, path).split(' ').nth(1).unwrap().to_owned()
}

fn logger() {
    struct Foreign;
    impl log::Log for Foreign {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    log::set_logger(&Foreign).unwrap();
    let _observability = tower_observability::init("logger").unwrap();
    tracing::info!("an event of the user");
}

fn buckets() {
    let metrics = Metrics::new().duration_buckets([2.0, 0.5]).buckets("basket", [1.0, f64::NAN]);
    let observability = tower_observability::builder("buckets").metrics(metrics).init().unwrap();
    metrics::histogram!("wait_seconds").record(1.0);
    metrics::histogram!("basket").record(1.0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("tidy up").run(async {}));
    let page = get(&observability.admin_address().unwrap().to_string(), "/metrics");
    for name in ["wait_seconds", "basket", "work_duration_seconds"] {
        let lines = page.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
        let bounds: Vec<_> = lines.filter_map(|line| line.split("le=\"").nth(1)?.split('"').next()).collect();
        println!("{name}: {}", bounds.join(" "));
    }
}

fn program_of(name: &str) -> Child {
    Child::new("init", name)
}

/// The start-up line, which is one.
fn start_up(ended: &Ended) -> String {
    let lines = ended.logged().into_iter().filter(|line| line["target"] == "tower_observability");
    let mut started =
        lines.filter(|line| line["message"].as_str().unwrap().starts_with("observability started"));
    let first = started.next().unwrap_or_else(|| panic!("no start-up line in {:#?}", ended.output));
    assert_eq!(started.next(), None);
    assert_eq!(first["level"], "INFO");
    first["message"].as_str().unwrap().to_owned()
}

#[test]
fn without_a_runtime_and_an_environment_lines_and_metrics_are_on_and_traces_say_how_to_turn_them_on() {
    let ended = program_of("plain").end().well();
    assert_eq!(ended.said("admin: "), "true");
    let said = start_up(&ended);
    for part in [
        "service plain (code)",
        "traces off (OTEL_EXPORTER_OTLP_ENDPOINT turns them on)",
        "sampler parentbased_always_on",
        "lines as json to stdout",
        "metrics at http://127.0.0.1:",
        "OTEL_EXPORTER_PROMETHEUS_PORT=0 (environment)",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let messages = ended.messages("INFO");
    assert!(messages.iter().any(|message| message == "an event of the user"), "{messages:?}");
    let logged = ended.logged();
    let record = logged.iter().find(|line| line["message"] == "a record of the user").expect("a line");
    assert_eq!((&record["seats"], &record["who"]), (&4.into(), &"Ada".into()), "{record}");
    assert_eq!((&record["price"], &record["list"]), (&1.5.into(), &"[1, 2]".into()), "{record}");
    assert_eq!(record["target"], module_path!());
    let of = |message: &str| logged.iter().find(|line| line["message"] == message).expect("a line");
    let (within, around) = (of("said within"), of("a record that logs"));
    assert_eq!((&within["part"], &within["order"]), (&1.into(), &serde_json::Value::Null), "{within}");
    assert_eq!((&around["order"], &around["part"]), (&7.into(), &serde_json::Value::Null), "{around}");
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
}

#[test]
fn an_endpoint_that_is_no_url_is_not_asked_for_again() {
    for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
        let ended = program_of("plain").env(name, "collector").end().well();
        assert!(start_up(&ended).contains("traces off (a warning says why)"), "{:#?}", ended.output);
        let warnings = ended.messages("WARN");
        assert!(
            warnings.iter().any(|line| line.starts_with(&format!("{name}=collector is not"))),
            "{warnings:?}"
        );
    }
}

#[test]
fn buckets_are_chosen_for_all_durations_or_for_one_histogram_and_bad_ones_are_refused_with_a_warning() {
    let ended = program_of("buckets").end().well();
    assert_eq!(ended.said("wait_seconds: "), "0.5 2.0 +Inf");
    assert_eq!(ended.said("work_duration_seconds: "), "0.5 2.0 +Inf");
    assert!(ended.said("basket: ").starts_with("0.0 5.0 10.0 "), "{:#?}", ended.output);
    assert_eq!(ended.messages("WARN"), ["the buckets of basket are ignored: NaN is not a bound"]);
}

#[test]
fn the_start_up_line_states_each_choice_and_who_made_it() {
    let child = program_of("chosen")
        .env("OTEL_SERVICE_NAME", "by-operator")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ann:secret@127.0.0.1:1/")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
        .env("OTEL_TRACES_SAMPLER", "traceidratio")
        .env("OTEL_TRACES_SAMPLER_ARG", "0.25")
        .env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "100")
        .env("OTEL_RESOURCE_ATTRIBUTES", "place=attic");
    let ended = child.end().well();
    let said = start_up(&ended);
    for part in [
        "service by-operator (environment) 1.2.3",
        "traces to http://REDACTED@127.0.0.1:1/v1/traces",
        "sampler traceidratio",
        "OTEL_TRACES_SAMPLER_ARG=0.25 (environment)",
        "OTEL_EXPORTER_OTLP_HEADERS=*** (environment)",
        "OBSERVABILITY_SHUTDOWN_TIMEOUT=100 (environment)",
        "team=workshop",
        "place=attic",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    assert!(!ended.output.iter().any(|line| line.contains("secret")), "{:#?}", ended.output);
    assert!(!said.contains("(default)"), "{said}");
}

#[test]
fn levels_for_other_targets_leave_our_errors_and_the_start_says_what_is_left_out() {
    let ended = program_of("checked").env("RUST_LOG", "my_crate=info").end().well();
    let said = "RUST_LOG=my_crate=info is in force, but it gives no level to other targets: of requests, calls and work only \
                WARN and ERROR lines are written, of other crates none; `info,my_crate=info` writes all from INFO on";
    assert_eq!(ended.messages("WARN"), [said]);
    let fine = program_of("checked").env("RUST_LOG", "info,my_crate=debug").end().well();
    assert_eq!(fine.messages("WARN"), Vec::<String>::new());
}

#[test]
fn a_word_that_is_no_exporter_is_answered_with_those_that_are() {
    let ended = program_of("plain").env("OTEL_LOGS_EXPORTER", "both").end().well();
    let said = "OTEL_LOGS_EXPORTER=both is not a list of console and otlp (`console,otlp` is both), or none; console stays";
    assert_eq!(ended.messages("WARN"), [said]);
}

#[test]
fn where_lines_are_switched_off_a_bad_variable_is_still_said() {
    let ended =
        program_of("plain").env("OTEL_LOGS_EXPORTER", "none").env("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318");
    let ended = ended.end().well();
    assert!(ended.logged().is_empty(), "{:#?}", ended.output);
    ended.said("tower-observability: OTEL_EXPORTER_OTLP_ENDPOINT=c:4318 is not a URL");
}

#[test]
fn a_second_init_is_an_error_that_says_where_the_first_was() {
    let ended = program_of("twice").end().well();
    let said = ended.said("second: true ");
    assert!(said.contains(file!()), "{said}");
    assert!(ended.messages("INFO").iter().any(|message| message == "the first goes on"));
}

#[test]
fn what_main_prints_of_an_error_names_the_remedy() {
    let ended = program_of("returns").end().well();
    let error = ended.said("Error: ");
    assert!(
        error.contains(file!()) && error.contains("tower_observability::testing::Instance::new()"),
        "{error}"
    );
    assert!(!error.contains("Kind") && !error.contains('{'), "{error}");
}

#[test]
fn a_guard_that_is_not_kept_is_one_warning_and_one_that_is_has_none() {
    // A machine that is busy may take longer than the millisecond that is granted.
    let mut runs = (0..20).map(|_| program_of("dropped-at-once").end().well());
    let ended = runs.find(|ended| !ended.messages("WARN").is_empty()).expect("a warning");
    let warned = ended.messages("WARN");
    assert!(warned.len() == 1 && warned[0].contains("`let observability = …`"), "{warned:?}");
    assert!(ended.output.iter().any(|line| line == "goes on"));
    assert_eq!(program_of("kept").end().well().messages("WARN"), Vec::<String>::new());
}

#[test]
fn a_layer_without_init_says_so_once_and_answers_all_the_same() {
    let ended = program_of("unstarted").end().well();
    assert_eq!(ended.output.iter().filter(|line| *line == "answered: 200 OK").count(), 3);
    let said: Vec<_> = ended.output.iter().filter(|line| line.contains("before `init` was called")).collect();
    assert!(said.len() == 1 && said[0].contains("tower_observability::init("), "{:#?}", ended.output);
}

#[test]
fn a_layer_that_observes_nothing_needs_no_init() {
    let ended = program_of("unwanted").end().well();
    assert_eq!(ended.output.iter().filter(|line| *line == "answered: 200 OK").count(), 3);
    assert!(!ended.output.iter().any(|line| line.contains("before `init`")), "{:#?}", ended.output);
}

#[test]
fn a_foreign_subscriber_is_an_error_that_leaves_nothing_half_installed() {
    let ended = program_of("subscriber").end().well();
    let error = ended.said("error: true ");
    assert!(error.contains("another global tracing subscriber"), "{error}");
    assert!(error.contains(r#"tower_observability::builder("…").build()?"#), "{error}");
    assert!(error.contains("`.with(observability.tracing_layer())`"), "{error}");
    assert_eq!(ended.said("recorder is free: "), "true");
    assert_eq!(ended.said("start is free: "), "true");
}

#[test]
fn a_foreign_recorder_is_an_error_that_leaves_nothing_half_installed() {
    let ended = program_of("recorder").end().well();
    let error = ended.said("error: true ");
    assert!(error.contains("another global metrics recorder"), "{error}");
    assert!(error.contains("metrics(Metrics::new().installed_recorder())"), "{error}");
    assert_eq!(ended.said("subscriber is free: "), "true");
}

#[test]
fn a_disabled_sdk_writes_nothing_takes_nothing_and_still_propagates() {
    let ended = program_of("propagates").env("OTEL_SDK_DISABLED", "TRUE").end().well();
    assert_eq!(ended.logged(), Vec::<serde_json::Value>::new());
    let said = ended
        .output
        .iter()
        .filter(|line| line.contains("OTEL_SDK_DISABLED=true: no log line, span or metric"));
    assert_eq!(said.count(), 1, "{:#?}", ended.output);
    assert_eq!(ended.said("subscriber is free: "), "true");
    assert_eq!(ended.said("same trace: "), "true");
    assert_eq!(ended.said("admin: "), "true", "an orchestrator's probes are no telemetry");
}

#[test]
fn the_formats_of_the_operator_are_read_and_written_on_messages_too() {
    let ended = program_of("speechless").env("OTEL_PROPAGATORS", "none").end().well();
    assert_eq!(ended.said("read: "), "false 0");
    assert_eq!(ended.said("written: "), r#"[("x-request-id", "order-7")]"#);
}

#[test]
fn a_process_goes_on_in_the_trace_of_the_one_that_started_it() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let child = program_of("inherits").env("TRACEPARENT", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let ended = child.env("BAGGAGE", "team=workshop").env("X_REQUEST_ID", "order-7").end().well();
    assert!(ended.said("trace: ").starts_with(&format!("00-{TRACE}-")));
    assert_eq!(ended.said("written: "), "baggage traceparent x-request-id");

    let child = program_of("inherits").env("OTEL_PROPAGATORS", "b3");
    let ended = child.env("B3", format!("{TRACE}-00f067aa0ba902b7-d")).end().well();
    assert!(ended.said("trace: ").starts_with(TRACE) && ended.said("trace: ").ends_with("-d"));
    assert_eq!(ended.said("written: "), "b3");
}

#[test]
fn ready_asks_the_users_checks_and_the_routes_can_be_mounted() {
    let ended = program_of("checked").end().well();
    for (question, answer) in [("without", "200"), ("healthy", "200"), ("ill", "503"), ("alive", "200")] {
        assert_eq!(ended.said(&format!("{question}: ")), answer, "{question}");
    }
    assert_eq!(ended.said("counted: "), "true");
    assert_eq!(ended.said("mounted: "), "503");
}

#[test]
fn a_foreign_logger_is_a_warning_and_the_service_starts() {
    let ended = program_of("logger").end().well();
    assert!(ended.messages("INFO").iter().any(|message| message == "an event of the user"));
    let warned = ended.messages("WARN");
    assert!(warned.len() == 1 && warned[0].contains("another logger of the `log` crate"), "{warned:?}");
}

#[test]
fn an_occupied_admin_port_warns_and_the_service_starts() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = occupied.local_addr().unwrap().port().to_string();
    let ended = program_of("plain").env("OTEL_EXPORTER_PROMETHEUS_PORT", &port).end().well();
    assert_eq!(ended.said("admin: "), "false");
    let warned = ended.messages("WARN");
    assert!(warned.iter().any(|message| message.contains(&port)), "{warned:?}");
}

#[test]
fn every_fault_of_the_environment_is_one_warning_that_names_the_remedy() {
    let child = program_of("plain")
        .env("OTEL_SERVICE_NAMES", "x")
        .env("OTEL_CONFIG_FILE", "otel.yaml")
        .env("OTEL_RESOURCE_ATTRIBUTES", "team")
        .env("OTEL_TRACES_SAMPLER", "sometimes")
        .env("OTEL_JAVAAGENT_ENABLED", "true")
        .env("OBSERVABILITY_DRAIN_DELAY", "5s");
    let ended = child.end().well();
    let mut warned = ended.messages("WARN");
    warned.sort();
    let begins = [
        "OBSERVABILITY_DRAIN_DELAY=5s is not a whole number of milliseconds; 5000 stays",
        "OTEL_CONFIG_FILE=otel.yaml is not served: ",
        "OTEL_RESOURCE_ATTRIBUTES=team is not a list `key=value,key=value`",
        "OTEL_SERVICE_NAMES is not a known variable and is ignored; did you mean OTEL_SERVICE_NAME?",
        "OTEL_TRACES_SAMPLER=sometimes is not ",
    ];
    assert_eq!(warned.len(), begins.len(), "{warned:#?}");
    for (warned, begin) in warned.iter().zip(begins) {
        assert!(warned.starts_with(begin), "{warned:?} does not begin with {begin:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_text_is_a_warning() {
    use std::os::unix::ffi::OsStrExt as _;
    let value = std::ffi::OsStr::from_bytes(&[0xff, 0xfe]);
    let ended = program_of("plain").env("OTEL_SERVICE_NAME", value).end().well();
    assert_eq!(ended.messages("WARN"), ["OTEL_SERVICE_NAME is not UTF-8; it is ignored"]);
    assert!(start_up(&ended).contains("service plain (code)"));
}

#[test]
fn the_lines_of_the_start_are_out_when_it_returns() {
    let ended = program_of("exits-at-once").end().well();
    assert!(ended.logged().iter().any(|line| line["service"] == "short"), "{:?}", ended.output);
}

#[test]
fn a_field_that_takes_a_key_of_ours_is_renamed_and_that_is_said_once() {
    let ended = program_of("takes-a-key").end().well();
    let booked: Vec<_> = ended.logged().into_iter().filter(|line| line["message"] == "booked").collect();
    assert!(booked.len() == 3 && booked.iter().all(|line| line["field_status"] == "paid"), "{booked:?}");
    let said = ended
        .output
        .iter()
        .filter(|line| line.contains("the field `status` is written to log lines as"))
        .count();
    assert_eq!(said, 1, "{:?}", ended.output);
}
