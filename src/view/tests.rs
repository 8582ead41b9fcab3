//! What is received and what is answered, from the bytes of a request to the JSON of an answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::query::{self, Parameters};
use super::receive::{Encoding, Refused, Signal, keep};
use super::store::Store;

/// Microseconds since 1970, some time ago.
const T: i64 = 1_700_000_000_000_000;

fn store() -> Store {
    Store::new(64 << 20)
}

fn attributes(all: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) if number.is_i64() => json!({ "intValue": number.to_string() }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::Bool(truth) => json!({ "boolValue": truth }),
        text => json!({ "stringValue": text }),
    };
    all.as_object()
        .into_iter()
        .flatten()
        .map(|(name, one)| json!({ "key": name, "value": value(one) }))
        .collect()
}

/// A span: `trace`, `id`, `parent` as numbers, `kind`, `at` and `ms` after T, `name`, `failed`, `attributes`.
fn span(of: &Value) -> Value {
    let number = |name: &str| of[name].as_i64().unwrap_or_default();
    let id = |name: &str, width: usize| match number(name) {
        0 => String::new(),
        number => format!("{number:0width$x}"),
    };
    let start = (T + number("at")) * 1_000;
    let end = start + (of["ms"].as_f64().unwrap_or(1.0) * 1e6) as i64;
    json!({
        "traceId": id("trace", 32), "spanId": id("id", 16), "parentSpanId": id("parent", 16),
        "name": of["name"].as_str().unwrap_or("GET /"), "kind": number("kind"),
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(),
        "attributes": attributes(&of["attributes"]),
        "status": { "code": if of["failed"] == true { 2 } else { 0 } },
        "links": of["links"].as_array().cloned().unwrap_or_default(),
    })
}

fn resource(service: &str) -> Value {
    json!({ "attributes": attributes(&json!({ "service.name": service, "service.instance.id": "1" })) })
}

fn send(store: &Store, service: &str, spans: &[Value]) {
    let spans: Vec<_> = spans.iter().map(span).collect();
    let scope = json!([{ "scope": { "name": "scope" }, "spans": spans }]);
    let request = json!({ "resourceSpans": [{ "resource": resource(service), "scopeSpans": scope }] });
    let answer = keep(store, Signal::Traces, Encoding::Json, request.to_string().as_bytes()).unwrap();
    assert_eq!(answer.partial_success, None);
}

fn send_lines(store: &Store, service: &str, records: &Value) {
    let scope = json!([{ "logRecords": records }]);
    let request = json!({ "resourceLogs": [{ "resource": resource(service), "scopeLogs": scope }] });
    keep(store, Signal::Logs, Encoding::Json, request.to_string().as_bytes()).unwrap();
}

fn send_metrics(store: &Store, service: &str, metrics: &Value) {
    let scope = json!([{ "metrics": metrics }]);
    let request = json!({ "resourceMetrics": [{ "resource": resource(service), "scopeMetrics": scope }] });
    keep(store, Signal::Metrics, Encoding::Json, request.to_string().as_bytes()).unwrap();
}

fn traces(store: &Store, asked: &str) -> Value {
    serde_json::to_value(query::traces(&store.read(), &Parameters::of(asked)).unwrap()).unwrap()
}

fn map(store: &Store, asked: &str) -> Value {
    serde_json::to_value(query::map(&store.read(), &Parameters::of(asked)).unwrap()).unwrap()
}

fn red(store: &Store, asked: &str) -> Value {
    serde_json::to_value(query::red(&store.read(), &Parameters::of(asked)).unwrap()).unwrap()
}

fn lines(store: &Store, asked: &str) -> Value {
    serde_json::to_value(query::lines(&store.read(), &Parameters::of(asked)).unwrap()).unwrap()
}

/// The last digits of the ids, in the order of the answer.
fn ids(rows: &Value) -> Vec<u64> {
    let id = |row: &Value| u64::from_str_radix(&row["id"].as_str().unwrap()[16..], 16).unwrap();
    rows.as_array().unwrap().iter().map(id).collect()
}

fn texts<'a>(rows: &'a Value, name: &str) -> Vec<&'a str> {
    rows.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap()).collect()
}

/// A request to `shop`, which calls `stock`, which failed; and two others.
fn shop(store: &Store) {
    let route =
        json!({ "http.route": "/orders", "http.request.method": "POST", "http.response.status_code": 503 });
    let called = json!({ "http.request.method": "GET", "server.address": "stock", "server.port": 80 });
    let failed = json!({ "http.response.status_code": 500, "exception.message": "no Flux capacitor left" });
    send(
        store,
        "stock",
        &[json!({ "trace": 1, "id": 3, "parent": 2, "kind": 2, "at": 2_000, "ms": 5, "attributes": failed })],
    );
    send(
        store,
        "shop",
        &[
            json!({ "trace": 1, "id": 2, "parent": 1, "kind": 3, "at": 1_000, "ms": 8, "attributes": called, "failed": true }),
            json!({ "trace": 1, "id": 1, "kind": 2, "ms": 10, "name": "POST /orders", "attributes": route }),
            json!({ "trace": 2, "id": 4, "kind": 2, "at": 5_000, "attributes": { "http.response.status_code": 200, "customer": 7 } }),
            json!({ "trace": 3, "id": 5, "kind": 2, "at": 6_000, "attributes": { "observability.outcome": "timeout" } }),
        ],
    );
}

#[test]
fn the_latest_come_first_and_those_that_need_attention_in_front() {
    let store = store();
    shop(&store);
    let answer = traces(&store, "");
    assert_eq!(ids(&answer["traces"]), [3, 2, 1]);
    assert_eq!(ids(&answer["attention"]), [3, 1]);
    let first = &answer["traces"][2];
    let expected = json!({
        "id": format!("{:032x}", 1), "start": T, "duration": 10.0, "service": "shop", "name": "POST /orders",
        "route": "/orders", "status": 503, "outcome": "server_error", "method": "POST", "failed": true, "slow": false,
        "error": "no Flux capacitor left", "services": ["shop", "stock"], "spans": 3, "lines": 0, "root": true,
    });
    assert_eq!(*first, expected);
    assert_eq!(answer["facets"]["services"], json!(["shop", "stock"]));
    assert_eq!(answer["facets"]["statuses"], json!([200, 503]));
    assert_eq!(traces(&store, "limit=1")["more"], true);
}

#[test]
fn each_filter_leaves_what_it_says() {
    let store = store();
    shop(&store);
    let trace = format!("{:032x}", 2);
    let attributes = attributes(&json!({ "order": "A-1" }));
    let record = json!({ "traceId": trace, "severityNumber": 9, "body": { "stringValue": "Shipped" }, "attributes": attributes });
    send_lines(&store, "shop", &json!([record]));
    let cases: [(&str, &[u64]); 18] = [
        ("service=stock", &[1]),
        ("route=/orders", &[1]),
        ("status=503", &[1]),
        ("status=2xx", &[2]),
        ("outcome=timeout", &[3]),
        ("min=5", &[1]),
        ("max=5", &[3, 2]),
        ("text=FLUX+cap", &[1]),
        ("text=shipped", &[2]),
        ("field=customer%3D7", &[2]),
        ("field=customer=8", &[]),
        ("field=order=A-1", &[2]),
        ("field=order=A-1&field=customer=7", &[2]),
        ("kind=failed", &[3, 1]),
        ("kind=slow", &[3]),
        ("service=", &[3, 2, 1]),
        (&format!("before={}", T + 6_000), &[2, 1]),
        ("service=nobody", &[]),
    ];
    for (asked, expected) in cases {
        assert_eq!(ids(&traces(&store, asked)["traces"]), expected, "{asked}");
    }
    for wrong in ["status=abc", "min=x", "kind=odd", "field=x", "limit=many", "before=now"] {
        assert!(query::traces(&store.read(), &Parameters::of(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_trace_is_slow_beside_the_others_of_its_route() {
    let store = store();
    for number in 1..=40 {
        let ms = if number == 40 { 100 } else { 10 + number % 3 };
        send(&store, "shop", &[json!({ "trace": number, "id": number, "kind": 2, "at": number, "ms": ms })]);
    }
    assert_eq!(ids(&traces(&store, "kind=slow")["traces"]), [40]);
}

#[test]
fn a_trace_is_whole_and_its_lines_are_in_their_order() {
    let store = store();
    shop(&store);
    let record = |at: i64, text: &str| {
        let nanos = ((T + at) * 1_000).to_string();
        json!({ "timeUnixNano": nanos, "traceId": format!("{:032x}", 1), "severityText": "WARN", "body": { "stringValue": text } })
    };
    send_lines(&store, "shop", &json!([record(9_000, "late"), record(100, "early")]));
    send(&store, "shop", &[json!({ "trace": 1, "id": 9, "parent": 77, "at": 500 })]);
    let held = store.read();
    let id = super::model::TraceId::parse(&format!("{:032x}", 1)).unwrap();
    let answer = serde_json::to_value(query::trace(&held, id).unwrap()).unwrap();
    assert_eq!((answer["start"].as_i64(), answer["duration"].as_f64()), (Some(T), Some(10.0)));
    assert_eq!(texts(&answer["lines"], "message"), ["early", "late"]);
    assert_eq!(texts(&answer["resources"], "service"), ["shop", "stock"]);
    assert_eq!(answer["missing_parents"], 1);
    assert_eq!(texts(&answer["spans"], "kind"), ["server", "internal", "client", "server"]);
    assert_eq!(answer["spans"][3]["error"], "no Flux capacitor left");
    let none = super::model::TraceId::parse(&format!("{:032x}", 99)).unwrap();
    assert!(query::trace(&held, none).is_none());
}

#[test]
fn lines_are_found_by_level_time_and_field() {
    let store = store();
    let record = |at: i64, level: i32, text: &str| {
        let nanos = ((T + at * 1_000_000) * 1_000).to_string();
        let attributes = attributes(&json!({ "customer": at }));
        json!({ "timeUnixNano": nanos, "severityNumber": level, "body": { "stringValue": text }, "attributes": attributes })
    };
    send_lines(&store, "shop", &json!([record(1, 9, "a"), record(300, 17, "b"), record(100, 13, "c")]));
    let cases: [(&str, &[&str]); 7] = [
        ("", &["b", "c", "a"]),
        ("level=warn", &["b", "c"]),
        ("text=A", &["a"]),
        ("field=customer=100", &["c"]),
        (&format!("around={}&within=150000", T + 200_000_000), &["b", "c"]),
        (&format!("before={}", T + 300_000_000), &["c", "a"]),
        ("service=other", &[]),
    ];
    for (asked, expected) in cases {
        assert_eq!(texts(&lines(&store, asked)["lines"], "message"), expected, "{asked}");
    }
    assert_eq!(lines(&store, "limit=1")["more"], true);
    assert!(query::lines(&store.read(), &Parameters::of("level=loud")).is_err());
}

#[test]
fn the_map_shows_who_calls_whom_and_what_is_outside() {
    let store = store();
    shop(&store);
    let query = json!({ "db.system.name": "postgresql", "db.namespace": "orders" });
    let unreached = json!({ "http.request.method": "GET", "server.address": "stock", "server.port": 80, "error.type": "refused" });
    let queue = json!({ "messaging.system": "kafka", "messaging.destination.name": "bills" });
    send(
        &store,
        "shop",
        &[
            json!({ "trace": 2, "id": 6, "parent": 4, "kind": 3, "attributes": query }),
            json!({ "trace": 2, "id": 7, "parent": 4, "kind": 3, "attributes": unreached }),
            json!({ "trace": 2, "id": 8, "parent": 4, "kind": 4, "attributes": queue }),
        ],
    );
    let link = json!({ "traceId": format!("{:032x}", 2), "spanId": format!("{:016x}", 8) });
    send(&store, "bills", &[json!({ "trace": 9, "id": 9, "kind": 5, "attributes": queue, "links": [link] })]);
    let map = map(&store, "");
    let edge = |row: &Value| {
        format!("{} {} {} {} {}", row["from"], row["to"], row["kind"], row["requests"], row["errors"])
    };
    let edges: Vec<_> = map["edges"].as_array().unwrap().iter().map(edge).collect();
    assert_eq!(
        edges,
        [
            r#""shop" "bills" "messaging" 1 0"#,
            r#""shop" "postgresql orders" "database" 1 0"#,
            r#""shop" "stock" "http" 2 2"#,
        ]
    );
    let node = |row: &Value| format!("{} {} {}", row["service"], row["outside"], row["requests"]);
    let nodes: Vec<_> = map["nodes"].as_array().unwrap().iter().map(node).collect();
    assert_eq!(
        nodes,
        [r#""bills" false 1"#, r#""shop" false 3"#, r#""stock" false 1"#, r#""postgresql orders" true 1"#]
    );
}

fn histogram(at: i64, count: u64, labels: &Value, exemplars: &Value) -> Value {
    let nanos = |at: i64| ((T + at * 1_000_000) * 1_000).to_string();
    json!([{ "name": "http.server.request.duration", "unit": "s", "histogram": { "aggregationTemporality": 2, "dataPoints": [{
        "startTimeUnixNano": nanos(0), "timeUnixNano": nanos(at), "count": count.to_string(), "sum": 1.0,
        "bucketCounts": [count.to_string(), "0", "0"], "explicitBounds": [0.1, 0.2],
        "attributes": attributes(labels), "exemplars": exemplars,
    }] } }])
}

#[test]
fn a_route_is_counted_by_its_histogram_where_there_is_one_else_by_spans() {
    let store = store();
    let (good, bad) = (json!({ "http.route": "/a" }), json!({ "http.route": "/a", "error.type": "500" }));
    let exemplar = json!([{ "timeUnixNano": ((T + 1) * 1_000).to_string(), "asDouble": 0.05, "traceId": format!("{:032x}", 5) }]);
    for (at, count) in [(10, 10), (20, 30)] {
        send_metrics(&store, "shop", &histogram(at, count, &good, &exemplar));
        send_metrics(&store, "shop", &histogram(at, count / 10, &bad, &json!([])));
    }
    // Sampled, so that they are fewer than there were requests.
    send(
        &store,
        "shop",
        &[
            json!({ "trace": 1, "id": 1, "kind": 2, "attributes": { "http.route": "/a", "http.request.method": "GET" } }),
        ],
    );
    let spans = [(1, 5), (2, 50), (3, 500)];
    let spans = spans.map(
        |(id, ms)| json!({ "trace": 10 + id, "id": id, "kind": 2, "ms": ms, "failed": id == 3, "name": "GET /b" }),
    );
    send(&store, "stock", &spans);
    let red = red(&store, "");
    let (a, b) = (&red["routes"][0], &red["routes"][1]);
    let figures = |row: &Value| {
        json!([row["service"], row["route"], row["source"], row["requests"], row["errors"], row["rate"]])
    };
    assert_eq!(figures(a), json!(["shop", "/a", "metrics", 33, 3, 1.65]));
    assert_eq!(figures(b), json!(["stock", "GET /b", "spans", 3, 1, 0.15]));
    assert_eq!((&b["p50"], &b["p95"]), (&json!(50.0), &json!(500.0)));
    assert!((a["p95"].as_f64().unwrap() - 95.0).abs() < 1e-9, "{a}");
    assert_eq!(a["exemplars"][0]["value"], 50.0);
    let points = a["points"].as_array().unwrap();
    let of_points: u64 = points.iter().map(|point| point["requests"].as_u64().unwrap()).sum();
    assert_eq!((points.len(), of_points), (60, 33));
    let metrics = query::metrics(&store.read(), &Parameters::of("service=shop"))
        .map(|all| serde_json::to_value(all).unwrap());
    let metric = metrics.unwrap()["metrics"][0].clone();
    assert_eq!((&metric["type"], metric["series"].as_array().unwrap().len()), (&json!("histogram"), 2));
    assert_eq!(metric["series"][0]["points"], json!([[T + 10_000_000, 1.0], [T + 20_000_000, 3.0]]));
}

#[test]
fn the_same_span_twice_is_one_and_one_without_an_id_is_told() {
    let store = store();
    (0..2).for_each(|_| send(&store, "shop", &[json!({ "trace": 1, "id": 1 })]));
    assert_eq!(store.read().spans(), 1);
    let request =
        json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{ "name": "without" }] }] }] }).to_string();
    let answer = keep(&store, Signal::Traces, Encoding::Json, request.as_bytes()).unwrap();
    assert_eq!(answer.partial_success.unwrap().rejected, 1);
    assert_eq!(store.read().dropped.spans, 1);
}

#[test]
fn whole_traces_go_the_oldest_first_and_are_counted() {
    let store = Store::new(1 << 20);
    for number in 1..=400 {
        let text = "x".repeat(2_000);
        let of = |id: i64| json!({ "trace": number, "id": id, "at": number, "attributes": { "text": text } });
        send(&store, "shop", &[of(1), of(2)]);
        send_lines(&store, "shop", &json!([{ "body": { "stringValue": text } }]));
        let held = store.read();
        assert!(store.bytes(&held) <= store.limit, "{} bytes", store.bytes(&held));
    }
    let held = store.read();
    let found = ids(&traces(&store, "limit=1000")["traces"]);
    assert!(found.len() > 50 && found.first() == Some(&400), "{found:?}");
    assert!(
        found.is_sorted_by(|one, other| *one == other + 1),
        "those that are left are the latest: {found:?}"
    );
    assert_eq!(held.dropped.spans, 800 - held.spans() as u64);
    assert_eq!(held.spans(), 2 * found.len(), "each is whole");
    assert_eq!(held.dropped.lines, 400 - held.lines.len() as u64);
    let state = serde_json::to_value(query::state(&store, &held, "", 0)).unwrap();
    assert_eq!(
        state["dropped"]["why"]["the memory for spans is full: the oldest traces went"],
        held.dropped.spans
    );
    assert_eq!(state["services"][0]["instances"], 1);
}

#[test]
fn a_new_process_is_received_however_many_there_were() {
    let store = Store::new(1 << 20);
    for number in 0..1_500 {
        let service = format!("service-{number}");
        send(&store, &service, &[json!({ "trace": number + 1, "id": 1, "at": number })]);
        send_lines(&store, &service, &json!([{ "body": { "stringValue": "line" } }]));
        // The next one is heard later than this.
        let heard = super::model::now();
        while super::model::now() == heard {}
    }
    let held = store.read();
    assert_eq!(traces(&store, "service=service-1499")["traces"].as_array().unwrap().len(), 1);
    assert_eq!(held.dropped.spans, 1_500 - held.spans() as u64);
    assert_eq!(held.dropped.lines, 1_500 - held.lines.len() as u64);
    assert!(held.spans() > 10 && store.bytes(&held) <= store.limit);
    assert_eq!(held.dropped.why.len(), 1, "{:?}", held.dropped.why);
}

#[test]
fn what_is_larger_than_all_the_room_is_not_taken_and_the_others_stay() {
    let store = Store::new(1 << 20);
    let add = |text: &str, number: i64| {
        send(&store, "shop", &[json!({ "trace": number, "id": 1, "attributes": { "text": text } })]);
        send_lines(&store, "shop", &json!([{ "body": { "stringValue": text } }]));
        send_metrics(&store, "shop", &histogram(number, 1, &json!({ "text": text }), &json!([])));
    };
    add("small", 1);
    add(&"x".repeat(600 << 10), 2);
    let held = store.read();
    assert_eq!((held.spans(), held.lines.len(), held.points()), (1, 1, 1));
    let dropped = &held.dropped;
    assert_eq!((dropped.spans, dropped.lines, dropped.points, dropped.why.len()), (1, 1, 1, 3));
}

#[test]
fn what_is_no_message_is_refused() {
    for (encoding, body) in
        [(Encoding::Json, "{"), (Encoding::Json, "[1]"), (Encoding::Protobuf, "\u{7f}\u{7f}")]
    {
        let kept = keep(&store(), Signal::Traces, encoding, body.as_bytes());
        assert!(matches!(kept, Err(Refused::Malformed(_))), "{body}");
    }
    let (open, close) = ("{\"kvlistValue\":{\"values\":[{\"value\":".repeat(10_000), "}]}}".repeat(10_000));
    let deep = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{open}{{}}{close}}}]}}]}}]}}"
    );
    assert!(keep(&store(), Signal::Logs, Encoding::Json, deep.as_bytes()).is_err());
}

/// All questions, of which none may fail.
fn ask_everything(store: &Store) {
    let held = store.read();
    assert!(store.bytes(&held) <= store.limit, "{} bytes", store.bytes(&held));
    let parameters = Parameters::of("text=a&within=18446744073709551615&around=1&field=a=b");
    serde_json::to_string(&query::traces(&held, &parameters).unwrap()).unwrap();
    serde_json::to_string(&query::lines(&held, &parameters).unwrap()).unwrap();
    serde_json::to_string(&query::map(&held, &parameters).unwrap()).unwrap();
    serde_json::to_string(&query::red(&held, &parameters).unwrap()).unwrap();
    serde_json::to_string(&query::metrics(&held, &Parameters::of("")).unwrap()).unwrap();
    serde_json::to_string(&query::state(store, &held, "", 0)).unwrap();
    for (id, _) in held.traces.iter() {
        serde_json::to_string(&query::trace(&held, id).unwrap()).unwrap();
    }
}

/// A whole request, as bytes of protobuf that the property then damages.
fn request(seed: &[u8], text: &str, number: u64) -> Vec<u8> {
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
    use prost::Message as _;
    let id = |length: usize, from: usize| {
        (0..length).map(|place| seed[(place + from) % seed.len()]).collect::<Vec<_>>()
    };
    let span = |from: usize| Span {
        trace_id: id(16, 0),
        span_id: id(8, from),
        parent_span_id: id(8, from + 1),
        name: text.to_owned(),
        kind: (number % 7) as i32,
        start_time_unix_nano: number,
        end_time_unix_nano: number.rotate_left(7),
        links: vec![Link { trace_id: id(16, 0), span_id: id(8, from + 2), ..Link::default() }],
        status: Some(Status { message: text.to_owned(), code: (number % 4) as i32 }),
        ..Span::default()
    };
    let spans = (0..6).map(span).collect();
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_that_a_stranger_sends_breaks_it_or_the_bound(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        seed in prop::collection::vec(any::<u8>(), 1..24),
        text in any::<String>(),
        number in any::<u64>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let store = Store::new(4 << 10);
        let mut request = request(&seed, &text, number);
        keep(&store, Signal::Traces, Encoding::Protobuf, &request).unwrap();
        for (place, byte) in damage {
            let place = place.index(request.len());
            request[place] = byte;
        }
        for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
            for body in [&bytes, &request] {
                let _ = keep(&store, signal, Encoding::Protobuf, body);
                let _ = keep(&store, signal, Encoding::Json, body);
            }
        }
        ask_everything(&store);
    }

    #[test]
    fn no_metric_breaks_it_or_the_bound(
        points in prop::collection::vec((any::<u64>(), any::<u64>(), any::<f64>(), prop::collection::vec(any::<u64>(), 0..5), any::<i32>()), 0..40),
        temporality in 0..3,
    ) {
        use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
        use opentelemetry_proto::tonic::metrics::v1::{
            ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics,
            exponential_histogram_data_point::Buckets, metric::Data,
        };
        use prost::Message as _;
        let histogram = points.iter().map(|(at, count, value, buckets, _)| HistogramDataPoint {
            start_time_unix_nano: at / 2, time_unix_nano: *at, count: *count, sum: Some(*value),
            bucket_counts: buckets.clone(), explicit_bounds: buckets.iter().skip(1).map(|_| *value).collect(),
            ..HistogramDataPoint::default()
        });
        let exponential = points.iter().map(|(at, count, value, buckets, scale)| ExponentialHistogramDataPoint {
            time_unix_nano: *at, count: *count, sum: Some(*value), scale: *scale,
            positive: Some(Buckets { offset: *scale, bucket_counts: buckets.clone() }),
            ..ExponentialHistogramDataPoint::default()
        });
        let metric = |data: Data| Metric { name: "http.server.request.duration".to_owned(), data: Some(data), ..Metric::default() };
        let metrics = vec![
            metric(Data::Histogram(Histogram { data_points: histogram.collect(), aggregation_temporality: temporality })),
            metric(Data::ExponentialHistogram(ExponentialHistogram {
                data_points: exponential.collect(), aggregation_temporality: temporality,
            })),
        ];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
        let request = ExportMetricsServiceRequest { resource_metrics }.encode_to_vec();
        let store = Store::new(64 << 10);
        keep(&store, Signal::Metrics, Encoding::Protobuf, &request).unwrap();
        ask_everything(&store);
    }
}
