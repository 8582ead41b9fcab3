//! Standard output, whose reader may leave: `| head` ends the workshop, and is no reason for a panic as `println!` would
//! have it.

use std::fmt;
use std::io::Write;

use tokio::sync::Notify;

static LEFT: Notify = Notify::const_new();

/// Prints a line, if there is still a reader.
pub(crate) fn print(line: fmt::Arguments<'_>) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        reader_left();
    }
}

/// Prints a line as `println!` does.
macro_rules! show {
    ($($line:tt)*) => { $crate::screen::print(format_args!($($line)*)) };
}

pub(crate) use show;

/// A write failed: nothing that is printed is read any more.
pub(crate) fn reader_left() {
    LEFT.notify_one();
}

/// Resolves when the reader has left.
pub(crate) async fn without_reader() {
    LEFT.notified().await;
}
