//! The variables of traces: whether and as what spans leave, which traces are recorded, what one span may hold.

use super::keep::KEEP;
use super::{Format, Root, SamplerName, Traces, zipkin};
use crate::export::{masked_url, shown_limit, shown_milliseconds, whole};
use crate::otlp::{batch_rows, endpoint_rows};
use crate::variable::{Refusal, Variable, count, table, words};

/// The rows, by subject.
const GROUPS: &[&[Variable<Traces>]] = &[
    CHOICE,
    KEEP,
    endpoint_rows!(Traces, otlp, "TRACES", "spans"),
    ZIPKIN,
    batch_rows!(Traces, otlp, "BSP", "5000", "a span", "spans"),
    LIMITS,
];

impl Traces {
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &table::<_, { count(GROUPS) }>(GROUPS);
}

const CHOICE: &[Variable<Traces>] = &[
    Variable {
        name: "OTEL_TRACES_EXPORTER",
        default: "otlp",
        about: "Exporter of spans: `otlp`, `zipkin`, `console` (each trace drawn on standard error, for development), \
                `otlp,console`, or `none`. If it is not set, an endpoint turns on traces.",
        set: set_exporter,
        show: |traces| match traces.exporter {
            _ if traces.off => "none".to_owned(),
            Some(format @ (Format::Otlp | Format::Zipkin)) if traces.console => {
                format!("{},console", format.as_str())
            }
            Some(format) => format.as_str().to_owned(),
            None => String::new(),
        },
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER",
        default: "parentbased_always_on",
        about: "Which traces are recorded: `always_on`, `always_off`, `traceidratio`, each also with \
                `parentbased_` before it.",
        set: set_sampler,
        show: |traces| sampler_text(traces.sampler_name()),
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER_ARG",
        default: "1.0",
        about: "The ratio of `traceidratio`, from 0 to 1. Used only with such a sampler.",
        set: set_ratio,
        show: |traces| match traces.sampler_name().root {
            Root::TraceIdRatio => traces.ratio().to_string(),
            Root::AlwaysOn | Root::AlwaysOff => String::new(),
        },
    },
];

const ZIPKIN: &[Variable<Traces>] = &[
    Variable {
        name: "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
        default: zipkin::DEFAULT,
        about: "Zipkin's full URL, with its path. Turns on traces if there is no OTLP endpoint.",
        set: |traces, url| traces.zipkin.set_endpoint(url),
        show: |traces| in_force(traces, || masked_url(traces.zipkin.url()).into_owned()),
    },
    Variable {
        name: "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
        default: "10000",
        about: "Timeout of one attempt to Zipkin, in milliseconds; 0 means no timeout.",
        set: |traces, text| traces.zipkin.set_timeout(text),
        show: |traces| in_force(traces, || shown_milliseconds(traces.zipkin_timeout())),
    },
];

const LIMITS: &[Variable<Traces>] = &[
    Variable {
        name: "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        default: "128",
        about: "Maximum number of attributes of a span.",
        set: |traces, text| whole(text, 0).map(|count| traces.counts.span_attributes = Some(count)),
        show: |traces| traces.limits().attributes.to_string(),
    },
    Variable {
        name: "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default: "",
        about: "Maximum length of a span's text attribute, in characters.",
        set: |traces, text| whole(text, 0).map(|length| traces.counts.span_value_length = Some(length)),
        show: |traces| shown_limit(traces.limits().value_length),
    },
    Variable {
        name: "OTEL_SPAN_LINK_COUNT_LIMIT",
        default: "128",
        about: "Maximum number of links of a span.",
        set: |traces, text| whole(text, 0).map(|count| traces.counts.links = count),
        show: |traces| traces.counts.links.to_string(),
    },
];

/// A value of Zipkin's, empty where spans do not go there.
fn in_force(traces: &Traces, value: impl FnOnce() -> String) -> String {
    if traces.format() == Some(Format::Zipkin) { value() } else { String::new() }
}

fn set_exporter(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let mut ignored = Vec::new();
    let (mut chosen, mut console) = (None, false);
    let names = words(text);
    for name in &names {
        let format = match name.as_str() {
            "otlp" => Format::Otlp,
            "zipkin" => Format::Zipkin,
            "none" => continue,
            "console" => {
                console = true;
                continue;
            }
            "logging" | "otlp/stdout" | "jaeger" => {
                ignored.push(name.as_str());
                continue;
            }
            _ => return Err(Refusal::Expected("otlp, zipkin, console, otlp,console, or none".to_owned())),
        };
        // One receiver of a process: the first that is named.
        if *chosen.get_or_insert(format) != format {
            ignored.push(name.as_str());
        }
    }
    let is_none = || names.iter().any(|name| name == "none");
    let chosen = chosen.or(console.then_some(Format::Console)).or_else(|| is_none().then_some(Format::None));
    if chosen.is_some() {
        traces.console = console;
    }
    // What code switched off, the operator may switch on.
    traces.off &= chosen.is_none();
    traces.exporter = chosen.or(traces.exporter);
    if ignored.is_empty() { Ok(()) } else { Err(Refusal::NotServed(instead(&ignored, chosen))) }
}

fn instead(ignored: &[&str], chosen: Option<Format>) -> String {
    let ignored = ignored.join(", ");
    match chosen {
        Some(Format::Otlp) => {
            format!(
                "{ignored} is ignored, spans leave over OTLP only; a collector sends them on to more places"
            )
        }
        Some(Format::Zipkin) => {
            format!("{ignored} is ignored, spans go to Zipkin only; OTLP to a collector reaches more places")
        }
        Some(Format::Console | Format::None) | None => {
            format!("{ignored} is ignored; otlp, zipkin and console are the exporters built in")
        }
    }
}

fn set_sampler(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let text = text.to_ascii_lowercase();
    let (root, parent_based) = match text.strip_prefix("parentbased_") {
        Some(root) => (root, true),
        None => (text.as_str(), false),
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

fn set_ratio(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let ratio = text.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    traces.sampler_arg = Some(ratio.ok_or_else(|| Refusal::Expected("a number from 0 to 1".to_owned()))?);
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
