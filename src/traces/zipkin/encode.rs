//! Zipkin's JSON, version 2: how a finished span reads there, by OpenTelemetry's mapping.

use std::borrow::Cow;

use super::json::{object, text, write};
use super::remote::Remote;
use super::tags::{self, Tags};
use crate::names::{attribute, tag};
use crate::record::Kind;
use crate::resource::Resource;
use crate::traces::Finished;

/// Writes batches; it knows what every span of this process has in common.
#[derive(Debug)]
pub(super) struct Encoder {
    service: String,
    /// The scope's and the resource's tags. A span of Zipkin stands alone: each repeats them.
    common: Vec<(Cow<'static, str>, String)>,
}

impl Encoder {
    pub(super) fn new(resource: &Resource) -> Self {
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let scope = [
            (tag::SCOPE_NAME, name),
            (tag::SCOPE_VERSION, version),
            // The deprecated aliases are still demanded (OpenTelemetry, mapping to other formats).
            (tag::LIBRARY_NAME, name),
            (tag::LIBRARY_VERSION, version),
        ];
        let scope = scope.map(|(key, value)| (Cow::Borrowed(key), value.to_owned()));
        let rest = resource.iter().filter(|(key, _)| *key != attribute::SERVICE_NAME);
        let rest = rest.map(|(key, value)| (Cow::Owned(key.to_owned()), value.to_owned()));
        Self {
            service: resource.get(attribute::SERVICE_NAME).to_owned(),
            common: scope.into_iter().chain(rest).collect(),
        }
    }

    /// Writes a span behind what is there.
    pub(super) fn span(&self, out: &mut Vec<u8>, span: &Finished) {
        // Microseconds as whole numbers; zero would say that it is not known.
        let start = span.start.unix_nanos() / 1_000;
        let duration = (span.end.since(span.start).as_micros()).max(1);
        write(out, format_args!(r#"{{"traceId":"{}","id":"{}","#, span.trace.trace_id, span.trace.span_id));
        if let Some(parent) = span.parent {
            write(out, format_args!(r#""parentId":"{parent}","#));
        }
        if let Some(kind) = kind(span.kind) {
            write(out, format_args!(r#""kind":"{kind}","#));
        }
        write(out, format_args!(r#""timestamp":{start},"duration":{duration},"name":"#));
        text(out, &span.name);
        write(out, format_args!(r#","localEndpoint":{{"serviceName":"#));
        text(out, &self.service);
        out.push(b'}');
        if let Some(remote) = Remote::of(span) {
            out.extend_from_slice(br#","remoteEndpoint":"#);
            remote.write(out);
        }
        out.extend_from_slice(br#","tags":"#);
        object(out, &self.tags(span));
        out.push(b'}');
    }

    fn tags<'a>(&'a self, span: &'a Finished) -> Tags<'a> {
        let mut tags = tags::of_span(span);
        for (key, value) in &self.common {
            // What the span says is nearer than what its process says.
            tags.entry(Cow::Borrowed(key)).or_insert(Cow::Borrowed(value));
        }
        tags
    }
}

/// `INTERNAL` has no word there: the field is left out.
fn kind(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Server => Some("SERVER"),
        Kind::Client => Some("CLIENT"),
        Kind::Producer => Some("PRODUCER"),
        Kind::Consumer => Some("CONSUMER"),
        Kind::Internal => None,
    }
}
