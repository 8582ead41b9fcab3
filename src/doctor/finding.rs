//! One thing that was looked at, and how it is.

use crate::config::{Config, Source};
use crate::error::{masked_url, masked_urls};
use crate::terminal::steers;

/// How something is.
///
/// ```
/// use tower_observability::doctor::Verdict;
///
/// assert!(Verdict::Ok < Verdict::Failed);
/// assert_eq!(Verdict::Failed.as_str(), "FAILED");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be, or as it was chosen.
    Ok,
    /// It works, and is most likely not what was meant.
    Warning,
    /// It does not work.
    Failed,
}

/// One thing that was looked at.
///
/// ```
/// use tower_observability::doctor::{Finding, Verdict};
///
/// let finding = Finding {
///     about: "traces",
///     step: "",
///     answer: "off".to_owned(),
///     from: "default".to_owned(),
///     verdict: Verdict::Warning,
///     detail: "OTEL_EXPORTER_OTLP_ENDPOINT turns them on".to_owned(),
/// };
/// assert_eq!(finding.verdict.as_str(), "warning");
/// ```
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it belongs to, such as `traces`.
    pub about: &'static str,
    /// The step of the way there, such as `connection`; empty for what was chosen.
    pub step: &'static str,
    /// What was found. No secret is in it.
    pub answer: String,
    /// Who chose it: a variable, `--service`, `default`, `terminal`; empty for a step.
    pub from: String,
    /// How it is.
    pub verdict: Verdict,
    /// Why, and what to do; may be empty.
    pub detail: String,
}

impl Verdict {
    /// The word of the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
        }
    }
}

impl Finding {
    /// What was chosen, and by whom.
    pub(super) fn chosen(about: &'static str, answer: impl Into<String>, from: impl Into<String>) -> Self {
        let (answer, from) = (answer.into(), from.into());
        Self { about, step: "", answer, from, verdict: Verdict::Ok, detail: String::new() }
    }

    /// What a step showed.
    pub(super) fn step(about: &'static str, step: &'static str, answer: impl Into<String>) -> Self {
        Self { step, ..Self::chosen(about, answer, "") }
    }

    pub(super) fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    pub(super) fn warns(self, detail: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..self.with(detail) }
    }

    pub(super) fn fails(self, detail: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, ..self.with(detail) }
    }
}

/// What an unknown name leaves open.
pub(super) const WHICH: &str = "which service is meant? --service says it";

/// An address without its credentials, and without what stands behind its path: the page of evidence is handed on.
#[must_use]
pub fn public(url: &str) -> String {
    masked_url(url).into_owned()
}

/// A text of somebody else: on one line, at most so many characters, and no secret of a URL in it. A URL that is cut can
/// no longer be told from other words, so it is masked first.
#[must_use]
pub fn foreign(text: &str, most: usize) -> String {
    masked_urls(text).chars().map(|c| if steers(c) { ' ' } else { c }).take(most).collect()
}

/// Who chose a value: the first of these variables that the environment decides, else who decides the last.
pub(super) fn from(config: &Config, names: &[&'static str]) -> String {
    let decides = |name: &&&str| config.source(name) == Source::Environment;
    if let Some(name) = names.iter().find(decides) {
        return (*name).to_owned();
    }
    match names.last().map_or(Source::Default, |name| config.source(name)) {
        // Of all that code may choose, only the name is given to the program.
        Source::Code => "--service".to_owned(),
        source => source.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_somebody_else_is_masked_before_it_is_cut() {
        let said = "Get \"http://h/metrics?token=s3cr3t\": dial\ntcp\u{202e}";
        assert_eq!(foreign(said, 200), "Get \"http://h/metrics?REDACTED\": dial tcp ");
        let cut = foreign("http://ann:s3cr3t@host/metrics", "http://ann:s3cr3t".len());
        assert_eq!(cut, "http://REDACTED@h");
    }
}
