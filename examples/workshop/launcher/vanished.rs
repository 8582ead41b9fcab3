//! `--vanished`: "my data is gone", and no log has an error.
//!
//! Known are a customer's id and a time. Each step asks the telemetry with what the step before has answered.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::children::Workshop;
use super::customers::{Complaint, Crowd};
use super::environment::Environment;
use super::evidence::{Evidence, Row, Span, time_of_day};
use super::output::Output;
use super::query::ask;
use super::trace::Trace;
use super::{files, paint, red};
use crate::plumbing::BoxError;
use crate::screen::show;

/// What happened before somebody looked into the telemetry.
struct Day {
    complaint: Complaint,
    requests: u64,
    seconds: f64,
}

/// Lets customers come until one's data is gone, then looks for the cause; writes what was heard of it into a folder, if one
/// is named.
pub(crate) async fn vanished(folder: Option<&Path>) -> Result<(), BoxError> {
    let evidence = Arc::new(Evidence::default());
    let day = Workshop::run(Environment::Viewer, Output::Kept(evidence.clone()), async |workshop| {
        let crowd = Crowd::new(workshop.gateway(""));
        let begun = Instant::now();
        let complaint = crowd.spend_the_day().await?.ok_or("no data vanished this time")?;
        workshop.scrape(&evidence).await?;
        Ok(Day { complaint, requests: crowd.asked(), seconds: begun.elapsed().as_secs_f64() })
    })
    .await?;
    show!("{} requests in {:.1} s, then a call:\n", day.requests, day.seconds);
    let trace_id = investigate(&evidence, &day.complaint, day.seconds)?;
    if let Some(folder) = folder {
        files::write(&evidence, &trace_id, folder)?;
        let at = folder.display();
        show!("\nAll of it on one page, with the skeleton of a report:\n");
        show!("  observability evidence --trace {trace_id} --traces file:{at}/trace.json \\");
        show!("    --logs file:{at}/lines.json --out {at}/evidence.html");
    }
    Ok(())
}

/// The trace that wrote the old data.
fn investigate(evidence: &Evidence, complaint: &Complaint, seconds: f64) -> Result<String, BoxError> {
    let Complaint { customer_id, at } = complaint;
    let time = &time_of_day(*at)[..8];
    show!(
        "  {time}, customer {customer_id}: \"I changed my phone number and saw it. Now an old one is back!\""
    );

    step(1, "Is anything broken?");
    show!("");
    let samples = evidence.samples();
    red::print(&samples, Some(seconds));
    let failing = red::failing(&samples);
    if failing.iter().any(|route| ["customer", "profile"].iter().any(|word| route.contains(word))) {
        return Err("what touches customers fails: another story than this one".into());
    }
    let failing = if failing.is_empty() { "Nothing.".to_owned() } else { failing.join(", ") };
    say(&format!("With errors: {failing}. Nothing that touches a customer or a profile."));
    no_error(evidence, *customer_id, time)?;
    say("No service has logged a problem with this customer.");

    what_the_customer_saw(evidence, *customer_id, time)?;
    let newest = newest_change(evidence, *customer_id, time)?;
    let (last, best) = written_backwards(evidence, *customer_id, time, &newest)?;
    let deliveries = trace_of(evidence, &last)?;

    step(6, "Is it only this customer?");
    let query = "samples where name=messages_out_of_order_total and messaging_destination_name=customers \
                 show service name value";
    let late = ask(evidence, query)?;
    let count = late.first().ok_or("the metrics do not know of late messages")?.get("value").to_owned();
    say(&format!(
        "{count} messages came when a newer one of their customer had been processed; each has overwritten data."
    ));
    conclude(*customer_id, &last, &best, &deliveries);
    Ok(last.get("trace_id").to_owned())
}

fn no_error(evidence: &Evidence, customer_id: u64, time: &str) -> Result<(), BoxError> {
    for level in ["ERROR", "WARN"] {
        let query = format!(
            "lines where customer_id={customer_id} and level={level} around {time} show time service message"
        );
        if !ask(evidence, &query)?.is_empty() {
            return Err("there is a complaint in the log: another story than this one".into());
        }
    }
    Ok(())
}

fn what_the_customer_saw(evidence: &Evidence, customer_id: u64, time: &str) -> Result<(), BoxError> {
    step(2, "What did the customer see?");
    let query = format!(
        "lines where customer_id={customer_id} and service=worker and route=/profiles/{{id}} around {time} \
         show time message customer_version"
    );
    let looks = ask(evidence, &query)?;
    let (last, best) = (looks.last().map(version), looks.iter().map(version).max());
    match last.zip(best) {
        Some((last, best)) if last < best => {
            say(&format!("The customer is right: first version {best}, at last version {last}."));
            Ok(())
        }
        _ => Err("the profile never went back: the customer is mistaken".into()),
    }
}

/// What the book of customers knows.
fn newest_change(evidence: &Evidence, customer_id: u64, time: &str) -> Result<Row, BoxError> {
    step(3, "Did the change arrive?");
    let query = format!(
        "lines where customer_id={customer_id} and message=customer changed around {time} show time service customer_version event_id"
    );
    let changes = ask(evidence, &query)?;
    let newest = changes.into_iter().max_by_key(version).ok_or("no change arrived")?;
    say(&format!(
        "Yes: version {} is the newest, and the database has it. But the customer sees the profile, which the worker writes.",
        newest.get("customer_version")
    ));
    Ok(newest)
}

/// The profile's last write, and the one that it undid.
fn written_backwards(
    evidence: &Evidence,
    customer_id: u64,
    time: &str,
    newest: &Row,
) -> Result<(Row, Row), BoxError> {
    step(4, "Who wrote the profile, and what?");
    let query = format!(
        "lines where customer_id={customer_id} and message=profile written around {time} show time service customer_version event_id"
    );
    let mut writes = ask(evidence, &query)?;
    let last = writes.pop().ok_or("no line says who wrote the profile")?;
    let best = writes.into_iter().rfind(|write| write.is("event_id", newest.get("event_id")));
    let best = best.ok_or("the newest version was never written")?;
    if version(&last) >= version(&best) {
        return Err("the last write is the newest version: the profile is right".into());
    }
    say(&format!(
        "Version {} was there. Then version {} was written over it.",
        best.get("customer_version"),
        last.get("customer_version")
    ));
    Ok((last, best))
}

/// The spans in which the overwriting event was processed: more than one, and all went well.
fn trace_of(evidence: &Evidence, last: &Row) -> Result<Vec<Row>, BoxError> {
    step(5, "Where did the old version come from? The trace of that last line:");
    let trace_id = last.get("trace_id");
    let query = format!("spans where trace_id={trace_id}");
    ask(evidence, &query)?;
    let spans: Vec<Span> =
        evidence.spans().into_iter().filter(|span| span.row.is("trace_id", trace_id)).collect();
    Trace { id: trace_id.to_owned(), spans }.print();
    let query = format!(
        "spans where event_id={} show time service name delivery observability.outcome \
         observability.message.newer_version",
        last.get("event_id")
    );
    let deliveries = ask(evidence, &query)?;
    let again =
        deliveries.iter().any(|span| span.is("span_id", last.get("span_id")) && !span.is("delivery", "1"));
    if deliveries.len() < 2 || !again {
        return Err("the event came only once: something else wrote".into());
    }
    if deliveries.iter().any(|span| span.is("error", "yes")) {
        return Err("processing the event failed: not this story".into());
    }
    let is_told = deliveries.iter().any(|span| !span.get("observability.message.newer_version").is_empty());
    if !is_told {
        return Err("no span says that a newer version had been processed".into());
    }
    say(
        "One event, processed more than once, each time with success; the last time a newer version had been processed.",
    );
    Ok(deliveries)
}

fn conclude(customer_id: u64, last: &Row, best: &Row, deliveries: &[Row]) {
    let (old, new) = (last.get("customer_version"), best.get("customer_version"));
    let (event, times) = (last.get("event_id"), deliveries.len());
    let (when, before) = (&last.get("time")[..12], &best.get("time")[..12]);
    show!(
        "\n{} the queue delivered CustomerUpdated {event} of customer {customer_id}, version {old}, {times} times, \
         and the worker, which does not compare versions, wrote it at {when} over version {new} of {before}.",
        paint::bold("Cause:")
    );
    show!(
        "Nothing failed, so nothing was logged as an error. Who watches messages_out_of_order_total knows of it before \
         the customer calls. The remedy is in services/worker.rs."
    );
}

fn version(row: &Row) -> u64 {
    row.get("customer_version").parse().unwrap_or_default()
}

fn step(number: u8, question: &str) {
    show!("\n{}", paint::bold(&format!("{number}. {question}")));
}

fn say(text: &str) {
    show!("  → {text}");
}
