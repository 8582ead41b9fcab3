//! The one table of all variables, put together from the signals' rows.

use super::General;
use crate::admin::Admin;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::otlp::Shared;
use crate::reports::Reports;
use crate::traces::Traces;
use crate::variable::Variable;

/// An environment variable that this crate reads.
///
/// ```
/// let rows = tower_observability::variables();
/// let name = rows.iter().find(|row| row.name == "OTEL_SERVICE_NAME").unwrap();
/// assert_eq!(name.signal, "general");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VariableRow {
    /// What it belongs to: `general`, `traces`, `logs`, `metrics`, `reports` or `admin`.
    pub signal: &'static str,
    /// The variable.
    pub name: &'static str,
    /// Its default, as one would write it; empty where there is none.
    pub default: &'static str,
    /// What it does, with its unit.
    pub about: &'static str,
    /// Is its value masked wherever it is shown?
    pub secret: bool,
}

#[doc = include_str!("variables.md")]
#[must_use]
pub fn variables() -> Vec<VariableRow> {
    let mut all = Vec::new();
    all.extend(rows("general", General::VARIABLES));
    all.extend(rows("general", Shared::VARIABLES));
    all.extend(rows("traces", Traces::VARIABLES));
    all.extend(rows("logs", Logs::VARIABLES));
    all.extend(rows("metrics", Metrics::VARIABLES));
    all.extend(rows("reports", Reports::VARIABLES));
    all.extend(rows("admin", Admin::VARIABLES));
    all
}

fn rows<O>(signal: &'static str, rows: &'static [Variable<O>]) -> impl Iterator<Item = VariableRow> {
    rows.iter().map(move |row| VariableRow {
        signal,
        name: row.name,
        default: row.default,
        about: row.about,
        secret: row.is_secret(),
    })
}

#[cfg(all(test, feature = "reports"))]
mod tests {
    #[test]
    fn headers_tokens_and_dsns_are_secret() {
        let secret = super::variables().into_iter().filter(|row| row.secret).map(|row| row.name);
        let expected = [
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OBSERVABILITY_TRACES_PEERS_TOKEN",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "SENTRY_DSN",
            "ROLLBAR_ACCESS_TOKEN",
            "OBSERVABILITY_ADMIN_TOKEN",
        ];
        assert_eq!(secret.collect::<Vec<_>>(), expected);
    }
}
