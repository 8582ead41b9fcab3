//! The way to Rollbar: an item for each report.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::content::{Content, Exception, Writer, level};
use super::filed::{Filed, Report};
use super::frames::Frame;
use super::limits::Limits;
use super::options::Reports;
use super::way_out::post;
use crate::export::{Attempt, Encoded, Endpoint, HttpClient, Payload, Sent, Transport};
use crate::names::key;
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// What Rollbar takes of one item.
const LARGEST: usize = 512 * 1024;
/// A title may have so many characters.
const LONGEST_TITLE: usize = 255;
/// An item has an environment in any case.
const NO_ENVIRONMENT: &str = "unknown";

/// The transport.
struct Rollbar {
    http: Arc<HttpClient>,
    headers: HeaderMap,
    writer: Writer,
    limits: Arc<Limits>,
}

/// Makes the transport.
pub(super) fn transport(
    token: &str,
    url: &str,
    reports: &Reports,
    resource: &Resource,
) -> Result<Box<dyn Transport<Filed>>, String> {
    let token = HeaderValue::from_str(token).map_err(|_| "the access token is not valid".to_owned())?;
    Ok(Box::new(Rollbar {
        http: Arc::new(HttpClient::new(&Endpoint::plain(url))?),
        headers: HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("x-rollbar-access-token"), token),
        ]),
        writer: Writer::new(reports, resource),
        limits: Arc::default(),
    }))
}

impl Transport<Filed> for Rollbar {
    fn encode(&mut self, batch: &[Filed]) -> Encoded {
        let mut encoded = Encoded::default();
        for Filed(report) in batch {
            rest_if_due();
            let item = |whole| item(&self.writer, report, whole).to_string().into_bytes();
            let mut body = item(true);
            if body.len() > LARGEST {
                encoded.shortened += 1;
                body = item(false);
            }
            if body.len() > LARGEST {
                (encoded.shortened, encoded.too_large) = (encoded.shortened - 1, encoded.too_large + 1);
                continue;
            }
            encoded.payloads.push(Payload { records: 1, body: body.into(), ..Payload::default() });
        }
        encoded
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        let (http, limits) = (Arc::clone(&self.http), Arc::clone(&self.limits));
        Box::pin(post(http, self.headers.clone(), limits, payload, timeout, sent))
    }
}

/// The item; not `whole`: without its fields and its lines.
fn item(writer: &Writer, report: &Report, whole: bool) -> Value {
    let content = writer.content(report);
    let environment = Some(writer.environment.as_str()).filter(|name| !name.is_empty());
    let mut data = json!({
        "environment": environment.unwrap_or(NO_ENVIRONMENT),
        "body": body(&content, whole),
        "level": if content.is_panic { "critical" } else { "error" },
        "timestamp": report.at.unix_nanos() / 1_000_000_000,
        "platform": "linux",
        "language": "rust",
        "context": content.route,
        "server": { "host": writer.instance },
        "custom": custom(writer, &content, whole),
        "fingerprint": content.fingerprint.join(" "),
        "title": content.title().chars().take(LONGEST_TITLE).collect::<String>(),
        "uuid": report.id,
        "notifier": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
    });
    if std::env::consts::OS != "linux" {
        data["platform"] = std::env::consts::OS.into();
    }
    if !writer.release.is_empty() {
        data["code_version"] = writer.release.as_str().into();
    }
    if let Some(method) = content.line.get(key::METHOD) {
        let (url, headers) = (content.text(key::PATH), &content.headers);
        data["request"] = json!({ "method": method, "url": url, "headers": headers });
    }
    if let Some(user) = &content.user {
        data["person"] = json!({ "id": user });
    }
    json!({ "data": data })
}

/// A chain where a place in the code is known, else a message.
fn body(content: &Content, whole: bool) -> Value {
    let has_place = content.exceptions.first().is_some_and(|first| !first.frames.is_empty());
    let mut body = if has_place {
        let traces: Vec<_> = content.exceptions.iter().map(trace).collect();
        json!({ "trace_chain": traces })
    } else {
        let texts: Vec<_> = content.exceptions.iter().map(|error| error.text.as_str()).collect();
        json!({ "message": { "body": texts.join(": ") } })
    };
    if whole {
        body["telemetry"] = content.crumbs.iter().map(telemetry).collect();
    }
    body
}

fn trace(exception: &Exception) -> Value {
    // The oldest first.
    let frames: Vec<_> = exception.frames.iter().rev().map(frame).collect();
    json!({ "frames": frames, "exception": { "class": exception.kind, "message": exception.text } })
}

fn frame(frame: &Frame) -> Value {
    let file = Some(frame.file.as_str()).filter(|file| !file.is_empty());
    let mut value = json!({ "filename": file.unwrap_or("<unknown>") });
    if let Some(line) = frame.line {
        value["lineno"] = line.into();
    }
    if !frame.function.is_empty() {
        value["method"] = frame.function.as_str().into();
    }
    value
}

fn telemetry((at, line): &(u64, Map<String, Value>)) -> Value {
    let message = line.get(key::MESSAGE).cloned().unwrap_or_default();
    let level = match level(line) {
        "fatal" => "critical",
        level => level,
    };
    json!({
        "level": level,
        "type": "log",
        "source": "server",
        "timestamp_ms": at / 1_000_000,
        "body": { "message": message, "fields": line },
    })
}

fn custom(writer: &Writer, content: &Content, whole: bool) -> Map<String, Value> {
    let mut custom = if whole { content.rest() } else { Map::new() };
    for name in [key::TRACE_ID, key::SPAN_ID, key::REQUEST_ID] {
        if let Some(value) = content.line.get(name) {
            custom.insert(name.to_owned(), value.clone());
        }
    }
    custom.insert(key::SERVICE.to_owned(), writer.service.as_str().into());
    custom
}
