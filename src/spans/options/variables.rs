//! Owns the variables of traces: one row each.

use std::time::Duration;

use super::{Exporter, Root, SamplerName, Traces, endpoint, headers};
use crate::variable::{Refusal, Variable};

/// A row that is known, but whose values change nothing yet.
macro_rules! not_served {
    ($($name:literal, $about:literal, $instead:literal;)+) => {
        [$(Variable {
            name: $name,
            default: "",
            secret: false,
            about: $about,
            set: |_, _| Err(Refusal::NotServed($instead.to_owned())),
            show: |_| String::new(),
        }),+]
    };
}

/// A number: the field, its unit of measure, and how it is shown.
macro_rules! number {
    ($name:literal, $default:literal, $about:literal, $at_least:literal, $set:expr, $show:expr) => {
        Variable {
            name: $name,
            default: $default,
            secret: false,
            about: $about,
            set: |traces, text| {
                let set: fn(&mut Traces, usize) = $set;
                whole(text, $at_least).map(|value| set(traces, value))
            },
            show: $show,
        }
    };
}

const CHOICE: [Variable<Traces>; 3] = [
    Variable {
        name: "OTEL_TRACES_EXPORTER",
        default: "otlp",
        secret: false,
        about: "Where spans go: `otlp` or `none`. Without it, an endpoint is enough to export over OTLP.",
        set: set_exporter,
        show: |traces| match traces.exporter {
            _ if traces.off => "none".to_owned(),
            Some(Exporter::Otlp) => "otlp".to_owned(),
            Some(Exporter::None) => "none".to_owned(),
            None => String::new(),
        },
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER",
        default: "parentbased_always_on",
        secret: false,
        about: "Which traces are recorded: `always_on`, `always_off`, `traceidratio`, each also with \
                `parentbased_` before it.",
        set: set_sampler,
        show: |traces| sampler_text(traces.sampler_name()),
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER_ARG",
        default: "1.0",
        secret: false,
        about: "The share of `traceidratio`, from 0 to 1. It counts only with such a sampler.",
        set: set_share,
        show: |traces| match traces.sampler_name().root {
            Root::TraceIdRatio => traces.share().to_string(),
            Root::AlwaysOn | Root::AlwaysOff => String::new(),
        },
    },
];

const TARGET: [Variable<Traces>; 8] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        default: "",
        secret: false,
        about: "The collector, such as `http://collector:4318`; `/v1/traces` is appended. Switches traces on.",
        set: |traces, url| take_url(&mut traces.general.endpoint, url, endpoint::check(url)),
        show: |traces| {
            let base = traces.general.endpoint.as_deref().or(traces.code.endpoint.as_deref());
            base.map(endpoint::shown).unwrap_or_default()
        },
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        default: "",
        secret: false,
        about: "The collector's full URL for spans, used as it is, with its path.",
        set: |traces, url| take_url(&mut traces.own.endpoint, url, endpoint::check_as_is(url)),
        show: |traces| traces.own.endpoint.as_deref().map(endpoint::shown).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        default: "",
        secret: true,
        about: "Headers of every export: `name=value,name=value`, values percent-encoded.",
        set: |traces, text| headers::parse(text).map(|list| traces.general.headers = Some(list)),
        show: |traces| headers::names(traces.general.headers.as_deref().unwrap_or_default()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        default: "",
        secret: true,
        about: "The same for spans only; it replaces the general list.",
        set: |traces, text| headers::parse(text).map(|list| traces.own.headers = Some(list)),
        show: |traces| headers::names(traces.headers()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TIMEOUT",
        default: "10000",
        secret: false,
        about: "One attempt's time, in milliseconds; 0 is without end.",
        set: |traces, text| millis(text).map(|time| traces.general.timeout = Some(time)),
        show: |traces| traces.general.timeout.map(shown_millis).unwrap_or_default(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        default: "10000",
        secret: false,
        about: "The same for spans only.",
        set: |traces, text| millis(text).map(|time| traces.own.timeout = Some(time)),
        show: |traces| shown_millis(traces.attempt_timeout()),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_PROTOCOL",
        default: "http/protobuf",
        secret: false,
        about: "The transport: `http/protobuf`.",
        set: |_, text| check_protocol(text),
        show: |_| "http/protobuf".to_owned(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        default: "http/protobuf",
        secret: false,
        about: "The same for spans only.",
        set: |_, text| check_protocol(text),
        show: |_| "http/protobuf".to_owned(),
    },
];

const COMPRESSION: [Variable<Traces>; 2] = [
    Variable {
        name: "OTEL_EXPORTER_OTLP_COMPRESSION",
        default: "none",
        secret: false,
        about: "Compression of every export: `none`.",
        set: |_, text| check_compression(text),
        show: |_| "none".to_owned(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        default: "none",
        secret: false,
        about: "The same for spans only.",
        set: |_, text| check_compression(text),
        show: |_| "none".to_owned(),
    },
];

const TLS: [Variable<Traces>; 8] = not_served! {
    "OTEL_EXPORTER_OTLP_CERTIFICATE", "The collector's certificate, a file.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "The same for spans only.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_CLIENT_KEY", "The client's key, a file.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "The same for spans only.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "The client's certificate, a file.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "The same for spans only.", "TLS is not built in yet";
    "OTEL_EXPORTER_OTLP_INSECURE", "No TLS for grpc.", "grpc is not built in yet; over HTTP the URL decides";
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE", "The same for spans only.",
        "grpc is not built in yet; over HTTP the URL decides";
};

const BATCH: [Variable<Traces>; 4] = [
    Variable {
        name: "OTEL_BSP_SCHEDULE_DELAY",
        default: "5000",
        secret: false,
        about: "How long a span waits at most for its batch to fill, in milliseconds (500 on a terminal).",
        set: |traces, text| millis(text).map(|delay| traces.batch_delay = Some(delay)),
        show: |traces| shown_millis(traces.delay()),
    },
    Variable {
        name: "OTEL_BSP_EXPORT_TIMEOUT",
        default: "30000",
        secret: false,
        about: "One batch's time over all attempts, in milliseconds; 0 is without end.",
        set: |traces, text| millis(text).map(|time| traces.export_timeout = time),
        show: |traces| shown_millis(traces.export_timeout),
    },
    number!(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "2048",
        "How many finished spans may wait; when full, the newest is dropped and counted.",
        1,
        |traces, spans| traces.queue_size = spans,
        |traces| traces.queue_size.to_string()
    ),
    number!(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "512",
        "How many spans a batch holds; never more than the queue.",
        1,
        |traces, spans| traces.batch_size = spans,
        |traces| traces.pace().batch_size.to_string()
    ),
];

const LIMITS: [Variable<Traces>; 8] = [
    number!(
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes anything may have.",
        0,
        |traces, count| traces.counts.attributes = count,
        |traces| traces.counts.attributes.to_string()
    ),
    number!(
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "How many characters any text attribute may have.",
        0,
        |traces, length| traces.counts.value_length = Some(length),
        |traces| shown_limit(traces.counts.value_length)
    ),
    number!(
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes a span may have.",
        0,
        |traces, count| traces.counts.span_attributes = Some(count),
        |traces| traces.limits().attributes.to_string()
    ),
    number!(
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "",
        "How many characters a span's text attribute may have.",
        0,
        |traces, length| traces.counts.span_value_length = Some(length),
        |traces| shown_limit(traces.limits().value_length)
    ),
    number!(
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "128",
        "How many links a span may have.",
        0,
        |traces, count| traces.counts.links = count,
        |traces| traces.counts.links.to_string()
    ),
    number!(
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes a link may have; ours have none.",
        0,
        |traces, count| traces.counts.link_attributes = count,
        |traces| traces.counts.link_attributes.to_string()
    ),
    number!(
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "128",
        "How many events a span may have; ours are log lines instead, so it has none.",
        0,
        |traces, count| traces.counts.events = count,
        |traces| traces.counts.events.to_string()
    ),
    number!(
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "128",
        "How many attributes an event may have; ours are log lines instead.",
        0,
        |traces, count| traces.counts.event_attributes = count,
        |traces| traces.counts.event_attributes.to_string()
    ),
];

impl Traces {
    /// The rows, by subject.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &{
        let [a, b, c] = CHOICE;
        let [d, e, f, g, h, i, j, k] = TARGET;
        let [l, m] = COMPRESSION;
        let [n, o, p, q, r, s, t, u] = TLS;
        let [v, w, x, y] = BATCH;
        let [z, aa, ab, ac, ad, ae, af, ag] = LIMITS;
        [
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, ab, ac, ad, ae,
            af, ag,
        ]
    };
}

fn set_exporter(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let mut unserved = Vec::new();
    let mut chosen = None;
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "otlp" => chosen = Some(Exporter::Otlp),
            "none" => chosen = chosen.or(Some(Exporter::None)),
            "zipkin" | "console" | "logging" | "otlp/stdout" | "jaeger" => unserved.push(name),
            _ => return Err(Refusal::Expected("otlp or none".to_owned())),
        }
    }
    // What code switched off, the operator may switch on.
    traces.off &= chosen.is_none();
    traces.exporter = chosen.or(traces.exporter);
    if unserved.is_empty() {
        return Ok(());
    }
    Err(Refusal::NotServed(format!(
        "{} is not built in yet and is ignored; otlp is served",
        unserved.join(", ")
    )))
}

fn set_sampler(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let (root, parent_based) = match text.strip_prefix("parentbased_") {
        Some(root) => (root, true),
        None => (text, false),
    };
    let root = match root {
        "always_on" => Root::AlwaysOn,
        "always_off" => Root::AlwaysOff,
        "traceidratio" => Root::TraceIdRatio,
        "jaeger_remote" | "xray" => {
            return Err(Refusal::NotServed(
                "the sampler stays what it was; use parentbased_traceidratio".to_owned(),
            ));
        }
        _ => {
            let choice = "always_on, always_off, traceidratio, or one of them with parentbased_ before it";
            return Err(Refusal::Expected(choice.to_owned()));
        }
    };
    traces.sampler = Some(SamplerName { root, parent_based });
    Ok(())
}

fn set_share(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let share = text.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share));
    traces.sampler_arg = Some(share.ok_or_else(|| Refusal::Expected("a number from 0 to 1".to_owned()))?);
    Ok(())
}

fn sampler_text(name: SamplerName) -> String {
    let before = if name.parent_based { "parentbased_" } else { "" };
    let root = match name.root {
        Root::AlwaysOn => "always_on",
        Root::AlwaysOff => "always_off",
        Root::TraceIdRatio => "traceidratio",
    };
    format!("{before}{root}")
}

/// An address that is not served is kept all the same: spans must not go to another one instead.
fn take_url(slot: &mut Option<String>, url: &str, checked: Result<(), Refusal>) -> Result<(), Refusal> {
    if !matches!(checked, Err(Refusal::Expected(_))) {
        *slot = Some(url.to_owned());
    }
    checked
}

fn check_protocol(text: &str) -> Result<(), Refusal> {
    match text {
        "http/protobuf" => Ok(()),
        "grpc" | "http/json" => {
            Err(Refusal::NotServed(format!("{text} is not built in yet; spans leave as http/protobuf")))
        }
        _ => Err(Refusal::Expected("http/protobuf".to_owned())),
    }
}

fn check_compression(text: &str) -> Result<(), Refusal> {
    match text {
        "none" => Ok(()),
        "gzip" => Err(Refusal::NotServed("gzip is not built in yet; spans leave uncompressed".to_owned())),
        _ => Err(Refusal::Expected("none".to_owned())),
    }
}

fn whole(text: &str, at_least: usize) -> Result<usize, Refusal> {
    let value = text.trim().parse().ok().filter(|value| *value >= at_least);
    value.ok_or_else(|| Refusal::Expected(format!("a whole number from {at_least}")))
}

fn millis(text: &str) -> Result<Duration, Refusal> {
    let millis = text.trim().parse().map_err(|_| Refusal::Expected("a number of milliseconds".to_owned()))?;
    Ok(Duration::from_millis(millis))
}

fn shown_millis(time: Duration) -> String {
    time.as_millis().to_string()
}

fn shown_limit(limit: Option<usize>) -> String {
    limit.map(|limit| limit.to_string()).unwrap_or_default()
}
