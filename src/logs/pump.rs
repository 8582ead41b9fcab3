//! The thread that writes: it makes the lines, hands whole lines to the descriptor, and counts what became of each.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::formats::{Item, LineMaker, Object};
use super::queue::{AWAKE, Batch, Queued, Shared};
use crate::account::DropReason;
use crate::threads::{begin_run, complain, empties, rest_if_due, share_processor, suppress_telemetry};

/// How long the thread gathers lines before it writes them.
const GATHER: Duration = Duration::from_millis(2);
/// So often it looks again, each time after twice as long, before it sleeps until it is woken: waking it costs a request
/// a system call, and its processor, which is worth more than a line that comes sooner.
const LOOKS: u32 = 2;
/// Lines that come so long after those before are rare: it looks for no further ones, since all looks together take less.
const RARE: Duration = Duration::from_millis(16);
/// Maximum size of one write, so that little is lost or repeated if a write never returns.
pub(super) const CHUNK: usize = 64 * 1024;
/// Lines are written as soon as so much is made: few are longer than what is left of a chunk.
const ENOUGH: usize = CHUNK - 4 * 1024;
/// A buffer above this is given back after a burst.
const KEPT: usize = 256 * 1024;

/// The thread's end.
pub(super) struct Pump<W> {
    shared: Arc<Shared>,
    out: W,
    /// The most that one call is given, unless a line is longer.
    at_once: usize,
    maker: Arc<LineMaker>,
    spare: Batch,
    /// The lines made since the last call.
    made: Object,
    // The last write ended within a line, and the rest of that line is lost.
    torn: bool,
}

impl<W: Write> Pump<W> {
    pub(super) fn new(shared: Arc<Shared>, out: W, at_once: usize, maker: Arc<LineMaker>) -> Self {
        Self { shared, out, at_once, maker, spare: Batch::default(), made: Object::default(), torn: false }
    }

    pub(super) fn run(mut self) {
        suppress_telemetry();
        share_processor();
        let shared = Arc::clone(&self.shared);
        empties(move || {
            let capacity = shared.batches.capacity();
            // A flush or a close waits for no pause, also where the lines were taken out before it came.
            (if shared.is_awaited() { capacity } else { shared.batches.weight() }, capacity)
        });
        let mut looks = 0;
        let (mut written, mut are_rare) = (Instant::now(), false);
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
            if wrote {
                written = Instant::now();
            }
            if looks > LOOKS || are_rare {
                looks = 0;
                self.sleep(asked);
                are_rare = written.elapsed() > RARE;
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
        let plenty = self.shared.batches.capacity() / 2;
        self.shared.wakes_at.store(plenty, Ordering::SeqCst);
        // A push before that wakes no thread, and one just then may not be seen here: the next push wakes, or the time
        // is over.
        if self.shared.batches.weight() < plenty && !self.shared.hurries.swap(false, Ordering::SeqCst) {
            std::thread::park_timeout(time);
        }
        self.shared.wakes_at.store(AWAKE, Ordering::Release);
    }

    /// Ends the wait for this ticket; true if the thread shall end.
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
        for stripe in 0..self.shared.batches.count() {
            let mut batch = std::mem::take(&mut self.spare);
            {
                // Under the state's lock, so that a line is always either in the buffer or counted as behind.
                let mut state = self.shared.state();
                if state.abandoned {
                    return false;
                }
                self.shared.batches.exchange(stripe, &mut batch, |batch| batch.items.is_empty());
                state.behind = batch.items.len() as u64;
            }
            if !batch.items.is_empty() {
                wrote = true;
                self.write_batch(&mut batch);
            }
            batch.clear(KEPT);
            self.spare = batch;
        }
        wrote
    }

    /// Makes the lines of a batch and writes them.
    fn write_batch(&mut self, batch: &mut Batch) {
        let mut made = std::mem::take(&mut self.made);
        let mut lines = 0;
        let mut bytes = &batch.bytes[..];
        for item in &mut batch.items {
            let fits = match item {
                Queued::Hop(hop) => self.maker.append(&Item::Hop(hop), &mut made),
                Queued::Event(info, length) => {
                    let own = bytes.split_off(..*length as usize).unwrap_or_default();
                    self.maker.append(&Item::Event(info.with(own)), &mut made)
                }
                Queued::Done => continue,
            };
            *item = Queued::Done;
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
        self.write(&made.bytes, lines);
        made.bytes.clear();
        made.bytes.shrink_to(KEPT);
        made.forget_request();
        self.made = made;
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
            let (chunk, behind) = bytes.split_at(chunk_length(bytes, self.at_once));
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

    /// Counts what became of a chunk; false if it is counted already.
    fn account(&mut self, chunk: &[u8], lines: u64, result: Result<(), (usize, io::Error)>) -> bool {
        let mut state = self.shared.state();
        if state.abandoned {
            return false;
        }
        state.in_call = 0;
        // Counted under the lock: a line is never in no account.
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
                // Another process made the descriptor non-blocking, and its reader is slow.
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

/// Where the next call's bytes end: after a whole line, and after at most so many bytes unless the first line is longer.
fn chunk_length(bytes: &[u8], most: usize) -> usize {
    if bytes.len() <= most {
        return bytes.len();
    }
    let is_end = |byte: &u8| *byte == b'\n';
    let within = bytes.get(..most).and_then(|within| within.iter().rposition(is_end));
    within.or_else(|| bytes.iter().position(is_end)).map_or(bytes.len(), |at| at + 1)
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_at_line_ends() {
        let short = b"a\nb\n";
        assert_eq!(chunk_length(short, CHUNK), short.len());
        assert_eq!(chunk_length(b"aaa\nbb\nc\n", 6), 4);
        assert_eq!(chunk_length(b"aaa\nbb\nc\n", 7), 7);
        assert_eq!(chunk_length(b"aaaaaaaa\nbb\n", 6), 9);
        let mut long = vec![b'x'; CHUNK - 10];
        long.push(b'\n');
        let first = long.len();
        long.extend_from_slice(&[b'y'; 100]);
        long.push(b'\n');
        assert_eq!(chunk_length(&long, CHUNK), first);
        let mut giant = vec![b'x'; 2 * CHUNK];
        giant.extend_from_slice(b"\nz\n");
        assert_eq!(chunk_length(&giant, CHUNK), 2 * CHUNK + 1);
    }
}
