//! Which traces are kept where only a share of them is: the same ones in every service and of every signal.
//!
//! A trace is kept if its randomness `R` reaches the rejection threshold `T`, both of 56 bits (OpenTelemetry,
//! "tracestate probability sampling").

use std::sync::atomic::{AtomicU64, Ordering};

use super::{TraceId, Tracestate};

/// Everything that 56 bits can count.
const ALL: u64 = 1 << 56;

/// Hex digits of a threshold that are not a leading `f`; the specification recommends four.
const PRECISION: i32 = 4;

/// What a trace has that is random: what its list says explicitly, else the trace id's last 56 bits.
pub(crate) fn randomness(trace_id: TraceId, tracestate: &Tracestate) -> u64 {
    tracestate.ot_random().unwrap_or_else(|| trace_id.randomness())
}

/// The rejection threshold of a share, rounded as the specification recommends; `None` keeps nothing.
pub(crate) fn threshold_of(share: f64) -> Option<u64> {
    let kept = (share.clamp(0.0, 1.0) * ALL as f64).round() as u64;
    if kept == 0 {
        return None;
    }
    let exponent = (share.to_bits() >> 52 & 0x7ff) as i32 - 1_022;
    let digits = (PRECISION + (-exponent).max(0) / 4).clamp(1, 14);
    let unit = 1_u64 << (4 * (14 - digits));
    let rounded = (ALL - kept.min(ALL) + unit / 2) / unit * unit;
    Some(rounded.min(ALL - unit))
}

/// A share that an operator chose while the process runs, in the place of the configured one.
#[derive(Debug)]
pub(crate) struct TurnedShare(AtomicU64);

/// Above every threshold.
const NOT_TURNED: u64 = u64::MAX;
const KEEPS_NOTHING: u64 = ALL;

impl Default for TurnedShare {
    fn default() -> Self {
        Self(AtomicU64::new(NOT_TURNED))
    }
}

impl TurnedShare {
    /// Its threshold, as [`threshold_of`] makes it; `None` while the configured share is in force.
    #[inline]
    pub(crate) fn get(&self) -> Option<Option<u64>> {
        let threshold = self.0.load(Ordering::Relaxed);
        (threshold != NOT_TURNED).then(|| (threshold != KEEPS_NOTHING).then_some(threshold))
    }

    /// Chooses a share; `None` goes back to the configured one.
    pub(crate) fn set(&self, share: Option<f64>) {
        let threshold = share.map_or(NOT_TURNED, |share| threshold_of(share).unwrap_or(KEEPS_NOTHING));
        self.0.store(threshold, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_specifications_table() {
        let hex = |share: f64| {
            let digits = format!("{:014x}", threshold_of(share).unwrap());
            digits.trim_end_matches('0').to_owned()
        };
        let table = [
            (1.0, ""),
            (0.5, "8"),
            (1.0 / 3.0, "aaab"),
            (0.25, "c"),
            (0.2, "cccd"),
            (0.125, "e"),
            (0.1, "e666"),
            (0.0625, "f"),
            (0.01, "fd70a"),
            (0.001, "ffbe77"),
            (0.0001, "fff9724"),
            (0.00001, "ffff583a"),
            (0.000001, "ffffef39"),
        ];
        for (share, digits) in table {
            assert_eq!(hex(share), digits, "{share}");
        }
        assert_eq!(threshold_of(0.0), None);
        assert_eq!(threshold_of(f64::NAN), None);
    }
}
