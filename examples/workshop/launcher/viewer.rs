//! The viewer's receiver: OTLP over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use prost::Message;
use tokio::net::TcpListener;

use super::evidence::{Evidence, Row, Span, time_of_day};
use super::otlp::{self, Code, Export, KeyValue, Value};
use crate::plumbing::BoxError;

/// Starts it on a free port; what comes in goes to the evidence. Returns the endpoint.
pub(super) async fn start(evidence: Arc<Evidence>) -> Result<String, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/v1/traces", post(receive))
        .layer(DefaultBodyLimit::max(64 << 20))
        .with_state(evidence);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(endpoint)
}

/// An empty answer is a whole success in protobuf.
async fn receive(State(evidence): State<Arc<Evidence>>, body: Bytes) -> StatusCode {
    let Ok(export) = Export::decode(body) else { return StatusCode::BAD_REQUEST };
    for resource in export.resource_spans {
        let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let service = attributes.iter().find(|one| one.key == "service.name").map(text).unwrap_or_default();
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        evidence.add_spans(spans.map(|span| span_of(&service, &span)));
    }
    StatusCode::OK
}

fn span_of(service: &str, span: &otlp::Span) -> Span {
    let start = (span.start_time_unix_nano / 1_000) as i64;
    let mut row = Row::default();
    for attribute in &span.attributes {
        row.set(&attribute.key, text(attribute));
    }
    row.set("service", service);
    row.set("name", &span.name);
    row.set("kind", format!("{:?}", span.kind()).to_lowercase());
    row.set("trace_id", hex(&span.trace_id));
    row.set("span_id", hex(&span.span_id));
    row.set("parent", hex(&span.parent_span_id));
    row.set("time", time_of_day(start));
    let failed = span.status.as_ref().is_some_and(|status| status.code() == Code::Error);
    row.set("error", if failed { "yes" } else { "no" });
    let micros = (span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) / 1_000) as i64;
    Span { start, micros, row }
}

fn text(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Truth(truth)) => truth.to_string(),
        Some(Value::Whole(number)) => number.to_string(),
        Some(Value::Number(number)) => number.to_string(),
        None => String::new(),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
