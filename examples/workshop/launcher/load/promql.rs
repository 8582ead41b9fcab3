//! Questions in PromQL that can be printed, to be asked again in Prometheus, and answered from a window of our own scrapes.
//! One value of [`Expr`] does both, so that a figure's query is the one that it came from.
//!
//! Prometheus extrapolates a rate to the edges of its range; here the scrapes lie at the edges. Its answer differs by as
//! much as a load changes within one interval of its scrapes.

use std::collections::BTreeMap;
use std::fmt;

use super::window::{Labels, Series, Window};

/// The part of PromQL that the figures need.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// `increase(…[W])`
    Increase(Select),
    /// `rate(…[W])`
    Rate(Select),
    /// `max_over_time(…[W])`
    Highest(Select),
    /// `sum by (…) (…)`
    Sum(&'static [&'static str], Box<Self>),
    /// `max by (…) (…)`
    Max(&'static [&'static str], Box<Self>),
    /// `histogram_quantile(φ, …)`, of something summed by `le` and more
    Quantile(f64, Box<Self>),
    /// `… / (… > 0)`, where both have the same labels
    Over(Box<Self>, Box<Self>),
    /// `… / scalar(…)`
    Share(Box<Self>, Box<Self>),
}

/// A metric and what its labels must be: label, whether equal or not, text.
#[derive(Clone, Debug)]
pub(super) struct Select(pub(super) &'static str, pub(super) Vec<(&'static str, bool, &'static str)>);

/// What a question is answered with: one value for each set of labels.
pub(super) type Answer = Vec<(Labels, f64)>;

impl Expr {
    pub(super) fn sum(by: &'static [&'static str], of: Self) -> Self {
        Self::Sum(by, Box::new(of))
    }

    pub(super) fn max(by: &'static [&'static str], of: Self) -> Self {
        Self::Max(by, Box::new(of))
    }

    pub(super) fn quantile(share: f64, of: Self) -> Self {
        Self::Quantile(share, Box::new(of))
    }

    pub(super) fn over(self, other: Self) -> Self {
        Self::Over(Box::new(self), Box::new(other))
    }

    pub(super) fn share_of(self, all: Self) -> Self {
        Self::Share(Box::new(self), Box::new(all))
    }

    /// The text, for a range of so many seconds.
    pub(super) fn text(&self, seconds: u32) -> String {
        match self {
            Self::Increase(select) => format!("increase({select}[{seconds}s])"),
            Self::Rate(select) => format!("rate({select}[{seconds}s])"),
            Self::Highest(select) => format!("max_over_time({select}[{seconds}s])"),
            Self::Sum(by, of) => format!("sum{} ({})", labels(by), of.text(seconds)),
            Self::Max(by, of) => format!("max{} ({})", labels(by), of.text(seconds)),
            Self::Quantile(share, of) => format!("histogram_quantile({share}, {})", of.text(seconds)),
            Self::Over(of, by) => format!("{} / ({} > 0)", of.text(seconds), by.text(seconds)),
            Self::Share(of, all) => format!("{} / scalar({})", of.text(seconds), all.text(seconds)),
        }
    }

    /// The answer of these scrapes. What is no number, as nothing divided by nothing, is left out.
    pub(super) fn answer(&self, window: &Window) -> Answer {
        match self {
            Self::Increase(select) => select.each(window, |series| Some(increase(&series, window))),
            Self::Rate(select) => select.each(window, |series| {
                let (from, to) = window.read(series.labels.get("job")?)?;
                (to > from).then(|| increase(&series, window) / (to - from))
            }),
            Self::Highest(select) => {
                select.each(window, |series| series.samples.iter().map(|(_, value)| *value).reduce(f64::max))
            }
            Self::Sum(by, of) => grouped(by, of.answer(window), |values| values.iter().sum()),
            Self::Max(by, of) => grouped(by, of.answer(window), |values| {
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            }),
            Self::Quantile(share, of) => quantiles(*share, of.answer(window)),
            Self::Over(of, by) => {
                let by: BTreeMap<Labels, f64> = by.answer(window).into_iter().collect();
                let over = |(labels, value): (Labels, f64)| {
                    let by = *by.get(&labels)?;
                    (by > 0.0).then(|| (labels, value / by))
                };
                of.answer(window).into_iter().filter_map(over).collect()
            }
            Self::Share(of, all) => match *all.answer(window) {
                [(_, all)] if all > 0.0 => {
                    of.answer(window).into_iter().map(|(labels, value)| (labels, value / all)).collect()
                }
                _ => Vec::new(),
            },
        }
    }

    /// The one value of a question that has one; `None` where there is nothing.
    pub(super) fn value(&self, window: &Window) -> Option<f64> {
        self.answer(window).first().map(|(_, value)| *value)
    }
}

impl Select {
    fn each(&self, window: &Window, value: impl Fn(Series) -> Option<f64>) -> Answer {
        let series = window.named(self.0).filter(|series| self.takes(&series.labels));
        series.filter_map(|series| Some((series.labels.clone(), value(series)?))).collect()
    }

    fn takes(&self, labels: &Labels) -> bool {
        let is = |label: &str, text: &str| labels.get(label).map_or("", String::as_str) == text;
        self.1.iter().all(|(label, equal, text)| is(label, text) == *equal)
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers = self
            .1
            .iter()
            .map(|(label, equal, text)| format!("{label}{}\"{text}\"", if *equal { "=" } else { "!=" }));
        let matchers = matchers.collect::<Vec<_>>().join(",");
        if matchers.is_empty() { f.write_str(self.0) } else { write!(f, "{}{{{matchers}}}", self.0) }
    }
}

fn labels(by: &[&str]) -> String {
    if by.is_empty() { String::new() } else { format!(" by ({})", by.join(", ")) }
}

/// A counter that is not on the first page of its process stood at zero then; one that falls has begun again.
fn increase(series: &Series, window: &Window) -> f64 {
    let begun = series.labels.get("job").and_then(|job| window.read(job)).map_or(0.0, |(from, _)| from);
    let mut before = match series.samples.first() {
        Some((at, value)) if *at <= begun => *value,
        _ => 0.0,
    };
    let mut sum = 0.0;
    for (_, value) in &series.samples {
        sum += if *value < before { *value } else { value - before };
        before = *value;
    }
    sum
}

fn grouped(by: &[&str], answer: Answer, join: impl Fn(&[f64]) -> f64) -> Answer {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for (labels, value) in answer {
        let labels = by.iter().filter_map(|label| Some(((*label).to_owned(), labels.get(*label)?.clone())));
        groups.entry(labels.collect()).or_default().push(value);
    }
    groups.into_iter().map(|(labels, values)| (labels, join(&values))).collect()
}

/// A straight line through the bucket that holds the rank, as `histogram_quantile` has it.
fn quantiles(share: f64, buckets: Answer) -> Answer {
    let mut histograms: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (mut labels, value) in buckets {
        let bound = labels.remove("le").and_then(|le| le.parse::<f64>().ok());
        histograms.entry(labels).or_default().extend(bound.map(|bound| (bound, value)));
    }
    let of = |(labels, mut buckets): (Labels, Vec<(f64, f64)>)| {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        Some((labels, quantile(share, &buckets)?))
    };
    histograms.into_iter().filter_map(of).collect()
}

fn quantile(share: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let (_, all) = *buckets.last().filter(|(bound, all)| bound.is_infinite() && *all > 0.0)?;
    let rank = share * all;
    let at = buckets.iter().position(|(_, upto)| *upto >= rank)?;
    let (from, below) =
        at.checked_sub(1).and_then(|before| buckets.get(before)).copied().unwrap_or((0.0, 0.0));
    let (to, upto) = buckets[at];
    match (to.is_infinite(), at, to <= 0.0) {
        // Beyond the last bound nothing is known but that.
        (true, _, _) => Some(from),
        (_, 0, true) => Some(to),
        _ => Some(from + (to - from) * (rank - below) / (upto - below)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::Page;
    use super::*;

    const NAME: &str = "http_server_request_duration_seconds_count";

    fn window(pages: &[(f64, &str)]) -> Window {
        let pages: Vec<Page> =
            pages.iter().map(|(at, text)| Page::new("gateway", *at, text, false)).collect();
        Window::of(&pages)
    }

    fn all(status: &'static str) -> Select {
        Select(NAME, vec![("job", true, "gateway"), ("error_type", true, status)])
    }

    #[test]
    fn a_question_is_printed_as_prometheus_takes_it() {
        let failed = Expr::sum(&["error_type"], Expr::Rate(Select(NAME, vec![("error_type", false, "")])));
        let all = Expr::sum(&[], Expr::Rate(Select(NAME, Vec::new())));
        assert_eq!(
            failed.share_of(all).text(60),
            format!(
                "sum by (error_type) (rate({NAME}{{error_type!=\"\"}}[60s])) / scalar(sum (rate({NAME}[60s])))"
            )
        );
        let quantile =
            Expr::quantile(0.95, Expr::sum(&["job", "le"], Expr::Rate(Select("x_bucket", Vec::new()))));
        assert_eq!(quantile.text(7), "histogram_quantile(0.95, sum by (job, le) (rate(x_bucket[7s])))");
    }

    #[test]
    fn counters_count_from_zero_where_they_were_not_and_go_on_after_a_new_beginning() {
        let both = format!("{NAME}{{error_type=\"500\"}} 2\n{NAME} 130\n");
        let window =
            window(&[(100.0, &format!("{NAME} 100\n")), (105.0, &both), (110.0, &format!("{NAME} 20\n"))]);
        assert_eq!(Expr::Increase(all("")).value(&window), Some(50.0), "30 and 20 after the new beginning");
        assert_eq!(Expr::Rate(all("")).value(&window), Some(5.0));
        assert_eq!(Expr::Increase(all("500")).value(&window), Some(2.0));
        assert_eq!(Expr::Rate(Select("queue_depth", Vec::new())).answer(&window), []);
        assert_eq!((window.seconds(), window.span()), (10, (100.0, 110.0)));
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let buckets = [(0.0, 0.0), (0.1, 50.0), (0.2, 90.0), (f64::INFINITY, 100.0)];
        for (share, expected) in [(0.5, 0.1), (0.7, 0.15), (0.9, 0.2), (0.95, 0.2), (0.25, 0.05)] {
            let value = quantile(share, &buckets).unwrap();
            assert!((value - expected).abs() < 1e-9, "{share}: {value}, not {expected}");
        }
        assert_eq!(quantile(0.5, &[(0.1, 0.0), (f64::INFINITY, 0.0)]), None, "nothing was observed");
        assert_eq!(quantile(0.5, &[(0.1, 7.0)]), None, "a histogram without its end");
        assert_eq!(quantile(0.5, &[]), None);
    }

    #[test]
    fn shares_have_no_value_where_there_is_nothing_to_share() {
        let one = window(&[(1.0, "queue_depth{queue=\"a\"} 3\nqueue_depth{queue=\"b\"} 0\n")]);
        let depth = || Expr::sum(&["queue"], Expr::Highest(Select("queue_depth", Vec::new())));
        let over: Vec<f64> = depth().over(depth()).answer(&one).into_iter().map(|(_, value)| value).collect();
        assert_eq!(over, [1.0]);
        let all = || Expr::max(&[], Expr::Highest(Select("queue_depth", Vec::new())));
        assert_eq!(depth().share_of(all()).answer(&one).len(), 2);
        assert_eq!(depth().share_of(all()).answer(&Window::default()), []);
    }
}
