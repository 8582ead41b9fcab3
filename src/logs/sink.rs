//! Where lines go: nowhere, to standard output, into a test's memory.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::formats::{Item, LineMaker, Object};
use super::pump::CHUNK;
use super::writer::{CAPACITY, Writer};
use crate::account::{DropReason, FlowReport, stripe_count};
use crate::record::{Hop, Snapshot};
use crate::terminal;

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    Off,
    Writer(Writer),
    Memory(MemoryLines),
}

/// The lines of a test, readable at once.
#[derive(Clone, Debug)]
pub(crate) struct MemoryLines {
    maker: Arc<LineMaker>,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    lines: Vec<String>,
    refused: u64,
}

/// What a pipe takes in one piece, also where others write to it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PIPE_BUF: usize = 4096;
/// The least that POSIX allows.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PIPE_BUF: usize = 512;

impl Sink {
    /// A descriptor of our own, so that our thread and `println!` never wait for each other's lock.
    pub(super) fn stdout(maker: Arc<LineMaker>) -> io::Result<Self> {
        let stripes = if maker.keeps_order() { 1 } else { stripe_count() };
        let out = terminal::duplicate(&io::stdout())?;
        // Other threads and processes write to the same pipe: what is longer may be torn by their output.
        let at_once = if is_pipe(&out) { PIPE_BUF } else { CHUNK };
        Writer::start(out, at_once, maker, CAPACITY, stripes).map(Self::Writer)
    }

    /// Takes an event for its line.
    #[inline]
    pub(super) fn event(&self, event: &mut Snapshot, hurries: bool) {
        match self {
            Self::Off => {}
            Self::Writer(writer) => writer.push_event(event, hurries),
            Self::Memory(seen) => seen.take(&Item::Event(event.event())),
        }
    }

    /// Takes a finished hop for its line.
    #[inline]
    pub(super) fn hop(&self, hop: Arc<Hop>, hurries: bool) {
        match self {
            Self::Off => {}
            Self::Writer(writer) => writer.push_hop(hop, hurries),
            Self::Memory(seen) => seen.take(&Item::Hop(&hop)),
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
fn is_pipe(out: &File) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    out.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(windows)]
fn is_pipe(_: &File) -> bool {
    false
}

impl MemoryLines {
    pub(super) fn new(maker: Arc<LineMaker>) -> Self {
        Self { maker, held: Arc::default() }
    }

    /// All lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.held(|held| held.lines.clone())
    }

    /// All lines so far, which are then forgotten.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn drain(&self) -> Vec<String> {
        self.held(|held| std::mem::take(&mut held.lines))
    }

    fn take(&self, item: &Item<'_>) {
        let mut object = Object::default();
        let fits = self.maker.append(item, &mut object);
        let line = object.bytes.strip_suffix(b"\n").unwrap_or(&object.bytes);
        let line = String::from_utf8_lossy(line).into_owned();
        self.held(|held| if fits { held.lines.push(line) } else { held.refused += 1 });
    }

    fn held<T>(&self, access: impl FnOnce(&mut Held) -> T) -> T {
        access(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
