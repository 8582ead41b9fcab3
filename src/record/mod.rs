//! The record of a hop: what is known of a request, a call or a job, from its beginning to the export.

mod detailed;
mod encoded;
mod event;
mod fields;
mod hop;
mod http;
mod interned;
mod kept;
mod method;
mod names;
mod outcome;
mod route;
mod rpc;
mod severity;
mod statement;
mod text;
#[cfg_attr(not(feature = "reports"), allow(dead_code))]
mod trail;
mod value;
mod visit;
mod work;

pub use hop::Kind;
pub use outcome::Outcome;
pub use value::{IntoValue, Value};

pub(crate) use self::http::{
    Client, Http, HttpVersion, Piece, Scheme, address, host_and_port, host_and_port_of,
};
pub(crate) use crate::error::{causes, guarded, sources};
pub(crate) use detailed::Detailed;
pub(crate) use encoded::{CUT_MARK, FieldValue, LONGEST_VALUE, Texts};
pub(crate) use event::{Event, EventInfo, Snapshot, is_log_record, with_log_fields};
pub(crate) use fields::Fields;
pub(crate) use hop::{End, Hop, NameSpan, Notes, Subject};
pub(crate) use interned::Interned;
pub(crate) use kept::{KeepReason, Kept};
pub(crate) use method::{Method, Methods};
pub(crate) use names::{NameHash, OurNames, UsedNames, free_name, short_word};
pub(crate) use outcome::ErrorType;
pub(crate) use route::{Route, RouteCell};
pub(crate) use rpc::{Call, Code, Rpc, known_method};
pub(crate) use severity::Severity;
pub(crate) use statement::{Dialect, Stated, without_values};
#[cfg(feature = "otlp")]
pub(crate) use text::CAUSED_BY;
pub(crate) use text::{PANICKED, bounded, error_text, formatted, prefix, stacktrace, within};
pub(crate) use trail::{Trail, type_of};
pub(crate) use value::Joined;
#[cfg(test)]
pub(crate) use value::tests::a_value;
pub(crate) use visit::{Recorded, TakeField, Visitor};
pub(crate) use work::{Detail, Message, Operation, Query, Work};
