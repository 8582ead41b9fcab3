//! The head decision: is this trace recorded?
//!
//! Probability sampling is consistent: a span is kept if the trace's randomness `R` reaches the rejection
//! threshold `T`, both of 56 bits, so that services of every language keep the same traces.

use crate::context::{Flags, TraceContext, TraceId, Tracestate, randomness, threshold_of};

/// The head sampler (`OTEL_TRACES_SAMPLER`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampler {
    ignore_parent: bool,
    root: Root,
}

/// What is decided where no parent decides.
#[derive(Clone, Debug, Default)]
enum Root {
    #[default]
    On,
    Off,
    Probability {
        threshold: u64,
        // The list of a trace that starts here, made once.
        fresh: Tracestate,
    },
}

/// What the sampler says of a new span.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) sampled: bool,
    /// The list to send on, where the decision changed it (`ot=th:…`).
    pub(crate) tracestate: Option<Tracestate>,
}

impl Sampler {
    /// `always_on`.
    pub(crate) fn always() -> Self {
        Self { ignore_parent: true, root: Root::On }
    }

    /// `always_off`.
    pub(crate) fn never() -> Self {
        Self { ignore_parent: true, root: Root::Off }
    }

    /// `traceidratio`; a share so small that 56 bits cannot tell it from zero keeps nothing.
    pub(crate) fn probability(share: f64) -> Self {
        Self { ignore_parent: true, root: Root::of(threshold_of(share)) }
    }

    /// `parentbased_…`: a parent's decision is kept, this sampler decides where there is none.
    pub(crate) fn parent_based(self) -> Self {
        Self { ignore_parent: false, ..self }
    }

    /// Decides for a span of this trace, by its parent if it has one.
    #[inline]
    pub(crate) fn decide(
        &self,
        parent: Option<&TraceContext>,
        trace_id: TraceId,
        tracestate: &Tracestate,
    ) -> Decision {
        // Asked of the few that are not sampled only: did the caller leave it to us (B3)?
        let decided = |flags: Flags| flags.is_sampled() || !flags.is_deferred();
        match parent {
            Some(parent) if !self.ignore_parent && decided(parent.flags) => {
                follow(parent.flags.is_sampled(), trace_id, tracestate)
            }
            _ => self.root.decide(trace_id, tracestate),
        }
    }

    /// The same sampler with this share of the traces that nobody else decides about.
    #[cold]
    pub(crate) fn with_threshold(&self, threshold: Option<u64>) -> Self {
        Self { ignore_parent: self.ignore_parent, root: Root::of(threshold) }
    }
}

impl Root {
    /// Keeps traces from this threshold on; `None` keeps none.
    fn of(threshold: Option<u64>) -> Self {
        let fresh = |threshold| Tracestate::default().with_ot_threshold(threshold);
        threshold.map_or(Self::Off, |threshold| Self::Probability { threshold, fresh: fresh(threshold) })
    }

    fn decide(&self, trace_id: TraceId, tracestate: &Tracestate) -> Decision {
        match self {
            // What a sampler without a probability keeps has no known probability: no threshold holds.
            Self::On => Decision { sampled: true, tracestate: without_threshold(tracestate) },
            Self::Off => Decision { sampled: false, tracestate: without_threshold(tracestate) },
            Self::Probability { threshold, fresh } => {
                let sampled = randomness(trace_id, tracestate) >= *threshold;
                let tracestate = match (sampled, tracestate.is_empty()) {
                    (true, true) => Some(fresh.clone()),
                    (true, false) => Some(tracestate.with_ot_threshold(*threshold)),
                    (false, _) => without_threshold(tracestate),
                };
                Decision { sampled, tracestate }
            }
        }
    }
}

/// The parent's decision; a threshold that contradicts it is erased, as the specification says.
#[inline]
fn follow(sampled: bool, trace_id: TraceId, tracestate: &Tracestate) -> Decision {
    let contradicts = !tracestate.is_empty()
        && tracestate
            .ot_threshold()
            .is_some_and(|threshold| (randomness(trace_id, tracestate) >= threshold) != sampled);
    Decision { sampled, tracestate: contradicts.then(|| tracestate.without_ot_threshold()) }
}

fn without_threshold(tracestate: &Tracestate) -> Option<Tracestate> {
    (!tracestate.is_empty() && tracestate.ot_threshold().is_some()).then(|| tracestate.without_ot_threshold())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::SpanId;

    fn trace(randomness: u64) -> TraceId {
        TraceId::new(u128::from(randomness) | 1 << 100).unwrap()
    }

    fn parent(trace_id: TraceId, sampled: bool) -> TraceContext {
        TraceContext { trace_id, span_id: SpanId::random(), flags: Flags::NONE.with_sampled(sampled) }
    }

    fn state(text: &str) -> Tracestate {
        Tracestate::parse([text.as_bytes()])
    }

    #[test]
    fn a_deferred_decision_is_ours_and_an_invented_parents_is_kept() {
        let flags = |flags| TraceContext { flags, ..parent(trace(7), false) };
        let decide = |sampler: Sampler, flags| {
            let parent = flags;
            sampler.parent_based().decide(Some(&parent), parent.trace_id, &Tracestate::default()).sampled
        };
        assert!(decide(Sampler::always(), flags(Flags::DEFERRED)));
        assert!(!decide(Sampler::never(), flags(Flags::DEFERRED)));
        assert!(!decide(Sampler::always(), flags(Flags::INVENTED)));
        assert!(decide(Sampler::never(), flags(Flags::DEBUG)));
    }

    #[test]
    fn a_trace_is_kept_from_its_threshold_on() {
        let sampler = Sampler::probability(0.25);
        let at = |r: u64| sampler.decide(None, trace(r), &Tracestate::default());
        assert!(!at(0xbf_ffff_ffff_ffff).sampled);
        assert!(at(0xc0_0000_0000_0000).sampled);
        assert_eq!(at(0xc0_0000_0000_0000).tracestate.unwrap().as_str(), "ot=th:c");
        assert!(at(0).tracestate.is_none());
    }

    #[test]
    fn every_probability_samples_about_its_share() {
        let sampler = Sampler::probability(0.25);
        let kept = (0..10_000)
            .filter(|_| sampler.decide(None, TraceId::random(), &Tracestate::default()).sampled)
            .count();
        // Ten standard deviations: 43 each.
        assert!((2_070..=2_930).contains(&kept), "{kept}");
    }

    #[test]
    fn explicit_randomness_beats_the_trace_id() {
        let sampler = Sampler::probability(0.25);
        let decision = sampler.decide(None, trace(0), &state("ot=rv:ffffffffffffff"));
        assert!(decision.sampled);
        assert!(decision.tracestate.unwrap().as_str().contains("rv:ffffffffffffff"));
    }

    #[test]
    fn a_parent_decides_where_it_is_asked() {
        let id = trace(u64::MAX >> 8);
        for sampled in [true, false] {
            let parent = parent(id, sampled);
            for sampler in [Sampler::always(), Sampler::never(), Sampler::probability(0.5)] {
                let decision = sampler.parent_based().decide(Some(&parent), id, &Tracestate::default());
                assert_eq!(decision.sampled, sampled);
                assert!(decision.tracestate.is_none());
            }
            assert!(Sampler::always().decide(Some(&parent), id, &Tracestate::default()).sampled);
            assert!(!Sampler::never().decide(Some(&parent), id, &Tracestate::default()).sampled);
            assert!(Sampler::probability(0.5).decide(Some(&parent), id, &Tracestate::default()).sampled);
        }
    }

    #[test]
    fn a_threshold_that_contradicts_the_parents_flag_is_erased() {
        let sampler = Sampler::always().parent_based();
        let id = trace(0xc0_0000_0000_0000);
        let list = state("ot=th:c,other=1");
        assert!(sampler.decide(Some(&parent(id, true)), id, &list).tracestate.is_none());
        let erased = sampler.decide(Some(&parent(id, false)), id, &list).tracestate.unwrap();
        assert_eq!((erased.ot_threshold(), erased.get("other")), (None, Some("1")));
    }

    #[test]
    fn a_sampler_without_a_probability_leaves_no_threshold() {
        let id = trace(0xc0_0000_0000_0000);
        for sampler in [Sampler::always(), Sampler::never()] {
            let decision = sampler.decide(Some(&parent(id, true)), id, &state("ot=th:c"));
            assert_eq!(decision.tracestate.unwrap().ot_threshold(), None);
        }
    }
}
