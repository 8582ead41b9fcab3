//! The lines of a trace, as a log store or a file has them.

use jiff::Timestamp;
use serde_json::{Map, Value};
use tower_observability::doctor::foreign;

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

/// A line of the format `json`; of any other text, a record that came over OTLP, the store says the rest.
fn read(line: &str, beside: Map<String, Value>) -> Line {
    let (fields, message) = match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(fields) => (fields, None),
        Err(_) => (beside, Some(line.to_owned())),
    };
    let first =
        |names: &[&str]| names.iter().find_map(|name| fields.get(*name)).map(text).unwrap_or_default();
    let at = first(&["timestamp", "_time"]).parse::<Timestamp>();
    let message = message.unwrap_or_else(|| first(&["message"]));
    let said = ["error", "error_type", "error.type", "exception.message", "error_chain", "outcome"];
    let said = said.iter().filter_map(|name| {
        let value = fields.get(*name).filter(|value| !value.is_null())?;
        (value != "ok").then(|| format!("{name}={}", text(value)))
    });
    Line {
        at: at.map(|at| at.as_nanosecond() as f64 / 1e9).unwrap_or_default(),
        level: first(&["level", "severity", "severity_text", "detected_level"]),
        service: first(&["service", "service.name", "service_name"]),
        text: [message].into_iter().chain(said).collect::<Vec<_>>().join("  "),
    }
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
