//! The proofs of rate, errors and duration.

use std::sync::Arc;

use super::*;
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId};
use crate::metrics::{Exposition, Metrics, Recorder};
use crate::record::{ErrorType, HttpVersion, Outcome, Route, Work};

fn red() -> (Red, &'static Recorder) {
    let recorder: &'static Recorder = Box::leak(Box::new(Recorder::new(&Metrics::default())));
    (Red::new(recorder), recorder)
}

fn trace(flags: Flags) -> TraceContext {
    TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags }
}

fn hop(kind: Kind, subject: Subject) -> Hop {
    Hop::new(trace(Flags::SAMPLED), kind, Moment::now(), subject)
}

fn http(method: Method) -> Subject {
    Subject::Http(Http::new(method, Scheme::Http, HttpVersion::V11))
}

fn end(status: Option<u16>, error_type: ErrorType) -> End {
    let at = Moment::now();
    End { outcome: Outcome::Ok, error_type, status, rpc: None, at, first_byte: None, response_bytes: 0 }
}

fn counts(recorder: &Recorder, family: &str) -> Vec<String> {
    let start = format!("{family}_count");
    let page = recorder.render(Exposition::Text);
    page.lines().filter_map(|line| Some(line.strip_prefix(&start)?.to_owned())).collect()
}

#[test]
fn no_name_of_ours_is_the_users_before_our_first_use_of_it() {
    let (red, recorder) = red();
    ::metrics::with_local_recorder(recorder, || {
        for name in FAMILIES {
            ::metrics::gauge!(name.strip_suffix("_total").unwrap_or(name)).set(9.0);
            ::metrics::counter!(name).increment(9);
        }
    });
    let page = recorder.render(Exposition::Text);
    let refused = 2 * FAMILIES.len();
    let counted = format!("observability_metrics_refused_total{{reason=\"name_clash\"}} {refused}\n");
    assert!(page.contains(&counted), "{page}");
    red.count(Interned::of("provider"), Count::Retried, 1);
    let page = recorder.render(Exposition::Text);
    assert!(page.contains("retries_total{result=\"retried\",retry=\"provider\"} 1\n"), "{page}");
}

#[test]
fn the_first_sight_of_a_route_creates_its_500_at_zero() {
    let (red, recorder) = red();
    let hop = hop(Kind::Server, http(Method::Get));
    hop.route.set(Route::of("/users/{id}")).expect("unset");
    red.hop(&hop, &end(Some(200), ErrorType::None));
    assert_eq!(
        counts(recorder, "http_server_request_duration_seconds"),
        [
            r#"{error_type="500",http_request_method="GET",http_response_status_code="500",http_route="/users/{id}",network_protocol_version="1.1",url_scheme="http"} 0"#,
            r#"{http_request_method="GET",http_response_status_code="200",http_route="/users/{id}",network_protocol_version="1.1",url_scheme="http"} 1"#,
        ]
    );
}

#[test]
fn what_is_not_known_is_no_label() {
    let (red, recorder) = red();
    red.hop(&hop(Kind::Server, http(Method::Other)), &end(None, ErrorType::Word("cancelled")));
    let counted = counts(recorder, "http_server_request_duration_seconds");
    assert!(counted.contains(
        &r#"{error_type="cancelled",http_request_method="_OTHER",network_protocol_version="1.1",url_scheme="http"} 1"#
            .to_owned()
    ));
}

#[test]
fn in_flight_is_zero_again_however_a_request_ends() {
    let (red, recorder) = red();
    let gauge = || {
        let page = recorder.render(Exposition::Text);
        let line = page.lines().find(|line| line.starts_with("http_server_active_requests{"));
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or_default().to_owned()
    };
    let (first, second) = (hop(Kind::Server, http(Method::Get)), hop(Kind::Server, http(Method::Get)));
    red.begins(&first);
    red.begins(&second);
    assert_eq!(gauge(), "2");
    // What others do, and the report itself, changes nothing.
    for kind in [Kind::Client, Kind::Consumer] {
        let other = hop(kind, http(Method::Get));
        red.begins(&other);
        red.hop(&other, &end(Some(200), ErrorType::None));
        red.leaves(&other);
    }
    red.hop(&first, &end(Some(200), ErrorType::None));
    assert_eq!(gauge(), "2");
    red.leaves(&first);
    // On another thread than it began on, as a body's end may be.
    std::thread::scope(|scope| {
        scope.spawn(|| red.leaves(&second));
    });
    assert_eq!(gauge(), "0");
}

#[test]
fn calls_and_jobs_have_their_own_metrics() {
    let (red, recorder) = red();
    let mut call = Http::new(Method::Post, Scheme::Https, HttpVersion::V11);
    call.set([b"", b"", b"payments.example", b"", b""]);
    red.hop(&hop(Kind::Client, Subject::Http(call)), &end(Some(404), ErrorType::Status(404)));
    let work = Work { name: "process booking".into(), system: None, destination: None, ..Work::default() };
    red.hop(&hop(Kind::Consumer, Subject::Work(work)), &end(None, ErrorType::None));
    red.client_body_failed();
    assert_eq!(
        counts(recorder, "http_client_request_duration_seconds"),
        [
            r#"{error_type="404",http_request_method="POST",http_response_status_code="404",server_address="payments.example",server_port="443"} 1"#
        ]
    );
    let worked = r#"{work_kind="consumer",work_name="process booking"} 1"#;
    assert_eq!(counts(recorder, "work_duration_seconds"), [worked]);
    assert!(recorder.render(Exposition::Text).contains("\nhttp_client_response_body_errors_total 1\n"));
}

#[test]
fn a_sampled_hop_is_the_exemplar_and_an_unsampled_one_is_not() {
    let (red, recorder) = red();
    let mut unsampled = hop(Kind::Server, http(Method::Get));
    unsampled.trace = trace(Flags::NONE);
    red.hop(&unsampled, &end(Some(200), ErrorType::None));
    assert!(!recorder.render(Exposition::OpenMetrics).contains(" # {"));
    let sampled = hop(Kind::Server, http(Method::Get));
    red.hop(&sampled, &end(Some(200), ErrorType::None));
    let id = format!(" # {{trace_id=\"{}\",span_id=\"{}\"}} ", sampled.trace.trace_id, sampled.trace.span_id);
    assert!(recorder.render(Exposition::OpenMetrics).contains(&id));
    assert!(!recorder.render(Exposition::Text).contains(" # {"));
}

#[test]
fn beyond_the_limit_calls_share_one_series_and_none_is_lost() {
    let (red, recorder) = red();
    for port in 0..2_100 {
        let mut call = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
        call.set([b"", b"", b"many.example", b"", b""]);
        call.port = Some(port);
        red.hop(&hop(Kind::Client, Subject::Http(call)), &end(Some(200), ErrorType::None));
    }
    let counted = counts(recorder, "http_client_request_duration_seconds");
    assert_eq!(counted.len(), 2_001);
    assert!(counted.contains(&r#"{otel_metric_overflow="true"} 100"#.to_owned()));
}

#[test]
fn many_threads_find_the_same_series() {
    let (red, recorder) = red();
    let red = Arc::new(red);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..1_000 {
                    let hop = hop(Kind::Server, http(Method::CONVENTIONS[n % 10]));
                    red.hop(&hop, &end(Some(200), ErrorType::None));
                }
            });
        }
    });
    let counted = counts(recorder, "http_server_request_duration_seconds");
    let sum: u64 = counted.iter().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
    assert_eq!((counted.len(), sum), (2 * Method::CONVENTIONS.len(), 4_000));
}

/// A foreign recorder, which remembers what it was given.
#[derive(Default)]
struct Foreign(Arc<std::sync::Mutex<Vec<String>>>);

struct ForeignHistogram(String, Arc<std::sync::Mutex<Vec<String>>>);

impl ::metrics::HistogramFn for ForeignHistogram {
    fn record(&self, _: f64) {
        self.1.lock().unwrap().push(self.0.clone());
    }
}

impl ::metrics::Recorder for Foreign {
    fn describe_counter(
        &self,
        _: ::metrics::KeyName,
        _: Option<::metrics::Unit>,
        _: ::metrics::SharedString,
    ) {
    }
    fn describe_gauge(&self, _: ::metrics::KeyName, _: Option<::metrics::Unit>, _: ::metrics::SharedString) {}
    fn describe_histogram(
        &self,
        _: ::metrics::KeyName,
        _: Option<::metrics::Unit>,
        _: ::metrics::SharedString,
    ) {
    }

    fn register_counter(&self, _: &::metrics::Key, _: &::metrics::Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &::metrics::Key, _: &::metrics::Metadata<'_>) -> ::metrics::Gauge {
        ::metrics::Gauge::noop()
    }

    fn register_histogram(&self, key: &::metrics::Key, _: &::metrics::Metadata<'_>) -> ::metrics::Histogram {
        ::metrics::Histogram::from_arc(Arc::new(ForeignHistogram(key.name().to_owned(), Arc::clone(&self.0))))
    }
}

#[test]
fn a_foreign_recorder_is_given_every_request() {
    let foreign: &'static Foreign = Box::leak(Box::default());
    let red = Red::with(Keeper::Any(foreign));
    red.hop(&hop(Kind::Server, http(Method::Get)), &end(Some(200), ErrorType::None));
    red.hop(&hop(Kind::Client, http(Method::Get)), &end(Some(200), ErrorType::None));
    let given = foreign.0.lock().unwrap().clone();
    assert_eq!(given, [metric::HTTP_SERVER_REQUEST_DURATION, metric::HTTP_CLIENT_REQUEST_DURATION]);
}

#[test]
fn switched_off_nothing_happens() {
    let red = Red::default();
    let hop = hop(Kind::Server, http(Method::Get));
    red.begins(&hop);
    red.hop(&hop, &end(Some(200), ErrorType::None));
    red.leaves(&hop);
    red.client_body_failed();
}
