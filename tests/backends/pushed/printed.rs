//! What the collector's debug exporter should print of a request with metrics, line by line.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, exemplar, number_data_point,
};
use prost::Message as _;

use crate::support::time::nanoseconds;

/// Reads the times in a line.
pub(super) struct Times;

impl Times {
    /// The line with its time as nanoseconds since 1970.
    pub(super) fn read(line: &str) -> String {
        for name in ["StartTimestamp: ", "Timestamp: ", "     -> Timestamp: "] {
            if let Some(time) = line.strip_prefix(name) {
                return format!("{name}{}", nanoseconds(time));
            }
        }
        line.to_owned()
    }
}

#[derive(Default)]
struct Lines(Vec<String>);

macro_rules! line {
    ($lines:expr, $($text:tt)+) => { $lines.0.push(format!($($text)+)) };
}

/// The lines of a request's body; line breaks within a value make lines of their own.
pub(super) fn expected(body: &[u8]) -> Vec<String> {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let mut lines = Lines::default();
    for (place, resource) in request.resource_metrics.iter().enumerate() {
        line!(lines, "ResourceMetrics #{place}");
        line!(lines, "Resource SchemaURL: {}", resource.schema_url);
        lines.attributes("Resource attributes:", &resource.resource.as_ref().unwrap().attributes);
        for (place, of_scope) in resource.scope_metrics.iter().enumerate() {
            let scope = of_scope.scope.clone().unwrap_or_default();
            line!(lines, "ScopeMetrics #{place}");
            line!(lines, "ScopeMetrics SchemaURL: {}", of_scope.schema_url);
            line!(lines, "InstrumentationScope {} {}", scope.name, scope.version);
            for (place, metric) in of_scope.metrics.iter().enumerate() {
                line!(lines, "Metric #{place}");
                lines.metric(metric);
            }
        }
    }
    let whole = lines.0.into_iter();
    whole.flat_map(|line| line.split('\n').map(str::to_owned).collect::<Vec<_>>()).collect()
}

impl Lines {
    fn attributes(&mut self, title: &str, attributes: &[KeyValue]) {
        if attributes.is_empty() {
            return;
        }
        line!(self, "{title}");
        for pair in attributes {
            line!(self, "     -> {}: {}", pair.key, typed(&pair.value));
        }
    }

    fn metric(&mut self, metric: &Metric) {
        let data = metric.data.as_ref().unwrap();
        let kind = match data {
            Data::Gauge(_) => "Gauge",
            Data::Sum(_) => "Sum",
            Data::Histogram(_) => "Histogram",
            Data::ExponentialHistogram(_) => "ExponentialHistogram",
            Data::Summary(_) => panic!("a summary"),
        };
        line!(self, "Descriptor:");
        line!(self, "     -> Name: {}", metric.name);
        line!(self, "     -> Description: {}", metric.description);
        line!(self, "     -> Unit: {}", metric.unit);
        line!(self, "     -> DataType: {kind}");
        match data {
            Data::Gauge(gauge) => self.numbers(&gauge.data_points),
            Data::Sum(sum) => {
                line!(self, "     -> IsMonotonic: {}", sum.is_monotonic);
                self.temporality(sum.aggregation_temporality());
                self.numbers(&sum.data_points);
            }
            Data::Histogram(histogram) => {
                self.temporality(histogram.aggregation_temporality());
                for (place, point) in histogram.data_points.iter().enumerate() {
                    line!(self, "HistogramDataPoints #{place}");
                    self.histogram(point);
                }
            }
            Data::ExponentialHistogram(histogram) => {
                self.temporality(histogram.aggregation_temporality());
                for (place, point) in histogram.data_points.iter().enumerate() {
                    line!(self, "ExponentialHistogramDataPoints #{place}");
                    self.exponential(point);
                }
            }
            Data::Summary(_) => {}
        }
    }

    fn temporality(&mut self, temporality: AggregationTemporality) {
        let word = match temporality {
            AggregationTemporality::Delta => "Delta",
            AggregationTemporality::Cumulative => "Cumulative",
            AggregationTemporality::Unspecified => panic!("no temporality"),
        };
        line!(self, "     -> AggregationTemporality: {word}");
    }

    fn begin(&mut self, attributes: &[KeyValue], start: u64, end: u64) {
        self.attributes("Data point attributes:", attributes);
        line!(self, "StartTimestamp: {start}");
        line!(self, "Timestamp: {end}");
    }

    fn numbers(&mut self, points: &[NumberDataPoint]) {
        for (place, point) in points.iter().enumerate() {
            line!(self, "NumberDataPoints #{place}");
            self.begin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
            match point.value {
                Some(number_data_point::Value::AsInt(value)) => line!(self, "Value: {value}"),
                Some(number_data_point::Value::AsDouble(value)) => line!(self, "Value: {value:.6}"),
                None => panic!("no value"),
            }
            self.exemplars(&point.exemplars);
        }
    }

    fn histogram(&mut self, point: &HistogramDataPoint) {
        self.begin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        line!(self, "Count: {}", point.count);
        if let Some(sum) = point.sum {
            line!(self, "Sum: {sum:.6}");
        }
        for (place, bound) in point.explicit_bounds.iter().enumerate() {
            line!(self, "ExplicitBounds #{place}: {bound:.6}");
        }
        for (place, count) in point.bucket_counts.iter().enumerate() {
            line!(self, "Buckets #{place}, Count: {count}");
        }
        self.exemplars(&point.exemplars);
    }

    fn exponential(&mut self, point: &ExponentialHistogramDataPoint) {
        self.begin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        line!(self, "Count: {}", point.count);
        if let Some(sum) = point.sum {
            line!(self, "Sum: {sum:.6}");
        }
        let bound = |index: i32| (f64::from(index) * (-f64::from(point.scale)).exp2()).exp2();
        let counted = |buckets: &Option<Buckets>| {
            let buckets = buckets.clone().unwrap_or_default();
            buckets.bucket_counts.into_iter().zip(buckets.offset..).collect::<Vec<_>>()
        };
        for (count, index) in counted(&point.negative).into_iter().rev() {
            line!(self, "Bucket [{:.6}, {:.6}), Count: {count}", -bound(index + 1), -bound(index));
        }
        if point.zero_count > 0 {
            line!(self, "Bucket [0, 0], Count: {}", point.zero_count);
        }
        for (count, index) in counted(&point.positive) {
            line!(self, "Bucket ({:.6}, {:.6}], Count: {count}", bound(index), bound(index + 1));
        }
        self.exemplars(&point.exemplars);
    }

    fn exemplars(&mut self, exemplars: &[Exemplar]) {
        if exemplars.is_empty() {
            return;
        }
        line!(self, "Exemplars:");
        for (place, exemplar) in exemplars.iter().enumerate() {
            line!(self, "Exemplar #{place}");
            line!(self, "     -> Trace ID: {}", hex(&exemplar.trace_id));
            line!(self, "     -> Span ID: {}", hex(&exemplar.span_id));
            line!(self, "     -> Timestamp: {}", exemplar.time_unix_nano);
            match exemplar.value {
                Some(exemplar::Value::AsDouble(value)) => line!(self, "     -> Value: {value:.6}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn typed(value: &Option<AnyValue>) -> String {
    match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("Str({text})"),
        Some(Value::BoolValue(value)) => format!("Bool({value})"),
        Some(Value::IntValue(value)) => format!("Int({value})"),
        other => panic!("a type that we do not send: {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
