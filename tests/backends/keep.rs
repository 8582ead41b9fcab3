//! Traces that matter at one per cent, over the eight services, in the real Jaeger.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use serde_json::Value;

use crate::support::jaeger::{Trace, text};
use crate::support::systems::JAEGER_OTLP;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{Workshop, ask};

/// Through all eight, some of which fail: the provider has a plan.
const BOOKINGS: u64 = 400;
/// Through two of them, without a failure.
const LOOKS: u64 = 1_600;
const CALLERS: u64 = 8;

/// What the services' own lines say of one trace.
#[derive(Debug, Default)]
struct Said {
    services: BTreeSet<String>,
    /// Of requests and messages that have ended.
    spans: BTreeSet<String>,
    matters: bool,
}

fn load(workshop: &Workshop) {
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                for number in (caller..BOOKINGS).step_by(CALLERS as usize) {
                    workshop.ask_for_booking(4_000 + number, &[]);
                }
                for number in (caller..LOOKS).step_by(CALLERS as usize) {
                    let url = format!("{}/vehicles/B-WS-{}", workshop.gateway(), number % 50);
                    ask("GET", &url, &[], None);
                }
            });
        }
    });
}

/// What was said of each trace.
fn traces(lines: &[Value]) -> BTreeMap<String, Said> {
    let failed = ["server_error", "timeout", "panic", "body_error"];
    let mut traces = BTreeMap::<String, Said>::new();
    for line in lines.iter().filter(|line| line["trace_id"].is_string()) {
        let said = traces.entry(text(&line["trace_id"])).or_default();
        said.services.insert(text(&line["service"]));
        let outcome = line["outcome"].as_str();
        if outcome.is_some() {
            said.spans.insert(text(&line["span_id"]));
        }
        said.matters |= line["level"] == "ERROR" || outcome.is_some_and(|outcome| failed.contains(&outcome));
    }
    traces
}

/// What Jaeger lacks of the trace.
async fn missing(trace_id: &str, said: &Said) -> Option<String> {
    let trace = Trace::so_far(trace_id).await;
    let known: BTreeSet<_> = trace.0.iter().map(|span| span.id.clone()).collect();
    let orphans =
        trace.0.iter().filter(|span| !span.parent.is_empty() && !known.contains(&span.parent)).count();
    let services: BTreeSet<_> = trace.services().into_iter().map(str::to_owned).collect();
    let lacks: Vec<_> = said.spans.difference(&known).collect();
    let is_whole = lacks.is_empty() && orphans == 0 && said.services.is_subset(&services);
    (!is_whole).then(|| {
        format!("{trace_id}: {orphans} orphans, without {lacks:?}, of {services:?} instead of {said:?}")
    })
}

#[tokio::test]
async fn at_one_per_cent_every_trace_that_matters_is_whole_over_all_services_and_others_are_not_there() {
    let workshop = Workshop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
        ("OBSERVABILITY_TRACES_KEEP", "errors"),
        ("OBSERVABILITY_TRACES_KEEP_TIME", "120000"),
        ("OBSERVABILITY_TRACES_KEEP_MEMORY", "67108864"),
        ("OBSERVABILITY_TRACES_PEERS", "127.0.0.0/8,localhost"),
        ("OBSERVABILITY_TRACES_PEERS_TOKEN", "hush"),
    ]);
    load(&workshop);
    let admins: Vec<_> = ["gateway", "bookings", "payments", "worker"]
        .map(|service| workshop.addresses(service).admin.clone())
        .to_vec();
    let traces = eventually(SOON, "the messages to be processed, and what they kept", async || {
        let lines: Vec<Value> = workshop.lines().iter().map(|line| line.json()).collect();
        let traces = traces(&lines);
        for (trace_id, said) in traces.iter().filter(|(_, said)| said.matters) {
            if let Some(lack) = missing(trace_id, said).await {
                return Err(lack);
            }
        }
        Ok(traces)
    })
    .await;
    let (matter, others): (Vec<_>, Vec<_>) = traces.iter().partition(|(_, said)| said.matters);
    let mut there = 0;
    for (trace_id, _) in &others {
        there += u32::from(!Trace::so_far(trace_id).await.0.is_empty());
    }
    let messages: Vec<String> = admins.iter().map(|admin| sent(admin)).collect();
    println!(
        "{} traces of {} matter, all of them whole; of the {} others {there} are there; messages: {messages:?}",
        matter.len(),
        traces.len(),
        others.len()
    );
    assert!(matter.len() >= 20, "{}", matter.len());
    assert!(others.len() >= 1_000, "{}", others.len());
    // One per cent, and five standard deviations.
    let expected = others.len() as f64 / 100.0;
    assert!(f64::from(there) <= expected + 5.0 * expected.sqrt(), "{there} of {}", others.len());
}

/// How many messages a service sent about kept traces, and of how many bytes.
fn sent(admin: &str) -> String {
    let page = ask("GET", &format!("{admin}/metrics"), &[], None).body;
    let of = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.unwrap_or_default().trim().to_owned()
    };
    let messages = of("observability_peer_messages_total{direction=\"sent\"}");
    let bytes = of("observability_peer_message_bytes_total{direction=\"sent\"}");
    format!("{messages} of {bytes} bytes")
}
