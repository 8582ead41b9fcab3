//! The cases of traces.

use super::*;

const EXPECTED: &str = "is not otlp, zipkin, console, otlp,console, or none; it is ignored";
const FEW: &str = "is not a whole number from 0; 128 stays";

/// Spans could go to Zipkin.
fn zipkin() -> Scene {
    Scene::default()
        .with("OTEL_TRACES_EXPORTER", "zipkin")
        .with("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "{collector}/api/v2/spans")
}

fn shares(share: &'static str) -> Scene {
    exporting().with("OTEL_TRACES_SAMPLER_ARG", share)
}

/// Is the request's trace drawn?
fn draws(seen: &Seen) -> bool {
    let head = seen.output.iter().position(|line| line.starts_with("trace ") && line.ends_with(" ms"));
    head.is_some_and(|head| seen.output[head + 1].contains("  server  "))
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = choices();
    all.extend(kept());
    all.extend(peers());
    all.extend(target());
    all.extend(batches());
    all.extend(limits());
    all
}

fn choices() -> Vec<Case> {
    vec![
        of("OTEL_TRACES_EXPORTER", "otlp")
            .same("otlp", exporting(), |seen| seen.posted("/v1/traces").len() == 1)
            .good("none", exporting(), |seen| seen.received.is_empty())
            .good("None", exporting(), |seen| seen.received.is_empty())
            .good(
                "zipkin",
                exporting().with("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "{collector}/api/v2/spans"),
                |seen| seen.posted("/api/v2/spans").len() == 1 && seen.posted("/v1/traces").is_empty(),
            )
            .bad("pigeon", EXPECTED)
            .good("console", exporting(), |seen| seen.received.is_empty() && draws(seen))
            .good("otlp,console", exporting(), |seen| seen.posted("/v1/traces").len() == 1 && draws(seen))
            .bad(
                "jaeger",
                "is not served: jaeger is ignored; otlp, zipkin and console are the exporters built in",
            ),
        of("OTEL_TRACES_SAMPLER", "parentbased_always_on")
            .same("parentbased_always_on", exporting(), |seen| seen.sampled() == [true, false, true])
            .good("always_on", exporting(), |seen| seen.sampled() == [true, true, true])
            .good("always_off", exporting(), |seen| seen.sampled() == [false, false, false])
            .good("ALWAYS_OFF", exporting(), |seen| seen.sampled() == [false, false, false])
            .good("parentbased_always_off", exporting(), |seen| seen.sampled() == [true, false, false])
            .good("traceidratio", exporting(), |seen| seen.sampled() == [true, true, true])
            .good("traceidratio", shares("0"), |seen| seen.sampled() == [false, false, false])
            .good("parentbased_traceidratio", shares("0"), |seen| seen.sampled() == [true, false, false])
            .same("parentbased_traceidratio", shares("1"), |seen| seen.sampled() == [true, false, true])
            .bad(
                "sometimes",
                "is not always_on, always_off, traceidratio, or one of them with parentbased_ before it; \
                 parentbased_always_on stays",
            )
            .bad(
                "jaeger_remote",
                "is not served: the sampler stays what it was; use parentbased_traceidratio",
            )
            .bad(
                "parentbased_jaeger_remote",
                "is not served: the sampler stays what it was; use parentbased_traceidratio",
            ),
        of("OTEL_TRACES_SAMPLER_ARG", "1.0")
            .good("0", exporting().with("OTEL_TRACES_SAMPLER", "traceidratio"), |seen| {
                seen.sampled() == [false, false, false]
            })
            .bad("half", "is not a number from 0 to 1; it is ignored")
            .bad("NaN", "is not a number from 0 to 1; it is ignored")
            .bad("1.5", "is not a number from 0 to 1; it is ignored"),
    ]
}

/// Nothing is sampled, unless its caller says so.
fn unsampled() -> Scene {
    exporting().with("OTEL_TRACES_SAMPLER", "parentbased_always_off")
}

fn kept() -> Vec<Case> {
    let slow =
        "is not a whole number of milliseconds, and routes with their own: 1000,/reports=5000; it is ignored";
    let routed = unsampled().with("OBSERVABILITY_TRACES_KEEP", "slow");
    vec![
        of("OBSERVABILITY_TRACES_KEEP", "none")
            .same("none", unsampled(), |seen| seen.span("/root").is_none())
            .good("errors,rare", unsampled(), |seen| seen.span("/root").is_some())
            .good("Errors, RARE", unsampled(), |seen| seen.span("/root").is_some())
            .bad("failures", "is not a list of errors, slow and rare, or none; none stays"),
        of("OBSERVABILITY_TRACES_KEEP_SLOW", "")
            .good("0", unsampled(), |seen| seen.span("/root").is_some())
            .good("60000,/root=0", routed, |seen| {
                seen.span("/root").is_some() && seen.span("/unsampled").is_none()
            })
            .bad("1s", slow),
        of("OBSERVABILITY_TRACES_KEEP_MEMORY", "16777216")
            .good("65536", unsampled().with("OBSERVABILITY_TRACES_KEEP", "errors"), |seen| {
                seen.page("observability_spans_held_capacity_bytes")
                    == ["observability_spans_held_capacity_bytes 65536"]
            })
            .bad("1000", "is not a whole number from 65536; 16777216 stays"),
        of("OBSERVABILITY_TRACES_KEEP_TIME", "10000")
            .good(
                "20",
                unsampled()
                    .with("OBSERVABILITY_TRACES_KEEP", "errors")
                    .with("OTEL_BSP_SCHEDULE_DELAY", "500")
                    .runs(Program::Waits),
                |seen| {
                    let aged = seen.page("observability_spans_discarded_total{reason=\"age\"}");
                    aged.iter().any(|line| !line.ends_with(" 0") && !line.ends_with(" 0.0"))
                },
            )
            .bad("10s", "is not a whole number of milliseconds; 10000 stays"),
    ]
}

/// Traces are kept together with whatever is on this machine.
fn with_peers() -> Scene {
    unsampled()
        .with("OBSERVABILITY_TRACES_KEEP", "errors")
        .with("OBSERVABILITY_TRACES_PEERS", ".internal")
        .with("OBSERVABILITY_TRACES_PEERS_TOKEN", "hush")
}

/// Are messages to other services counted, and does a call in a trace that is sampled anyway name nobody?
fn has_peers(seen: &Seen) -> bool {
    let sent = seen.page("observability_peer_messages_total{direction=\"sent\"}");
    !sent.is_empty() && !seen.output.iter().any(|line| line.starts_with("sent observability-peer"))
}

fn peers() -> Vec<Case> {
    vec![
        of("OBSERVABILITY_TRACES_PEERS", "")
            .good(
                "10.0.0.0/8, .internal",
                unsampled()
                    .with("OBSERVABILITY_TRACES_KEEP", "errors")
                    .with("OBSERVABILITY_TRACES_PEERS_TOKEN", "hush"),
                has_peers,
            )
            .bad(
                "http://pay",
                "is not a list of hosts, domains with a dot before them, and address ranges; it is ignored",
            ),
        of("OBSERVABILITY_TRACES_PEERS_TOKEN", "").good(
            "hush",
            unsampled()
                .with("OBSERVABILITY_TRACES_KEEP", "errors")
                .with("OBSERVABILITY_TRACES_PEERS", ".internal"),
            has_peers,
        ),
        of("OBSERVABILITY_TRACES_PEERS_ADDRESS", "")
            .good("10.1.2.3:9464", with_peers().with("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"), |seen| {
                !seen
                    .lines
                    .iter()
                    .any(|line| line.to_string().contains("OBSERVABILITY_TRACES_PEERS_ADDRESS names"))
            })
            .bad("9464", "is not a host and a port, such as 10.1.2.3:9464; it is ignored"),
    ]
}

fn target() -> Vec<Case> {
    vec![
        of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
            .good("{collector}/own", exporting(), |seen| seen.posted("/own").len() == 1)
            .bad("ftp://127.0.0.1", "is not a URL such as http://collector:4318; it is ignored"),
        of("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "")
            .good("x-team=own", recording().with("OTEL_EXPORTER_OTLP_HEADERS", "x-team=all"), |seen| {
                seen.received.iter().all(|received| {
                    (received.header("x-team") == "own") == received.path.ends_with("/v1/traces")
                })
            })
            .bad("x-team", HEADERS),
        of("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10000")
            .good("200", exporting().always(Answer::Hang), is_impatient)
            .bad("10s", "is not a whole number of milliseconds; 10000 stays"),
        of("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://localhost:9411/api/v2/spans")
            .good("{collector}/own", Scene::default(), |seen| seen.posted("/own").len() == 1)
            .bad("ftp://127.0.0.1", "is not a URL such as http://zipkin:9411/api/v2/spans; it is ignored"),
        of("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "10000")
            .good("200", zipkin().always(Answer::Hang), is_impatient)
            .bad("10s", "is not a whole number of milliseconds; it is ignored"),
    ]
}

fn batches() -> Vec<Case> {
    vec![
        of("OTEL_BSP_SCHEDULE_DELAY", "5000")
            .good("20", exporting().runs(Program::Waits), |seen| {
                !seen.page("otel_sdk_exporter_span_exported_total{").iter().all(|line| line.ends_with(" 0"))
            })
            .bad("5s", "is not a whole number of milliseconds; 5000 stays"),
        of("OTEL_BSP_EXPORT_TIMEOUT", "30000")
            .good(
                "300",
                Scene { with: vec![ENDPOINT, SOON], ..Scene::default() }
                    .always(Answer::Status(503))
                    .runs(Program::Waits),
                |seen| gives_up(seen, "span"),
            )
            .bad("30s", "is not a whole number of milliseconds; 30000 stays"),
        of("OTEL_BSP_MAX_QUEUE_SIZE", "32768")
            .good("4", overrun(exporting()), |seen| seen.said("spans").contains("queue_full"))
            .bad("many", "is not a whole number from 1; 32768 stays")
            .bad("0", "is not a whole number from 1; 32768 stays"),
        of("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512")
            .good("7", exporting().runs(Program::Hurries), |seen| {
                seen.spans.len() == 200 && seen.received.iter().all(|received| received.spans() <= 7)
            })
            .bad("0", "is not a whole number from 1; 512 stays"),
    ]
}

fn limits() -> Vec<Case> {
    vec![
        of("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128")
            .good("3", recording(), |seen| holds_three(seen) && !record_holds_three(seen))
            .bad("few", FEW),
        of("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "")
            .good("4", recording(), |seen| is_cut(seen) && !record_is_cut(seen))
            .bad("long", "is not a whole number from 0; it is ignored"),
        of("OTEL_SPAN_LINK_COUNT_LIMIT", "128")
            .good("0", exporting(), |seen| {
                let span = seen.span("/linked").map(|span| &span.span);
                span.is_some_and(|span| span.links.is_empty() && span.dropped_links_count == 1)
            })
            .bad("few", FEW),
    ]
}

/// More at once than the queue holds, while nothing leaves it.
pub(super) fn overrun(scene: Scene) -> Scene {
    let scene = scene.always(Answer::Hang).runs(Program::Hurries);
    scene.with("OBSERVABILITY_SHUTDOWN_TIMEOUT", "300")
}
