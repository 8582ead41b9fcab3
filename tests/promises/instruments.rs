//! Promise: a metric over OTLP has the name, the unit and the type that the semantic conventions give it; and what they have
//! no name for is listed here as ours, spelt by their rules.

use std::collections::BTreeSet;

use tower_observability::names::instrument::{ATTRIBUTES, Kind, TABLE, Type};
use tower_observability::names::{label, metric};

/// The conventions of version 1.45 (of `db.client.connection.max` 1.44): name, unit, instrument.
const CONVENTIONS: &str = "\
container.cpu.time s counter
container.memory.available By updowncounter
db.client.connection.count {connection} updowncounter
db.client.connection.limit {connection} updowncounter
db.client.connection.max {connection} updowncounter
db.client.connection.pending_requests {request} updowncounter
db.client.connection.timeouts {timeout} counter
db.client.connection.wait_time s histogram
db.client.operation.duration s histogram
http.client.request.duration s histogram
http.server.active_requests {request} updowncounter
http.server.request.duration s histogram
messaging.client.consumed.messages {message} counter
messaging.client.operation.duration s histogram
messaging.client.sent.messages {message} counter
messaging.process.duration s histogram
otel.sdk.exporter.log.exported {log_record} counter
otel.sdk.exporter.metric_data_point.exported {data_point} counter
otel.sdk.exporter.metric_data_point.inflight {data_point} updowncounter
otel.sdk.exporter.span.exported {span} counter
otel.sdk.log.created {log_record} counter
otel.sdk.processor.log.processed {log_record} counter
otel.sdk.processor.log.queue.capacity {log_record} updowncounter
otel.sdk.processor.log.queue.size {log_record} updowncounter
otel.sdk.processor.span.processed {span} counter
otel.sdk.processor.span.queue.capacity {span} updowncounter
otel.sdk.processor.span.queue.size {span} updowncounter
otel.sdk.span.started {span} counter
process.cpu.time s counter
process.memory.usage By updowncounter
process.memory.virtual By updowncounter
process.thread.count {thread} updowncounter
process.unix.file_descriptor.count {file_descriptor} updowncounter
rpc.client.call.duration s histogram
rpc.server.call.duration s histogram
system.filesystem.limit By updowncounter
system.filesystem.usage By updowncounter";

/// Attributes of the conventions.
const ATTRIBUTES_OF_CONVENTIONS: &str = "\
db.client.connection.pool.name db.client.connection.state db.collection.name db.namespace db.operation.name db.query.summary
db.response.status_code db.system.name error.type http.request.method http.response.status_code http.route
messaging.consumer.group.name messaging.destination.name messaging.operation.name messaging.operation.type messaging.system messaging.system.name
network.protocol.version otel.component.name otel.component.type otel.metric.overflow otel.span.sampling_result rpc.method
rpc.response.status_code rpc.status_code rpc.system.name server.address server.port system.filesystem.state url.scheme";

/// Metrics of ours.
const OURS: &str = "\
breaker.rejected breaker.state breaker.transitions cache.requests cache.stampedes container.cpu.limit container.cpu.periods
container.cpu.throttled container.cpu.throttled_periods container.memory.limit container.pressure.stalled
container.pressure.waiting http.client.response.body.errors messages.duplicate messages.out_of_order messages.wait.duration
observability.log.left_out observability.log.lines.shortened observability.log.queue observability.log.queue.capacity
observability.log.records.shortened observability.metrics.refused observability.peer.message observability.peer.messages
observability.reports.created observability.reports.exported observability.reports.left_out observability.reports.processed
observability.reports.queue.capacity observability.reports.queue.size observability.reports.shortened
observability.route.priority observability.spans.discarded observability.spans.held observability.spans.held.capacity
observability.spans.held_bytes observability.spans.shortened observability.traces.kept process.max_fds
process.network.receive process.network.transmit process.start_time process.virtual_memory.max queue.depth
queue.oldest_message_age queue.read_failures retries tokio.alive_tasks tokio.global_queue_depth tokio.workers
tokio.workers.busy work.duration";

/// Attributes of ours: those with a dot, and the labels that are called the same on the page.
const OUR_ATTRIBUTES: &str =
    "breaker cache direction path priority queue reason resource result retry state work.kind work.name";

fn words(text: &str) -> BTreeSet<&str> {
    text.split_whitespace().collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Histogram => "histogram",
        Kind::Counter | Kind::OlderCounter => "counter",
        Kind::UpDownCounter => "updowncounter",
        Kind::Gauge => "gauge",
    }
}

#[test]
fn every_metric_is_one_of_the_conventions_or_listed_as_ours() {
    let conventions: BTreeSet<_> = CONVENTIONS.lines().collect();
    let ours = words(OURS);
    let (mut kept, mut listed) = (0, BTreeSet::new());
    for instrument in TABLE {
        let row = format!("{} {} {}", instrument.name, instrument.unit, kind(instrument.kind));
        if conventions.contains(row.as_str()) {
            kept += 1;
        } else {
            assert!(ours.contains(instrument.name), "{row} is neither of the conventions nor ours");
            listed.insert(instrument.name);
        }
    }
    assert_eq!((kept, listed), (conventions.len(), ours));
}

#[test]
fn every_family_of_the_page_is_a_metric_over_otlp_and_each_name_is_there_once() {
    let families: Vec<_> =
        metric::TABLE.iter().map(|(name, _)| *name).filter(|name| *name != metric::TARGET_INFO).collect();
    let shown: Vec<_> = TABLE.iter().map(|instrument| instrument.page).collect();
    assert_eq!(shown.iter().collect::<BTreeSet<_>>(), families.iter().collect::<BTreeSet<_>>());
    let names: BTreeSet<_> = TABLE.iter().map(|instrument| instrument.name).collect();
    assert_eq!((names.len(), shown.len()), (TABLE.len(), families.len()));
    for (instrument, (_, about)) in
        TABLE.iter().map(|one| (one, metric::TABLE.iter().find(|(name, _)| *name == one.page).unwrap()))
    {
        let is_counter = matches!(instrument.kind, Kind::Counter | Kind::OlderCounter);
        assert_eq!(about.starts_with("Counter"), is_counter, "{}", instrument.name);
        assert_eq!(about.starts_with("Histogram"), instrument.kind == Kind::Histogram, "{}", instrument.name);
        assert_eq!(
            about.contains("seconds:") || about.contains("Unix seconds"),
            instrument.unit == "s",
            "{}",
            instrument.name
        );
        assert_eq!(about.contains(", bytes:"), instrument.unit == "By", "{}", instrument.name);
    }
}

#[test]
fn every_attribute_is_one_of_the_conventions_or_listed_as_ours() {
    let known: BTreeSet<_> = ATTRIBUTES.iter().map(|(label, ..)| *label).collect();
    let plain = label::TABLE.iter().map(|(name, _)| *name).filter(|name| !known.contains(name));
    let all: BTreeSet<_> = ATTRIBUTES.iter().map(|(_, name, _)| *name).chain(plain).collect();
    let expected = words(ATTRIBUTES_OF_CONVENTIONS).into_iter().chain(words(OUR_ATTRIBUTES));
    assert_eq!(all, expected.collect());
    for (label, name, of) in ATTRIBUTES {
        assert_eq!(*label, name.replace('.', "_"), "a label is its attribute as Prometheus spells it");
        let is_number = ["http.response.status_code", "server.port"].contains(name);
        assert_eq!(*of == Type::Int, is_number, "{name}");
        assert_eq!(*of == Type::Bool, *name == "otel.metric.overflow", "{name}");
    }
}
