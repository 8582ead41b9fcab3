//! The variables of metrics over OTLP.

use super::export::{SHORTEST, Temporality};
use crate::export::{set_milliseconds, shown_milliseconds, whole};
use crate::metrics::options::Metrics;
use crate::otlp::endpoint_rows;
use crate::variable::{Refusal, Variable, count, table};

/// The rows, by subject.
const GROUPS: &[&[Variable<Metrics>]] =
    &[PERIOD, endpoint_rows!(Metrics, export.otlp, "METRICS", "metrics"), FORM];

pub(in crate::metrics) const VARIABLES: &[Variable<Metrics>] = &table::<_, { count(GROUPS) }>(GROUPS);

const PERIOD: &[Variable<Metrics>] = &[
    Variable {
        name: "OTEL_METRIC_EXPORT_INTERVAL",
        default: "60000",
        about: "How often metrics are sent over OTLP, in milliseconds, from 10.",
        set: |metrics, text| {
            let interval = whole(text, SHORTEST.as_millis() as usize)
                .map_err(|_| Refusal::expected("a whole number of milliseconds from 10"))?;
            metrics.export.otlp.batching.delay = Some(std::time::Duration::from_millis(interval as u64));
            Ok(())
        },
        show: |metrics| shown_milliseconds(metrics.export.batch_limits().delay),
    },
    Variable {
        name: "OTEL_METRIC_EXPORT_TIMEOUT",
        default: "30000",
        about: "Timeout of a request with metrics over all attempts, in milliseconds; 0 means no timeout.",
        set: |metrics, text| set_milliseconds(&mut metrics.export.otlp.batching.timeout, text),
        show: |metrics| shown_milliseconds(metrics.export.otlp.batching.timeout),
    },
];

const FORM: &[Variable<Metrics>] = &[
    Variable {
        name: "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        default: "cumulative",
        about: "How counters and histograms are sent over OTLP: `cumulative` since the start, `delta` since the last \
                delivery, `lowmemory` (delta of what is recorded, cumulative of what is asked at each collection).",
        set: |metrics, text| {
            let named = Temporality::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
            let expected = || Refusal::expected("cumulative, delta or lowmemory");
            metrics.export.temporality = named.ok_or_else(expected)?;
            Ok(())
        },
        show: |metrics| metrics.export.temporality.as_str().to_owned(),
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        default: EXPLICIT,
        about: "The buckets of histograms over OTLP: `explicit_bucket_histogram`, those of the page, or \
                `base2_exponential_bucket_histogram`.",
        set: |metrics, text| {
            metrics.exponential = match text.to_ascii_lowercase().as_str() {
                EXPLICIT => false,
                EXPONENTIAL => true,
                _ => {
                    return Err(Refusal::expected(
                        "explicit_bucket_histogram or base2_exponential_bucket_histogram",
                    ));
                }
            };
            Ok(())
        },
        show: |metrics| if metrics.exponential { EXPONENTIAL } else { EXPLICIT }.to_owned(),
    },
];

const EXPLICIT: &str = "explicit_bucket_histogram";
const EXPONENTIAL: &str = "base2_exponential_bucket_histogram";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::otlp::Otlp;

    #[test]
    fn an_interval_of_code_has_the_bounds_of_the_variable() {
        let shown = |delay| {
            let metrics = Metrics::new().otlp(Otlp::new().batch_delay(delay));
            (PERIOD[0].show)(&metrics)
        };
        assert_eq!(shown(Duration::ZERO), "10");
        assert_eq!(shown(Duration::from_secs(5)), "5000");
        assert_eq!(shown(Duration::MAX), shown(Duration::MAX / 2), "a time that can be waited for");
    }
}
