//! What is known of an incident: of its trace, its lines, and its services' metrics within a window and the hour before.

use jiff::Timestamp;
use serde_json::Value;

use super::ask::{Asker, RESULT, text};
use super::lines::{Line, lines};
use super::options::Evidence;

/// Everything that was found.
pub(super) struct Found {
    pub(super) title: String,
    /// The window, in seconds since 1970.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) spans: Vec<Span>,
    pub(super) lines: Vec<Line>,
    pub(super) figures: Vec<Figure>,
    pub(super) charts: Vec<Chart>,
    /// Alerts and starts.
    pub(super) events: Vec<Event>,
    pub(super) asked: Vec<String>,
    pub(super) missing: Vec<String>,
}

pub(super) struct Span {
    pub(super) id: String,
    pub(super) parent: String,
    pub(super) service: String,
    pub(super) name: String,
    /// Seconds since 1970.
    pub(super) start: f64,
    pub(super) seconds: f64,
    /// What the span says went wrong; `None` if nothing did.
    pub(super) error: Option<String>,
}

/// A value within the window, and in the hour before.
pub(super) struct Figure {
    pub(super) service: String,
    pub(super) name: &'static str,
    pub(super) during: Option<f64>,
    pub(super) before: Option<f64>,
}

pub(super) struct Chart {
    pub(super) name: &'static str,
    /// Legend and points: seconds since 1970, value.
    pub(super) series: Vec<(String, Vec<(f64, f64)>)>,
}

pub(super) struct Event {
    pub(super) at: f64,
    pub(super) what: String,
}

/// Each figure of a service: `{s}` stands for its selector, `{e}` for that of its failed requests, `{c}` for that of its failed
/// calls, as the alerts count them; `{w}` for the window.
const FIGURES: [(&str, &str); 7] = [
    (
        "requests a second",
        "sum(rate(http_server_request_duration_seconds_count{s}[{w}]) or rate(rpc_server_call_duration_seconds_count{s}[{w}]))",
    ),
    (
        "failed requests a second",
        "sum(rate(http_server_request_duration_seconds_count{e}[{w}]) or rate(rpc_server_call_duration_seconds_count{e}[{w}]))",
    ),
    (
        "95th percentile, seconds",
        "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{s}[{w}]) or rate(rpc_server_call_duration_seconds_bucket{s}[{w}])))",
    ),
    ("most requests in flight", "max(max_over_time(http_server_active_requests{s}[{w}]))"),
    (
        "CPU, seconds a second",
        "sum(rate(process_cpu_seconds_total{s}[{w}]) or rate(process_cpu_time_seconds_total{s}[{w}]))",
    ),
    (
        "resident memory, bytes",
        "max(max_over_time(process_resident_memory_bytes{s}[{w}]) or max_over_time(process_memory_usage_bytes{s}[{w}]))",
    ),
    (
        "failed calls to others a second",
        "sum(rate(http_client_request_duration_seconds_count{c}[{w}]) or rate(rpc_client_call_duration_seconds_count{c}[{w}]))",
    ),
];

const CHARTS: [(&str, &str); 3] = [
    (
        "Requests a second",
        "sum by (job) (rate(http_server_request_duration_seconds_count{s}[1m]) or rate(rpc_server_call_duration_seconds_count{s}[1m]))",
    ),
    (
        "Failed requests a second",
        "sum by (job, error_type) (rate(http_server_request_duration_seconds_count{e}[1m]) or rate(rpc_server_call_duration_seconds_count{e}[1m]))",
    ),
    (
        "Failed calls a second, by callee",
        "sum by (job, server_address, server_port) (rate(http_client_request_duration_seconds_count{c}[1m]) or rate(rpc_client_call_duration_seconds_count{c}[1m]))",
    ),
];

/// Refusals, which are no failure of a callee.
const REFUSED: &str = "|4..|CANCELLED|INVALID_ARGUMENT|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|FAILED_PRECONDITION|ABORTED\
|OUT_OF_RANGE|UNAUTHENTICATED";

/// Where the list is in an answer of Jaeger.
const TRACES: &str = "/data";

/// Asks all three stores.
pub(super) async fn collect(mut asker: Asker, evidence: &Evidence) -> Found {
    let around = evidence.around.as_secs_f64().max(60.0);
    let now = seconds(Timestamp::now());
    let asked_at = evidence.at.map(seconds);
    let mut spans = match (&evidence.trace, &evidence.service) {
        (Some(id), _) => by_id(&mut asker, evidence, id).await,
        (None, Some(service)) => {
            of_service(&mut asker, evidence, service, asked_at.unwrap_or(now), around).await
        }
        (None, None) => Vec::new(),
    };
    spans.sort_by(|one, other| one.start.total_cmp(&other.start));
    let at = asked_at.or_else(|| spans.first().map(|span| span.start)).unwrap_or(now);
    // What failed at the end of a long job is at its end.
    let ended = spans.iter().map(|span| span.start + span.seconds).fold(at, f64::max);
    let (from, to) = (at - around, (ended + around).min(now.max(at)));
    if spans.is_empty() {
        asker.missing.push("spans: none is known".to_owned());
        if asked_at.is_none() {
            let when = "when it was: with no span and no --at, the time until now is looked at";
            asker.missing.push(when.to_owned());
        }
    }
    let mut services: Vec<String> =
        spans.iter().map(|span| span.service.clone()).chain(evidence.service.clone()).collect();
    services.sort();
    services.dedup();
    let trace = evidence.trace.clone().or_else(|| {
        spans.first().and_then(|span| span.id.split_once('/').map(|(trace, _)| trace.to_owned()))
    });
    let lines = lines(&mut asker, evidence, trace.as_deref(), (from, to)).await;
    let mut found = Found {
        title: evidence.trace.clone().or_else(|| evidence.service.clone()).unwrap_or_default(),
        from,
        to,
        spans,
        lines,
        figures: Vec::new(),
        charts: Vec::new(),
        events: Vec::new(),
        asked: Vec::new(),
        missing: Vec::new(),
    };
    metrics(&mut asker, evidence, &services, &mut found).await;
    (found.asked, found.missing) = (asker.asked, asker.missing);
    found
}

pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_nanosecond() as f64 / 1e9
}

async fn by_id(asker: &mut Asker, evidence: &Evidence, id: &str) -> Vec<Span> {
    if let Some(path) = evidence.traces.strip_prefix("file:") {
        let mut spans = jaeger(asker.file_json(path, TRACES).pointer("/data/0").unwrap_or(&Value::Null));
        spans.retain(|span| span.id.split_once('/').is_some_and(|(trace, _)| trace == id));
        return spans;
    }
    if let Some(base) = evidence.traces.strip_prefix("zipkin+") {
        return zipkin(&asker.json(base, &format!("/api/v2/trace/{id}"), &[], "").await);
    }
    let answer = asker.json(&evidence.traces, &format!("/api/traces/{id}"), &[], TRACES).await;
    jaeger(answer.pointer("/data/0").unwrap_or(&Value::Null))
}

/// The longest failed trace of the service at that time, else the longest.
async fn of_service(
    asker: &mut Asker,
    evidence: &Evidence,
    service: &str,
    at: f64,
    around: f64,
) -> Vec<Span> {
    let micros = |at: f64| format!("{:.0}", at * 1e6);
    let (from, to) = (micros(at - around), micros(at + around));
    let mut traces = Vec::new();
    if let Some(path) = evidence.traces.strip_prefix("file:") {
        let found = asker.file_json(path, TRACES);
        traces.extend(found["data"].as_array().into_iter().flatten().map(jaeger));
        traces.retain(|spans: &Vec<Span>| spans.iter().any(|span| span.service == service));
    } else if let Some(base) = evidence.traces.strip_prefix("zipkin+") {
        let (end, lookback) = (format!("{:.0}", (at + around) * 1e3), format!("{:.0}", around * 2e3));
        let parameters =
            [("serviceName", service), ("endTs", &*end), ("lookback", &*lookback), ("limit", "100")];
        let answer = asker.json(base, "/api/v2/traces", &parameters, "").await;
        traces.extend(answer.as_array().into_iter().flatten().map(zipkin));
    } else {
        for tags in ["{\"error\":\"true\"}", ""] {
            let mut parameters =
                vec![("service", service), ("start", &*from), ("end", &*to), ("limit", "100")];
            parameters.extend((!tags.is_empty()).then_some(("tags", tags)));
            let answer = asker.json(&evidence.traces, "/api/traces", &parameters, TRACES).await;
            traces.extend(answer["data"].as_array().into_iter().flatten().map(jaeger));
            if !traces.is_empty() {
                break;
            }
        }
    }
    let rank = |spans: &Vec<Span>| {
        let longest = spans.iter().map(|span| span.seconds).fold(0.0, f64::max);
        longest + if spans.iter().any(|span| span.error.is_some()) { 1e9 } else { 0.0 }
    };
    traces.into_iter().max_by(|one, other| rank(one).total_cmp(&rank(other))).unwrap_or_default()
}

fn jaeger(trace: &Value) -> Vec<Span> {
    let spans = trace["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let span = |span: &Value| {
        let tag = |name: &str| {
            let tags = span["tags"].as_array()?;
            tags.iter().find(|tag| tag["key"] == name).map(|tag| text(&tag["value"]))
        };
        let failed = tag("error").is_some_and(|error| error == "true") || tag("error.type").is_some();
        let why =
            || tag("exception.message").or_else(|| tag("error.type")).unwrap_or_else(|| "error".to_owned());
        Span {
            id: format!("{}/{}", text(&span["traceID"]), text(&span["spanID"])),
            parent: span
                .pointer("/references/0")
                .map(|parent| format!("{}/{}", text(&parent["traceID"]), text(&parent["spanID"])))
                .unwrap_or_default(),
            service: text(&trace["processes"][text(&span["processID"])]["serviceName"]),
            name: text(&span["operationName"]),
            start: span["startTime"].as_f64().unwrap_or_default() / 1e6,
            seconds: span["duration"].as_f64().unwrap_or_default() / 1e6,
            error: failed.then(why),
        }
    };
    spans.iter().map(span).collect()
}

fn zipkin(trace: &Value) -> Vec<Span> {
    let spans = trace.as_array().map(Vec::as_slice).unwrap_or_default();
    let span = |span: &Value| {
        let id = |name: &str| {
            span[name].as_str().map(|id| format!("{}/{id}", text(&span["traceId"]))).unwrap_or_default()
        };
        let error = span["tags"].get("error").map(text);
        Span {
            id: id("id"),
            parent: id("parentId"),
            service: text(&span["localEndpoint"]["serviceName"]),
            name: text(&span["name"]),
            start: span["timestamp"].as_f64().unwrap_or_default() / 1e6,
            seconds: span["duration"].as_f64().unwrap_or_default() / 1e6,
            error,
        }
    };
    spans.iter().map(span).collect()
}

fn selectors(promql: &str, services: &str) -> String {
    let selector = format!("{{job=~\"{services}\"}}");
    let errors = format!("{{job=~\"{services}\", error_type!=\"\", error_type!=\"cancelled\"}}");
    let calls = format!("{{job=~\"{services}\", error_type!~\"{REFUSED}\"}}");
    promql.replace("{s}", &selector).replace("{e}", &errors).replace("{c}", &calls)
}

/// Matches this name only: a regular expression, within the quotes of a matcher.
fn matching(name: &str) -> String {
    let mut regex = String::new();
    for letter in name.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            regex.push('\\');
        }
        regex.push(letter);
    }
    regex.replace('\\', r"\\").replace('"', "\\\"").replace('\n', "\\n")
}

async fn metrics(asker: &mut Asker, evidence: &Evidence, services: &[String], found: &mut Found) {
    let base = &evidence.metrics;
    // Where nobody answers, one question says so for all.
    if asker.json(base, "/api/v1/query", &[("query", "vector(1)")], RESULT).await.is_null() {
        return;
    }
    let window = format!("{:.0}s", found.to - found.from);
    for service in services {
        for (name, promql) in FIGURES {
            let asked = selectors(promql, &matching(service));
            let during = value(asker, base, &asked.replace("{w}", &window), found.to).await;
            let before = value(asker, base, &asked.replace("{w}", "1h"), found.from).await;
            found.figures.push(Figure { service: service.clone(), name, during, before });
        }
    }
    let all = services.iter().map(|service| matching(service)).collect::<Vec<_>>().join("|");
    for (name, promql) in CHARTS {
        let series = range(asker, base, &selectors(promql, &all), found).await;
        found.charts.push(Chart { name, series });
    }
    let alerts = range(asker, base, "ALERTS{alertstate=\"firing\", alertname!=\"Watchdog\"}", found).await;
    for (labels, points) in alerts {
        if let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) {
            let minutes = (last - first) / 60.0;
            found.events.push(Event {
                at: *first,
                what: format!("alert, for {minutes:.0} minutes or more: {labels}"),
            });
        }
    }
    let starts = format!(
        "process_start_time_seconds{{job=~\"{all}\"}} * on (job, instance) group_left (service_version) target_info"
    );
    for (labels, points) in range(asker, base, &starts, found).await {
        let mut starts: Vec<f64> = points.iter().map(|(_, start)| *start).collect();
        starts.dedup();
        for at in starts.into_iter().filter(|at| (found.from..found.to).contains(at)) {
            found.events.push(Event { at, what: format!("start: {labels}") });
        }
    }
    found.events.sort_by(|one, other| one.at.total_cmp(&other.at));
}

async fn value(asker: &mut Asker, base: &str, promql: &str, at: f64) -> Option<f64> {
    let parameters = [("query", promql), ("time", &*format!("{at:.3}"))];
    let answer = asker.json(base, "/api/v1/query", &parameters, RESULT).await;
    answer.pointer("/data/result/0/value/1")?.as_str()?.parse().ok().filter(|value: &f64| value.is_finite())
}

async fn range(asker: &mut Asker, base: &str, promql: &str, found: &Found) -> Vec<(String, Vec<(f64, f64)>)> {
    let step = ((found.to - found.from) / 120.0).max(1.0).round();
    // The last point is the end of the window: what fires only since then is there, too.
    let start = found.to - ((found.to - found.from) / step).floor() * step;
    let (start, end, step) = (format!("{start:.3}"), format!("{:.3}", found.to), format!("{step:.0}"));
    let parameters = [("query", promql), ("start", &*start), ("end", &*end), ("step", &*step)];
    let answer = asker.json(base, "/api/v1/query_range", &parameters, RESULT).await;
    let point = |point: &Value| {
        Some((point[0].as_f64()?, point[1].as_str()?.parse().ok().filter(|value: &f64| value.is_finite())?))
    };
    let series = |series: &Value| {
        let labels = series["metric"].as_object().into_iter().flatten();
        let labels = labels
            .filter(|(name, _)| !["__name__", "alertstate"].contains(&name.as_str()))
            .map(|(_, value)| text(value));
        let points = series["values"].as_array().into_iter().flatten().filter_map(point).collect();
        (labels.collect::<Vec<_>>().join(" "), points)
    };
    answer.pointer("/data/result").and_then(Value::as_array).into_iter().flatten().map(series).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_services_name_is_matched_as_it_is() {
        let asked = selectors("up{s}", &matching(r#"shop.eu (a+b) "x" \y"#));
        assert_eq!(asked, r#"up{job=~"shop\\.eu \\(a\\+b\\) \"x\" \\\\y"}"#);
    }

    #[test]
    fn spans_are_read_as_jaeger_and_zipkin_have_them() {
        let of_jaeger = jaeger(&json!({
            "processes": { "p1": { "serviceName": "shop" } },
            "spans": [{
                "traceID": "t", "spanID": "s", "processID": "p1", "operationName": "GET /", "startTime": 2_000_000,
                "duration": 500_000, "references": [{ "traceID": "t", "spanID": "r" }],
                "tags": [{ "key": "error", "value": true }, { "key": "error.type", "value": "500" }],
            }],
        }));
        let of_zipkin = zipkin(&json!([{
            "traceId": "t", "id": "s", "parentId": "r", "name": "GET /", "timestamp": 2_000_000, "duration": 500_000,
            "localEndpoint": { "serviceName": "shop" }, "tags": { "error": "500" },
        }]));
        for spans in [of_jaeger, of_zipkin] {
            let [span] = &spans[..] else { panic!("{}", spans.len()) };
            assert_eq!(
                (&*span.id, &*span.parent, &*span.service, &*span.name),
                ("t/s", "t/r", "shop", "GET /")
            );
            assert_eq!((span.start, span.seconds, span.error.as_deref()), (2.0, 0.5, Some("500")));
        }
        assert!(jaeger(&Value::Null).is_empty() && zipkin(&json!("nonsense")).is_empty());
    }
}
