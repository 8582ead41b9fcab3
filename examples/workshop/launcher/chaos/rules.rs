//! The rules of `examples/stack/prometheus/rules`, as they lie there.

use super::fault::Alert;
use crate::plumbing::BoxError;

macro_rules! rules {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../stack/prometheus/rules/", $name, ".yml")))),*]
    };
}

/// Names of files and what is in them.
pub(super) const FILES: [(&str, &str); 8] =
    rules!["dependencies" "journey" "process" "requests" "resources" "saturation" "slo" "telemetry"];

/// A rule's own words.
pub(super) struct Rule {
    /// For how long its expression must be true before it fires.
    pub(super) lasts: String,
}

/// The rule of this alert, which has the condition that is looked at.
pub(super) fn of(alert: &Alert) -> Result<Rule, BoxError> {
    let begin = format!("- alert: {}\n", alert.name);
    let text = FILES.iter().find_map(|(_, text)| text.split_once(&begin)).map(|(_, rest)| rest);
    let text = text.ok_or_else(|| format!("no rule is called {}", alert.name))?;
    let text = text.split("- alert: ").next().unwrap_or_default();
    if let Some(part) = &alert.part
        && !text.contains(part.condition)
    {
        return Err(format!("the rule {} has no condition `{}`", alert.name, part.condition).into());
    }
    let lasts = text.lines().find_map(|line| line.trim().strip_prefix("for: "));
    Ok(Rule { lasts: lasts.unwrap_or("0s").to_owned() })
}
