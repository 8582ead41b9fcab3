//! `observability evidence` collects what is known of an incident into one page.

mod ask;
mod collect;
mod lines;
mod options;
mod page;
mod plot;
mod tls;

use std::process::ExitCode;

pub(super) use options::Evidence;

/// Asks the stores and writes the page.
pub(super) async fn run(evidence: Evidence) -> Result<ExitCode, String> {
    let asker = ask::Asker::new(tls::connector(&evidence.tls)?);
    let found = collect::collect(asker, &evidence).await;
    let missing = found.missing.len();
    std::fs::write(&evidence.out, page::page(&found))
        .map_err(|error| format!("{}: {error}", evidence.out.display()))?;
    eprintln!(
        "{}: {} spans, {} lines, {} figures; {missing} questions without an answer",
        evidence.out.display(),
        found.spans.len(),
        found.lines.len(),
        found.figures.len(),
    );
    for question in &found.missing {
        eprintln!("  {question}");
    }
    Ok(ExitCode::SUCCESS)
}
