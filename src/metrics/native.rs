//! The page as Prometheus' protobuf, which alone carries native histograms: for who asks for it, where histograms have
//! exponential buckets. The reference is client_model's `MetricFamily`, each with its length before it.

use std::fmt;
use std::sync::Arc;
use std::vec;

use bytes::Bytes;

use super::buckets::Bounds;
use super::exemplar::Exemplar;
use super::exponential::{Buckets, ZERO};
use super::family::{Families, Family, Kind, Series};
use super::group::Group;
use super::histogram::{Histogram, Reading};
use super::label::labels_of;
use super::page::{ENOUGH, Pieces, Shown};
use super::source::{Asked, Shape};
use super::writing::described;
use crate::otlp::{Message, Size};
use crate::threads::rest_if_due;

// `MetricType`.
const COUNTER: u32 = 0;
const GAUGE: u32 = 1;
const HISTOGRAM: u32 = 4;

/// A page that is being written, some families at a time.
pub(super) struct NativePage {
    families: Arc<Families>,
    coming: vec::IntoIter<Shown>,
    reading: Reading,
}

impl NativePage {
    pub(super) fn new(families: Arc<Families>, shown: Vec<Shown>) -> Self {
        Self { families, coming: shown.into_iter(), reading: Reading::default() }
    }

    /// Writes a `MetricFamily`.
    fn kept(&mut self, family: &Family, message: &mut Message) {
        let (kind, suffix) = match family.series.kind() {
            Kind::Counter => (COUNTER, "_total"),
            Kind::Gauge => (GAUGE, ""),
            Kind::Histogram => (HISTOGRAM, ""),
        };
        let (help, unit) = described(&self.families, family);
        head(message, &[&family.name, suffix], &help, kind);
        match &family.series {
            Series::Counters(group) => each(group, |labels, counter| {
                metric(message, labels, 3, |value| value.fixed64(1, (counter.count() as f64).to_bits()));
            }),
            Series::Gauges(group) => each(group, |labels, gauge| {
                metric(message, labels, 2, |value| value.fixed64(1, gauge.value().to_bits()));
            }),
            Series::Histograms(bounds, group) => each(group, |labels, histogram| {
                histogram.read(&mut self.reading);
                let reading = &self.reading;
                metric(message, labels, 7, |value| write(value, bounds, histogram, reading));
            }),
        }
        message.text(5, unit);
    }
}

impl Pieces for NativePage {
    fn next_piece(&mut self) -> Option<Bytes> {
        let mut piece = Message::default();
        while piece.length() < ENOUGH {
            let Some(shown) = self.coming.next() else { break };
            let mut message = Message::default();
            match shown {
                Shown::Kept(family) => self.kept(&family, &mut message),
                Shown::Asked(asked) => write_asked(&asked, &mut message),
            }
            let family = message.into_bytes();
            piece.item(family.len() as u64);
            piece.raw(&family);
        }
        Some(Bytes::from(piece.into_bytes())).filter(|piece| !piece.is_empty())
    }

    fn is_complete(&self) -> bool {
        self.coming.len() == 0
    }
}

impl fmt::Debug for NativePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativePage").field("coming", &self.coming.len()).finish_non_exhaustive()
    }
}

fn each<I>(group: &Group<I>, mut write: impl FnMut(&str, &I)) {
    let mut last = None::<Arc<str>>;
    loop {
        let few = group.after(last.as_deref());
        if few.is_empty() {
            return;
        }
        for (labels, instrument) in few {
            write(&labels, &instrument);
            rest_if_due();
            last = Some(labels);
        }
    }
}

fn head(message: &mut Message, name: &[&str; 2], help: &str, kind: u32) {
    message.texts(1, *name);
    message.text(2, help);
    message.number(3, kind);
}

fn write_asked(asked: &Asked, message: &mut Message) {
    let (suffix, kind, field) = match asked.shape {
        Shape::Counter => ("_total", COUNTER, 3),
        Shape::Gauge => ("", GAUGE, 2),
        Shape::Info => ("_info", GAUGE, 2),
    };
    head(message, &[asked.name, suffix], asked.help, kind);
    for (labels, value) in &asked.samples {
        metric(message, labels, field, |into| into.fixed64(1, value.to_bits()));
    }
    message.text(5, asked.unit);
}

/// Writes a `Metric` whose value is in this field.
fn metric(message: &mut Message, labels: &str, field: u32, value: impl FnOnce(&mut Message)) {
    message.nested(4, Size::Medium, |message| {
        labels_of(labels).for_each(|(name, value)| pair(message, name, &value));
        message.nested(field, Size::Medium, value);
    });
}

fn pair(message: &mut Message, name: &str, value: &str) {
    message.nested(1, Size::Small, |pair| {
        pair.text(1, name);
        pair.text(2, value);
    });
}

/// Writes a `Histogram`: the fixed buckets, and the exponential ones for who reads these.
fn write(message: &mut Message, bounds: &Bounds, histogram: &Histogram, reading: &Reading) {
    let spread = histogram.spread().map(super::exponential::Spread::with_few_buckets);
    let count = spread.as_ref().map_or_else(|| reading.counts.iter().sum(), |spread| spread.count());
    message.number(1, count);
    message.fixed64(2, reading.sum.to_bits());
    let bounds = bounds.values().iter().copied().chain([f64::INFINITY]);
    let mut total = 0;
    for (bucket, (count, bound)) in reading.counts.iter().zip(bounds).enumerate() {
        total += count;
        message.nested(3, Size::Small, |message| {
            message.number(1, total);
            message.fixed64(2, bound.to_bits());
            if let Some(exemplar) = histogram.exemplar(bucket) {
                message.nested(3, Size::Small, |message| write_exemplar(message, &exemplar));
            }
        });
    }
    let Some(spread) = spread else { return };
    message.member_number(5, zigzag(spread.scale.into()));
    message.fixed64(6, ZERO.to_bits());
    message.number(7, spread.zero);
    write_buckets(message, 9, &spread.negative);
    write_buckets(message, 12, &spread.positive);
}

/// Writes the one span of neighbouring buckets, and what each of them has more than the one before.
fn write_buckets(message: &mut Message, field: u32, buckets: &Buckets) {
    if buckets.counts.is_empty() {
        return;
    }
    message.nested(field, Size::Small, |span| {
        // A bucket is called by its upper bound there, and by its lower one here.
        span.number(1, zigzag(i64::from(buckets.offset) + 1));
        span.number(2, buckets.counts.len() as u64);
    });
    let mut before = 0_i64;
    for count in &buckets.counts {
        let count = count.cast_signed();
        message.member_number(field + 1, zigzag(count.wrapping_sub(before)));
        before = count;
    }
}

fn write_exemplar(message: &mut Message, exemplar: &Exemplar) {
    let (trace, span) = (exemplar.trace_id.hex(), exemplar.span_id.hex());
    let hex = |digits| std::str::from_utf8(digits).unwrap_or_default();
    pair(message, "trace_id", hex(&trace));
    pair(message, "span_id", hex(&span));
    message.fixed64(2, exemplar.value.to_bits());
    message.nested(3, Size::Small, |time| {
        time.number(1, exemplar.unix_nanos / 1_000_000_000);
        time.number(2, exemplar.unix_nanos % 1_000_000_000);
    });
}

/// Small numbers of either sign are short.
fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use ::metrics::{counter, gauge, histogram, with_local_recorder};
    use prost::Message as _;

    use crate::metrics::{Exposition, Metrics, Recorder};

    #[derive(Clone, PartialEq, prost::Message)]
    struct Family {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        help: String,
        #[prost(int32, tag = "3")]
        kind: i32,
        #[prost(message, repeated, tag = "4")]
        metrics: Vec<Metric>,
        #[prost(string, tag = "5")]
        unit: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Metric {
        #[prost(message, repeated, tag = "1")]
        labels: Vec<Pair>,
        #[prost(message, optional, tag = "2")]
        gauge: Option<Number>,
        #[prost(message, optional, tag = "3")]
        counter: Option<Number>,
        #[prost(message, optional, tag = "7")]
        histogram: Option<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Pair {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Number {
        #[prost(double, tag = "1")]
        value: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Histogram {
        #[prost(uint64, tag = "1")]
        count: u64,
        #[prost(double, tag = "2")]
        sum: f64,
        #[prost(message, repeated, tag = "3")]
        buckets: Vec<Bucket>,
        #[prost(sint32, tag = "5")]
        schema: i32,
        #[prost(double, tag = "6")]
        zero_threshold: f64,
        #[prost(uint64, tag = "7")]
        zero: u64,
        #[prost(message, repeated, tag = "12")]
        spans: Vec<Span>,
        #[prost(sint64, repeated, packed = "false", tag = "13")]
        deltas: Vec<i64>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Bucket {
        #[prost(uint64, tag = "1")]
        count: u64,
        #[prost(double, tag = "2")]
        bound: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct Span {
        #[prost(sint32, tag = "1")]
        offset: i32,
        #[prost(uint32, tag = "2")]
        length: u32,
    }

    fn page(recorder: &Recorder) -> Vec<Family> {
        let mut pieces = recorder.pieces(Exposition::Native);
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next_piece() {
            bytes.extend_from_slice(&piece);
        }
        assert!(pieces.is_complete());
        let mut rest = &bytes[..];
        let mut families = Vec::new();
        while !rest.is_empty() {
            families.push(Family::decode_length_delimited(&mut rest).unwrap());
        }
        families
    }

    #[test]
    fn each_family_is_read_with_its_native_buckets() {
        let recorder = Recorder::new(&Metrics::new().exponential_histograms());
        with_local_recorder(&recorder, || {
            counter!("orders", "kind" => "a \"b\"").increment(3);
            gauge!("temperature").set(-1.5);
            [0.0, 1.0, 1.0, 1.05, 1.3].into_iter().for_each(|value| histogram!("wait_seconds").record(value));
        });
        let families = page(&recorder);
        let family = |name: &str| families.iter().find(|family| family.name == name).unwrap();
        let orders = family("orders_total");
        assert_eq!((orders.kind, orders.metrics[0].counter.as_ref().unwrap().value), (0, 3.0));
        let label = &orders.metrics[0].labels[0];
        assert_eq!((&*label.name, &*label.value), ("kind", "a \"b\""));
        assert_eq!(family("temperature").metrics[0].gauge.as_ref().unwrap().value, -1.5);
        let wait = family("wait_seconds");
        let histogram = wait.metrics[0].histogram.as_ref().unwrap();
        assert_eq!((wait.kind, &*wait.unit, histogram.count), (4, "seconds", 5));
        assert_eq!((histogram.schema, histogram.zero), (3, 1));
        // 1 is the upper bound of bucket 0, and 1.3 is above 2^(3/8).
        assert_eq!(histogram.spans, [Span { offset: 0, length: 5 }]);
        assert_eq!(histogram.deltas, [2, -1, -1, 0, 1]);
        let (last, first) = (histogram.buckets.last().unwrap(), &histogram.buckets[0]);
        assert_eq!((last.count, last.bound, first.count), (5, f64::INFINITY, 1));
        assert!(families.iter().any(|family| family.name == "observability_metrics_refused_total"));
    }
}
