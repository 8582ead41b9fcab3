//! Metrics over OTLP: what the semantic conventions call each family of the page, its unit, and what kind of instrument it
//! is. A name that no convention has is ours, spelt by their rules.

use super::{label, metric};

/// What a metric measures, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Histogram,
    /// Only rises, from zero at our start.
    Counter,
    /// Only rises, since before our start.
    OlderCounter,
    /// Rises and falls; what several processes have may be added up.
    UpDownCounter,
    Gauge,
}

/// One metric over OTLP.
#[derive(Clone, Copy, Debug)]
pub struct Instrument {
    /// Its family on the page, as in [`metric`].
    pub page: &'static str,
    pub name: &'static str,
    /// In UCUM, as the conventions write units.
    pub unit: &'static str,
    pub kind: Kind,
}

/// The value's type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    Bool,
}

macro_rules! instruments {
    ($($page:ident $kind:ident $unit:literal $name:literal;)+) => {
        /// Every family but `target_info`, which is the resource, in the order of [`metric`].
        pub const TABLE: &[Instrument] = &[
            $(Instrument { page: metric::$page, name: $name, unit: $unit, kind: Kind::$kind }),+
        ];
    };
}

instruments! {
    BREAKER_REJECTED Counter "{call}" "breaker.rejected";
    BREAKER_STATE Gauge "" "breaker.state";
    BREAKER_TRANSITIONS Counter "{transition}" "breaker.transitions";
    CACHE_REQUESTS Counter "{request}" "cache.requests";
    CACHE_STAMPEDES Counter "{stampede}" "cache.stampedes";
    CONTAINER_CPU_LIMIT UpDownCounter "{cpu}" "container.cpu.limit";
    CONTAINER_CPU_PERIODS OlderCounter "{period}" "container.cpu.periods";
    CONTAINER_CPU_THROTTLED OlderCounter "s" "container.cpu.throttled";
    CONTAINER_CPU_THROTTLED_PERIODS OlderCounter "{period}" "container.cpu.throttled_periods";
    CONTAINER_CPU_TIME OlderCounter "s" "container.cpu.time";
    CONTAINER_MEMORY_AVAILABLE UpDownCounter "By" "container.memory.available";
    CONTAINER_MEMORY_LIMIT UpDownCounter "By" "container.memory.limit";
    CONTAINER_PRESSURE_STALLED OlderCounter "s" "container.pressure.stalled";
    CONTAINER_PRESSURE_WAITING OlderCounter "s" "container.pressure.waiting";
    DB_CLIENT_CONNECTION_COUNT UpDownCounter "{connection}" "db.client.connection.count";
    DB_CLIENT_CONNECTION_LIMIT UpDownCounter "{connection}" "db.client.connection.limit";
    DB_CLIENT_CONNECTION_MAX UpDownCounter "{connection}" "db.client.connection.max";
    DB_CLIENT_CONNECTION_PENDING_REQUESTS UpDownCounter "{request}" "db.client.connection.pending_requests";
    DB_CLIENT_CONNECTION_TIMEOUTS Counter "{timeout}" "db.client.connection.timeouts";
    DB_CLIENT_CONNECTION_WAIT_TIME Histogram "s" "db.client.connection.wait_time";
    DB_CLIENT_OPERATION_DURATION Histogram "s" "db.client.operation.duration";
    HTTP_CLIENT_BODY_ERRORS Counter "{error}" "http.client.response.body.errors";
    HTTP_CLIENT_REQUEST_DURATION Histogram "s" "http.client.request.duration";
    HTTP_SERVER_ACTIVE_REQUESTS UpDownCounter "{request}" "http.server.active_requests";
    HTTP_SERVER_REQUEST_DURATION Histogram "s" "http.server.request.duration";
    MESSAGES_DUPLICATE Counter "{message}" "messages.duplicate";
    MESSAGES_OUT_OF_ORDER Counter "{message}" "messages.out_of_order";
    MESSAGES_WAIT_DURATION Histogram "s" "messages.wait.duration";
    MESSAGING_CLIENT_CONSUMED_MESSAGES Counter "{message}" "messaging.client.consumed.messages";
    MESSAGING_CLIENT_OPERATION_DURATION Histogram "s" "messaging.client.operation.duration";
    MESSAGING_CLIENT_SENT_MESSAGES Counter "{message}" "messaging.client.sent.messages";
    MESSAGING_PROCESS_DURATION Histogram "s" "messaging.process.duration";
    OBSERVABILITY_LOG_LEFT_OUT Counter "{log_record}" "observability.log.left_out";
    OBSERVABILITY_LOG_QUEUE_BYTES UpDownCounter "By" "observability.log.queue";
    OBSERVABILITY_LOG_QUEUE_CAPACITY UpDownCounter "By" "observability.log.queue.capacity";
    OBSERVABILITY_LOG_SHORTENED Counter "{line}" "observability.log.lines.shortened";
    OBSERVABILITY_SPANS_SHORTENED Counter "{span}" "observability.spans.shortened";
    OBSERVABILITY_LOG_RECORDS_SHORTENED Counter "{log_record}" "observability.log.records.shortened";
    OBSERVABILITY_METRICS_REFUSED Counter "{metric}" "observability.metrics.refused";
    OBSERVABILITY_SPANS_DISCARDED Counter "{span}" "observability.spans.discarded";
    OBSERVABILITY_SPANS_HELD UpDownCounter "{span}" "observability.spans.held";
    OBSERVABILITY_SPANS_HELD_BYTES UpDownCounter "By" "observability.spans.held_bytes";
    OBSERVABILITY_SPANS_HELD_CAPACITY UpDownCounter "By" "observability.spans.held.capacity";
    OBSERVABILITY_TRACES_KEPT Counter "{trace}" "observability.traces.kept";
    OBSERVABILITY_PEER_BYTES Counter "By" "observability.peer.message";
    OBSERVABILITY_PEER_MESSAGES Counter "{message}" "observability.peer.messages";
    OBSERVABILITY_REPORTS_CREATED Counter "{report}" "observability.reports.created";
    OBSERVABILITY_REPORTS_EXPORTED Counter "{report}" "observability.reports.exported";
    OBSERVABILITY_REPORTS_LEFT_OUT Counter "{report}" "observability.reports.left_out";
    OBSERVABILITY_REPORTS_PROCESSED Counter "{report}" "observability.reports.processed";
    OBSERVABILITY_REPORTS_QUEUE_CAPACITY UpDownCounter "{report}" "observability.reports.queue.capacity";
    OBSERVABILITY_REPORTS_QUEUE_SIZE UpDownCounter "{report}" "observability.reports.queue.size";
    OBSERVABILITY_REPORTS_SHORTENED Counter "{report}" "observability.reports.shortened";
    OBSERVABILITY_ROUTE_PRIORITY Gauge "" "observability.route.priority";
    OTEL_SDK_EXPORTER_LOG_EXPORTED Counter "{log_record}" "otel.sdk.exporter.log.exported";
    OTEL_SDK_EXPORTER_POINT_EXPORTED Counter "{data_point}" "otel.sdk.exporter.metric_data_point.exported";
    OTEL_SDK_EXPORTER_POINT_INFLIGHT UpDownCounter "{data_point}" "otel.sdk.exporter.metric_data_point.inflight";
    OTEL_SDK_EXPORTER_SPAN_EXPORTED Counter "{span}" "otel.sdk.exporter.span.exported";
    OTEL_SDK_LOG_CREATED Counter "{log_record}" "otel.sdk.log.created";
    OTEL_SDK_PROCESSOR_LOG_PROCESSED Counter "{log_record}" "otel.sdk.processor.log.processed";
    OTEL_SDK_PROCESSOR_LOG_QUEUE_CAPACITY UpDownCounter "{log_record}" "otel.sdk.processor.log.queue.capacity";
    OTEL_SDK_PROCESSOR_LOG_QUEUE_SIZE UpDownCounter "{log_record}" "otel.sdk.processor.log.queue.size";
    OTEL_SDK_PROCESSOR_SPAN_PROCESSED Counter "{span}" "otel.sdk.processor.span.processed";
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY UpDownCounter "{span}" "otel.sdk.processor.span.queue.capacity";
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE UpDownCounter "{span}" "otel.sdk.processor.span.queue.size";
    OTEL_SDK_SPAN_STARTED Counter "{span}" "otel.sdk.span.started";
    PROCESS_CPU OlderCounter "s" "process.cpu.time";
    PROCESS_MAX_FDS UpDownCounter "{file_descriptor}" "process.max_fds";
    PROCESS_NETWORK_RECEIVED OlderCounter "By" "process.network.receive";
    PROCESS_NETWORK_TRANSMITTED OlderCounter "By" "process.network.transmit";
    PROCESS_OPEN_FDS UpDownCounter "{file_descriptor}" "process.unix.file_descriptor.count";
    PROCESS_RESIDENT_MEMORY UpDownCounter "By" "process.memory.usage";
    PROCESS_START_TIME Gauge "s" "process.start_time";
    PROCESS_THREADS UpDownCounter "{thread}" "process.thread.count";
    PROCESS_VIRTUAL_MEMORY UpDownCounter "By" "process.memory.virtual";
    PROCESS_VIRTUAL_MEMORY_MAX UpDownCounter "By" "process.virtual_memory.max";
    QUEUE_DEPTH UpDownCounter "{message}" "queue.depth";
    QUEUE_OLDEST_MESSAGE_AGE Gauge "s" "queue.oldest_message_age";
    QUEUE_READ_FAILURES Counter "{failure}" "queue.read_failures";
    RETRIES Counter "{decision}" "retries";
    RPC_CLIENT_CALL_DURATION Histogram "s" "rpc.client.call.duration";
    RPC_SERVER_CALL_DURATION Histogram "s" "rpc.server.call.duration";
    SYSTEM_FILESYSTEM_LIMIT UpDownCounter "By" "system.filesystem.limit";
    SYSTEM_FILESYSTEM_USAGE UpDownCounter "By" "system.filesystem.usage";
    TOKIO_ALIVE_TASKS UpDownCounter "{task}" "tokio.alive_tasks";
    TOKIO_GLOBAL_QUEUE_DEPTH UpDownCounter "{task}" "tokio.global_queue_depth";
    TOKIO_WORKERS UpDownCounter "{thread}" "tokio.workers";
    TOKIO_WORKERS_BUSY OlderCounter "s" "tokio.workers.busy";
    WORK_DURATION Histogram "s" "work.duration";
}

/// The attributes whose names are not their labels': the label, the attribute, its type.
pub const ATTRIBUTES: &[(&str, &str, Type)] = &[
    (label::DB_CLIENT_CONNECTION_POOL_NAME, "db.client.connection.pool.name", Type::Text),
    (label::DB_CLIENT_CONNECTION_STATE, "db.client.connection.state", Type::Text),
    (label::DB_COLLECTION_NAME, "db.collection.name", Type::Text),
    (label::DB_NAMESPACE, "db.namespace", Type::Text),
    (label::DB_OPERATION_NAME, "db.operation.name", Type::Text),
    (label::DB_QUERY_SUMMARY, "db.query.summary", Type::Text),
    (label::DB_RESPONSE_STATUS_CODE, "db.response.status_code", Type::Text),
    (label::DB_SYSTEM_NAME, "db.system.name", Type::Text),
    (label::ERROR_TYPE, "error.type", Type::Text),
    (label::HTTP_REQUEST_METHOD, "http.request.method", Type::Text),
    (label::HTTP_RESPONSE_STATUS_CODE, "http.response.status_code", Type::Int),
    (label::HTTP_ROUTE, "http.route", Type::Text),
    (label::MESSAGING_CONSUMER_GROUP_NAME, "messaging.consumer.group.name", Type::Text),
    (label::MESSAGING_DESTINATION_NAME, "messaging.destination.name", Type::Text),
    (label::MESSAGING_OPERATION_NAME, "messaging.operation.name", Type::Text),
    (label::MESSAGING_OPERATION_TYPE, "messaging.operation.type", Type::Text),
    (label::MESSAGING_SYSTEM, "messaging.system", Type::Text),
    (label::MESSAGING_SYSTEM_NAME, "messaging.system.name", Type::Text),
    (label::NETWORK_PROTOCOL_VERSION, "network.protocol.version", Type::Text),
    (label::OTEL_COMPONENT_NAME, "otel.component.name", Type::Text),
    (label::OTEL_COMPONENT_TYPE, "otel.component.type", Type::Text),
    (label::OTEL_METRIC_OVERFLOW, "otel.metric.overflow", Type::Bool),
    (label::OTEL_SPAN_SAMPLING_RESULT, "otel.span.sampling_result", Type::Text),
    (label::RPC_METHOD, "rpc.method", Type::Text),
    (label::RPC_RESPONSE_STATUS_CODE, "rpc.response.status_code", Type::Text),
    (label::RPC_STATUS_CODE, "rpc.status_code", Type::Text),
    (label::RPC_SYSTEM_NAME, "rpc.system.name", Type::Text),
    (label::SERVER_ADDRESS, "server.address", Type::Text),
    (label::SERVER_PORT, "server.port", Type::Int),
    (label::SYSTEM_FILESYSTEM_STATE, "system.filesystem.state", Type::Text),
    (label::URL_SCHEME, "url.scheme", Type::Text),
    (label::WORK_KIND, "work.kind", Type::Text),
    (label::WORK_NAME, "work.name", Type::Text),
];

/// The instrument of a family of this crate's, whose name is without the `_total` of a counter.
#[cfg(feature = "otlp")]
pub(crate) fn of(family: &str) -> Option<&'static Instrument> {
    TABLE.iter().find(|known| known.page.strip_suffix("_total").unwrap_or(known.page) == family)
}

/// The attribute of a label of this crate's.
#[cfg(feature = "otlp")]
pub(crate) fn attribute(label: &str) -> Option<(&'static str, Type)> {
    ATTRIBUTES.iter().find(|(known, ..)| *known == label).map(|(_, name, of)| (*name, *of))
}
