//! `observability`: what an operator asks beside the services. `observability evidence` collects what is known of an
//! incident into one page.

mod ask;
mod collect;
mod lines;
mod page;
mod plot;
mod tls;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};

/// What an operator asks beside the services.
#[derive(Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Collects spans, lines, metrics, alerts and starts around a trace, or around a time of a service, into one HTML page.
    Evidence(Evidence),
}

/// What to collect, and where it is.
#[derive(Args)]
#[command(group(clap::ArgGroup::new("about").required(true).args(["trace", "service"])))]
struct Evidence {
    /// The trace, 32 hexadecimal digits.
    #[arg(long, value_parser = trace_id)]
    trace: Option<String>,
    /// The service, as `service.name` and as Prometheus' `job`; the slowest failed trace of that time is taken.
    #[arg(long, requires = "at")]
    service: Option<String>,
    /// When it was, such as 2026-11-29T12:00:00Z.
    #[arg(long)]
    at: Option<Timestamp>,
    /// How long before and after that is looked at.
    #[arg(long, default_value = "10m")]
    around: SignedDuration,
    /// The trace store: Jaeger's API, which Tempo has as well (`…/jaeger`), Zipkin's (`zipkin+http://…`), or what
    /// Jaeger's UI downloads of a trace (`file:trace.json`).
    #[arg(long, default_value = "http://127.0.0.1:16686")]
    traces: String,
    /// The log store: Loki's API, VictoriaLogs' (`victorialogs+http://…`), or lines in a file (`file:lines.json`).
    #[arg(long, default_value = "http://127.0.0.1:3100")]
    logs: String,
    /// Prometheus' API.
    #[arg(long, default_value = "http://127.0.0.1:9090")]
    metrics: String,
    #[command(flatten)]
    tls: tls::Tls,
    /// The page.
    #[arg(long, default_value = "evidence.html")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let Command::Evidence(evidence) = Program::parse().command;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let asker = match tls::connector(&evidence.tls) {
        Ok(connector) => ask::Asker::new(connector),
        Err(why) => return failed(&why),
    };
    let found = runtime.block_on(collect::collect(asker, &evidence));
    let missing = found.missing.len();
    if let Err(error) = std::fs::write(&evidence.out, page::page(&found)) {
        return failed(&format_args!("{}: {error}", evidence.out.display()));
    }
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
    ExitCode::SUCCESS
}

fn failed(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("observability: {why}");
    ExitCode::FAILURE
}

fn trace_id(text: &str) -> Result<String, String> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_lowercase()).ok_or_else(|| "a trace id has 32 hexadecimal digits".to_owned())
}

#[cfg(test)]
#[test]
fn the_command_line_is_sound() {
    use clap::CommandFactory;
    Program::command().debug_assert();
    let parsed = |line: &str| Program::try_parse_from(line.split(' ')).is_ok();
    assert!(parsed("observability evidence --trace 0AF7651916cd43dd8448eb211c80319c"));
    assert!(parsed("observability evidence --service shop --at 2026-11-29T12:00:00Z --around 1h"));
    for wrong in
        ["", " --trace 7", " --service shop", " --trace 0af7651916cd43dd8448eb211c80319c --service s --at 0"]
    {
        assert!(!parsed(&format!("observability evidence{wrong}")), "{wrong}");
    }
}
