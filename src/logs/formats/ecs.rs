//! The format `ecs`: Elastic Common Schema, dotted keys, and labels for what is the user's.
//!
//! The schema gives a type to each of its fields, and an index takes no second type for a name. So nothing of a user
//! stands among its fields: texts and truth values are `labels.<name>`, numbers `numeric_labels.<name>`, as Elastic
//! APM writes them.

use super::formatter::{Schema, member};
use super::keys::{Ecs, Keys as _, joined, length, member as member_of};
use super::object::Object;
use super::user_fields::{Naming, is_word, write_word};
use crate::clock::Moment;
use crate::names::{FORMATS, attribute, ecs};
use crate::record::{End, Hop, Kind, Outcome, Severity};
use crate::resource::Resource;

/// The version of the schema against which the fields are held.
pub(super) const VERSION: &str = "9.3.0";

const TRANSACTION_ID: &[u8] = member_of!(ecs::TRANSACTION_ID, "\"");
const GOOD_OR_BAD: &[u8] = member_of!(ecs::GOOD_OR_BAD, "\"");

const LABELS: &str = "labels.";
const NUMERIC_LABELS: &str = "numeric_labels.";

impl Naming for Ecs {
    const TEXT: &'static str = LABELS;
    const NUMBER: &'static str = NUMERIC_LABELS;
    const BOOLS_ARE_TEXT: bool = true;
    const ODD_NUMBERS_ARE_TEXT: bool = true;

    fn ours() -> Vec<&'static str> {
        let label = |key: &'static str| key.strip_prefix(LABELS).or(key.strip_prefix(NUMERIC_LABELS));
        FORMATS.iter().filter_map(|row| label(row[1])).collect()
    }

    /// A dot would make an object out of a label that is a text elsewhere.
    fn write(out: &mut Vec<u8>, name: &[u8]) {
        write_word(out, name, |c| c == '-' || c.is_alphanumeric());
    }

    fn is_plain(name: &[u8]) -> bool {
        is_word(name, b"-")
    }
}

impl Schema for Ecs {
    fn begin(object: &mut Object, at: Moment) {
        object.raw(b"{\"@timestamp\":\"");
        object.time(at);
    }

    fn level(object: &mut Object, severity: Severity) {
        object.raw(b"\",\"log.level\":\"");
        object.raw(severity.as_str().as_bytes());
        object.raw(b"\"");
    }

    fn head(resource: &Resource) -> Vec<u8> {
        let mut head = Vec::new();
        let service = resource.get(attribute::SERVICE_NAME);
        member(&mut head, ecs::FORMAT_VERSION, VERSION);
        member(&mut head, ecs::SERVICE, service);
        member(&mut head, ecs::VERSION, resource.get(attribute::SERVICE_VERSION));
        member(&mut head, ecs::ENVIRONMENT, resource.get(attribute::DEPLOYMENT_ENVIRONMENT_NAME));
        member(&mut head, ecs::INSTANCE, resource.get(attribute::SERVICE_INSTANCE_ID));
        // The logging specification's default.
        member(&mut head, ecs::DATASET, &format!("{service}.log"));
        head.extend_from_slice(format!(",\"{}\":{}", ecs::PID, std::process::id()).as_bytes());
        head
    }

    fn tail(_: &Resource) -> Vec<u8> {
        Vec::new()
    }

    /// A transaction is a service's own part of a trace, named by the span with which it begins.
    fn trace(object: &mut Object, hop: Option<&Hop>) {
        if let Some(hop) = hop.filter(|hop| is_transaction(hop)) {
            object.plain(TRANSACTION_ID, &hop.trace.span_id.hex());
        }
    }

    /// In nanoseconds.
    fn duration(object: &mut Object, nanos: u64) {
        object.number(Self::DURATION, nanos);
    }

    fn outcome(object: &mut Object, hop: &Hop, end: &End) {
        object.plain(Self::OUTCOME, end.outcome.as_str().as_bytes());
        object.plain(GOOD_OR_BAD, good_or_bad(hop.kind, end.outcome).as_bytes());
        end.error_type.with_str(|word| object.text(Self::ERROR_TYPE, word.as_bytes()));
    }

    fn panicked(object: &mut Object) {
        object.plain(Self::ERROR_TYPE, Outcome::Panic.as_str().as_bytes());
    }
}

/// Elastic APM's rule for spans of OpenTelemetry: what serves or receives begins a transaction, and so does a root.
fn is_transaction(hop: &Hop) -> bool {
    matches!(hop.kind, Kind::Server | Kind::Consumer) || hop.parent.is_none()
}

/// One of the three words that the schema allows. A client's fault is no failure of the service that says so.
fn good_or_bad(kind: Kind, outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok | Outcome::Upgraded => "success",
        Outcome::ClientError if kind != Kind::Client => "success",
        Outcome::Cancelled => "unknown",
        Outcome::ClientError
        | Outcome::ServerError
        | Outcome::Timeout
        | Outcome::Panic
        | Outcome::BodyError => "failure",
    }
}
