//! Owns what the requests' end of the way to the descriptor shares with the thread's end: the lines that wait,
//! and the state in which they agree who counts them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::pipeline::{Flow, Once, Stripes};
use crate::scope::Hop;

/// What a finished hop weighs in the buffer beside its texts: about its own size, and that of its line.
pub(super) const HOP: usize = 512;

/// Both ends' view.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) lines: Stripes<Batch>,
    pub(super) flow: Flow,
    /// The thread sleeps, or is about to: whoever pushes next wakes it, once.
    pub(super) sleeping: AtomicBool,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) failed: Once,
}

#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// Finished hops, each with where in the bytes its line belongs.
    pub(super) hops: Vec<(usize, Arc<Hop>)>,
    pub(super) lines: u64,
}

/// Appends the line of a finished hop; false if no receiver would take it.
pub(super) type Render = Box<dyn Fn(&Hop, &mut Vec<u8>) -> bool + Send>;

#[derive(Debug, Default)]
pub(super) struct State {
    // Tickets: everything queued before a flush was asked for is written once its ticket is reached.
    pub(super) asked: u64,
    pub(super) flushed: u64,
    pub(super) closing: bool,
    pub(super) ended: bool,
    // Nobody waits any longer, and what was on its way is counted: the thread may only end.
    pub(super) abandoned: bool,
    // Lines within the call in progress, and taken out of the buffer behind it.
    pub(super) in_call: u64,
    pub(super) behind: u64,
}

impl Shared {
    pub(super) fn new(capacity: usize, stripes: usize) -> Self {
        Self {
            lines: Stripes::new(capacity, stripes),
            flow: Flow::default(),
            sleeping: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            failed: Once::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_all(&self) -> u64 {
        (0..self.lines.count()).map(|stripe| self.lines.swap(stripe, Batch::default()).lines).sum()
    }
}
