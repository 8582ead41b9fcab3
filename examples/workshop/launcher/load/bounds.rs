//! The guide's table of bounds: healthy, warning, incident. It is read where on-call reads it, so that there is one only.

const GUIDE: &str = include_str!("../../../../src/guide/on_call.md");

/// How bad is it? The worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Healthy,
    Warning,
    Incident,
}

/// An alert's row, as far as it judges a number by itself. What compares it with a habit is left out: a load test has none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bounds {
    text: String,
    healthy: Condition,
    warning: Option<Condition>,
    incident: Option<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Condition {
    is: Comparison,
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Above,
    Below,
    AtMost,
    AtLeast,
    Equal,
}

impl Verdict {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Warning => "warning",
            Self::Incident => "incident",
        }
    }
}

impl Bounds {
    /// Those of an alert; `None` where there is no such row, or none that judges a number.
    pub(super) fn of(alert: &str) -> Option<Self> {
        let begins = format!("| [{alert}](");
        let row = GUIDE.lines().find(|line| line.starts_with(&begins))?;
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, healthy, warning, incident, ..] = *cells else { return None };
        let bounds = [healthy, warning, incident].into_iter().filter(|cell| !cell.is_empty());
        let text = bounds.map(|cell| cell.replace('`', "")).collect::<Vec<_>>().join("; ");
        let (warning, incident) = (Condition::of_rule(warning), Condition::of_rule(incident));
        Some(Self { text, healthy: Condition::plain(healthy)?, warning, incident })
    }

    /// The cells of the row, as they stand there.
    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    /// What is neither healthy nor an incident deserves a look: a warning.
    pub(super) fn judge(&self, value: f64) -> Verdict {
        let holds = |condition: &Option<Condition>| condition.is_some_and(|condition| condition.holds(value));
        match () {
            () if holds(&self.incident) => Verdict::Incident,
            () if holds(&self.warning) || !self.healthy.holds(value) => Verdict::Warning,
            () => Verdict::Healthy,
        }
    }

    /// From here on an alert would fire: the lower of its bounds.
    pub(super) fn alarm(&self) -> Option<f64> {
        self.warning.or(self.incident).map(|condition| condition.bound)
    }
}

impl Condition {
    /// A cell without code: `≤ 1 %`, `≤ 5 ms`, `0`.
    fn plain(cell: &str) -> Option<Self> {
        let mut words = cell.split(' ');
        let first = words.next()?;
        let (is, number) = match first {
            "≤" => (Comparison::AtMost, words.next()?),
            "≥" => (Comparison::AtLeast, words.next()?),
            number => (Comparison::Equal, number),
        };
        let unit = match words.next() {
            None | Some("s") => 1.0,
            Some("ms") => 1e-3,
            Some("%") => 1e-2,
            Some(_) => return None,
        };
        Some(Self { is, bound: number.parse::<f64>().ok()? * unit })
    }

    /// The first code of a cell that is of no habit: of `` `> 0.2`, `> 2` × habit `` the first.
    fn of_rule(cell: &str) -> Option<Self> {
        let mut parts = cell.split('`').skip(1);
        while let (Some(code), after) = (parts.next(), parts.next().unwrap_or_default()) {
            if !after.trim_start().starts_with('×') {
                let (is, number) = code.split_once(' ')?;
                let is = match is {
                    ">" => Comparison::Above,
                    "<" => Comparison::Below,
                    ">=" => Comparison::AtLeast,
                    "==" => Comparison::Equal,
                    _ => return None,
                };
                return Some(Self { is, bound: number.parse().ok()? });
            }
        }
        None
    }

    fn holds(self, value: f64) -> bool {
        match self.is {
            Comparison::Above => value > self.bound,
            Comparison::Below => value < self.bound,
            Comparison::AtMost => value <= self.bound,
            Comparison::AtLeast => value >= self.bound,
            Comparison::Equal => value == self.bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_that_a_load_is_judged_by_are_read_from_the_guide() {
        for (alert, values) in [
            (
                "RequestErrors",
                [(0.01, Verdict::Healthy), (0.02, Verdict::Warning), (0.051, Verdict::Incident)],
            ),
            (
                "RequestErrorsElevated",
                [(0.0, Verdict::Healthy), (0.01, Verdict::Healthy), (0.011, Verdict::Warning)],
            ),
            ("RequestsSlow", [(0.1, Verdict::Healthy), (0.2, Verdict::Warning), (0.201, Verdict::Incident)]),
            ("DependencySlow", [(0.5, Verdict::Healthy), (1.0, Verdict::Warning), (1.1, Verdict::Incident)]),
            (
                "DatabaseSlow",
                [(0.005, Verdict::Healthy), (0.006, Verdict::Warning), (0.02, Verdict::Incident)],
            ),
            ("PoolNearlyUsedUp", [(0.7, Verdict::Healthy), (0.8, Verdict::Warning), (1.0, Verdict::Warning)]),
            ("PoolWaiting", [(0.0, Verdict::Healthy), (1.0, Verdict::Incident), (2.0, Verdict::Incident)]),
            ("CpuSaturated", [(0.7, Verdict::Healthy), (0.8, Verdict::Warning), (0.95, Verdict::Warning)]),
            ("CpuThrottled", [(0.05, Verdict::Healthy), (0.1, Verdict::Warning), (0.3, Verdict::Warning)]),
            ("QueueGrowing", [(10.0, Verdict::Healthy), (11.0, Verdict::Warning), (101.0, Verdict::Warning)]),
        ] {
            let bounds = Bounds::of(alert).unwrap_or_else(|| panic!("no bounds of {alert}"));
            for (value, verdict) in values {
                assert_eq!(bounds.judge(value), verdict, "{alert}: {value}");
            }
        }
        assert_eq!(Bounds::of("RequestsSlow").unwrap().alarm(), Some(0.2));
        assert_eq!(Bounds::of("RequestErrorsElevated").unwrap().alarm(), Some(0.01));
    }

    #[test]
    fn what_judges_no_number_has_no_bounds() {
        for alert in ["Watchdog", "TrafficSurge", "NoSuchAlert", ""] {
            assert_eq!(Bounds::of(alert), None, "{alert}");
        }
        assert_eq!(
            Condition::of_rule("`> 5` × habit and `> 10`/s").map(|condition| condition.bound),
            Some(10.0)
        );
        for cell in ["", "`", "`>`", "`> x`", "always"] {
            assert_eq!(Condition::of_rule(cell), None, "{cell}");
        }
    }
}
