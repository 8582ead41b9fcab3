//! The closing account: what was delivered, and what was lost.

use std::fmt;

use crate::account::FlowReport;

/// What became of everything that was handed to observability, told at the end.
///
/// ```
/// # async fn end(observability: tower_observability::Observability) {
/// let report = observability.shutdown().await;
/// if report.spans.dropped_total() > 0 {
///     eprintln!("some traces are incomplete: {report}");
/// }
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The spans; all zero if traces are off.
    pub spans: FlowReport,
    /// The log lines; all zero if none are written.
    pub lines: FlowReport,
    /// The log records over OTLP; all zero if they are off.
    pub records: FlowReport,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spans: {}; lines: {}", self.spans, self.lines)?;
        if self.records == FlowReport::default() { Ok(()) } else { write!(f, "; records: {}", self.records) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_one_line() {
        let empty = "0 delivered, 0 unconfirmed, 0 dropped";
        assert_eq!(Report::default().to_string(), format!("spans: {empty}; lines: {empty}"));
        let records = FlowReport { created: 1, delivered: 1, ..FlowReport::default() };
        let report = Report { records, ..Report::default() };
        assert!(report.to_string().ends_with("; records: 1 delivered, 0 unconfirmed, 0 dropped"), "{report}");
    }
}
