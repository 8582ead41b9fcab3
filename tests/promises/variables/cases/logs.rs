//! The cases of lines and of log records.

use super::traces::overrun;
use super::*;

pub(super) fn cases() -> Vec<Case> {
    let mut all = lines();
    all.extend(target());
    all.extend(batches());
    all.extend(limits());
    all
}

fn lines() -> Vec<Case> {
    vec![
        of("RUST_LOG", "info")
            .good("debug", Scene::default(), |seen| seen.has_line("in detail"))
            .good("warn", Scene::default(), |seen| !seen.has_line("at work"))
            .good("info,promises=off", Scene::default(), |seen| !seen.has_line("at work"))
            .bad("app=loud", "is not levels by target, as `info,my_crate=debug`, of off, error, warn, info, debug, trace (`app=loud` is \
                 none); info stays"),
        of("OTEL_LOG_LEVEL", "info")
            .good("error", Scene::default(), |seen| {
                seen.has_line("at work") && !seen.has_line("observability started")
            })
            .bad("loud", "is not one of off, error, warn, info, debug, trace; info stays"),
        of("OBSERVABILITY_LOG_FORMAT", "json")
            .same("json", Scene::default(), |seen| has_keys(seen, ["timestamp", "level", "trace_id"]))
            .good("ecs", Scene::default(), |seen| has_keys(seen, ["@timestamp", "log.level", "trace.id"]))
            .good("logstash", Scene::default(), |seen| has_keys(seen, ["@timestamp", "@version", "level"]))
            .good("gelf", Scene::default(), |seen| has_keys(seen, ["short_message", "_trace_id", "version"]))
            .good("otel", Scene::default(), |seen| has_keys(seen, ["timestamp", "severity_number", "attributes"]))
            .good("PRETTY", Scene::default(), |seen| {
                seen.lines.is_empty() && seen.output.iter().any(|line| line.contains("at work"))
            })
            .bad("xml", "is not one of json, ecs, logstash, gelf, otel, pretty; json stays"),
        of("OTEL_LOGS_EXPORTER", "console")
            .same("console", exporting(), |seen| seen.has_line("at work") && seen.records.is_empty())
            .good("otlp", exporting(), |seen| !seen.has_line("at work") && !seen.records.is_empty())
            .good("otlp,console", exporting(), |seen| seen.has_line("at work") && !seen.records.is_empty())
            .good("none", exporting(), |seen| !seen.has_line("at work") && seen.records.is_empty())
            .good("Console, OTLP", exporting(), |seen| seen.has_line("at work") && !seen.records.is_empty())
            .bad("file", "is not a list of console and otlp (`console,otlp` is both), or none; console stays")
            .bad("otlp/stdout", "is not served: `otlp/stdout` is ignored"),
        of("OBSERVABILITY_LOG_CLIENT", "false")
            .good("true", recording(), |seen| {
                let record = seen.records.iter().find(|log| log.body() == "GET /root 200");
                let has = |name, text: &str| record.is_some_and(|log| log.text(name) == text);
                seen.lines.iter().any(|line| line["user_agent"] == "curl/8" && line["client_address"] == "10.0.0.7")
                    && has("user_agent.original", "curl/8")
                    && has("client.address", "10.0.0.7")
            })
            .bad("yes", "is not true or false; false stays"),
        of("OBSERVABILITY_LOG_REQUEST_SIZE", "false")
            .good("true", recording(), |seen| {
                let record = seen.records.iter().find(|log| log.body() == "GET /root 200");
                seen.lines.iter().any(|line| line["request_bytes"] == 17)
                    && record.is_some_and(|log| log.attribute("http.request.body.size").is_some())
            })
            .bad("1", "is not true or false; false stays"),
        of("OBSERVABILITY_LOG_OK_SHARE", "1.0")
            .good("0", Scene::default(), |seen| seen.has_line("at work") && !seen.has_line("GET /root"))
            .bad("half", "is not a number from 0 to 1; 1.0 stays")
            .bad("NaN", "is not a number from 0 to 1; 1.0 stays"),
        of("OBSERVABILITY_LOG_SLOW", "1000")
            .good("0", Scene::default().with("OBSERVABILITY_LOG_OK_SHARE", "0"), |seen| {
                seen.has_line("GET /root")
            })
            .bad("1s", "is not a whole number of milliseconds; 1000 stays"),
        of("OBSERVABILITY_LOG_LIMIT", "10000")
            .good("7", Scene::default().runs(Program::Hurries), |seen| {
                let one_of_many = seen.lines.iter().filter(|line| line["message"] == "one of many");
                (1..200).contains(&one_of_many.count())
            })
            .bad("many", "is not a whole number of lines; 10000 stays"),
        of("NO_COLOR", "").good("1", Scene::default().on_terminal(), |seen| {
            seen.output.iter().any(|line| line.contains("at work"))
                && !seen.output.iter().any(|line| line.contains('\u{1b}'))
        }),
    ]
}

fn target() -> Vec<Case> {
    vec![
        of("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "")
            .good("{collector}/own/v1/logs", recording(), |seen| !seen.posted("/own/v1/logs").is_empty())
            .bad("ftp://127.0.0.1", "is not a URL such as http://collector:4318; it is ignored"),
        of("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "")
            .good("x-team=own", recording().with("OTEL_EXPORTER_OTLP_HEADERS", "x-team=all"), |seen| {
                seen.received.iter().all(|received| {
                    (received.header("x-team") == "own") == received.path.ends_with("/v1/logs")
                })
            })
            .bad("x-team", HEADERS),
        of("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "10000")
            .good("200", only_records().always(Answer::Hang), |seen| {
                seen.output.iter().any(|line| line.contains("no answer within 200ms"))
            })
            .bad("10s", "is not a whole number of milliseconds; 10000 stays"),
    ]
}

fn batches() -> Vec<Case> {
    vec![
        // It waits longer than it does by default.
        of("OTEL_BLRP_SCHEDULE_DELAY", "1000")
            .good("3500", only_records().runs(Program::Waits), |seen| seen.number("waited") >= 3_500)
            .bad("1s", "is not a whole number of milliseconds; 1000 stays"),
        of("OTEL_BLRP_EXPORT_TIMEOUT", "30000")
            .good("300", only_records().always(Answer::Status(503)).runs(Program::Waits), |seen| {
                gives_up(seen, "log")
            })
            .bad("30s", "is not a whole number of milliseconds; 30000 stays"),
        of("OTEL_BLRP_MAX_QUEUE_SIZE", "32768")
            .good("4", overrun(only_records()), |seen| seen.said("records").contains("queue_full"))
            .bad("many", "is not a whole number from 1; 32768 stays"),
        of("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "512")
            .good("7", only_records().runs(Program::Hurries), |seen| {
                seen.records.len() > 200 && seen.posted("/v1/logs").len() > 200 / 7
            })
            .bad("0", "is not a whole number from 1; 512 stays"),
    ]
}

fn limits() -> Vec<Case> {
    vec![
        of("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "128")
            .good("3", recording(), |seen| record_holds_three(seen) && !holds_three(seen))
            .bad("few", "is not a whole number from 0; 128 stays"),
        of("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "")
            .good("4", recording(), |seen| record_is_cut(seen) && !is_cut(seen))
            .bad("long", "is not a whole number from 0; it is ignored"),
    ]
}

/// Log records go to the collector, and no spans.
pub(super) fn only_records() -> Scene {
    recording().with("OTEL_TRACES_EXPORTER", "none")
}
