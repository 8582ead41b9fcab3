//! What the requests' end of the way to the descriptor shares with the thread's end: the lines that wait,
//! and the state in which they agree who counts them.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tracing::{Level, Metadata};

use super::formats::Happened;
use super::json::Object;
use super::place::Place;
use super::told::{Borrow, Lengths, Slot, Told};
use crate::account::{Flow, Stripes};
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::record::Hop;
use crate::threads::Once;

/// What a finished hop weighs in the buffer beside its texts: about its own size, and that of its line.
pub(super) const HOP: usize = 512;

/// The same of an event: itself, and what every line has.
pub(super) const EVENT: usize = 256;

/// More than any buffer holds: nobody need wake the thread.
pub(super) const AWAKE: usize = usize::MAX;

/// Both ends' view.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) lines: Stripes<Batch>,
    pub(super) flow: Flow,
    /// Whoever pushes behind so many bytes wakes the thread, once: behind none while it sleeps, or is about to; behind
    /// half of what may wait while it lets lines gather.
    pub(super) wakes_at: AtomicUsize,
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    pub(super) failed: Once,
}

#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    /// What has no line yet, each with where in the bytes its line belongs: a finished hop, or the next event.
    pub(super) unmade: Vec<(usize, Option<Arc<Hop>>)>,
    pub(super) events: Events,
    pub(super) lines: u64,
}

/// Events without their lines, in the order of coming: what they told stands one behind the other.
#[derive(Debug, Default)]
pub(super) struct Events {
    list: Vec<Event>,
    slots: Vec<Slot>,
    text: Vec<u8>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Event {
    at: Moment,
    metadata: &'static Metadata<'static>,
    trace: Option<TraceContext>,
    hop: Option<Arc<Hop>>,
    is_routed: bool,
    parts: [Lengths; 2],
    slots: u32,
    text: u32,
}

/// What has no line yet.
pub(super) enum Unmade<'a> {
    Hop(&'a Hop),
    Event(Happened<'a>),
}

/// Makes a line behind those that are there; false, and none, if no receiver would take it.
pub(super) type Render = Box<dyn Fn(Unmade<'_>, &mut Object) -> bool + Send>;

#[derive(Debug, Default)]
pub(super) struct State {
    // Tickets: everything queued before a flush was asked for is written once its ticket is reached.
    pub(super) asked: u64,
    pub(super) flushed: u64,
    pub(super) closing: bool,
    pub(super) ended: bool,
    /// Written behind everything else, when the thread ends.
    pub(super) last: Vec<u8>,
    // Nobody waits any longer, and what was on its way is counted: the thread may only end.
    pub(super) abandoned: bool,
    // Lines within the call in progress, and taken out of the buffer behind it.
    pub(super) in_call: u64,
    pub(super) behind: u64,
}

impl Event {
    /// What it told is put behind it.
    #[inline]
    pub(super) fn new(metadata: &'static Metadata<'static>, place: Place<'_>, told: &Told) -> Self {
        Self {
            at: place.at,
            metadata,
            trace: place.trace,
            is_routed: place.hop.as_ref().is_some_and(|hop| hop.route.get().is_some()),
            hop: place.hop,
            parts: told.parts(),
            slots: told.slots().len() as u32,
            text: told.text().len() as u32,
        }
    }

    pub(super) fn happened<'a>(&'a self, told: Borrow<'a>) -> Happened<'a> {
        let metadata = self.metadata;
        Happened {
            at: self.at,
            level: metadata.level().as_str(),
            target: metadata.target(),
            origin: origin(metadata),
            trace: self.trace,
            hop: self.hop.as_deref(),
            is_routed: self.is_routed,
            told,
        }
    }
}

/// Where in the code an event is, for its line: only errors say it.
pub(super) fn origin<'a>(metadata: &'a Metadata<'_>) -> Option<(&'a str, u32)> {
    (*metadata.level() == Level::ERROR).then(|| metadata.file().zip(metadata.line())).flatten()
}

impl Events {
    #[inline]
    pub(super) fn push(&mut self, event: Event, told: &Told) {
        self.slots.extend_from_slice(told.slots());
        self.text.extend_from_slice(told.text());
        self.list.push(event);
    }

    /// Hands out all, each with what it told.
    pub(super) fn iter(&self) -> impl Iterator<Item = Happened<'_>> {
        let (mut slots, mut text) = (&self.slots[..], &self.text[..]);
        self.list.iter().map(move |event| {
            let own = slots.split_off(..event.slots as usize).unwrap_or_default();
            let told = text.split_off(..event.text as usize).unwrap_or_default();
            event.happened(Borrow::of(own, told, event.parts))
        })
    }

    /// Forgets all, and gives back what a burst took: more than so many bytes of each.
    pub(super) fn clear(&mut self, kept: usize) {
        self.list.clear();
        self.slots.clear();
        self.text.clear();
        shrink(&mut self.list, kept);
        shrink(&mut self.slots, kept);
        shrink(&mut self.text, kept);
    }
}

/// Gives back what is beyond so many bytes.
pub(super) fn shrink<T>(items: &mut Vec<T>, kept: usize) {
    items.shrink_to(kept / size_of::<T>());
}

impl Shared {
    pub(super) fn new(capacity: usize, stripes: usize) -> Self {
        Self {
            lines: Stripes::new(capacity, stripes),
            flow: Flow::default(),
            wakes_at: AtomicUsize::new(AWAKE),
            state: Mutex::default(),
            changed: Condvar::new(),
            failed: Once::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does somebody wait for what is written?
    pub(super) fn is_awaited(&self) -> bool {
        let state = self.state();
        state.asked > state.flushed || state.closing
    }

    pub(super) fn take_all(&self) -> u64 {
        (0..self.lines.count()).map(|stripe| self.lines.swap(stripe, Batch::default()).lines).sum()
    }
}
