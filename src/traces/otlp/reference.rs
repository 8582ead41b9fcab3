//! The reference: the same spans as opentelemetry-otlp encodes them.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, Status as OtelStatus, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};

use crate::context::{TraceContext, Tracestate};
use crate::names::schema;
use crate::record::{Kind, Value};
use crate::resource::Resource;
use crate::traces::{Finished, Status};

/// Takes what the library would send.
#[derive(Clone, Debug, Default)]
struct Taken(Arc<Mutex<Bytes>>);

impl Taken {
    fn bytes(&self) -> Bytes {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl HttpClient for Taken {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        *self.0.lock().unwrap() = request.into_body();
        Ok(http::Response::new(Bytes::new()))
    }
}

/// The library's bytes of a batch.
pub(super) async fn encoded(spans: Vec<Finished>, resource: &Resource) -> Bytes {
    let taken = Taken::default();
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(taken.clone())
        .with_endpoint("http://localhost/v1/traces")
        .with_protocol(Protocol::HttpBinary)
        .build()
        .unwrap();
    let attributes = resource.iter().map(|(key, value)| KeyValue::new(key.to_owned(), value.to_owned()));
    let resource = opentelemetry_sdk::Resource::builder_empty().with_schema_url(attributes, schema::url());
    exporter.set_resource(&resource.build());
    exporter.export(spans.into_iter().map(span).collect()).await.unwrap();
    taken.bytes()
}

fn span(span: Finished) -> SpanData {
    let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(schema::url());
    let mut links = SpanLinks::default();
    links.links = span.links.iter().map(link).collect();
    links.dropped_count = span.links_dropped;
    let attributes = span.attributes.into_iter().map(|(name, value)| KeyValue::new(name, self::value(value)));
    SpanData {
        span_context: context(&span.trace, &span.tracestate, false),
        parent_span_id: span.parent.map_or(SpanId::INVALID, |id| SpanId::from(id.value())),
        parent_span_is_remote: span.parent_is_remote,
        span_kind: kind(span.kind),
        name: span.name,
        start_time: span.start.system_time(),
        end_time: span.end.max(span.start).system_time(),
        attributes: attributes.collect(),
        dropped_attributes_count: span.attributes_dropped,
        events: SpanEvents::default(),
        links,
        status: match span.status {
            Status::Unset => OtelStatus::Unset,
            Status::Ok => OtelStatus::Ok,
            Status::Error(description) => OtelStatus::Error { description },
        },
        instrumentation_scope: scope.build(),
    }
}

fn link(trace: &TraceContext) -> Link {
    Link::new(context(trace, &Tracestate::default(), true), Vec::new(), 0)
}

fn context(trace: &TraceContext, tracestate: &Tracestate, remote: bool) -> SpanContext {
    let state =
        if tracestate.as_str().is_empty() { TraceState::NONE } else { tracestate.as_str().parse().unwrap() };
    SpanContext::new(
        TraceId::from(trace.trace_id.value()),
        SpanId::from(trace.span_id.value()),
        TraceFlags::new(trace.flags.byte()),
        remote,
        state,
    )
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
        Kind::Internal => SpanKind::Internal,
    }
}

fn value(value: Value) -> opentelemetry::Value {
    match value {
        Value::Bool(value) => value.into(),
        Value::I64(value) => value.into(),
        Value::U64(value) => i64::try_from(value).map_or_else(|_| value.to_string().into(), Into::into),
        Value::F64(value) => value.into(),
        Value::Str(value) => value.into(),
        Value::List(texts) => {
            let texts = texts.into_iter().map(|text| text.into_owned().into()).collect();
            opentelemetry::Value::Array(opentelemetry::Array::String(texts))
        }
    }
}
