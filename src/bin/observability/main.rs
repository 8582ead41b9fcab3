//! `observability`: what a developer and an operator ask beside the services; one module for each subcommand.

mod doctor;
mod evidence;
mod view;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a developer and an operator ask beside the services.
#[derive(Parser)]
#[command(version)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Collects spans, lines, metrics, alerts and starts around a trace, or around a time of a service, into one HTML page.
    Evidence(Box<evidence::Evidence>),
    /// Shows what services send, on one page; with a command it starts a service that sends it.
    #[command(after_help = view::HELP)]
    View(view::View),
    /// Says what `init` would choose in this environment and from where, and whether what it chose is reached and takes what
    /// is sent.
    Doctor(Box<doctor::Doctor>),
}

fn main() -> ExitCode {
    let command = Program::parse().command;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let done = runtime.block_on(async {
        match command {
            Command::Evidence(evidence) => evidence::run(*evidence).await,
            Command::View(view) => view::run(view).await,
            Command::Doctor(questions) => Ok(doctor::run(&questions).await),
        }
    });
    // A name that does not resolve keeps a thread for longer than its step had.
    runtime.shutdown_background();
    done.unwrap_or_else(|why| failed(&why))
}

fn failed(why: &str) -> ExitCode {
    say(&format!("observability: {why}"));
    ExitCode::FAILURE
}

/// A line on standard error, which nobody may read any more.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
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
