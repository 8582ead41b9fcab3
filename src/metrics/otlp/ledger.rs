//! What was told so far of each stream, so that the next delta is what came since: nothing twice, and nothing not at all.
//!
//! A delta counts as told once the receiver has it, or may have it. One that was lost is not told: the next one is from
//! the same time on and has its counts as well.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::export::Lost;
use crate::metrics::exponential::Spread;

/// The value of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Int(u64),
    Float(f64),
    /// Of fixed buckets.
    Fixed {
        counts: Vec<u64>,
        sum: f64,
    },
    Spread {
        spread: Spread,
        sum: f64,
    },
}

/// What became of a data point: known once the request that it was put into is settled.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate(Arc<OnceLock<Lost>>);

/// What was told of all streams, by the names of their families and by their labels.
#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<String, HashMap<Arc<str>, Stream>>);

#[derive(Debug)]
struct Stream {
    /// `None`: nothing yet, so everything since zero is to be told.
    told: Option<Value>,
    /// From when on the next delta is.
    since: u64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    value: Value,
    at: u64,
    fate: Fate,
}

impl Value {
    /// What was added since. What is lower than before began again.
    fn since(&self, earlier: &Self) -> Self {
        match (self, earlier) {
            (Self::Int(now), Self::Int(before)) => Self::Int(now.checked_sub(*before).unwrap_or(*now)),
            (Self::Float(now), Self::Float(before)) => {
                Self::Float(if now < before { *now } else { now - before })
            }
            (Self::Fixed { counts, sum }, Self::Fixed { counts: before, sum: sum_before }) => {
                let counts = counts.iter().zip(before).map(|(now, before)| now.saturating_sub(*before));
                Self::Fixed { counts: counts.collect(), sum: sum - sum_before }
            }
            (Self::Spread { spread, sum }, Self::Spread { spread: before, sum: sum_before }) => {
                Self::Spread { spread: spread.since(before), sum: sum - sum_before }
            }
            _ => self.clone(),
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Int(count) => *count == 0,
            Self::Float(value) => *value == 0.0,
            Self::Fixed { counts, .. } => counts.iter().all(|count| *count == 0),
            Self::Spread { spread, .. } => spread.count() == 0,
        }
    }
}

impl Fate {
    /// The point is in the request of this mark.
    pub(super) fn seal(&self, lost: &Lost) {
        let _ = self.0.set(lost.clone());
    }

    /// Is it known that the point was lost?
    fn was_lost(&self) -> bool {
        self.0.get().is_some_and(Lost::is_lost)
    }

    /// Was the point put into no request?
    fn was_left_out(&self) -> bool {
        self.0.get().is_none()
    }
}

impl Ledger {
    /// What was added to a stream since what was told, from when on, and what is told of its fate; `None` if nothing
    /// was. A stream that is new begins at `start`; if that is not known, nothing is told of what was there before.
    pub(super) fn delta(
        &mut self,
        (family, labels): (&str, &Arc<str>),
        value: Value,
        start: Option<u64>,
        at: u64,
    ) -> Option<(Value, u64, Fate)> {
        if !self.0.contains_key(family) {
            self.0.insert(family.to_owned(), HashMap::new());
        }
        let streams = self.0.get_mut(family)?;
        let stream = streams.entry(Arc::clone(labels)).or_insert_with(|| Stream {
            told: start.is_none().then(|| value.clone()),
            since: start.unwrap_or(at),
            pending: None,
        });
        // Where the process ends, this one does not wait for the one before.
        stream.settle(|fate| fate.was_lost());
        let delta = stream.told.as_ref().map_or_else(|| value.clone(), |told| value.since(told));
        if delta.is_nothing() {
            stream.since = at;
            return None;
        }
        let fate = Fate::default();
        stream.pending = Some(Pending { value, at, fate: fate.clone() });
        Some((delta, stream.since, fate))
    }

    /// All points that were handed out are accounted for.
    pub(super) fn settle(&mut self) {
        for stream in self.0.values_mut().flat_map(HashMap::values_mut) {
            stream.settle(|fate| fate.was_lost() || fate.was_left_out());
        }
    }
}

impl Stream {
    fn settle(&mut self, is_lost: impl Fn(&Fate) -> bool) {
        if let Some(Pending { value, at, fate }) = self.pending.take()
            && !is_lost(&fate)
        {
            (self.told, self.since) = (Some(value), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels() -> Arc<str> {
        Arc::from("a=\"b\"")
    }

    fn tell(ledger: &mut Ledger, value: u64, at: u64) -> Option<(u64, u64, Fate)> {
        let told = ledger.delta(("orders", &labels()), Value::Int(value), Some(1), at);
        told.map(|(value, since, fate)| match value {
            Value::Int(value) => (value, since, fate),
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_existed_before_the_first_delivery_is_in_it() {
        let (value, since, _) = tell(&mut Ledger::default(), 7, 10).unwrap();
        assert_eq!((value, since), (7, 1));
    }

    #[test]
    fn a_delta_that_was_lost_is_in_the_next_one_and_one_that_may_have_arrived_is_not() {
        let mut ledger = Ledger::default();
        tell(&mut ledger, 3, 10).unwrap().2.seal(&Lost::default());
        ledger.settle();
        // In no request: the queue was full.
        let (value, since, _) = tell(&mut ledger, 5, 20).unwrap();
        assert_eq!((value, since), (2, 10));
        ledger.settle();
        let (value, since, fate) = tell(&mut ledger, 6, 30).unwrap();
        assert_eq!((value, since), (3, 10));
        fate.seal(&Lost::default());
        ledger.settle();
        assert!(tell(&mut ledger, 6, 40).is_none(), "nothing was added");
        assert_eq!(tell(&mut ledger, 9, 50).map(|(value, since, _)| (value, since)), Some((3, 40)));
    }

    #[test]
    fn a_counter_that_began_again_is_told_from_zero_and_one_that_is_older_than_we_from_now() {
        let mut ledger = Ledger::default();
        let older = |ledger: &mut Ledger, value, at| {
            let told = ledger.delta(("cpu", &labels()), Value::Float(value), None, at);
            told.map(|(value, since, fate)| {
                fate.seal(&Lost::default());
                (value, since)
            })
        };
        assert_eq!(older(&mut ledger, 100.0, 10), None);
        assert_eq!(older(&mut ledger, 101.5, 20), Some((Value::Float(1.5), 10)));
        ledger.settle();
        assert_eq!(older(&mut ledger, 0.5, 30), Some((Value::Float(0.5), 20)));
    }

    proptest! {
        /// Whatever is delivered, lost or left out: what was told adds up to what was counted, without a gap in time.
        #[test]
        fn what_is_told_adds_up(steps in proptest::collection::vec((0_u64..5, 0_u8..3), 1..40)) {
            let (mut ledger, mut counted, mut told, mut end) = (Ledger::default(), 0, 0, 1);
            for (place, (added, fate_of)) in steps.into_iter().chain([(1, 0)]).enumerate() {
                counted += added;
                let at = 10 + place as u64;
                if let Some((value, since, fate)) = tell(&mut ledger, counted, at) {
                    prop_assert!(since >= end);
                    match fate_of {
                        0 => {
                            fate.seal(&Lost::default());
                            (told, end) = (told + value, at);
                        }
                        1 => fate.seal(&Lost::of_test()),
                        _ => {}
                    }
                }
                ledger.settle();
            }
            prop_assert_eq!(told, counted);
        }
    }
}
