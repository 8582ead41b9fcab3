//! Owns the way to the descriptor: requests put whole lines into a bounded buffer, a thread of ours writes them.
//!
//! A request never waits for the descriptor. Whoever reads slowly, or not at all, costs lines, and they are
//! counted. A line is queued until its bytes are handed to the descriptor; at a shutdown that cannot wait any
//! longer the lines within the call in progress are unconfirmed, those behind it dropped.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::clock;
use crate::pipeline::{DropReason, Flow, FlowReport, Once, Stripes, complain, quiet_thread};

/// How many bytes may wait; as many again may be on their way.
pub(super) const CAPACITY: usize = 4 * 1024 * 1024;

/// How long the thread gathers lines before it writes them.
const GATHER: Duration = Duration::from_millis(1);
const RESYNC: Duration = Duration::from_secs(1);
/// The most that one call is given, so that little is in doubt when a call never returns.
const CHUNK: usize = 64 * 1024;
/// A buffer above this is given back after a burst.
const KEPT: usize = 256 * 1024;

/// The requests' end.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    lines: Stripes<Batch>,
    flow: Flow,
    /// The thread sleeps, or is about to: whoever pushes next wakes it, once.
    sleeping: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    failed: Once,
}

#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

#[derive(Debug, Default)]
struct State {
    // Tickets: everything queued before a flush was asked for is written once its ticket is reached.
    asked: u64,
    flushed: u64,
    closing: bool,
    ended: bool,
    // Nobody waits any longer, and what was on its way is counted: the thread may only end.
    abandoned: bool,
    // Lines within the call in progress, and taken out of the buffer behind it.
    in_call: u64,
    behind: u64,
}

/// The thread's end.
struct Pump<W> {
    shared: Arc<Shared>,
    out: W,
    spare: Batch,
    // The last write ended within a line, and the rest of that line is lost.
    torn: bool,
}

impl Writer {
    /// Starts the thread that writes to `out`.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        capacity: usize,
        stripes: usize,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            lines: Stripes::new(capacity, stripes),
            flow: Flow::default(),
            sleeping: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            failed: Once::default(),
        });
        let pump = Pump { shared: Arc::clone(&shared), out, spare: Batch::default(), torn: false };
        let thread =
            std::thread::Builder::new().name("observe-lines".to_owned()).spawn(move || pump.run())?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Puts one whole line into the buffer, or counts that it is full.
    pub(super) fn push(&self, line: &[u8]) {
        let _ = self.shared.lines.push(line.len(), |batch| {
            batch.bytes.extend_from_slice(line);
            batch.lines += 1;
        });
        // The thread raises the flag before it looks into the stripe for a last time, under the stripe's lock:
        // either it saw this line there, or this sees the flag.
        if self.shared.sleeping.load(Ordering::Acquire) && self.shared.sleeping.swap(false, Ordering::AcqRel)
        {
            self.thread.unpark();
        }
    }

    /// A line that was made but may not be written.
    pub(super) fn drop_line(&self, reason: DropReason) {
        self.shared.flow.created(1);
        self.shared.flow.dropped(reason, 1);
    }

    /// Waits until everything queued before is written; false if that took longer.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let mut state = self.shared.state();
        state.asked += 1;
        let ticket = state.asked;
        self.thread.unpark();
        let waiting = |state: &mut State| state.flushed < ticket && !state.ended;
        let waited = self.shared.changed.wait_timeout_while(state, timeout, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.flushed >= ticket
    }

    /// Takes no further line and ends the thread, at the latest after `timeout`.
    pub(super) fn close(&self, timeout: Duration) -> FlowReport {
        self.shared.lines.close();
        let mut state = self.shared.state();
        state.closing = true;
        state.asked += 1;
        self.thread.unpark();
        let waited = self.shared.changed.wait_timeout_while(state, timeout, |state| !state.ended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.ended && !state.abandoned {
            state.abandoned = true;
            self.shared.flow.unconfirmed(state.in_call);
            self.shared.flow.dropped(DropReason::Timeout, state.behind + self.shared.take_all());
        }
        drop(state);
        self.report()
    }

    /// How many bytes wait, and how many may.
    pub(super) fn fill(&self) -> (usize, usize) {
        (self.shared.lines.weight(), self.shared.lines.capacity())
    }

    pub(super) fn report(&self) -> FlowReport {
        self.shared.flow.report(|| self.shared.lines.counted())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_all(&self) -> u64 {
        (0..self.lines.count()).map(|stripe| self.lines.swap(stripe, Batch::default()).lines).sum()
    }
}

impl<W: Write> Pump<W> {
    fn run(mut self) {
        quiet_thread();
        let mut synced = Instant::now();
        loop {
            let (asked, closing) = {
                let state = self.shared.state();
                (state.asked, state.closing)
            };
            let wrote = self.drain();
            if synced.elapsed() >= RESYNC {
                synced = Instant::now();
                clock::resync();
            }
            if self.reached(asked, closing) {
                return;
            }
            if !wrote {
                self.sleep(asked);
            }
            std::thread::park_timeout(GATHER);
        }
    }

    /// Tells whoever waits that this ticket is reached; true if the thread shall end.
    fn reached(&self, ticket: u64, closing: bool) -> bool {
        let mut state = self.shared.state();
        state.flushed = ticket;
        state.ended = closing || state.abandoned;
        self.shared.changed.notify_all();
        state.ended
    }

    /// Sleeps until there is something to do. Nothing is lost between: see [`Writer::push`].
    fn sleep(&mut self, asked: u64) {
        self.shared.sleeping.store(true, Ordering::Release);
        let nothing = !self.drain() && {
            let state = self.shared.state();
            state.asked == asked && !state.abandoned
        };
        if nothing {
            std::thread::park();
        }
        self.shared.sleeping.store(false, Ordering::Release);
    }

    /// Writes what each stripe holds; false if that was nothing.
    fn drain(&mut self) -> bool {
        let mut wrote = false;
        for stripe in 0..self.shared.lines.count() {
            let mut batch = {
                // Under the state's lock, so that a line is always either in the buffer or counted as behind.
                let mut state = self.shared.state();
                if state.abandoned {
                    return false;
                }
                let batch = self.shared.lines.swap(stripe, std::mem::take(&mut self.spare));
                state.behind = batch.lines;
                batch
            };
            if batch.lines > 0 {
                wrote = true;
                self.write(&batch.bytes);
            }
            batch.bytes.clear();
            batch.bytes.shrink_to(KEPT);
            batch.lines = 0;
            self.spare = batch;
        }
        wrote
    }

    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (chunk, behind) = bytes.split_at(chunk_length(bytes));
            let lines = count_lines(chunk);
            {
                let mut state = self.shared.state();
                if state.abandoned {
                    return;
                }
                state.in_call = lines;
                state.behind -= lines.min(state.behind);
            }
            let result = self.write_chunk(chunk);
            if !self.account(chunk, lines, result) {
                return;
            }
            bytes = behind;
        }
    }

    /// Counts what became of a chunk; false if somebody counted it already.
    fn account(&mut self, chunk: &[u8], lines: u64, result: Result<(), (usize, io::Error)>) -> bool {
        let mut state = self.shared.state();
        if state.abandoned {
            return false;
        }
        state.in_call = 0;
        // Counted before anybody else may look: a line is never in no account.
        match result {
            Ok(()) => self.shared.flow.delivered(lines),
            Err((written, error)) => {
                let whole = count_lines(chunk.get(..written).unwrap_or_default());
                self.torn =
                    written > 0 && chunk.get(written - 1) != Some(&b'\n') || self.torn && written == 0;
                self.shared.flow.delivered(whole);
                self.shared.flow.dropped(DropReason::WriteFailed, lines - whole);
                if self.shared.failed.first() {
                    complain(format_args!("log lines cannot be written: {error}"));
                }
            }
        }
        true
    }

    /// Writes all of it, or says how much was written before the error.
    fn write_chunk(&mut self, chunk: &[u8]) -> Result<(), (usize, io::Error)> {
        if self.torn {
            self.write_all(b"\n").map_err(|(_, error)| (0, error))?;
            self.torn = false;
        }
        self.write_all(chunk)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        let mut pause = GATHER;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.out.write(rest) {
                Ok(0) => return Err((written, ErrorKind::WriteZero.into())),
                Ok(count) => {
                    written += count;
                    pause = GATHER;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Somebody else made the descriptor non-blocking, and its reader is slow.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.shared.state().abandoned {
                        return Err((written, error));
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
                Err(error) => return Err((written, error)),
            }
        }
        let _ = self.out.flush();
        Ok(())
    }
}

/// Where the next call's bytes end: after a whole line.
fn chunk_length(bytes: &[u8]) -> usize {
    let Some(most) = bytes.get(..CHUNK) else { return bytes.len() };
    let end_of_line = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n');
    let within = end_of_line(most).map(|at| at + 1);
    within.unwrap_or_else(|| bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1))
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
#[path = "writer/tests.rs"]
mod tests;
