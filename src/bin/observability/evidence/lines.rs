//! The lines of a trace, as a log store or a file has them.

use jiff::Timestamp;
use serde_json::{Map, Value};
use tower_observability::doctor::foreign;
use tower_observability::names::{FORMATS, ecs, gelf, key, otel};

use super::ask::{Asker, RESULT, text};
use super::options::Evidence;

/// As many as Loki gives at once, by default.
const MOST_LINES: usize = 5000;

pub(super) struct Line {
    /// Seconds since 1970.
    pub(super) at: f64,
    pub(super) level: String,
    pub(super) service: String,
    pub(super) text: String,
}

/// The lines of the trace over all services, oldest first.
pub(super) async fn lines(
    asker: &mut Asker,
    evidence: &Evidence,
    trace: Option<&str>,
    (from, to): (f64, f64),
) -> Vec<Line> {
    let Some(trace) = trace else {
        asker.missing.push("lines: no trace is known by which to ask for them".to_owned());
        return Vec::new();
    };
    let nanos = |at: f64| format!("{:.0}", at * 1e9);
    let (start, end) = (nanos(from), nanos(to));
    let mut lines: Vec<Line> = if let Some(path) = evidence.logs.strip_prefix("file:") {
        let found = asker.file(path).unwrap_or_default();
        found.lines().filter(|line| line.contains(trace)).map(|line| read(line, Map::new())).collect()
    } else if let Some(base) = evidence.logs.strip_prefix("victorialogs+") {
        let query = format!("trace_id:=\"{trace}\"");
        let parameters = [("query", &*query), ("start", &*start), ("end", &*end)];
        let found = asker.text(base, "/select/logsql/query", &parameters).await.unwrap_or_default();
        let read: Vec<Line> = found.lines().filter_map(of_victoria_logs).collect();
        // A page to log in, for example.
        if read.len() < found.lines().count() {
            let first = foreign(&found, 200);
            asker.missing.push(format!("lines: an answer that has no records: {first}"));
        }
        read
    } else {
        let query = format!("{{service_name=~\".+\"}} | trace_id=\"{trace}\"");
        let limit = MOST_LINES.to_string();
        let parameters = [("query", &*query), ("start", &*start), ("end", &*end), ("limit", &*limit)];
        let found = asker.json(&evidence.logs, "/loki/api/v1/query_range", &parameters, RESULT).await;
        let read = of_loki(&found);
        if read.len() >= MOST_LINES {
            asker.missing.push(format!("lines: older ones than the last {MOST_LINES}"));
        }
        read
    };
    lines.sort_by(|one, other| one.at.total_cmp(&other.at));
    lines
}

fn of_victoria_logs(record: &str) -> Option<Line> {
    let record: Map<String, Value> = serde_json::from_str(record).ok()?;
    let message = text(record.get("_msg")?);
    Some(read(&message, record))
}

/// Each line, with its stream's labels, its time and its own metadata beside it.
fn of_loki(answer: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    for stream in answer["data"]["result"].as_array().into_iter().flatten() {
        for value in stream["values"].as_array().into_iter().flatten() {
            let beside = [&stream["stream"], &value[2]].into_iter().filter_map(Value::as_object);
            let mut beside: Map<String, Value> =
                beside.flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
            let at = text(&value[0]).parse().ok().and_then(|nanos| Timestamp::from_nanosecond(nanos).ok());
            beside.extend(at.map(|at| ("_time".to_owned(), at.to_string().into())));
            lines.push(read(&text(&value[1]), beside));
        }
    }
    lines
}

/// A line of any format of ours or of somebody else's; of text that is no JSON, a record that came over OTLP for example, and
/// of what such a line leaves out, the store says the rest.
fn read(line: &str, beside: Map<String, Value>) -> Line {
    let mut fields = serde_json::from_str::<Map<String, Value>>(line).unwrap_or_default();
    // The format `otel` has them a level deeper.
    for part in ["attributes", "resource"] {
        if let Some(Value::Object(deeper)) = fields.remove(part) {
            deeper.into_iter().for_each(|(name, value)| _ = fields.entry(name).or_insert(value));
        }
    }
    let message = [key::MESSAGE, gelf::MESSAGE, otel::MESSAGE, "msg"];
    let message = message.iter().find_map(|name| fields.get(*name)).map_or_else(|| line.to_owned(), text);
    for (name, value) in beside {
        fields.entry(name).or_insert(value);
    }
    let find = |name: &str| fields.get(name).filter(|value| !value.is_null());
    // Some loggers number their levels.
    let find_text = |name: &str| find(name).filter(|value| !value.is_number());
    let first = |names: &[&str]| names.iter().copied().find_map(find_text).map(text).unwrap_or_default();
    let said = [key::ERROR, key::ERROR_TYPE, key::ERROR_CHAIN, key::OUTCOME].into_iter().filter_map(|name| {
        let names = FORMATS.iter().find(|names| names[0] == name)?;
        // Loki has no points in the names of what stands beside a line.
        let value = names.iter().find_map(|name| find(name).or_else(|| find(&name.replace('.', "_"))))?;
        (value != "ok").then(|| format!("{name}={}", text(value)))
    });
    let times = [key::TIMESTAMP, ecs::TIMESTAMP, "_time", "time", "ts"];
    Line {
        at: times.iter().copied().filter_map(find).find_map(seconds).unwrap_or_default(),
        // `level` is a number where `_level_name` stands beside it.
        level: first(&[gelf::LEVEL, ecs::LEVEL, otel::LEVEL, "severity", key::LEVEL, "detected_level"]),
        service: first(&[key::SERVICE, ecs::SERVICE, gelf::SERVICE, "service_name"]),
        text: [message].into_iter().chain(said).collect::<Vec<_>>().join("  "),
    }
}

/// A time as text, or as seconds or milliseconds since 1970: as seconds, those since 1973 would be later than the year 5000.
fn seconds(at: &Value) -> Option<f64> {
    let of_text = |text: &str| Some(text.parse::<Timestamp>().ok()?.as_nanosecond() as f64 / 1e9);
    let of_number = |number: f64| if number > 1e11 { number / 1e3 } else { number };
    at.as_f64().map(of_number).or_else(|| of_text(at.as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_says_when_who_and_what_went_wrong() {
        let line = read(
            r#"{"timestamp":"1970-01-01T00:00:01.5Z","level":"ERROR","service":"shop","message":"GET / 500","outcome":"server_error","error":"no disk"}"#,
            Map::new(),
        );
        assert_eq!((line.at, &*line.level, &*line.service), (1.5, "ERROR", "shop"));
        assert_eq!(line.text, "GET / 500  error=no disk  outcome=server_error");
        assert_eq!(read("no JSON at all", Map::new()).text, "no JSON at all");
    }

    #[test]
    fn a_line_is_read_in_each_format_and_somebody_elses_as_it_is() {
        for line in [
            r#"{"@timestamp":"1970-01-01T00:00:01.5Z","log.level":"ERROR","service.name":"shop","message":"GET / 500","labels.outcome":"server_error","error.message":"no disk"}"#,
            r#"{"@timestamp":"1970-01-01T00:00:01.5Z","level":"ERROR","level_value":40000,"service":"shop","message":"GET / 500","outcome":"server_error","error":"no disk"}"#,
            r#"{"version":"1.1","timestamp":1.5,"level":3,"_level_name":"ERROR","host":"h","_service":"shop","short_message":"GET / 500","_outcome":"server_error","_error":"no disk"}"#,
            r#"{"timestamp":"1970-01-01T00:00:01.5Z","severity_text":"ERROR","severity_number":17,"resource":{"service.name":"shop"},"body":"GET / 500","attributes":{"observability.outcome":"server_error","exception.message":"no disk"}}"#,
        ] {
            let line = read(line, Map::new());
            assert_eq!((line.at, &*line.level, &*line.service), (1.5, "ERROR", "shop"));
            assert_eq!(line.text, "GET / 500  error=no disk  outcome=server_error");
        }
        // Of another program: what its store says of it is all that is known.
        let line = r#"{"request":"GET /","upstream_status":502}"#;
        let of_loki = of_loki(&json!({ "data": { "result": [{
            "stream": { "service_name": "nginx", "detected_level": "error" }, "values": [["1500000000", line]],
        }]}}));
        assert_eq!((of_loki[0].at, &*of_loki[0].level, &*of_loki[0].service), (1.5, "error", "nginx"));
        assert_eq!(of_loki[0].text, line);
        assert_eq!(read(r#"{"ts":1.5,"msg":"boom"}"#, Map::new()).text, "boom");
        let beside = Map::from_iter([("detected_level".to_owned(), json!("error"))]);
        let of_pino = read(r#"{"level":50,"time":1500000000500,"msg":"boom"}"#, beside);
        assert_eq!((of_pino.at, &*of_pino.level, &*of_pino.text), (1_500_000_000.5, "error", "boom"));
    }

    #[test]
    fn a_record_that_is_no_json_has_what_its_store_says_of_it() {
        let of_loki = of_loki(&json!({ "data": { "result": [{
            "stream": { "service_name": "shop" },
            "values": [["1500000000", "GET / 500", { "severity_text": "ERROR", "outcome": "server_error" }]],
        }]}}));
        let of_victoria_logs = of_victoria_logs(
            r#"{"_time":"1970-01-01T00:00:01.5Z","_msg":"GET / 500","service.name":"shop","severity":"ERROR","outcome":"server_error"}"#,
        );
        for line in of_loki.into_iter().chain(of_victoria_logs) {
            assert_eq!((line.at, &*line.level, &*line.service), (1.5, "ERROR", "shop"));
            assert_eq!(line.text, "GET / 500  outcome=server_error");
        }
    }
}
