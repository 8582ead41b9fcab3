//! The search for the highest rate that is within the bounds: growing steps until one is not, then halves between.

/// What is known of the capacity so far.
#[derive(Debug)]
pub(super) struct Search {
    first: f64,
    /// Higher than this it does not go.
    most: f64,
    /// The highest rate that was within the bounds.
    within: Option<f64>,
    /// The lowest that was not.
    beyond: Option<f64>,
    steps: u32,
}

/// From one step to the next, as long as all goes well.
const GROWTH: f64 = 1.5;

/// Closer than this is close enough.
const FINE: f64 = 1.06;

pub(super) const MOST_STEPS: u32 = 20;

impl Search {
    pub(super) fn new(first: f64, most: f64) -> Self {
        Self { first, most, within: None, beyond: None, steps: 0 }
    }

    /// The rate of the next step, in whole requests a second; `None` once it is found, or as near as it will be.
    pub(super) fn next(&self) -> Option<f64> {
        let next = match (self.within, self.beyond) {
            (None, None) => self.first,
            (Some(within), None) => within * GROWTH,
            (None, Some(beyond)) => beyond / 2.0,
            (Some(within), Some(beyond)) if beyond / within <= FINE => return None,
            (Some(within), Some(beyond)) => (within * beyond).sqrt(),
        };
        let next = next.round();
        let is_new =
            self.within.is_none_or(|within| next > within) && self.beyond.is_none_or(|beyond| next < beyond);
        (self.steps < MOST_STEPS && (1.0..=self.most).contains(&next) && is_new).then_some(next)
    }

    /// Takes note of a step.
    pub(super) fn heard(&mut self, rate: f64, is_within: bool) {
        self.steps += 1;
        if is_within {
            self.within = Some(self.within.map_or(rate, |within| within.max(rate)));
        } else {
            self.beyond = Some(self.beyond.map_or(rate, |beyond| beyond.min(rate)));
        }
    }

    pub(super) fn within(&self) -> Option<f64> {
        self.within
    }

    pub(super) fn beyond(&self) -> Option<f64> {
        self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps, if everything up to this rate goes well.
    fn searched(first: f64, capacity: f64) -> (Search, Vec<f64>) {
        let (mut search, mut steps) = (Search::new(first, 20_000.0), Vec::new());
        while let Some(rate) = search.next() {
            steps.push(rate);
            search.heard(rate, rate <= capacity);
        }
        (search, steps)
    }

    #[test]
    fn it_grows_until_a_step_fails_and_then_halves() {
        let (search, steps) = searched(50.0, 300.0);
        assert_eq!(steps[..6], [50.0, 75.0, 113.0, 170.0, 255.0, 383.0]);
        let (within, beyond) = (search.within().unwrap(), search.beyond().unwrap());
        assert!(within <= 300.0 && 300.0 < beyond && beyond / within <= FINE, "{search:?}");
    }

    #[test]
    fn a_first_step_that_fails_is_halved() {
        let (search, steps) = searched(50.0, 7.0);
        assert_eq!(steps[..4], [50.0, 25.0, 13.0, 7.0]);
        assert_eq!((search.within(), search.beyond()), (Some(7.0), Some(8.0)));
        assert_eq!(searched(50.0, 0.0).0.within(), None);
    }

    #[test]
    fn it_ends_whatever_it_hears() {
        assert!(searched(50.0, f64::INFINITY).1.len() <= MOST_STEPS as usize);
        for capacity in [1.0, 2.0, 49.0, 50.0, 51.0, 19_999.0] {
            let (search, steps) = searched(50.0, capacity);
            assert!(steps.len() <= MOST_STEPS as usize, "{capacity}: {steps:?}");
            assert!(search.within().is_none_or(|within| within <= capacity), "{search:?}");
        }
    }
}
