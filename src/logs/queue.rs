//! What the requests' end of the way to the descriptor shares with the thread's end: what waits for its line, and the
//! state in which they agree who counts it.

use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::account::{Flow, Stripes};
use crate::record::{EventInfo, Hop};
use crate::threads::Once;

/// What a finished hop weighs beside its texts: about its own size, and that of its line.
pub(super) const HOP: usize = 512;

/// What an event weighs beside its bytes.
pub(super) const EVENT: usize = 256;

/// More than any buffer holds: the thread need not be woken.
pub(super) const AWAKE: usize = usize::MAX;

/// Both ends' view.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) batches: Stripes<Batch>,
    pub(super) flow: Flow,
    /// A push behind so many bytes wakes the thread, once: behind none while it sleeps, or is about to; behind half of
    /// what may wait while it lets lines gather.
    pub(super) wakes_at: AtomicUsize,
    /// Something waits that must not wait for others to gather.
    pub(super) hurries: AtomicBool,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) failed: Once,
}

/// What waits for its line, in the order of coming.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Queued>,
    /// The bytes of the events, one behind the other.
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) enum Queued {
    Hop(Arc<Hop>),
    /// An event, and how many of the batch's bytes are its own.
    Event(EventInfo, u32),
    /// Its line is made; what it held is let go.
    Done,
}

#[derive(Debug, Default)]
pub(super) struct State {
    // Tickets: everything queued before a flush was asked for is written once its ticket is reached.
    pub(super) asked: u64,
    pub(super) flushed: u64,
    pub(super) closing: bool,
    pub(super) ended: bool,
    /// Written behind everything else, when the thread ends.
    pub(super) last: Vec<u8>,
    // The end came too soon, and what was on its way is counted: the thread may only end.
    pub(super) abandoned: bool,
    // Lines within the call in progress, and taken out of the buffer behind it.
    pub(super) in_call: u64,
    pub(super) behind: u64,
}

impl Batch {
    /// Gives back what a burst took beyond so many bytes.
    pub(super) fn clear(&mut self, kept: usize) {
        self.items.clear();
        self.items.shrink_to(kept / size_of::<Queued>());
        self.bytes.clear();
        self.bytes.shrink_to(kept);
    }
}

impl Shared {
    pub(super) fn new(capacity: usize, stripes: usize) -> Self {
        Self {
            batches: Stripes::new(capacity, usize::MAX, stripes),
            flow: Flow::default(),
            wakes_at: AtomicUsize::new(AWAKE),
            hurries: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            failed: Once::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is a flush or a close waited for?
    pub(super) fn is_awaited(&self) -> bool {
        let state = self.state();
        state.asked > state.flushed || state.closing
    }

    /// Takes out everything, and says how many lines that are.
    pub(super) fn take_all(&self) -> u64 {
        let stripes = 0..self.batches.count();
        stripes.map(|stripe| self.batches.swap(stripe, Batch::default()).items.len() as u64).sum()
    }
}
