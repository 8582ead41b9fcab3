//! What every format has to say, and what most of them say in the same way.

use std::fmt;

use crate::clock::Moment;
use crate::context::TraceContext;
use crate::logs::escape::quoted;
use crate::logs::fields::{Borrowed, Put};
use crate::logs::json::Object;
use crate::logs::members::Members;
use crate::logs::number::milliseconds;
use crate::logs::users::Names;
use crate::names::key;
use crate::record::{End, ErrorType, Hop};
use crate::resource::Resource;

/// A format: its names, and how it writes what is more than a name.
pub(in crate::logs) trait Layout: Members + fmt::Debug + Send + Sync + 'static {
    /// The user's fields, and what is known of the request, stand in an object of their own, which ends the line.
    const HAS_ATTRIBUTES: bool = false;
    /// Every line that is made on the thread of its event names that thread.
    const NAMES_THREAD: bool = false;
    /// Times are milliseconds, and a good outcome is its word and nothing else.
    const ENDS_PLAINLY: bool = true;
    /// The message of a line that has none.
    const NO_MESSAGE: &'static [u8] = b"";

    /// Begins a line with its time.
    fn begin(object: &mut Object, at: Moment);

    /// Writes the level, and what else belongs to it.
    fn level(object: &mut Object, level: &str);

    /// What is the same on all lines, behind their levels.
    fn head(resource: &Resource) -> Vec<u8>;

    /// What is the same on all lines of finished hops, behind their ends.
    fn tail(resource: &Resource) -> Vec<u8>;

    /// Puts a user's field on the line; the first of a name wins.
    fn field(object: &mut Object, name: &str, value: Borrowed<'_>);

    /// Puts an event's message on the line; a second one is a field.
    fn message(object: &mut Object, value: Borrowed<'_>) {
        if !object.message_as(Self::MESSAGE, value) {
            Self::field(object, key::MESSAGE, value);
        }
    }

    /// Writes where in a trace the line belongs.
    #[inline]
    fn trace(object: &mut Object, trace: TraceContext, _: Option<&Hop>) {
        Self::ids(&mut object.bytes, trace);
    }

    /// Opens the object of attributes, in a format that has one.
    fn open(_: &mut Object) {}

    /// Writes how long a hop took, told in nanoseconds.
    #[inline]
    fn duration(object: &mut Object, nanos: u64) {
        object.raw(Self::DURATION);
        milliseconds(&mut object.bytes, nanos);
    }

    /// Writes how a hop ended.
    #[inline]
    fn outcome(object: &mut Object, _: &Hop, end: &End) {
        object.plain(Self::OUTCOME, end.outcome.as_str());
        // The status has a member of its own, and most other words are the outcome's.
        if let ErrorType::Word(word) = end.error_type
            && word != end.outcome.as_str()
        {
            object.plain(Self::ERROR_TYPE, word);
        }
    }

    /// Writes the name of the thread.
    fn thread(object: &mut Object, name: &str) {
        object.text_as(Self::THREAD, Borrowed::Str(name));
    }

    /// Writes that the line is that of a panic, in a format that has a word for it.
    fn panicked(_: &mut Object) {}

    /// Ends the line.
    #[inline]
    fn end(object: &mut Object) {
        object.message_if_none(Self::MESSAGE, Self::NO_MESSAGE);
        object.raw(b"}\n");
    }
}

impl<F: Layout> Put<F> for Object {
    fn message(&mut self, value: Borrowed<'_>) {
        F::message(self, value);
    }

    fn field(&mut self, name: &str, value: Borrowed<'_>) {
        F::field(self, name, value);
    }
}

/// Puts a user's field on the line by the rules of a format. The field `error` is the error of the line, unless we
/// wrote one.
pub(super) fn put<F: Layout>(object: &mut Object, names: &Names, name: &str, value: Borrowed<'_>) {
    if object.users.has(name) {
        return;
    }
    if name == key::ERROR && !object.users.has_our_error {
        object.users.add(name, (0, 0));
        object.text_as(F::ERROR, value);
        if let Borrowed::Error(_, Some(chain)) = value {
            object.text_as(F::ERROR_CHAIN, Borrowed::Told(chain));
        }
        return;
    }
    let key = object.users.write_key(&mut object.bytes, names, name, value);
    object.placed(key, value, names.is_made_text(value));
    object.users.add(name, key);
}

/// Writes a member of text, made when the service starts; none if there is nothing to say.
pub(super) fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    if !text.is_empty() {
        out.push(b',');
        quoted(out, name);
        out.push(b':');
        quoted(out, text);
    }
}

/// Which of six: TRACE, DEBUG, INFO, WARN, ERROR, FATAL.
pub(super) fn rank(level: &str) -> usize {
    match level.as_bytes() {
        [b'T', ..] => 0,
        [b'D', ..] => 1,
        [b'W', ..] => 3,
        [b'E', ..] => 4,
        [b'F', ..] => 5,
        _ => 2,
    }
}
