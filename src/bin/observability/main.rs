//! `observability`: what a developer and an operator ask beside the services; one module for each subcommand.

mod evidence;
mod view;

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
        }
    });
    done.unwrap_or_else(|why| failed(&why))
}

fn failed(why: &str) -> ExitCode {
    eprintln!("observability: {why}");
    ExitCode::FAILURE
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
