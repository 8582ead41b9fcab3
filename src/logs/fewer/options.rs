//! The options of what is left out, and their variables.

use std::time::Duration;

use crate::logs::Logs;
use crate::variable::{Refusal, Variable, milliseconds};

impl Logs {
    /// Keeps this share of the lines of requests and work that ended well, from 0 to 1; values outside are clamped.
    ///
    /// What did not end well (any outcome but `ok` and `upgraded`), what was slow ([`Logs::slow`]) and what an error
    /// was noted of keeps its line, and so does every event. The trace id decides: all services with one share keep
    /// the lines of the same traces, and those of [`Traces::sample_ratio`](crate::Traces::sample_ratio) with that share. What is left
    /// out is in [`FlowReport::left_out`](crate::FlowReport::left_out) and in
    /// `observability_log_left_out_total{reason="sampled"}`. Default: `1.0`. Variable: `OBSERVABILITY_LOG_OK_SHARE`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_observability::Logs;
    ///
    /// let logs = Logs::new().sample_ok(0.1).slow(Duration::from_millis(250));
    /// # drop(logs);
    /// ```
    pub fn sample_ok(mut self, share: f64) -> Self {
        self.fewer.share = if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// What took so long keeps its line, whatever [`Logs::sample_ok`] says. Default: one second. Variable:
    /// `OBSERVABILITY_LOG_SLOW`, in milliseconds.
    pub fn slow(mut self, from: Duration) -> Self {
        self.fewer.slow = from;
        self
    }

    /// How many lines one place in the code (one `tracing` or `log` macro) may write within a second; 0 is without a
    /// limit.
    ///
    /// The first ones of each second are written, of every level. Once a second one line of the same level, target,
    /// `file` and `line` tells how many were `suppressed`; they are in
    /// [`FlowReport::left_out`](crate::FlowReport::left_out) and in
    /// `observability_log_left_out_total{reason="limited"}`. It is there for a loop that ran wild, which would take
    /// the room of every other line. Default: `10000`. Variable: `OBSERVABILITY_LOG_LIMIT`.
    ///
    /// ```
    /// let logs = tower_observability::Logs::new().limit(100);
    /// # drop(logs);
    /// ```
    pub fn limit(mut self, lines_per_second: u32) -> Self {
        self.fewer.limit = lines_per_second;
        self
    }
}

pub(in crate::logs) const VARIABLES: [Variable<Logs>; 3] = [
    Variable {
        name: "OBSERVABILITY_LOG_OK_SHARE",
        default: "1.0",
        secret: false,
        about: "The share of closing lines of successful requests that is kept, from 0 to 1; others are always kept.",
        set: set_share,
        show: |logs| format!("{:?}", logs.fewer.share),
    },
    Variable {
        name: "OBSERVABILITY_LOG_SLOW",
        default: "1000",
        secret: false,
        about: "A request that takes this long keeps its line, in milliseconds.",
        set: |logs, value| {
            logs.fewer.slow = milliseconds(value)?;
            Ok(())
        },
        show: |logs| logs.fewer.slow.as_millis().to_string(),
    },
    Variable {
        name: "OBSERVABILITY_LOG_LIMIT",
        default: "10000",
        secret: false,
        about: "Maximum lines per second of one place in the code; the rest is counted and reported. 0 is no limit.",
        set: |logs, value| {
            let limit: u64 = value.parse().map_err(|_| Refusal::expected("a whole number of lines"))?;
            logs.fewer.limit = u32::try_from(limit).unwrap_or(u32::MAX);
            Ok(())
        },
        show: |logs| logs.fewer.limit.to_string(),
    },
];

fn set_share(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let share = value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    logs.fewer.share = share.ok_or_else(|| Refusal::expected("a number from 0 to 1"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(logs: &mut Logs, name: &str, value: &str) -> Result<(), Refusal> {
        let row = VARIABLES.iter().find(|row| row.name == name).expect("a row");
        (row.set)(logs, value)
    }

    fn shown(logs: &Logs) -> [String; 3] {
        VARIABLES.each_ref().map(|row| (row.show)(logs))
    }

    #[test]
    fn the_defaults_are_those_of_the_rows() {
        assert_eq!(shown(&Logs::new()), VARIABLES.each_ref().map(|row| row.default.to_owned()));
    }

    #[test]
    fn a_good_value_is_taken_and_shown_and_a_bad_one_changes_nothing() {
        let mut logs = Logs::new();
        for (name, value) in VARIABLES.iter().map(|row| row.name).zip(["0.25", "250", "0"]) {
            assert_eq!(set(&mut logs, name, value), Ok(()));
        }
        assert_eq!(shown(&logs), ["0.25", "250", "0"]);
        assert_eq!(
            shown(&Logs::new().sample_ok(0.25).slow(Duration::from_millis(250)).limit(0)),
            shown(&logs)
        );
        let bad =
            [("OK_SHARE", "1.5"), ("OK_SHARE", "NaN"), ("OK_SHARE", "10%"), ("SLOW", "1s"), ("LIMIT", "-1")];
        for (name, value) in bad {
            let refused = set(&mut logs, &format!("OBSERVABILITY_LOG_{name}"), value);
            assert!(matches!(refused, Err(Refusal::Expected(_))), "{name}={value}: {refused:?}");
        }
        assert_eq!(shown(&logs), ["0.25", "250", "0"]);
        assert_eq!(shown(&Logs::new().sample_ok(f64::NAN))[0], "1.0");
        assert_eq!(shown(&Logs::new().sample_ok(-1.0))[0], "0.0");
    }
}
