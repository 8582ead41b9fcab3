//! The options of what is kept of traces that the sampler left out.

use std::fmt::Write as _;
use std::time::Duration;

use super::Traces;
use crate::context::AddressRange;
use crate::export::whole;
use crate::traces::keep::{KeepRules, MOST_ROUTES};
use crate::variable::{Refusal, Variable, milliseconds, words};

/// What is slow unless another time is chosen.
const SLOW: Duration = Duration::from_millis(1_000);

/// The rows of the variables.
pub(super) const KEEP: &[Variable<Traces>] = &[
    Variable {
        name: "OBSERVABILITY_TRACES_KEEP",
        default: "none",
        about: "Which traces are kept although the sampler left them out: `errors`, `slow`, `rare`, as a list, or `none`.",
        set: set_keep,
        show: |traces| shown_keep(traces),
    },
    Variable {
        name: "OBSERVABILITY_TRACES_KEEP_SLOW",
        default: "",
        about: "From how many milliseconds on a request or a message is `slow` (1000 if it is not set); behind it routes \
                with a time of their own, as `1000,/reports=5000`.",
        set: set_slow,
        show: |traces| shown_slow(traces),
    },
    Variable {
        name: "OBSERVABILITY_TRACES_KEEP_MEMORY",
        default: "16777216",
        about: "How many bytes of traces are held until it is known whether they are kept.",
        set: |traces, text| whole(text, 65_536).map(|bytes| traces.keep.memory = bytes),
        show: |traces| traces.keep.memory.to_string(),
    },
    Variable {
        name: "OBSERVABILITY_TRACES_KEEP_TIME",
        default: "10000",
        about: "For how many milliseconds a trace is held until it is known whether it is kept.",
        set: |traces, text| milliseconds(text).map(|time| traces.keep.set_time(time)),
        show: |traces| traces.keep.time.as_millis().to_string(),
    },
    Variable {
        name: "OBSERVABILITY_TRACES_PEERS",
        default: "",
        about: "The services that keep traces together with this one: hosts, domains such as `.svc.cluster.local`, address \
                ranges such as `10.0.0.0/8`, as a list. Needs the token.",
        set: set_peers,
        show: |traces| traces.peers.trusted.join(","),
    },
    Variable {
        name: "OBSERVABILITY_TRACES_PEERS_TOKEN",
        default: "",
        about: "The bearer token with which they tell each other that a trace is kept; the same in each of them.",
        set: |traces, text| {
            traces.peers.token = Some(text.to_owned());
            Ok(())
        },
        show: |traces| traces.peers.token.clone().unwrap_or_default(),
    },
    Variable {
        name: "OBSERVABILITY_TRACES_PEERS_ADDRESS",
        default: "",
        about: "Host and port at which they reach the admin listener of this process, such as `10.1.2.3:9464`. If it is not \
                set: where it listens, unless that is every address.",
        set: set_peer_address,
        show: |traces| traces.peers.address.clone().unwrap_or_default(),
    },
];

fn shown_keep(traces: &Traces) -> String {
    let KeepRules { errors, slow, rare, .. } = &traces.keep;
    let words = [(*errors, "errors"), (slow.is_some(), "slow"), (*rare, "rare")];
    let words: Vec<_> = words.into_iter().filter_map(|(is_on, word)| is_on.then_some(word)).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(",") }
}

fn shown_slow(traces: &Traces) -> String {
    let KeepRules { slow, slow_routes, .. } = &traces.keep;
    let mut shown = slow.map(|slow| slow.as_millis().to_string()).unwrap_or_default();
    for (route, from) in slow_routes {
        let comma = if shown.is_empty() { "" } else { "," };
        let _ = write!(shown, "{comma}{route}={}", from.as_millis());
    }
    shown
}

fn set_keep(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let (mut errors, mut slow, mut rare) = (false, false, false);
    for word in words(text) {
        match &*word {
            "errors" => errors = true,
            "slow" => slow = true,
            "rare" => rare = true,
            "none" => {}
            _ => return Err(Refusal::expected("a list of errors, slow and rare, or none")),
        }
    }
    traces.keep_is_named = true;
    let keep = &mut traces.keep;
    (keep.errors, keep.rare) = (errors, rare);
    keep.slow = slow.then(|| keep.slow.unwrap_or(SLOW));
    if !slow {
        keep.slow_routes.clear();
    }
    Ok(())
}

/// A time is enough to keep what is slow, unless the other variable names what is kept.
fn set_slow(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let expected =
        || Refusal::expected("a whole number of milliseconds, and routes with their own: 1000,/reports=5000");
    let (mut slow, mut routes) = (None, Vec::new());
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.rsplit_once('=') {
            Some((route, from)) if !route.trim().is_empty() && routes.len() < MOST_ROUTES => {
                routes.push((route.trim().to_owned(), milliseconds(from.trim()).map_err(|_| expected())?));
            }
            None if slow.is_none() => slow = Some(milliseconds(part).map_err(|_| expected())?),
            _ => return Err(expected()),
        }
    }
    if traces.keep_is_named && traces.keep.slow.is_none() {
        return Err(Refusal::Suspicious(
            "it has no effect without `slow` in OBSERVABILITY_TRACES_KEEP".to_owned(),
        ));
    }
    traces.keep.slow = slow.or(traces.keep.slow);
    routes.into_iter().for_each(|(route, from)| traces.keep.set_slow_route(route, from));
    Ok(())
}

fn set_peers(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let mut peers = Vec::new();
    for entry in entries {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if AddressRange::parse(entry).is_none() && !entry.bytes().all(is_name) {
            return Err(Refusal::expected(
                "a list of hosts, domains with a dot before them, and address ranges",
            ));
        }
        peers.push(entry.to_owned());
    }
    traces.peers.trusted = peers;
    Ok(())
}

fn set_peer_address(traces: &mut Traces, text: &str) -> Result<(), Refusal> {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err(Refusal::expected("a host and a port, such as 10.1.2.3:9464"));
    }
    traces.peers.address = Some(text.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(traces: &mut Traces, name: &str, value: &str) -> Result<(), Refusal> {
        let row = KEEP.iter().find(|row| row.name.ends_with(name)).expect("a row");
        (row.set)(traces, value)
    }

    #[test]
    fn what_is_kept_is_a_list_and_nothing_else_is_taken() {
        let mut traces = Traces::new();
        assert_eq!(traces.keep_rules(), None);
        set(&mut traces, "SLOW", "300").unwrap();
        assert_eq!(shown_keep(&traces), "slow", "a time is enough");
        let mut traces = Traces::new();
        set(&mut traces, "KEEP", "errors, slow").unwrap();
        assert_eq!((shown_keep(&traces), shown_slow(&traces)), ("errors,slow".to_owned(), "1000".to_owned()));
        set(&mut traces, "SLOW", "250, /reports/{id}=5000").unwrap();
        assert_eq!(shown_slow(&traces), "250,/reports/{id}=5000");
        for wrong in ["error", "errors slow", "1000"] {
            assert!(matches!(set(&mut traces, "KEEP", wrong), Err(Refusal::Expected(_))), "{wrong}");
        }
        for wrong in ["1s", "-5", "=7", "1000,/a=", "1000,2000", "/a=x"] {
            assert!(matches!(set(&mut traces, "SLOW", wrong), Err(Refusal::Expected(_))), "{wrong}");
        }
        set(&mut traces, "KEEP", "none").unwrap();
        assert_eq!((traces.keep_rules(), shown_keep(&traces)), (None, "none".to_owned()));
        assert!(matches!(set(&mut traces, "SLOW", "500"), Err(Refusal::Suspicious(_))));
    }

    #[test]
    fn the_environment_overrides_what_code_keeps() {
        let mut traces = Traces::new().keep_errors().keep_slow(Duration::from_millis(300)).keep_rare();
        set(&mut traces, "KEEP", "slow").unwrap();
        assert_eq!((shown_keep(&traces), shown_slow(&traces)), ("slow".to_owned(), "300".to_owned()));
        set(&mut traces, "MEMORY", "1048576").unwrap();
        set(&mut traces, "TIME", "60000").unwrap();
        let rules = traces.keep_rules().unwrap();
        assert_eq!((rules.memory, rules.time), (1_048_576, Duration::from_secs(60)));
        let endless = Traces::new().keep_errors().keep_time(Duration::MAX).keep_rules().unwrap();
        assert_eq!(endless.time, Duration::from_secs(86_400), "an instant that can be waited for");
        assert!(set(&mut traces, "MEMORY", "100").is_err(), "too little for one trace");
    }
}
