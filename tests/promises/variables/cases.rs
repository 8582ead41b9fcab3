//! The table: one case for each variable, in the order of the documentation's table.

mod logs;
mod metrics;
mod reports;
mod traces;
mod transport;

use super::effects::*;
use super::program::Program;
use super::seen::{Scene, Seen, Tls};
use super::{Case, Good};
use crate::support::collector::Answer;

pub(super) const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "{collector}");
pub(super) const RECORDS: (&str, &str) = ("OTEL_LOGS_EXPORTER", "console,otlp");
pub(super) const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "20");
const METHODS: &str = "GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,QUERY";

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut all = general();
    all.extend(shared());
    all.extend(transport::cases());
    all.extend(traces::cases());
    all.extend(logs::cases());
    all.extend(metrics::cases());
    all.extend(reports::cases());
    all
}

pub(super) fn of(name: &'static str, default: &'static str) -> Case {
    Case { name, default, good: Vec::new(), bad: Vec::new() }
}

/// Spans go to the collector.
pub(super) fn exporting() -> Scene {
    Scene { with: vec![ENDPOINT], ..Scene::default() }
}

/// Log records go there, too.
pub(super) fn recording() -> Scene {
    Scene { with: vec![ENDPOINT, RECORDS], ..Scene::default() }
}

impl Scene {
    pub(super) fn runs(self, program: Program) -> Self {
        Self { program, ..self }
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.with.push((name, value));
        self
    }

    pub(super) fn always(self, answer: Answer) -> Self {
        Self { always: Some(answer), ..self }
    }

    pub(super) fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    pub(super) fn on_terminal(self) -> Self {
        Self { terminal: true, ..self }
    }
}

impl Case {
    /// A value that does what nothing else does.
    pub(super) fn good(
        mut self,
        value: &'static str,
        scene: Scene,
        effect: impl Fn(&Seen) -> bool + Sync + 'static,
    ) -> Self {
        self.good.push(Good { value, scene, effect: Box::new(effect), by_value: true });
        self
    }

    /// A value that does what is done without it.
    pub(super) fn same(
        mut self,
        value: &'static str,
        scene: Scene,
        effect: impl Fn(&Seen) -> bool + Sync + 'static,
    ) -> Self {
        self.good.push(Good { value, scene, effect: Box::new(effect), by_value: false });
        self
    }

    /// A bad value, and what is said of it behind `NAME=value `.
    pub(super) fn bad(mut self, value: &'static str, warning: &'static str) -> Self {
        self.bad.push((value, warning));
        self
    }
}

fn general() -> Vec<Case> {
    vec![
        of("OTEL_SDK_DISABLED", "false")
            .good("TRUE", exporting(), |seen| is_silent(seen) && seen.sent("traceparent"))
            .bad("1", "is not true or false; false stays"),
        of("OTEL_SERVICE_NAME", "").good("by-operator", exporting(), |seen| {
            has_resource(seen, "service.name", "by-operator")
                && seen.lines.iter().all(|line| line["service"] == "by-operator")
        }),
        of("OTEL_RESOURCE_ATTRIBUTES", "")
            .good("team=work%2Cshop", exporting(), |seen| {
                has_resource(seen, "team", "work,shop")
            })
            .bad("team=a,b", "is not a list `key=value,key=value`, percent-encoded; it is ignored"),
        of("OTEL_PROPAGATORS", "tracecontext,baggage")
            .good("b3", exporting(), |seen| seen.sent("b3") && !seen.sent("traceparent"))
            .good("tracecontext", exporting(), |seen| seen.sent("traceparent") && !seen.sent("baggage"))
            .good("b3multi,jaeger", exporting(), |seen| seen.sent("x-b3-traceid") && seen.sent("uber-trace-id"))
            .good("none", exporting(), |seen| seen.sent("x-request-id") && !seen.sent("traceparent"))
            .same("tracecontext,baggage", exporting(), |seen| seen.sent("traceparent") && seen.sent("baggage"))
            .bad(
                "carrier-pigeon",
                "is not `none`, or a comma-separated list of `tracecontext`, `baggage`, `b3`, `b3multi` and `jaeger`; \
                 tracecontext,baggage stays",
            )
            .bad(
                "b3,xray",
                "is not served: `xray` is not built in; the propagators stay as they are without this variable",
            ),
        of("OBSERVABILITY_TRUSTED_PROXIES", "none")
            .good("10.0.0.0/8", exporting(), |seen| came_from(seen, "192.0.2.2"))
            .good("hops=2", exporting(), |seen| came_from(seen, "192.0.2.1"))
            .same("none", exporting(), |seen| seen.span("/root").is_some_and(|span| span.text("url.scheme") == "http"))
            .same("None", exporting(), |seen| seen.span("/root").is_some_and(|span| span.text("url.scheme") == "http"))
            .bad("10.0.0.0/33", PROXIES)
            .bad("forwarded", PROXIES),
        of("OTEL_CONFIG_FILE", "").bad(
            "otel.yaml",
            "is not served: the file is not read, and the other variables hold as if this one were not set; write what \
             it says as variables or with the builder",
        ),
        of("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", METHODS)
            .good("POST,BREW", exporting(), |seen| {
                names_method(seen, "/brewed", "BREW") && names_method(seen, "/root", "_OTHER")
            })
            .same(METHODS, exporting(), |seen| {
                names_method(seen, "/brewed", "_OTHER") && names_method(seen, "/root", "GET")
            })
            .bad("GET,(", "is not a list of methods, at most 21 beyond the usual ones; \
                           GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,QUERY stays"),
        of("OBSERVABILITY_DB_SYSTEM", "")
            .good("mysql", exporting(), |seen| {
                let queries = seen.page("db_client_operation_duration_seconds_count{");
                queries.iter().any(|line| line.contains("db_system_name=\"mysql\""))
            })
            .bad("My SQL", "is not a database system, such as postgresql, mysql or sqlite; it is ignored"),
        of("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
            .same("http,database/dup", exporting(), has_stable_names)
            .same("database", exporting(), |seen| names_rpc(seen, "rpc.response.status_code", "rpc.request.metadata."))
            .same("rpc,database", exporting(), |seen| names_messages(seen, "messaging.system", "messaging.kafka.offset"))
            .good("messaging", exporting(), |seen| names_messages(seen, "messaging.system.name", "kafka.offset"))
            .good("RPC", exporting(), |seen| names_rpc(seen, "rpc.status_code", "rpc.request.header."))
            .good("rpc", exporting(), |seen| names_rpc(seen, "rpc.status_code", "rpc.request.header."))
            .bad("rpc/dup", "is not served: each name is written once: those of 1.44, or with `rpc` those of 1.45")
            .bad("http/dup", "is not served: the stable names of HTTP are written, and no older ones"),
        of("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs")
            .same("logs", exporting(), |seen| seen.spans.iter().all(|span| span.span.events.is_empty()))
            .bad("logs/dup", "is not served: errors are recorded on lines and log records only")
            .bad("spans", "is not logs; logs stays"),
        of("OBSERVABILITY_DRAIN_DELAY", "5000")
            .good("300", Scene::default().runs(Program::Drains), |seen| {
                (300..4_500).contains(&seen.number("drained"))
            })
            .bad("5s", "is not a whole number of milliseconds; 5000 stays"),
        of("OBSERVABILITY_SHUTDOWN_TIMEOUT", "5000")
            .good("300", exporting().always(Answer::Hang), |seen| seen.number("closed") < 4_000)
            .bad("soon", "is not a whole number of milliseconds; 5000 stays"),
    ]
}

const PROXIES: &str = "is not `none`, or a list of address ranges such as `10.0.0.0/8`, `hops=` and a number from 1 to 16, \
                       and `forwarded`; it is ignored";

fn shared() -> Vec<Case> {
    vec![
        of("OTEL_EXPORTER_OTLP_ENDPOINT", "")
            .good("{collector}", Scene::default(), |seen| seen.posted("/v1/traces").len() == 1)
            .good("{collector}/below/", recording_elsewhere(), |seen| {
                !seen.posted("/below/v1/traces").is_empty() && !seen.posted("/below/v1/logs").is_empty()
            })
            .bad("ftp://127.0.0.1", "is not a URL such as http://collector:4318; it is ignored"),
        of("OTEL_EXPORTER_OTLP_HEADERS", "")
            .good("x-team=work%20shop", recording(), |seen| {
                seen.received.iter().all(|received| received.header("x-team") == "work shop")
                    && !seen.output.iter().any(|line| line.contains("work shop"))
            })
            .bad("x-team", HEADERS),
        of("OTEL_EXPORTER_OTLP_TIMEOUT", "10000")
            .good("200", exporting().always(Answer::Hang), is_impatient)
            .bad("10s", "is not a whole number of milliseconds; it is ignored"),
        of("OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE", "")
            .good("2048", recording(), |seen| {
                seen.posted("/v1/traces").len() > 3 && seen.posted("/v1/logs").len() > 3
            })
            .bad("4MiB", "is not a whole number from 1024; it is ignored")
            .bad("1023", "is not a whole number from 1024; it is ignored"),
        of("OTEL_ATTRIBUTE_COUNT_LIMIT", "128")
            .good("3", recording(), |seen| holds_three(seen) && record_holds_three(seen))
            .bad("-1", "is not a whole number from 0; it is ignored"),
        of("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "")
            .good("4", recording(), |seen| is_cut(seen) && record_is_cut(seen))
            .bad("long", "is not a whole number from 0; it is ignored"),
    ]
}

pub(super) const HEADERS: &str =
    "is not name=value pairs with commas between, values percent-encoded, without `;`; it is ignored";
fn recording_elsewhere() -> Scene {
    Scene { with: vec![RECORDS], ..Scene::default() }
}
