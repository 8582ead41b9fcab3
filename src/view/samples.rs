//! From OTLP's metrics to samples of series: whatever the instrument, a number, or a distribution over fixed buckets.

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{exemplar, number_data_point};

use super::decode::{Decoded, Intern, attributes, micros, resource};
use super::model::{Attributes, Exemplar, Id, Instrument, MOST_EXEMPLARS, Point, Resource, Sample};

/// `AGGREGATION_TEMPORALITY_DELTA`.
const DELTA: i32 = 1;
/// An exponential histogram has buckets of its own at each time; these take them, so that times can be compared.
const LADDER: [f64; 33] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6,
];

/// What the samples of one metric have in common.
struct Metric<'a> {
    resource: &'a Arc<Resource>,
    scope: Arc<str>,
    name: Arc<str>,
    unit: Arc<str>,
}

pub(super) fn samples(request: ExportMetricsServiceRequest, intern: Intern<'_>) -> Decoded<Sample> {
    let mut decoded = Decoded::default();
    for group in request.resource_metrics {
        let Some(resource) = intern(resource(group.resource)) else {
            let metrics = group.scope_metrics.iter().flat_map(|scope| &scope.metrics);
            decoded.homeless += metrics.map(points).sum::<u64>();
            continue;
        };
        for scope in group.scope_metrics {
            let name: Arc<str> = scope.scope.map(|scope| scope.name).unwrap_or_default().into();
            scope.metrics.into_iter().for_each(|metric| add(&mut decoded.items, &resource, &name, metric));
        }
    }
    decoded
}

fn points(metric: &otlp::Metric) -> u64 {
    let points = match &metric.data {
        None => 0,
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
    };
    points as u64
}

fn add(to: &mut Vec<Sample>, resource: &Arc<Resource>, scope: &Arc<str>, metric: otlp::Metric) {
    let Some(data) = metric.data else { return };
    let metric =
        Metric { resource, scope: scope.clone(), name: metric.name.into(), unit: metric.unit.into() };
    match data {
        Data::Gauge(gauge) => {
            let points = gauge.data_points.into_iter().filter(|point| has_value(point.flags));
            to.extend(points.filter_map(|point| metric.number(Instrument::Gauge, false, point)));
        }
        Data::Sum(sum) => {
            let is_delta = sum.aggregation_temporality == DELTA;
            let instrument = if sum.is_monotonic { Instrument::Counter } else { Instrument::UpDownCounter };
            let points = sum.data_points.into_iter().filter(|point| has_value(point.flags));
            to.extend(points.filter_map(|point| metric.number(instrument, is_delta, point)));
        }
        Data::Histogram(histogram) => {
            let is_delta = histogram.aggregation_temporality == DELTA;
            let points = histogram.data_points.into_iter().filter(|point| has_value(point.flags));
            to.extend(points.map(|point| metric.histogram(is_delta, point)));
        }
        Data::ExponentialHistogram(histogram) => {
            let is_delta = histogram.aggregation_temporality == DELTA;
            let points = histogram.data_points.into_iter().filter(|point| has_value(point.flags));
            to.extend(points.map(|point| metric.exponential(is_delta, point)));
        }
        Data::Summary(summary) => {
            let points = summary.data_points.into_iter().filter(|point| has_value(point.flags));
            to.extend(points.map(|point| metric.summary(point)));
        }
    }
}

/// Of the point's flags: without one it says only that its series has ended.
fn has_value(flags: u32) -> bool {
    const NO_RECORDED_VALUE: u32 = 1;
    flags & NO_RECORDED_VALUE == 0
}

/// What a histogram of either kind says.
struct Distribution {
    count: u64,
    sum: Option<f64>,
    bounds: Vec<f64>,
    buckets: Vec<u64>,
}

impl Metric<'_> {
    fn sample(&self, instrument: Instrument, labels: Attributes, point: Point) -> Sample {
        Sample {
            resource: self.resource.clone(),
            scope: self.scope.clone(),
            name: self.name.clone(),
            unit: self.unit.clone(),
            instrument,
            labels,
            is_delta: false,
            bounds: Box::default(),
            point,
            exemplars: Vec::new(),
        }
    }

    /// None if it says no number.
    fn number(&self, instrument: Instrument, is_delta: bool, point: otlp::NumberDataPoint) -> Option<Sample> {
        let value = match point.value? {
            number_data_point::Value::AsDouble(value) => value,
            number_data_point::Value::AsInt(value) => value as f64,
        };
        let exemplars = exemplars(point.exemplars);
        let (labels, start) = (attributes(point.attributes), micros(point.start_time_unix_nano));
        let start = if instrument == Instrument::Gauge { 0 } else { start };
        let point = Point { at: micros(point.time_unix_nano), start, value, ..Point::default() };
        Some(Sample { is_delta, exemplars, ..self.sample(instrument, labels, point) })
    }

    fn histogram(&self, is_delta: bool, point: otlp::HistogramDataPoint) -> Sample {
        let exemplars = exemplars(point.exemplars);
        let (labels, start) = (attributes(point.attributes), micros(point.start_time_unix_nano));
        // Without one bucket more than bounds it says nothing of its distribution.
        let is_sound = point.bucket_counts.len() == point.explicit_bounds.len() + 1;
        let (bounds, buckets) =
            if is_sound { (point.explicit_bounds, point.bucket_counts) } else { Default::default() };
        let distribution = Distribution { count: point.count, sum: point.sum, bounds, buckets };
        let sample = self.distribution((micros(point.time_unix_nano), start), labels, distribution);
        Sample { is_delta, exemplars, ..sample }
    }

    fn exponential(&self, is_delta: bool, point: otlp::ExponentialHistogramDataPoint) -> Sample {
        let exemplars = exemplars(point.exemplars);
        let (labels, start) = (attributes(point.attributes), micros(point.start_time_unix_nano));
        let mut buckets = vec![0_u64; LADDER.len() + 1];
        let negative = point.negative.map_or(0, |negative| saturating_sum(&negative.bucket_counts));
        buckets[0] = point.zero_count.saturating_add(negative);
        let positive = point.positive.unwrap_or_default();
        for (place, count) in positive.bucket_counts.iter().enumerate() {
            // The middle of the bucket, whose bounds are powers of 2 to the 2 to the minus scale.
            let index = f64::from(positive.offset) + place as f64 + 0.5;
            let middle = (index * (-f64::from(point.scale)).exp2()).exp2();
            let bucket = &mut buckets[LADDER.partition_point(|bound| *bound < middle)];
            *bucket = bucket.saturating_add(*count);
        }
        let bounds = LADDER.to_vec();
        let distribution = Distribution { count: point.count, sum: point.sum, bounds, buckets };
        let sample = self.distribution((micros(point.time_unix_nano), start), labels, distribution);
        Sample { is_delta, exemplars, ..sample }
    }

    /// A histogram of either kind, whose point is `at` this time and counts since `start`.
    fn distribution(&self, (at, start): (i64, i64), labels: Attributes, of: Distribution) -> Sample {
        let Distribution { count, sum, bounds, buckets } = of;
        let (sum, buckets) = (sum.unwrap_or_default(), buckets.into());
        let point = Point { at, start, value: 0.0, count, sum, buckets };
        Sample { bounds: bounds.into(), ..self.sample(Instrument::Histogram, labels, point) }
    }

    /// Its quantiles cannot be added up or compared between times; count and sum can.
    fn summary(&self, point: otlp::SummaryDataPoint) -> Sample {
        let (labels, start) = (attributes(point.attributes), micros(point.start_time_unix_nano));
        let at = micros(point.time_unix_nano);
        let point = Point { at, start, count: point.count, sum: point.sum, ..Point::default() };
        self.sample(Instrument::Summary, labels, point)
    }
}

fn saturating_sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

/// The last of a point: a series keeps no more of them.
fn exemplars(all: Vec<otlp::Exemplar>) -> Vec<Exemplar> {
    let one = |exemplar: otlp::Exemplar| {
        let value = match exemplar.value? {
            exemplar::Value::AsDouble(value) => value,
            exemplar::Value::AsInt(value) => value as f64,
        };
        let trace = Id::of(&exemplar.trace_id)?;
        value.is_finite().then(|| Exemplar { at: micros(exemplar.time_unix_nano), value, trace })
    };
    let mut last = Vec::with_capacity(all.len().min(MOST_EXEMPLARS));
    last.extend(all.into_iter().rev().filter_map(one).take(MOST_EXEMPLARS));
    last.reverse();
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_histogram_takes_its_place_on_the_ladder() {
        use otlp::exponential_histogram_data_point::Buckets;
        let resource = Arc::new(Resource::default());
        let metric = Metric { resource: &resource, scope: "".into(), name: "m".into(), unit: "s".into() };
        // Scale 0: each bucket doubles; from offset -4 on they are 0.0625 to 0.125, to 0.25, to 0.5.
        let positive = Some(Buckets { offset: -4, bucket_counts: vec![1, 0, 5] });
        let point =
            otlp::ExponentialHistogramDataPoint { count: 8, zero_count: 2, positive, ..Default::default() };
        let sample = metric.exponential(false, point);
        let taken: Vec<_> =
            sample.point.buckets.iter().zip(LADDER).filter(|(count, _)| **count > 0).collect();
        assert_eq!(taken, [(&2, 1e-6), (&1, 0.1), (&5, 0.5)]);
        let positive = Some(Buckets { offset: i32::MIN, bucket_counts: vec![u64::MAX; 3] });
        let point = otlp::ExponentialHistogramDataPoint { scale: i32::MIN, positive, ..Default::default() };
        assert_eq!(metric.exponential(true, point).bounds.len() + 1, LADDER.len() + 1, "nothing overflows");
    }

    #[test]
    fn the_last_exemplars_of_a_point_are_taken_and_no_more() {
        let resource = Arc::new(Resource::default());
        let metric = Metric { resource: &resource, scope: "".into(), name: "m".into(), unit: "s".into() };
        let one = |value: f64| otlp::Exemplar {
            trace_id: vec![1; 16],
            value: Some(exemplar::Value::AsDouble(value)),
            ..Default::default()
        };
        let exemplars = (0..50_000).map(|number| one(f64::from(number))).chain([one(f64::NAN)]).collect();
        let point = otlp::HistogramDataPoint { exemplars, ..Default::default() };
        let taken = metric.histogram(false, point).exemplars;
        assert!(taken.capacity() <= MOST_EXEMPLARS, "{}", taken.capacity());
        let values: Vec<_> = taken.iter().map(|exemplar| exemplar.value).collect();
        assert_eq!((values.len(), values[0], values[19]), (MOST_EXEMPLARS, 49_980.0, 49_999.0));
    }

    #[test]
    fn a_point_without_a_recorded_value_is_none() {
        let value = Some(number_data_point::Value::AsDouble(7.0));
        let point = |flags, value| otlp::NumberDataPoint { flags, value, ..Default::default() };
        let data_points = vec![point(0, value), point(1, value), point(0, None)];
        let data = Some(Data::Gauge(otlp::Gauge { data_points }));
        let mut samples = Vec::new();
        add(&mut samples, &Arc::default(), &"".into(), otlp::Metric { data, ..Default::default() });
        let point = |flags| otlp::HistogramDataPoint { flags, count: 8, ..Default::default() };
        let histogram = otlp::Histogram { data_points: vec![point(1), point(0)], ..Default::default() };
        let data = Some(Data::Histogram(histogram));
        add(&mut samples, &Arc::default(), &"".into(), otlp::Metric { data, ..Default::default() });
        let figures: Vec<_> = samples.iter().map(|sample| (sample.point.value, sample.point.count)).collect();
        assert_eq!(figures, [(7.0, 0), (0.0, 8)]);
    }
}
