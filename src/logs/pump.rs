//! The thread that writes: it makes the lines of finished hops, hands whole lines to the descriptor, and
//! counts what became of each.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::buffer::{AWAKE, Batch, Render, Shared, Unmade, shrink};
use super::json::Object;
use crate::account::DropReason;
use crate::threads::{begin_run, complain, empties, rest_if_due, share_processor, suppress_telemetry};

/// How long the thread gathers lines before it writes them.
const GATHER: Duration = Duration::from_millis(2);
/// So often it looks again, each time after twice as long, before it sleeps until it is woken: waking it costs a request
/// a system call, and its processor, which is worth more than a line that comes sooner.
const LOOKS: u32 = 2;
/// The most that one call is given, so that little is in doubt when a call never returns.
const CHUNK: usize = 64 * 1024;
/// What a call is given as soon as so much is made: few lines are longer than what is left of a chunk.
const ENOUGH: usize = CHUNK - 4 * 1024;
/// A buffer above this is given back after a burst.
const KEPT: usize = 256 * 1024;

/// The thread's end.
pub(super) struct Pump<W> {
    shared: Arc<Shared>,
    out: W,
    render: Render,
    spare: Batch,
    /// The lines made since the last call.
    made: Object,
    // The last write ended within a line, and the rest of that line is lost.
    torn: bool,
}

impl<W: Write> Pump<W> {
    pub(super) fn new(shared: Arc<Shared>, out: W, render: Render) -> Self {
        Self { shared, out, render, spare: Batch::default(), made: Object::default(), torn: false }
    }

    pub(super) fn run(mut self) {
        suppress_telemetry();
        share_processor();
        let shared = Arc::clone(&self.shared);
        empties(move || {
            let capacity = shared.lines.capacity();
            // Whoever waits for the lines waits for no pause, also where they were taken out before he came.
            (if shared.is_awaited() { capacity } else { shared.lines.weight() }, capacity)
        });
        let mut looks = 0;
        loop {
            let (asked, closing) = {
                let state = self.shared.state();
                (state.asked, state.closing)
            };
            let wrote = self.drain();
            if closing {
                self.write_last();
            }
            if self.reached(asked, closing) {
                return;
            }
            looks = if wrote { 0 } else { looks + 1 };
            if looks > LOOKS {
                looks = 0;
                self.sleep(asked);
            }
            self.gather(GATHER * 2_u32.pow(looks));
        }
    }

    /// Writes what stands behind everything else.
    fn write_last(&mut self) {
        let last = {
            let mut state = self.shared.state();
            let last = std::mem::take(&mut state.last);
            // Taken out, it is counted as what was taken out of the buffer is.
            state.behind += count_lines(&last);
            last
        };
        self.write(&last, count_lines(&last));
    }

    /// Lets lines gather for so long, or until there are plenty.
    fn gather(&self, time: Duration) {
        let plenty = self.shared.lines.capacity() / 2;
        self.shared.wakes_at.store(plenty, Ordering::Release);
        // What came before that was said wakes nobody, and what came just then may not be seen here: the next push
        // wakes, or the time is over.
        if self.shared.lines.weight() < plenty {
            std::thread::park_timeout(time);
        }
        self.shared.wakes_at.store(AWAKE, Ordering::Release);
    }

    /// Tells whoever waits that this ticket is reached; true if the thread shall end.
    fn reached(&self, ticket: u64, closing: bool) -> bool {
        let mut state = self.shared.state();
        state.flushed = ticket;
        state.ended = closing || state.abandoned;
        self.shared.changed.notify_all();
        state.ended
    }

    /// Sleeps until there is something to do. Nothing is lost between: see [`Writer::wake`].
    fn sleep(&mut self, asked: u64) {
        self.shared.wakes_at.store(0, Ordering::Release);
        let nothing = !self.drain() && {
            let state = self.shared.state();
            state.asked == asked && !state.abandoned
        };
        if nothing {
            std::thread::park();
        }
        self.shared.wakes_at.store(AWAKE, Ordering::Release);
    }

    /// Writes what each stripe holds; false if that was nothing.
    fn drain(&mut self) -> bool {
        let mut wrote = false;
        begin_run(false);
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
                self.write_batch(&mut batch);
            }
            batch.bytes.clear();
            shrink(&mut batch.bytes, KEPT);
            batch.lines = 0;
            self.spare = batch;
        }
        wrote
    }

    /// Writes all, and makes the lines that are not made yet, each at its place between the others.
    fn write_batch(&mut self, batch: &mut Batch) {
        let mut made = std::mem::take(&mut self.made);
        let (mut done, mut lines) = (0, 0);
        let mut events = batch.events.iter();
        for (place, hop) in batch.unmade.drain(..) {
            if let Some(between) = batch.bytes.get(done..place).filter(|between| !between.is_empty()) {
                made.raw(between);
                lines += count_lines(between);
            }
            done = place;
            let fits = match (&hop, hop.is_none().then(|| events.next()).flatten()) {
                (Some(hop), _) => (self.render)(Unmade::Hop(hop), &mut made),
                (None, Some(event)) => (self.render)(Unmade::Event(event), &mut made),
                (None, None) => false,
            };
            if fits {
                lines += 1;
            } else {
                self.drop_made();
            }
            if made.bytes.len() >= ENOUGH {
                self.write(&made.bytes, std::mem::take(&mut lines));
                made.bytes.clear();
            }
            rest_if_due();
        }
        drop(events);
        batch.events.clear(KEPT);
        shrink(&mut batch.unmade, KEPT);
        self.write(&made.bytes, lines);
        made.bytes.clear();
        shrink(&mut made.bytes, KEPT);
        self.made = made;
        let rest = batch.bytes.get(done..).unwrap_or_default();
        self.write(rest, count_lines(rest));
    }

    /// Counts a line that was made here and is too long for every receiver.
    fn drop_made(&self) {
        let mut state = self.shared.state();
        if !state.abandoned {
            state.behind -= 1.min(state.behind);
            self.shared.flow.dropped(DropReason::TooLarge, 1);
        }
    }

    /// Writes all, which is so many lines.
    fn write(&mut self, mut bytes: &[u8], mut left: u64) {
        while !bytes.is_empty() {
            let (chunk, behind) = bytes.split_at(chunk_length(bytes));
            let lines = if behind.is_empty() { left } else { count_lines(chunk) };
            left = left.saturating_sub(lines);
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
    // A block's sum fits a byte, so that many bytes are compared and added at once.
    let (blocks, rest) = bytes.as_chunks::<192>();
    let of = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    blocks.iter().map(|block| u64::from(of(block))).sum::<u64>() + u64::from(of(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_at_line_ends() {
        let short = b"a\nb\n";
        assert_eq!(chunk_length(short), short.len());
        let mut long = vec![b'x'; CHUNK - 10];
        long.push(b'\n');
        let first = long.len();
        long.extend_from_slice(&[b'y'; 100]);
        long.push(b'\n');
        assert_eq!(chunk_length(&long), first);
        let mut giant = vec![b'x'; 2 * CHUNK];
        giant.extend_from_slice(b"\nz\n");
        assert_eq!(chunk_length(&giant), 2 * CHUNK + 1);
    }
}
