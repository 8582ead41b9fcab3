//! Where lines go: nowhere, to standard output, into a test's memory.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::buffer::Render;
use super::cut::Cuts;
use super::json::Object;
use super::writer::{CAPACITY, Writer};
use crate::account::{DropReason, FlowReport, stripe_count};

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    Off,
    Writer(Writer),
    Memory(MemoryLines),
}

/// The way out of a thread's buffer: every line is cut to what receivers take.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) sink: Sink,
    pub(super) cuts: Arc<Cuts>,
}

/// The lines of a test, readable at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryLines(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    lines: Vec<String>,
    refused: u64,
}

impl Exit {
    /// Hands on a line that is complete.
    pub(super) fn take(&self, line: &mut Object) {
        if self.cuts.fit(line) {
            self.sink.push(line.line());
        } else {
            self.sink.drop_line();
        }
    }
}

impl Sink {
    /// A descriptor of our own, so that nobody who holds the standard library's lock waits for us.
    ///
    /// `render` makes the lines of finished hops, on the writer's thread.
    pub(super) fn stdout(keeps_order: bool, render: Render) -> io::Result<Self> {
        let stripes = if keeps_order { 1 } else { stripe_count() };
        Writer::start(duplicate()?, render, CAPACITY, stripes).map(Self::Writer)
    }

    pub(super) fn push(&self, line: &[u8]) {
        match self {
            Self::Off => {}
            Self::Writer(writer) => writer.push(line),
            Self::Memory(seen) => {
                let line = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned();
                seen.held(|held| held.lines.push(line));
            }
        }
    }

    /// Counts a line that is too long for every receiver.
    pub(super) fn drop_line(&self) {
        match self {
            Self::Off => {}
            Self::Writer(writer) => writer.drop_line(DropReason::TooLarge),
            Self::Memory(seen) => seen.held(|held| held.refused += 1),
        }
    }

    /// How many bytes wait, and how many may.
    pub(super) fn fill(&self) -> (usize, usize) {
        if let Self::Writer(writer) = self { writer.fill() } else { (0, 0) }
    }

    pub(super) fn flush(&self, timeout: Duration) -> bool {
        if let Self::Writer(writer) = self { writer.flush(timeout) } else { true }
    }

    pub(super) fn close(
        &self,
        timeout: Duration,
        last: impl FnOnce(FlowReport) -> Option<Vec<u8>>,
    ) -> FlowReport {
        if let Self::Writer(writer) = self { writer.close(timeout, last) } else { self.report() }
    }

    pub(super) fn report(&self) -> FlowReport {
        match self {
            Self::Off => FlowReport::default(),
            Self::Writer(writer) => writer.report(),
            Self::Memory(seen) => seen.held(|held| {
                let delivered = held.lines.len() as u64;
                let dropped = (held.refused > 0).then_some((DropReason::TooLarge, held.refused));
                FlowReport {
                    created: delivered + held.refused,
                    delivered,
                    unconfirmed: 0,
                    dropped: dropped.into_iter().collect(),
                    left_out: Vec::new(),
                }
            }),
        }
    }
}

#[cfg(unix)]
fn duplicate() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn duplicate() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}

impl MemoryLines {
    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.held(|held| held.lines.clone())
    }

    fn held<T>(&self, access: impl FnOnce(&mut Held) -> T) -> T {
        access(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
