//! Owns where lines go: nowhere, to standard output, into a test's memory.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::cut::{Cut, fit};
use super::json::Object;
use super::writer::{CAPACITY, Writer};
use crate::pipeline::{DropReason, FlowReport, complain, stripe_count};

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
    shortened: AtomicU64,
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
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, shortened: AtomicU64::new(0) }
    }

    /// Hands on a line that is complete.
    pub(super) fn take(&self, line: &mut Object) {
        match fit(line) {
            Cut::Whole => self.sink.push(&line.bytes),
            Cut::Shortened => {
                let count = self.shortened.fetch_add(1, Ordering::Relaxed) + 1;
                complain(format_args!("log lines that were too long: {count}; their longest values were cut"));
                self.sink.push(&line.bytes);
            }
            Cut::Hopeless => self.sink.drop_line(),
        }
    }

    pub(super) fn shortened(&self) -> u64 {
        self.shortened.load(Ordering::Relaxed)
    }
}

impl Sink {
    /// A descriptor of our own, so that nobody who holds the standard library's lock waits for us.
    pub(super) fn stdout(keeps_order: bool) -> io::Result<Self> {
        let stripes = if keeps_order { 1 } else { stripe_count() };
        Writer::start(duplicate()?, CAPACITY, stripes).map(Self::Writer)
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

    pub(super) fn close(&self, timeout: Duration) -> FlowReport {
        if let Self::Writer(writer) = self { writer.close(timeout) } else { self.report() }
    }

    pub(super) fn report(&self) -> FlowReport {
        match self {
            Self::Off => FlowReport::default(),
            Self::Writer(writer) => writer.report(),
            Self::Memory(seen) => seen.held(|held| {
                let delivered = held.lines.len() as u64;
                let dropped = (held.refused > 0).then(|| (DropReason::TooLarge.as_str(), held.refused));
                FlowReport {
                    created: delivered + held.refused,
                    delivered,
                    unconfirmed: 0,
                    dropped: dropped.into_iter().collect(),
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
