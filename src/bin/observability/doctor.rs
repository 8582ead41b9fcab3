//! `observability doctor`: the arguments, the table, the exit code. What is examined stands in the library, because it is
//! what `init` uses.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tower_observability::doctor::{Examination, Finding, Questions, Verdict, examine};

use super::evidence::url;

/// What to examine beside the environment.
#[derive(Args)]
#[command(after_help = EXIT)]
pub(super) struct Doctor {
    /// The name that the code gives to `init`; OTEL_SERVICE_NAME has precedence.
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
    /// Prometheus' API, such as http://127.0.0.1:9090: is the service scraped, by the job of its name?
    #[arg(long, value_name = "URL", value_parser = url)]
    prometheus: Option<String>,
    /// Loki's API, such as http://127.0.0.1:3100: have lines of the service arrived?
    #[arg(long, value_name = "URL", value_parser = url)]
    loki: Option<String>,
    /// How long one step may take.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = patience)]
    timeout: Duration,
    /// Sends a marked error report as well, where reports go somewhere: it will be an issue there.
    #[arg(long)]
    send_report: bool,
    /// A warning ends with 1 as well.
    #[arg(long)]
    strict: bool,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For a person, up to 100 columns.
    Table,
    /// One object on one line.
    Json,
}

const EXIT: &str = "\
Run it in the environment of the service: with its variables, on its machine or in its container. It sends one span, one log \
record and one counter, marked `observability doctor`, to where the service's own would go, and nothing to anybody else.

Exit code: 0 if nothing failed, 1 if something failed (with --strict: or there was a warning), 2 if the command is \
wrong.";

/// Columns of the table: the verdict, what it is about, the answer, who chose it.
const VERDICT: usize = 8;
const WHAT: usize = 18;
const ANSWER: usize = 40;
const WIDTH: usize = 100;

/// Examines, prints, and says how it went.
pub(super) async fn run(doctor: &Doctor) -> ExitCode {
    let questions = Questions {
        service: doctor.service.clone(),
        prometheus: doctor.prometheus.clone(),
        loki: doctor.loki.clone(),
        timeout: doctor.timeout,
        sends_report: doctor.send_report,
    };
    let examination = examine(&questions).await;
    let text = match doctor.format {
        Format::Table => table(&examination),
        Format::Json => format!("{}\n", object(&examination)),
    };
    let mut output = std::io::stdout().lock();
    if output.write_all(text.as_bytes()).and_then(|()| output.flush()).is_err() {
        // Standard output is what was examined, and nobody may read it.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    let allowed = if doctor.strict { Verdict::Ok } else { Verdict::Warning };
    if examination.findings.iter().all(|finding| finding.verdict <= allowed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn table(examination: &Examination) -> String {
    let mut text = format!("{:VERDICT$}{:WHAT$}{:ANSWER$}from\n", "verdict", "what", "answer");
    examination.findings.iter().for_each(|finding| row(&mut text, finding));
    let count = |verdict| examination.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let [ok, warnings, failed] = [Verdict::Ok, Verdict::Warning, Verdict::Failed].map(count);
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n{ok} ok, {warnings} warnings, {failed} failed");
    text
}

/// A row, whose longer texts go on below it.
fn row(text: &mut String, finding: &Finding) {
    let Finding { about, step, answer, from, verdict, detail } = finding;
    let what = if step.is_empty() { (*about).to_owned() } else { format!("  {step}") };
    let room = if from.is_empty() { WIDTH - VERDICT - WHAT } else { ANSWER - 1 };
    let mut lines = wrapped(answer, room).into_iter();
    let first = lines.next().unwrap_or_default();
    let begin = format!("{:VERDICT$}{what:WHAT$}", verdict.as_str());
    let _ = if first.chars().count() < ANSWER {
        writeln!(text, "{}", format!("{begin}{first:ANSWER$}{from}").trim_end())
    } else {
        let below = if from.is_empty() {
            String::new()
        } else {
            format!("\n{:1$}{from}", "", VERDICT + WHAT + ANSWER)
        };
        writeln!(text, "{begin}{first}{below}")
    };
    let more = wrapped(detail, WIDTH - VERDICT - WHAT - 2).into_iter().enumerate();
    let more = more.map(|(line, said)| format!("{}{said}", if line == 0 { "→ " } else { "  " }));
    for line in lines.chain(more) {
        let _ = writeln!(text, "{:1$}{line}", "", VERDICT + WHAT);
    }
}

/// The text in lines of at most `most` characters; a longer word stays whole, so that it can be copied. Nothing of it
/// reaches the terminal as a command.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn object(examination: &Examination) -> Value {
    let findings = examination.findings.iter().map(|finding| {
        json!({
            "about": finding.about,
            "step": finding.step,
            "answer": finding.answer,
            "from": finding.from,
            "verdict": finding.verdict.as_str().to_lowercase(),
            "detail": finding.detail,
        })
    });
    let worst = examination.findings.iter().map(|finding| finding.verdict).max();
    json!({
        "verdict": worst.unwrap_or(Verdict::Ok).as_str().to_lowercase(),
        "trace_id": examination.trace_id,
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn patience(text: &str) -> Result<Duration, String> {
    let right = || "a time such as 5s or 500ms, at most 5m".to_owned();
    let time: SignedDuration = text.parse().map_err(|_| right())?;
    let time = Duration::try_from(time).map_err(|_| right())?;
    let is_sound = (Duration::from_millis(1)..=Duration::from_secs(300)).contains(&time);
    is_sound.then_some(time).ok_or_else(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(answer: &str, from: &str, detail: &str) -> Finding {
        let (answer, from, detail) = (answer.to_owned(), from.to_owned(), detail.to_owned());
        Finding { about: "traces", step: "", answer, from, verdict: Verdict::Failed, detail }
    }

    #[test]
    fn a_row_is_aligned_and_what_is_longer_goes_on_below_it() {
        let shown = |finding: &Finding| {
            let mut text = String::new();
            row(&mut text, finding);
            text
        };
        assert_eq!(
            shown(&finding("off", "default", "why not")),
            "FAILED  traces            off                                     default\n\
             \x20                         → why not\n"
        );
        let url = "https://a.very.long.name.of.a.receiver.example:4318/v1/traces";
        let long = shown(&finding(url, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &"word ".repeat(60)));
        assert!(long.lines().all(|line| line.chars().count() <= WIDTH), "{long}");
        assert!(long.contains(url), "{long}");
    }

    #[test]
    fn no_word_of_a_receiver_commands_the_terminal() {
        for line in wrapped("a\u{1b}[2Jb c\u{7}d\u{9b}e\r\nf", 40) {
            assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
        }
    }

    #[test]
    fn a_time_is_bounded() {
        assert_eq!(patience("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "0s", "-1s", "1h", "5"] {
            assert!(patience(wrong).is_err(), "{wrong}");
        }
        assert!(url("127.0.0.1:9090").is_err() && url("http://127.0.0.1:9090").is_ok());
    }
}
