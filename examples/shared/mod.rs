//! What the small examples share at a terminal, and what a service of yours does not need.
#![allow(dead_code)] // each example uses a part of it

use std::fmt::Display;
use std::io::Write;

/// Ends the process with a usage line and code 2 if there are arguments.
pub(crate) fn refuse_arguments(example: &str) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.is_empty() {
        eprintln!("{example}: takes no arguments, and got `{}`", arguments.join(" "));
        eprintln!("Usage: cargo run -p {} --example {example}", env!("CARGO_PKG_NAME"));
        std::process::exit(2);
    }
}

/// Prints a line; unlike `println!` it does not panic where `| head` has left.
pub(crate) fn print(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
