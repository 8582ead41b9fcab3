//! Effects that more than one variable has.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::seen::Seen;

/// No line, no span, no page.
pub(super) fn is_silent(seen: &Seen) -> bool {
    seen.lines.is_empty() && seen.received.is_empty() && seen.page("http_").is_empty()
}

/// Has the resource of what was sent this attribute?
pub(super) fn has_resource(seen: &Seen, key: &str, value: &str) -> bool {
    seen.span("/root").is_some_and(|span| span.resource(key) == value)
}

/// Do span and metric call the method of this request so?
pub(super) fn names_method(seen: &Seen, path: &str, method: &str) -> bool {
    let in_span = seen.span(path).is_some_and(|span| span.text("http.request.method") == method);
    let labels = [format!("http_request_method=\"{method}\""), format!("http_route=\"{path}\"")];
    let counts = seen.page("http_server_request_duration_seconds_count{");
    in_span && counts.iter().any(|line| labels.iter().all(|label| line.contains(label.as_str())))
}

/// Was a proxy believed that this client asked it by https?
pub(super) fn came_from(seen: &Seen, client: &str) -> bool {
    seen.span("/root")
        .is_some_and(|span| span.text("client.address") == client && span.text("url.scheme") == "https")
}

/// The receiver was not waited for any longer; it is said why.
pub(super) fn is_impatient(seen: &Seen) -> bool {
    seen.received.len() == 1 && seen.output.iter().any(|line| line.contains("no answer within 200ms"))
}

/// Is this what the status of a call of gRPC is called on span and metric, and what stands before a captured header?
pub(super) fn names_rpc(seen: &Seen, status: &str, header: &str) -> bool {
    let version = if status == "rpc.status_code" { "1.45.0" } else { "1.44.0" };
    let in_span = seen.span("Orders/Find").is_some_and(|span| {
        let ours = |pair: &&KeyValue| pair.key.starts_with("rpc.") && pair.key.contains("status");
        span.text(status) == "NOT_FOUND"
            && span.span.attributes.iter().filter(ours).count() == 1
            && span.attribute(&format!("{header}x-tenant")).is_some()
            && span.scope_schema.ends_with(version)
    });
    let label = format!("{}=\"NOT_FOUND\"", status.replace('.', "_"));
    let counts = seen.page("rpc_server_call_duration_seconds_count{");
    in_span && counts.iter().any(|line| line.contains(&label))
}

/// Is this what the kind of a broker is called on span and metric, and what the place of a message?
pub(super) fn names_messages(seen: &Seen, system: &str, offset: &str) -> bool {
    let in_span = seen.span("process votes").is_some_and(|span| {
        let of_system = |pair: &&KeyValue| pair.key.starts_with("messaging.system");
        span.text(system) == "kafka"
            && span.span.attributes.iter().filter(of_system).count() == 1
            && span.attribute(offset).is_some()
    });
    let label = format!("{}=\"kafka\"", system.replace('.', "_"));
    let counts = seen.page("messaging_process_duration_seconds_count{");
    in_span && counts.iter().any(|line| line.contains(&label))
}

pub(super) fn has_stable_names(seen: &Seen) -> bool {
    seen.span("/root").is_some_and(|span| {
        span.text("http.request.method") == "GET" && span.attribute("http.method").is_none()
    })
}

/// Before the process ends, a batch was given up because its time was over.
pub(super) fn gives_up(seen: &Seen, signal: &str) -> bool {
    let given_up = seen.page(&format!("otel_sdk_exporter_{signal}_exported_total{{error_type=\"timeout\""));
    given_up.iter().any(|line| !line.ends_with(" 0"))
}

pub(super) fn holds_three(seen: &Seen) -> bool {
    let span = seen.span("/sampled").map(|span| &span.span);
    span.is_some_and(|span| span.attributes.len() == 3 && span.dropped_attributes_count > 0)
}

pub(super) fn record_holds_three(seen: &Seen) -> bool {
    seen.record().is_some_and(|record| record.attributes.len() == 3 && record.dropped_attributes_count > 0)
}

pub(super) fn is_cut(seen: &Seen) -> bool {
    seen.span("/sampled").is_some_and(|span| are_cut(&span.span.attributes))
}

pub(super) fn record_is_cut(seen: &Seen) -> bool {
    seen.record().is_some_and(|record| are_cut(&record.attributes))
}

fn are_cut(attributes: &[KeyValue]) -> bool {
    let values = attributes.iter().filter_map(|pair| pair.value.as_ref()?.value.as_ref());
    let texts: Vec<_> = values
        .filter_map(|value| match value {
            Value::StringValue(text) => Some(text.chars().count()),
            _ => None,
        })
        .collect();
    texts.contains(&4) && texts.iter().all(|length| *length <= 4)
}

/// Is there a line of the event within a request, and has it these keys?
pub(super) fn has_keys(seen: &Seen, keys: [&str; 3]) -> bool {
    let is_event = |line: &&serde_json::Value| line.to_string().contains("at work");
    seen.lines.iter().find(is_event).is_some_and(|line| keys.iter().all(|key| line.get(key).is_some()))
}

pub(super) fn has_exemplars(seen: &Seen) -> bool {
    let buckets = seen.page("http_server_request_duration_seconds_bucket");
    buckets.iter().any(|line| line.contains(" # {trace_id="))
}
