//! One step of a search: a rate, what the users saw of it and what the services said meanwhile.

use super::bounds::Bounds;
use super::figures::Unit;
use super::tally::Tally;
use super::watch::Watched;

#[derive(Debug)]
pub(super) struct Step {
    pub(super) rate: f64,
    pub(super) tally: Tally,
    pub(super) watched: Watched,
}

pub(super) const HEAD: [&str; 11] = [
    "rate asked",
    "sent",
    "counted by gateway",
    "RPS",
    "p50",
    "p95",
    "p99",
    "errors",
    "sent late, p95",
    "machine busy",
    "within",
];

/// Slower than this at the 95th percentile is beyond the capacity: the bound of RequestsSlow.
pub(super) fn slow() -> f64 {
    Bounds::of("RequestsSlow").and_then(|bounds| bounds.alarm()).unwrap_or(0.2)
}

/// More errors than this are: the bound of RequestErrorsElevated.
pub(super) fn failing() -> f64 {
    Bounds::of("RequestErrorsElevated").and_then(|bounds| bounds.alarm()).unwrap_or(0.01)
}

impl Step {
    pub(super) fn p95(&self) -> f64 {
        self.tally.latency(0.95).unwrap_or(f64::INFINITY)
    }

    pub(super) fn is_failing(&self) -> bool {
        self.tally.error_ratio() > failing()
    }

    pub(super) fn is_within(&self) -> bool {
        self.p95() <= slow() && !self.is_failing() && !self.is_hopeless()
    }

    /// So far beyond that asking once more is in vain.
    pub(super) fn is_hopeless(&self) -> bool {
        self.tally.unsent() > 0
    }

    /// A line for who waits for the end.
    pub(super) fn text(&self) -> String {
        let p95 = self.tally.latency(0.95).map_or("–".to_owned(), |value| Unit::Seconds.text(value));
        let errors = Unit::Share.text(self.tally.error_ratio());
        let verdict = if self.is_within() { "within" } else { "beyond" };
        format!("{:5.0}/s: {} sent, p95 {p95}, errors {errors}: {verdict}", self.rate, self.tally.sent())
    }

    /// A row of the table of steps.
    pub(super) fn row(&self, counted: Option<f64>) -> Vec<String> {
        let seconds = |value: Option<f64>| value.map_or("–".to_owned(), |value| Unit::Seconds.text(value));
        vec![
            format!("{:.0}/s", self.rate),
            self.tally.sent().to_string(),
            counted.map_or("–".to_owned(), |counted| Unit::Count.text(counted)),
            Unit::PerSecond.text(self.tally.rate()),
            seconds(self.tally.latency(0.5)),
            seconds(self.tally.latency(0.95)),
            seconds(self.tally.latency(0.99)),
            Unit::Share.text(self.tally.error_ratio()),
            seconds(self.tally.lateness(0.95)),
            self.watched.machine.map_or("–".to_owned(), |used| Unit::Share.text(used.busy)),
            if self.is_within() { "yes" } else { "no" }.to_owned(),
        ]
    }
}
