//! The variables that choose: whether spans leave at all, and which traces are recorded.

use crate::traces::Traces;
use crate::traces::options::{Format, Root, SamplerName};
use crate::variable::{Refusal, Variable};

pub(super) const CHOICE: [Variable<Traces>; 3] = [
    Variable {
        name: "OTEL_TRACES_EXPORTER",
        default: "otlp",
        secret: false,
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
        about: "The ratio of `traceidratio`, from 0 to 1. Used only with such a sampler.",
        set: set_share,
        show: |traces| match traces.sampler_name().root {
            Root::TraceIdRatio => traces.share().to_string(),
            Root::AlwaysOn | Root::AlwaysOff => String::new(),
        },
    },
];

fn set_exporter(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let mut ignored = Vec::new();
    let (mut chosen, mut console) = (None, false);
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let format = match name {
            "otlp" => Format::Otlp,
            "zipkin" => Format::Zipkin,
            "none" => continue,
            "console" => {
                console = true;
                continue;
            }
            "logging" | "otlp/stdout" | "jaeger" => {
                ignored.push(name);
                continue;
            }
            _ => return Err(Refusal::Expected("otlp, zipkin, console, otlp,console, or none".to_owned())),
        };
        // One receiver of a process: the first that is named.
        if *chosen.get_or_insert(format) != format {
            ignored.push(name);
        }
    }
    let is_none = || text.split(',').any(|name| name.trim() == "none");
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
