//! The way to the descriptor: requests put events and finished hops into a bounded queue, a thread of ours makes their
//! lines and writes them.
//!
//! No code of the user's runs on that thread, and a request never waits for the descriptor. A reader that is slow, or
//! stands still, costs lines, and they are counted. A line is queued until its bytes are handed to the descriptor; at a
//! shutdown that cannot wait any longer the lines within the call in progress are unconfirmed, those behind it dropped.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::formats::{LONGEST_LINE, LineMaker};
use super::pump::Pump;
use super::queue::{AWAKE, EVENT, HOP, Queued, Shared, State};
use crate::account::{DropReason, FlowReport};
use crate::record::{Hop, Snapshot};

/// How many bytes may wait; as many again may be on their way.
pub(super) const CAPACITY: usize = 4 * 1024 * 1024;

/// The requests' end.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Thread,
}

impl Writer {
    /// Starts the thread that writes to `out`, at most `at_once` bytes in one call unless a line is longer.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        at_once: usize,
        maker: Arc<LineMaker>,
        capacity: usize,
        stripes: usize,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(capacity, stripes));
        let pump = Pump::new(Arc::clone(&shared), out, at_once, maker);
        let thread = std::thread::Builder::new().name("observe-lines".to_owned()).spawn(move || pump.run());
        let no_thread =
            |error: io::Error| io::Error::new(error.kind(), format!("no thread to write them: {error}"));
        let thread = thread.map_err(no_thread)?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Queues a finished hop for its line, or counts that the queue is full. What `hurries` does not wait for other
    /// lines to gather.
    #[inline]
    pub(super) fn push_hop(&self, hop: Arc<Hop>, hurries: bool) {
        // What a line is cut to is the most that it weighs.
        let weight = HOP + hop.text_length().min(LONGEST_LINE);
        // What is refused is dropped here, where no lock is held: a hop's last reference may run the user's code.
        let mut hop = Some(hop);
        let pushed = self.shared.batches.push(weight, |batch| {
            if let Some(hop) = hop.take() {
                batch.items.push(Queued::Hop(hop));
            }
        });
        self.wake(pushed, hurries);
    }

    /// Queues an event for its line, or counts that the queue is full.
    #[inline]
    pub(super) fn push_event(&self, event: &mut Snapshot, hurries: bool) {
        let weight = EVENT + event.weight();
        let pushed = self.shared.batches.push(weight, |batch| {
            let info = event.take_info();
            batch.bytes.extend_from_slice(event.bytes());
            batch.items.push(Queued::Event(info, event.bytes().len() as u32));
        });
        self.wake(pushed, hurries);
    }

    /// Wakes the thread if it rests, and what waited before this push is enough for it.
    #[inline]
    fn wake(&self, pushed: Result<usize, ()>, hurries: bool) {
        if hurries {
            // Seen by a thread that is about to let lines gather.
            self.shared.hurries.store(true, Ordering::SeqCst);
            return self.rouse();
        }
        // A thread that falls asleep says so before it looks into the stripe for a last time, under the stripe's lock:
        // either it saw this line there, or this sees that it sleeps. What is refused found the buffer full.
        if pushed.unwrap_or(AWAKE - 1) >= self.shared.wakes_at.load(Ordering::Acquire) {
            self.rouse();
        }
    }

    #[cold]
    fn rouse(&self) {
        if self.shared.wakes_at.swap(AWAKE, Ordering::SeqCst) != AWAKE {
            self.thread.unpark();
        }
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

    /// Takes no further line, writes what waits and a last line that is made of the account with it, and ends the
    /// thread, at the latest after `timeout`.
    pub(super) fn close(
        &self,
        timeout: Duration,
        last: impl FnOnce(FlowReport) -> Option<Vec<u8>>,
    ) -> FlowReport {
        let end = Instant::now() + timeout;
        self.shared.batches.close();
        self.flush(timeout * 3 / 4);
        let account = self.report();
        let last =
            last(FlowReport { created: account.created + 1, delivered: account.delivered + 1, ..account });
        self.shared.flow.created(u64::from(last.is_some()));
        let mut state = self.shared.state();
        state.last = last.unwrap_or_default();
        state.closing = true;
        state.asked += 1;
        self.thread.unpark();
        let left = end.saturating_duration_since(Instant::now());
        let waited = self.shared.changed.wait_timeout_while(state, left, |state| !state.ended);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !state.ended && !state.abandoned {
            state.abandoned = true;
            let last = u64::from(!state.last.is_empty());
            self.shared.flow.unconfirmed(state.in_call);
            self.shared.flow.dropped(DropReason::Timeout, state.behind + self.shared.take_all() + last);
        }
        drop(state);
        self.report()
    }

    /// How many bytes wait, and how many may.
    pub(super) fn fill(&self) -> (usize, usize) {
        (self.shared.batches.weight(), self.shared.batches.capacity())
    }

    pub(super) fn report(&self) -> FlowReport {
        self.shared.flow.report(|| self.shared.batches.counted())
    }
}

#[cfg(test)]
#[path = "writer/tests.rs"]
mod tests;
