//! The report of a load: in short on the terminal, whole as Markdown with its plots beside it.

use std::fmt::Write as _;
use std::path::Path;

use super::bounds::Verdict;
use super::figures::{Figure, Source, verdict};
use super::plot::Plot;
use crate::launcher::paint;
use crate::plumbing::BoxError;
use crate::screen::show;

/// All that a load came to.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) title: String,
    /// What was done: the command, users, rate, duration, endpoint.
    pub(super) stated: Vec<(&'static str, String)>,
    /// What came out, in sentences.
    pub(super) found: Vec<String>,
    /// Tables of their own: the steps of a search.
    pub(super) tables: Vec<Table>,
    /// What the figures are of.
    pub(super) figures_of: String,
    pub(super) figures: Vec<Figure>,
    pub(super) plots: Vec<Plot>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// The last column of a table whose figures were asked for; at the terminal it is left out.
pub(super) const QUERY: &str = "query";

pub(super) const FILE: &str = "load.md";

impl Report {
    fn verdict(&self) -> Verdict {
        verdict(&self.figures)
    }

    /// Which figures are not healthy.
    fn reasons(&self) -> Vec<String> {
        let bad = self
            .figures
            .iter()
            .filter(|figure| figure.verdict.is_some_and(|verdict| verdict > Verdict::Healthy));
        let reason = |figure: &Figure| {
            let verdict = figure.verdict.map_or("", Verdict::text);
            format!("{} of {}: {} ({verdict}: {})", figure.what, figure.of, figure.value, figure.bounds)
        };
        bad.map(reason).collect()
    }

    /// For a person at the terminal: the queries are in the file.
    pub(super) fn show(&self) {
        show!("\n{}\n", paint::bold(&self.title));
        let stated: Vec<_> =
            self.stated.iter().map(|(what, text)| vec![(*what).to_owned(), text.clone()]).collect();
        paint::table(&["stated", ""], &stated);
        for table in &self.tables {
            show!("\n{}\n", paint::bold(&table.title));
            let shown = table.head.iter().filter(|head| **head != QUERY).count();
            let rows: Vec<_> =
                table.rows.iter().map(|row| row.iter().take(shown).cloned().collect()).collect();
            paint::table(&table.head[..shown], &rows);
        }
        show!("\n{}\n", paint::bold(&self.figures_of));
        let row = |figure: &Figure| {
            let verdict = figure.verdict.map_or("", Verdict::text).to_owned();
            vec![figure.what.clone(), figure.of.clone(), figure.value.clone(), verdict, figure.bounds.clone()]
        };
        paint::table(
            &["figure", "of", "value", "verdict", "bounds"],
            &self.figures.iter().map(row).collect::<Vec<_>>(),
        );
        show!("");
        self.found.iter().for_each(|found| show!("{found}"));
        show!("Verdict: {}", paint::bold(self.verdict().text()));
        self.reasons().iter().for_each(|reason| show!("  {reason}"));
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.title);
        for found in &self.found {
            _ = writeln!(text, "{found}\n");
        }
        _ = writeln!(text, "Verdict: **{}**", self.verdict().text());
        for reason in self.reasons() {
            _ = write!(text, "\n- {reason}");
        }
        text += "\n\n## What was done\n\n";
        let code =
            |what: &str, said: &str| if what == "command" { format!("`{said}`") } else { said.to_owned() };
        let stated = self.stated.iter().map(|(what, said)| vec![(*what).to_owned(), code(what, said)]);
        text += &table(&["what", "stated"], stated);
        for one in &self.tables {
            _ = write!(text, "\n## {}\n\n{}", one.title, table(&one.head, one.rows.iter().cloned()));
        }
        _ = write!(text, "\n## {}\n\n", self.figures_of);
        text += &table(&["figure", "of", "value", "bounds", "verdict", QUERY], self.figures.iter().map(row));
        text += "\nThe bounds are those of `src/guide/on_call.md`. What compares with a habit, and for how long an alert waits, is \
                 left out: a load test has no habit.\n\n## Plots\n";
        for plot in &self.plots {
            _ = write!(text, "\n![{}]({}.svg)\n", plot.title, plot.name);
        }
        text
    }

    /// Writes `load.md` and its plots into a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), BoxError> {
        let named =
            |error: std::io::Error| format!("the report cannot be written to {}: {error}", folder.display());
        std::fs::create_dir_all(folder).map_err(named)?;
        for plot in &self.plots {
            std::fs::write(folder.join(format!("{}.svg", plot.name)), plot.svg()).map_err(named)?;
        }
        std::fs::write(folder.join(FILE), self.markdown()).map_err(named)?;
        show!("\nThe report, with plots and the query of each figure: {}", folder.join(FILE).display());
        Ok(())
    }
}

fn row(figure: &Figure) -> Vec<String> {
    let source = match &figure.source {
        Source::Query(query) => format!("`{query}`"),
        Source::Users(how) => format!("counted by the users: {how}"),
    };
    let verdict = figure.verdict.map_or("", Verdict::text).to_owned();
    vec![figure.what.clone(), figure.of.clone(), figure.value.clone(), figure.bounds.clone(), verdict, source]
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
        _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(what: &str, verdict: Option<Verdict>, source: Source) -> Figure {
        let (of, value, bounds) = ("customers".to_owned(), "1.0 ms".to_owned(), "≤ 5 ms; > 0.01".to_owned());
        Figure { what: what.to_owned(), of, value, bounds, verdict, source }
    }

    fn report(figures: Vec<Figure>) -> Report {
        Report {
            title: "Load: normal".to_owned(),
            stated: vec![("command", "a | b".to_owned())],
            found: vec!["60 requests.".to_owned()],
            tables: vec![Table {
                title: "Steps".to_owned(),
                head: vec!["rate"],
                rows: vec![vec!["50".to_owned()]],
            }],
            figures_of: "Figures".to_owned(),
            figures,
            plots: vec![Plot {
                name: "p",
                title: "P".to_owned(),
                across: "s",
                lines: Vec::new(),
                bound: None,
            }],
        }
    }

    #[test]
    fn the_worst_figure_is_the_verdict_and_says_why() {
        let query = || Source::Query("rate(x[5s])".to_owned());
        let text = report(vec![
            figure("p95", Some(Verdict::Healthy), query()),
            figure("database p95", Some(Verdict::Incident), query()),
            figure("pool used", Some(Verdict::Warning), query()),
            figure("CPU", None, Source::Users("sent")),
        ])
        .markdown();
        for told in [
            "# Load: normal\n\n60 requests.\n\nVerdict: **incident**\n\n- database p95 of customers: 1.0 ms (incident: ≤ 5 ms; > 0.01)\n\
             - pool used",
            "| command | `a \\| b` |",
            "## Steps\n\n| rate |\n|---|\n| 50 |",
            "| figure | of | value | bounds | verdict | query |\n|---|---|---|---|---|---|\n",
            "| p95 | customers | 1.0 ms | ≤ 5 ms; > 0.01 | healthy | `rate(x[5s])` |",
            "| CPU | customers | 1.0 ms | ≤ 5 ms; > 0.01 |  | counted by the users: sent |",
            "\n![P](p.svg)\n",
        ] {
            assert!(text.contains(told), "{told}\nin\n{text}");
        }
        assert!(report(vec![figure("CPU", None, query())]).markdown().contains("**healthy**"));
    }
}
