//! `observability evidence` collects what is known of an incident into one page.

mod ask;
mod collect;
mod lines;
mod options;
mod page;
mod plot;
mod tls;

use std::fs::OpenOptions;
use std::process::ExitCode;

pub(super) use options::{Evidence, url};

use tower_observability::doctor::foreign;

use super::say;

/// Asks the stores and writes the page.
pub(super) async fn run(evidence: Evidence) -> Result<ExitCode, String> {
    let asker = ask::Asker::new(tls::connector(&evidence.tls)?);
    let failed = |error: std::io::Error| format!("{}: {error}", evidence.out.display());
    // Before minutes of questions, whose answers would be lost.
    OpenOptions::new().create(true).append(true).open(&evidence.out).map_err(failed)?;
    let found = collect::collect(asker, &evidence).await;
    let missing = found.missing.len();
    std::fs::write(&evidence.out, page::page(&found)).map_err(failed)?;
    say(&format!(
        "{}: {} spans, {} lines, {} figures; {missing} questions without an answer",
        evidence.out.display(),
        found.spans.len(),
        found.lines.len(),
        found.figures.len(),
    ));
    for question in &found.missing {
        // A store's answers name services and traces.
        say(&format!("  {}", foreign(question, usize::MAX)));
    }
    Ok(ExitCode::SUCCESS)
}
