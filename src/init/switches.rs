//! What can be changed while the process runs, and how: the switches of the admin listener.

use crate::admin::{Change, Switch, Switches};
use crate::config::Config;
use crate::record::{Detailed, Route};
use crate::signals::Signals;

use super::messages::say;

/// The names of so many routes are shown to who asked for one that does not exist.
const MOST_SHOWN: usize = 20;

/// The switches over these signals.
pub(super) fn switches(signals: &'static Signals, config: &Config) -> Switches {
    let sampler = [config.value("OTEL_TRACES_SAMPLER"), config.value("OTEL_TRACES_SAMPLER_ARG")];
    let switches = vec![
        Switch {
            name: "log_level",
            about: "which lines are written, as in RUST_LOG: info,my_crate=debug",
            configured: signals.lines.level(),
            change: Box::new(move |level| signals.lines.change_level(level)),
        },
        Switch {
            name: "ok_lines",
            about: "the share of requests that ended well which have a line, 0 to 1",
            configured: config.value("OBSERVABILITY_LOG_OK_SHARE").to_owned(),
            change: Box::new(move |share| {
                let share = share.map(read_share).transpose()?;
                Ok(Box::new(move || signals.lines.set_ok_share(share)))
            }),
        },
        Switch {
            name: "traces",
            about: "the share of the traces beginning here that is sampled, 0 to 1; a caller's decision is followed as before",
            configured: sampler.join(" ").trim().to_owned(),
            change: Box::new(move |share| traces(signals, share)),
        },
        Switch {
            name: "route",
            about: "a route, or a method of gRPC, of which every request has its trace, its line and the DEBUG events within",
            configured: "none".to_owned(),
            change: Box::new(move |route| detailed(signals, route)),
        },
    ];
    Switches::new(switches, |text| say(signals, tracing::Level::INFO, format_args!("{text}")))
}

fn read_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("a share from 0 to 1, such as 0.1, not `{text}`"))
}

fn traces(signals: &'static Signals, share: Option<&str>) -> Result<Change, String> {
    let share = share.map(read_share).transpose()?;
    if share.is_some() && !signals.spans.is_on() {
        return Err("no value, because traces are off; OTEL_EXPORTER_OTLP_ENDPOINT turns them on".to_owned());
    }
    Ok(Box::new(move || signals.spans.set_share(share)))
}

fn detailed(signals: &'static Signals, route: Option<&str>) -> Result<Change, String> {
    let known = |text: &str| Route::known(text).ok_or_else(|| no_route(text));
    let route = route.map(known).transpose()?;
    let detailed = route.map(|route| Detailed { route, is_recorded: signals.spans.is_on() });
    Ok(Box::new(move || signals.lines.set_detailed(detailed)))
}

/// A misspelt route would be waited for in vain.
fn no_route(text: &str) -> String {
    // The callees of clients are among them.
    let routes = Route::all().into_iter().filter(|route| route.contains('/'));
    let known: Vec<_> = routes.take(MOST_SHOWN).collect();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    format!("a route that was requested before ({known}), not `{text}`")
}
