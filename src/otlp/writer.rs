//! The bytes of a batch, of spans as of log records: an `Export…ServiceRequest` of opentelemetry-proto 1.
//!
//! Its parts that both signals have are written here: resource, scopes, attributes. They are written straight from what
//! waits in the queue: by way of the generated types a span costs twenty times as many instructions.

use std::borrow::Cow;

use super::protobuf::{Message, Size, varint_length};
use crate::export::{Encoded, Payload};
use crate::names::schema;
use crate::record::{FieldValue, Texts};
use crate::resource::Resource;

/// About what a server's span takes, so that the buffer is made once.
const RECORD: usize = 1_024;
/// More than the bytes after the last record of a request.
const END: usize = 256;
/// How many characters the texts of a record may have that alone is too large, one after the other until it fits.
const SHORTER: [usize; 4] = [16 * 1024, 2 * 1024, 256, 32];

/// Makes the requests of one process and one signal.
#[derive(Debug)]
pub(crate) struct Batch {
    /// What is the same in all requests, as bytes: `ResourceSpans.resource` and `ResourceLogs.resource`.
    resource: Box<[u8]>,
    /// How many bytes a request may have.
    limit: usize,
}

/// What made a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'static str,
}

/// A request under construction.
struct Request<'a> {
    message: Message,
    /// Where the resource's and the scope's messages begin.
    of_resource: usize,
    of_scope: usize,
    scope: Scope<'a>,
    records: u64,
}

impl Batch {
    pub(crate) fn new(resource: &Resource, limit: usize) -> Self {
        let mut message = Message::default();
        message.nested(1, Size::Medium, |message| {
            for (key, value) in resource.iter() {
                Attributes::<'_, 1>::new(message).value(key, &AnyValue::Str(value.into()));
            }
        });
        Self { resource: message.into_bytes().into(), limit }
    }

    /// The requests of these records, in this order. `write` appends one record to a message, with no text longer than so
    /// many characters.
    pub(crate) fn encode<'r, R: 'r>(
        &self,
        records: impl ExactSizeIterator<Item = (Scope<'r>, &'r R)>,
        mut write: impl FnMut(&'r R, &mut Message, Option<usize>),
    ) -> Encoded {
        let mut encoded = Encoded::default();
        let mut left = records.len();
        let mut open: Option<Request<'r>> = None;
        for (scope, record) in records {
            let mut request = match open.take() {
                Some(request) => request.within(scope),
                None => self.begin(scope, left),
            };
            left -= 1;
            let start = request.message.length();
            write(record, &mut request.message, None);
            request.records += 1;
            if request.message.length() + END > self.limit {
                request = self.split(request, start, left, &mut encoded, |message, longest| {
                    write(record, message, longest);
                });
            }
            open = Some(request);
        }
        encoded.payloads.extend(open.filter(|request| request.records > 0).map(Request::end));
        encoded
    }

    /// How many bytes the records of a request may have, besides what is the same in all of them.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.resource.len() + END)
    }

    /// One request of these parts, in this order: each a scope, and what writes into it. They have room.
    pub(crate) fn request<'r, W: FnOnce(&mut Message)>(
        &self,
        records: u64,
        parts: impl IntoIterator<Item = (Scope<'r>, W)>,
    ) -> Payload {
        let mut open: Option<Request<'r>> = None;
        for (scope, write) in parts {
            let mut request = match open.take() {
                Some(request) => request.within(scope),
                None => self.begin(scope, 0),
            };
            write(&mut request.message);
            open = Some(request);
        }
        let payload = open.map(Request::end).unwrap_or_default();
        Payload { records, ..payload }
    }

    fn begin<'r>(&self, scope: Scope<'r>, records: usize) -> Request<'r> {
        let mut message = Message::with_capacity(((records + 1) * RECORD).min(self.limit));
        let of_resource = message.open(1, Size::Large);
        message.raw(&self.resource);
        let of_scope = scope.open(&mut message);
        Request { message, of_resource, of_scope, scope, records: 0 }
    }

    /// Ends the request before its last record, and begins the next one with that; alone too large, it is shortened, or
    /// else left out.
    #[cold]
    fn split<'r>(
        &self,
        mut request: Request<'r>,
        start: usize,
        left: usize,
        encoded: &mut Encoded,
        mut write: impl FnMut(&mut Message, Option<usize>),
    ) -> Request<'r> {
        let last = request.message.split_off(start);
        request.records -= 1;
        if request.records > 0 {
            let scope = request.scope;
            encoded.payloads.push(request.end());
            request = self.begin(scope, left);
        }
        let start = request.message.length();
        if start + last.len() + END <= self.limit {
            request.message.raw(&last);
            request.records += 1;
            return request;
        }
        for longest in SHORTER {
            write(&mut request.message, Some(longest));
            if request.message.length() + END <= self.limit {
                request.records += 1;
                encoded.shortened += 1;
                return request;
            }
            request.message.split_off(start);
        }
        encoded.too_large += 1;
        request
    }
}

impl Scope<'_> {
    /// Begins the records of this scope.
    fn open(self, message: &mut Message) -> usize {
        let start = message.open(2, Size::Large);
        message.nested(1, Size::Small, |message| {
            message.text(1, self.name);
            message.text(2, self.version);
        });
        start
    }
}

impl<'a> Request<'a> {
    /// The request, ready for a record of this scope.
    // Each record asks for it.
    #[inline]
    fn within(mut self, scope: Scope<'a>) -> Self {
        if scope != self.scope {
            self.close_scope();
            self.of_scope = scope.open(&mut self.message);
            self.scope = scope;
        }
        self
    }

    fn close_scope(&mut self) {
        self.message.text(3, schema::url());
        self.message.close(self.of_scope, Size::Large);
    }

    fn end(mut self) -> Payload {
        self.close_scope();
        self.message.text(3, schema::url());
        self.message.close(self.of_resource, Size::Large);
        Payload { records: self.records, body: self.message.into_bytes().into(), ..Payload::default() }
    }
}

/// Writes the attributes of a message whose field of this number they are.
#[derive(Debug)]
pub(crate) struct Attributes<'a, const FIELD: u32> {
    pub(crate) message: &'a mut Message,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AnyValue<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    Str(Cow<'a, str>),
    List(Cow<'a, [Cow<'static, str>]>),
    /// A number that is text by the conventions.
    Code(u16),
}

// The keys of `KeyValue` and `AnyValue`, as bytes: `field << 3 | wire type`.
const NAME: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;
const STRING: u8 = 1 << 3 | 2;
const BOOL: u8 = 2 << 3;
const INT: u8 = 3 << 3;
const DOUBLE: u8 = 4 << 3 | 1;

/// Below it a length is one byte.
pub(crate) const SHORT: usize = 0x80;

impl<'a, const FIELD: u32> Attributes<'a, FIELD> {
    const KEY: u8 = (FIELD << 3 | 2) as u8;

    #[inline]
    pub(crate) fn new(message: &'a mut Message) -> Self {
        Self { message }
    }

    // Where its name is known, an attribute's beginning is, too: all of it is copied in a few steps.
    #[inline(always)]
    pub(crate) fn text(&mut self, name: &'static str, text: &[u8]) {
        let value = 2 + text.len();
        if 4 + name.len() + value >= SHORT {
            return self.long_text(name, text);
        }
        self.short(name.as_bytes(), value);
        self.message.raw(&[VALUE, value as u8, STRING, text.len() as u8]);
        self.message.raw(text);
    }

    #[inline(always)]
    pub(crate) fn number(&mut self, name: &'static str, number: u16) {
        let [low, middle, high] = [0, 7, 14].map(|shift| (number >> shift) as u8 & 0x7f);
        match number {
            0..0x80 => {
                self.short(name.as_bytes(), 2);
                self.message.raw(&[VALUE, 2, INT, low]);
            }
            0x80..0x4000 => {
                self.short(name.as_bytes(), 3);
                self.message.raw(&[VALUE, 3, INT, low | 0x80, middle]);
            }
            0x4000.. => {
                self.short(name.as_bytes(), 4);
                self.message.raw(&[VALUE, 4, INT, low | 0x80, middle | 0x80, high]);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn float(&mut self, name: &'static str, number: f64) {
        self.short(name.as_bytes(), 9);
        self.message.raw(&[VALUE, 9, DOUBLE]);
        self.message.raw(&number.to_bits().to_le_bytes());
    }

    /// An attribute of any name and any value.
    #[inline]
    pub(crate) fn value(&mut self, name: &str, value: &AnyValue<'_>) {
        let name = name.as_bytes();
        match value {
            AnyValue::Bool(value) => self.field(name, FieldValue::Bool(*value)),
            AnyValue::I64(value) => self.field(name, FieldValue::I64(*value)),
            AnyValue::U64(value) => self.field(name, FieldValue::U64(*value)),
            AnyValue::F64(value) => self.field(name, FieldValue::F64(*value)),
            AnyValue::Str(text) => self.string(name, text.as_bytes()),
            AnyValue::List(texts) => self.field(name, FieldValue::List(Texts::Values(texts))),
            AnyValue::Code(value) => self.string(name, itoa::Buffer::new().format(*value).as_bytes()),
        }
    }

    /// An attribute of the user's.
    #[inline(always)]
    pub(crate) fn field(&mut self, name: &[u8], value: FieldValue<'_>) {
        match value {
            FieldValue::Bool(value) => {
                self.begin(name, 2);
                self.message.raw(&[BOOL, u8::from(value)]);
            }
            FieldValue::I64(value) => self.integer(name, value.cast_unsigned()),
            // OTLP has no unsigned number; what does not fit is text rather than wrong.
            FieldValue::U64(value) if i64::try_from(value).is_ok() => self.integer(name, value),
            FieldValue::U64(value) => self.string(name, itoa::Buffer::new().format(value).as_bytes()),
            FieldValue::F64(value) => {
                self.begin(name, 9);
                self.message.fixed64(4, value.to_bits());
            }
            FieldValue::Text(text) | FieldValue::Error(text, _) => self.string(name, text),
            // `ArrayValue`, its values one after the other.
            FieldValue::List(texts) => self.message.nested(FIELD, Size::Small, |message| {
                message.member_text(1, name);
                message.nested(2, Size::Small, |value| {
                    value.nested(5, Size::Medium, |list| {
                        texts.for_each(|text| {
                            list.nested(1, Size::Small, |value| value.member_text(1, text));
                        });
                    });
                });
            }),
        }
    }

    fn integer(&mut self, name: &[u8], value: u64) {
        if value < 0x80 && 4 + name.len() + 2 < SHORT {
            self.short(name, 2);
            return self.message.raw(&[VALUE, 2, INT, value as u8]);
        }
        self.begin(name, 1 + varint_length(value));
        self.message.member_number(3, value);
    }

    #[inline]
    fn string(&mut self, name: &[u8], text: &[u8]) {
        let value = 2 + text.len();
        if 4 + name.len() + value < SHORT {
            self.short(name, value);
            self.message.raw(&[VALUE, value as u8, STRING, text.len() as u8]);
            return self.message.raw(text);
        }
        self.begin(name, 1 + varint_length(text.len() as u64) + text.len());
        self.message.member_text(1, text);
    }

    #[cold]
    fn long_text(&mut self, name: &str, text: &[u8]) {
        self.string(name.as_bytes(), text);
    }

    /// An attribute up to its value, an `AnyValue` of this many bytes.
    #[inline]
    fn begin(&mut self, name: &[u8], value: usize) {
        if 4 + name.len() + value < SHORT {
            self.short(name, value);
            return self.message.raw(&[VALUE, value as u8]);
        }
        let of_name = 1 + varint_length(name.len() as u64) + name.len();
        self.message.begin(FIELD, of_name + 1 + varint_length(value as u64) + value);
        self.message.member_text(1, name);
        self.message.begin(2, value);
    }

    /// The fast path, for content shorter than [`SHORT`].
    #[inline(always)]
    fn short(&mut self, name: &[u8], value: usize) {
        let whole = 4 + name.len() + value;
        debug_assert!(whole < SHORT, "{}", name.escape_ascii());
        self.message.raw(&[Self::KEY, whole as u8, NAME, name.len() as u8]);
        self.message.raw(name);
    }
}

impl AnyValue<'_> {
    /// Cuts each of its texts to this many characters.
    pub(crate) fn limit(&mut self, most: usize) {
        let end = |text: &str| text.char_indices().nth(most).map(|(end, _)| end);
        match self {
            Self::Str(text) => {
                if let Some(end) = end(text) {
                    *text = Cow::Owned(text.get(..end).unwrap_or_default().to_owned());
                }
            }
            Self::List(texts) if texts.iter().any(|text| end(text).is_some()) => {
                texts.to_mut().iter_mut().for_each(|text| {
                    if let Some(end) = end(text) {
                        *text = Cow::Owned(text.get(..end).unwrap_or_default().to_owned());
                    }
                });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Proto;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::names::attribute;

    const NOWHERE: Scope<'static> = Scope { name: "app", version: "" };

    fn batch(limit: usize) -> Batch {
        let mut resource = Resource::default();
        resource.set("service.name", "bookings");
        Batch::new(&resource, limit)
    }

    /// A log record whose body has this many bytes.
    fn write(length: &usize, message: &mut Message, longest: Option<usize>) {
        message.nested(2, Size::Medium, |message| {
            let text = "x".repeat(longest.map_or(*length, |most| most.min(*length)));
            message.nested(5, Size::Medium, |message| message.member_text(1, text));
        });
    }

    fn encode(limit: usize, lengths: &[usize]) -> Encoded {
        batch(limit).encode(lengths.iter().map(|length| (NOWHERE, length)), write)
    }

    /// How long the bodies of each request are.
    fn bodies(encoded: &Encoded) -> Vec<Vec<usize>> {
        let bodies = encoded.payloads.iter().map(|payload| {
            let request = ExportLogsServiceRequest::decode(payload.body.clone()).unwrap();
            let [of_resource] = &request.resource_logs[..] else { panic!("{request:?}") };
            assert_eq!(of_resource.resource.as_ref().unwrap().attributes.len(), 1);
            let records: Vec<_> =
                of_resource.scope_logs.iter().flat_map(|scope| &scope.log_records).collect();
            assert_eq!(records.len() as u64, payload.records);
            let length = |record: &&opentelemetry_proto::tonic::logs::v1::LogRecord| match record
                .body
                .as_ref()
                .unwrap()
                .value
                .as_ref()
            {
                Some(Proto::StringValue(text)) => text.len(),
                other => panic!("{other:?}"),
            };
            records.iter().map(length).collect()
        });
        bodies.collect()
    }

    #[test]
    fn a_batch_leaves_in_as_many_requests_as_its_bytes_need_and_loses_no_record() {
        assert_eq!(bodies(&encode(1 << 20, &[10, 20, 30])), [[10, 20, 30]]);
        assert_eq!(
            bodies(&encode(4_000, &[1_500, 1_500, 1_500, 10, 3_000])),
            [vec![1_500, 1_500], vec![1_500, 10], vec![3_000]]
        );
        assert_eq!(bodies(&encode(4_000, &[])), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn a_record_that_alone_is_too_large_is_shortened_and_costs_no_other_one() {
        let encoded = encode(4_000, &[100, 50_000, 200]);
        assert_eq!(bodies(&encoded), [vec![100], vec![2 * 1024, 200]]);
        assert_eq!((encoded.shortened, encoded.too_large), (1, 0));
        let none_fits = encode(300, &[100, 10]);
        assert_eq!((bodies(&none_fits).concat(), none_fits.too_large), (Vec::new(), 2));
    }

    #[test]
    fn no_name_of_ours_makes_an_attribute_longer_than_its_length_byte_says() {
        for (name, _) in attribute::TABLE {
            assert!(4 + name.len() + 9 < SHORT, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_request_is_larger_than_its_limit_and_every_record_is_in_one(
            lengths in proptest::collection::vec(0_usize..3_000, 0..40),
            scopes in proptest::collection::vec("[a-c]{1,3}", 40),
            limit in 600_usize..9_000,
        ) {
            let records = lengths.iter().zip(&scopes).map(|(length, name)| (Scope { name, version: "" }, length));
            let records: Vec<_> = records.collect();
            let encoded = batch(limit).encode(records.into_iter(), write);
            for payload in &encoded.payloads {
                prop_assert!(payload.body.len() <= limit, "{} of {}", payload.body.len(), limit);
            }
            let left: u64 = encoded.payloads.iter().map(|payload| payload.records).sum();
            prop_assert_eq!(left + encoded.too_large, lengths.len() as u64);
            let arrived: Vec<_> = bodies(&encoded).concat();
            prop_assert_eq!(arrived.len() as u64, left);
            if encoded.shortened == 0 && encoded.too_large == 0 {
                prop_assert_eq!(arrived, lengths);
            }
        }
    }
}
