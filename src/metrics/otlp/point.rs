//! The bytes of a data point, and what the points of one metric have in common.

use std::sync::Arc;

use super::ledger::Fate;
use crate::export::Weigh;
use crate::metrics::exemplar::Exemplar;
use crate::metrics::exponential::{Buckets, Spread, ZERO};
use crate::names::instrument::Type;
use crate::otlp::{AnyValue, Attributes, Message, Scope, Size};

/// What the points of one metric have in common.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) scope: Scope<'static>,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) unit: String,
    pub(super) form: Form,
    /// Is each point what was added since the one before?
    pub(super) is_delta: bool,
}

/// What a metric's points are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Gauge,
    /// Of a counter that only rises.
    Monotonic,
    /// Of one that falls as well.
    Sum,
    Histogram,
    Exponential,
}

/// A data point, as it waits for its request.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) head: Arc<Head>,
    pub(super) bytes: Vec<u8>,
    /// Of a delta: who remembers what was told wants to know.
    pub(super) fate: Option<Fate>,
}

/// From when to when a point is; zero where the beginning is not known, or does not matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) start: u64,
    pub(super) end: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Int(i64),
    Float(f64),
}

/// An attribute: its name, its value as text, what it is.
pub(super) type Attribute = (String, String, Type);

// `AggregationTemporality`.
const DELTA: u32 = 1;
const CUMULATIVE: u32 = 2;

impl Weigh for Point {
    fn text_length(&self) -> usize {
        self.bytes.len()
    }
}

impl Head {
    /// More than its fields take in a request.
    pub(super) fn length(&self) -> usize {
        self.name.len() + self.description.len() + self.unit.len() + 64
    }

    /// Writes a `Metric` of these points; `length` is about how long they are.
    pub(super) fn write(&self, points: &[Point], length: usize, message: &mut Message) {
        let size = Size::of(self.length() + length);
        message.nested(2, size, |message| {
            message.text(1, &self.name);
            message.text(2, &self.description);
            message.text(3, &self.unit);
            message.nested(self.form.field(), size, |data| {
                points.iter().for_each(|point| data.member_text(1, &point.bytes));
                if self.form != Form::Gauge {
                    data.number(2, if self.is_delta { DELTA } else { CUMULATIVE });
                    data.number(3, self.form == Form::Monotonic);
                }
            });
        });
    }
}

impl Form {
    const fn field(self) -> u32 {
        match self {
            Self::Gauge => 5,
            Self::Monotonic | Self::Sum => 7,
            Self::Histogram => 9,
            Self::Exponential => 10,
        }
    }
}

/// A `NumberDataPoint`.
pub(super) fn number(period: Period, attributes: &[Attribute], number: Number) -> Vec<u8> {
    let mut message = Message::default();
    period.write(2, &mut message);
    match number {
        Number::Float(value) => message.fixed64(4, value.to_bits()),
        Number::Int(value) => message.fixed64(6, value.cast_unsigned()),
    }
    write_attributes(Attributes::<'_, 7>::new(&mut message), attributes);
    message.into_bytes()
}

/// A `HistogramDataPoint`; without a sum where it may fall.
pub(super) fn histogram(
    period: Period,
    attributes: &[Attribute],
    (counts, bounds): (&[u64], &[f64]),
    sum: Option<f64>,
    exemplars: &[Exemplar],
) -> Vec<u8> {
    let mut message = Message::default();
    period.write(2, &mut message);
    fixed64(&mut message, 4, counts.iter().sum());
    if let Some(sum) = sum {
        message.fixed64(5, sum.to_bits());
    }
    packed(&mut message, 6, counts.iter().copied());
    packed(&mut message, 7, bounds.iter().map(|bound| bound.to_bits()));
    exemplars.iter().for_each(|exemplar| write_exemplar(&mut message, 8, exemplar));
    write_attributes(Attributes::<'_, 9>::new(&mut message), attributes);
    message.into_bytes()
}

/// An `ExponentialHistogramDataPoint`.
pub(super) fn exponential(
    period: Period,
    attributes: &[Attribute],
    spread: &Spread,
    sum: Option<f64>,
    exemplars: &[Exemplar],
) -> Vec<u8> {
    let mut message = Message::default();
    write_attributes(Attributes::<'_, 1>::new(&mut message), attributes);
    period.write(2, &mut message);
    fixed64(&mut message, 4, spread.count());
    if let Some(sum) = sum {
        message.fixed64(5, sum.to_bits());
    }
    message.number(6, zigzag(spread.scale));
    fixed64(&mut message, 7, spread.zero);
    for (field, buckets) in [(8, &spread.positive), (9, &spread.negative)] {
        if !buckets.counts.is_empty() {
            message.nested(field, Size::Medium, |message| write_buckets(message, buckets));
        }
    }
    exemplars.iter().for_each(|exemplar| write_exemplar(&mut message, 11, exemplar));
    message.fixed64(14, ZERO.to_bits());
    message.into_bytes()
}

fn write_buckets(message: &mut Message, buckets: &Buckets) {
    message.number(1, zigzag(buckets.offset));
    message.nested(2, Size::Medium, |counts| buckets.counts.iter().for_each(|count| counts.item(*count)));
}

/// Small numbers of either sign are short.
fn zigzag(number: i32) -> u32 {
    (number << 1 ^ number >> 31).cast_unsigned()
}

fn fixed64(message: &mut Message, field: u32, value: u64) {
    if value != 0 {
        message.fixed64(field, value);
    }
}

/// Numbers of eight bytes, one after the other.
fn packed(message: &mut Message, field: u32, numbers: impl ExactSizeIterator<Item = u64>) {
    if numbers.len() > 0 {
        message.begin(field, 8 * numbers.len());
        numbers.for_each(|number| message.raw(&number.to_le_bytes()));
    }
}

fn write_exemplar(message: &mut Message, field: u32, exemplar: &Exemplar) {
    message.nested(field, Size::Small, |message| {
        message.fixed64(2, exemplar.unix_nanos);
        message.fixed64(3, exemplar.value.to_bits());
        message.text(4, exemplar.span_id.value().to_be_bytes());
        message.text(5, exemplar.trace_id.value().to_be_bytes());
    });
}

fn write_attributes<const FIELD: u32>(mut into: Attributes<'_, FIELD>, attributes: &[Attribute]) {
    for (name, value, of) in attributes {
        let typed = match of {
            Type::Text => None,
            Type::Int => value.parse().ok().map(AnyValue::I64),
            Type::Bool => value.parse().ok().map(AnyValue::Bool),
        };
        into.value(name, &typed.unwrap_or_else(|| AnyValue::Str(value.into())));
    }
}

impl Period {
    fn write(self, field: u32, message: &mut Message) {
        fixed64(message, field, self.start);
        message.fixed64(field + 1, self.end);
    }
}
