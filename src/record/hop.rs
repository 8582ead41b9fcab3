//! The record of one hop: written at its begin, completed once at its end, read by every signal.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use super::{
    Detailed, ErrorType, FieldValue, Fields, Http, HttpVersion, KeepReason, Kept, Message, Method, Outcome,
    Piece, Query, Route, RouteCell, Rpc, Scheme, Trail, Value, Work, bounded, guarded, known_method,
};
use crate::clock::Moment;
use crate::context::{Baggage, RequestId, SpanId, TraceContext, Tracestate};
use crate::threads::lock;

/// How many fields one hop may be given; the conventions' default limit of attributes.
const MOST_FIELDS: usize = 128;
/// How many of them may stand on every line, each of which they make longer.
const MOST_ON_LINES: usize = 32;
/// What a request brings along without being counted for each of its events, in bytes.
const USUAL: usize = 4 * 1024;

/// What a hop is to the trace (OpenTelemetry's `SpanKind`).
///
/// ```
/// use tower_observability::{Kind, testing::Instance};
///
/// assert!(Instance::new().spans().iter().all(|span| span.kind == Kind::Server));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Answers a request.
    Server,
    /// Makes a request.
    Client,
    /// Hands a message to a broker.
    Producer,
    /// Processes a message.
    Consumer,
    /// Works within the process.
    Internal,
}

/// What the hop does.
#[derive(Debug)]
pub(crate) enum Subject {
    Http(Http),
    Work(Work),
}

/// One hop: a request served, a call made, a message processed.
pub(crate) struct Hop {
    pub(crate) trace: TraceContext,
    pub(crate) parent: Option<SpanId>,
    pub(crate) parent_is_remote: bool,
    /// Contexts that are related and not the parent, such as those of a batch's messages.
    pub(crate) links: Vec<TraceContext>,
    /// How many there were beyond the limit.
    pub(crate) links_dropped: u32,
    pub(crate) kind: Kind,
    pub(crate) start: Moment,
    pub(crate) tracestate: Tracestate,
    /// As it came in.
    pub(crate) baggage: Baggage,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) subject: Subject,
    pub(crate) route: RouteCell,
    /// Why it is kept although it was not sampled.
    pub(crate) kept: Kept,
    /// The hop in which a query is made, whose line names it if it is slow; where there are reports, that of any hop.
    /// Weak, since a job that starts its own successor would hold all those before it for ever.
    pub(crate) within: Weak<Self>,
    /// The route that was observed in detail when it began within a request to it.
    pub(crate) within_detailed: Option<Route>,
    state: Mutex<Progress>,
    /// The fields that stand on every line from now on. Few requests have any; the others pay a look at it for each line.
    on_lines: OnceLock<Box<Mutex<Fields>>>,
    // How many bytes of text it holds, once it has ended; beside the lock, because both queues ask for it.
    text_length: AtomicUsize,
    /// Was the baggage changed since it came in? Asked without the lock.
    changed_baggage: AtomicBool,
}

/// What changes while the hop runs: one lock, taken once more at its end, is cheaper than a cell for each.
#[derive(Debug, Default)]
struct Progress {
    notes: Option<Box<Notes>>,
    end: Option<End>,
    /// The baggage since it was changed.
    baggage: Baggage,
}

/// The hop's notes, locked.
#[derive(Debug)]
pub(crate) struct NotesGuard<'a>(MutexGuard<'a, Progress>);

/// What the user said of the hop from below the layer.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) fields: Fields,
    pub(crate) fields_dropped: u32,
    /// The error's text and those of its sources, outermost first.
    pub(crate) error: Option<Vec<String>>,
    pub(crate) outcome: Option<Outcome>,
    /// How the span is to be called.
    pub(crate) span_name: Option<NameSpan>,
    /// Why the user wants the trace to be kept.
    pub(crate) keep_for: Option<String>,
    /// Where the service on the other side is told that the trace is kept.
    pub(crate) peer: Option<Arc<str>>,
    /// What its report is to say, where there are reports.
    pub(crate) trail: Option<Box<Trail>>,
}

/// Names a span by its method and by where the request goes.
#[derive(Clone)]
pub(crate) struct NameSpan(Arc<NameBy>);

type NameBy = dyn Fn(&str, Option<&str>) -> String + Send + Sync;

/// How the hop ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) error_type: ErrorType,
    /// HTTP's; a call of gRPC has one only where it is not the 200 that every answer has.
    pub(crate) status: Option<u16>,
    /// How a call of gRPC ended.
    pub(crate) rpc: Option<Rpc>,
    pub(crate) at: Moment,
    pub(crate) first_byte: Option<Moment>,
    pub(crate) response_bytes: u64,
}

impl Hop {
    /// A hop that begins at `start`, made where it stays: what it does, and its remaining facts, are set by `complete`.
    #[inline]
    pub(crate) fn begin(
        trace: TraceContext,
        kind: Kind,
        start: Moment,
        complete: impl FnOnce(&mut Self),
    ) -> Arc<Self> {
        // A default is made in its place; a whole hop that is moved there costs more than to read a request's headers.
        let mut hop = Arc::<Self>::default();
        // It is not shared yet, so it can be changed.
        if let Some(hop) = Arc::get_mut(&mut hop) {
            (hop.trace, hop.kind, hop.start) = (trace, kind, start);
            complete(hop);
        }
        hop
    }

    #[cfg(test)]
    pub(crate) fn new(trace: TraceContext, kind: Kind, start: Moment, subject: Subject) -> Self {
        Self { trace, kind, start, subject, ..Self::default() }
    }

    /// The hop that it is made in, while that runs.
    pub(crate) fn outer(&self) -> Option<Arc<Self>> {
        self.within.upgrade().filter(|outer| outer.end().is_none())
    }

    pub(crate) fn http(&self) -> Option<&Http> {
        match &self.subject {
            Subject::Http(http) => Some(http),
            Subject::Work(_) => None,
        }
    }

    /// Its place in the trace, sampled as well if it is kept.
    #[inline]
    pub(crate) fn trace_now(&self) -> TraceContext {
        self.trace.sampled_if(self.kept.reason().is_some())
    }

    /// The vendors' list as it leaves: what is kept for a reason has no known probability (trace state handling,
    /// "consistent probability sampling").
    pub(crate) fn tracestate_now(&self) -> Cow<'_, Tracestate> {
        let claims = self.kept.reason().is_some() && self.tracestate.ot_threshold().is_some();
        if claims {
            Cow::Owned(self.tracestate.without_ot_threshold())
        } else {
            Cow::Borrowed(&self.tracestate)
        }
    }

    /// Keeps the trace for this reason, if it is not kept yet; says whether this was the first.
    pub(crate) fn keep(&self, reason: KeepReason) -> bool {
        self.kept.set(reason)
    }

    /// Does it belong to a request that is observed in detail?
    #[inline]
    pub(crate) fn is_detailed(&self) -> bool {
        Detailed::now().is_some_and(|detailed| {
            self.within_detailed == Some(detailed.route) || self.is_of(detailed.route)
        })
    }

    /// Sets the route that became known late; false if one was known before, which stays.
    pub(crate) fn set_route(&self, route: Route) -> bool {
        let is_set = self.route.set(route).is_ok();
        if is_set {
            self.route_is_known();
        }
        is_set
    }

    /// Records it in its trace, if its route is observed in detail. Called when the route becomes known.
    #[inline]
    pub(crate) fn route_is_known(&self) {
        if let Some(detailed) = Detailed::now()
            && detailed.is_recorded
            && !self.trace.flags.is_sampled()
            && self.is_of(detailed.route)
        {
            self.kept.set_unheld(KeepReason::Detailed);
        }
    }

    /// Is it a request to this route, or a call of this method of gRPC?
    fn is_of(&self, route: Route) -> bool {
        // A router may have a route for all methods of a service.
        let method = || self.http().and_then(|http| known_method(http.piece(Piece::Path)));
        self.route.get() == Some(route) || method() == Some(route)
    }

    pub(crate) fn message(&self) -> Option<&Message> {
        match &self.subject {
            Subject::Work(work) => work.message(),
            Subject::Http(_) => None,
        }
    }

    pub(crate) fn query(&self) -> Option<&Query> {
        match &self.subject {
            Subject::Work(work) => work.query(),
            Subject::Http(_) => None,
        }
    }

    /// What the user said so far; `None` costs nothing and is the common case.
    pub(crate) fn notes(&self) -> NotesGuard<'_> {
        NotesGuard(self.state())
    }

    fn state(&self) -> MutexGuard<'_, Progress> {
        lock(&self.state)
    }

    /// Adds a field, or counts it where there are too many; false if the hop has ended.
    pub(crate) fn add<'v>(&self, name: &str, value: impl Into<FieldValue<'v>>) -> bool {
        self.add_field(name.as_bytes(), value.into())
    }

    /// Adds a field, whose name is UTF-8.
    pub(crate) fn add_field(&self, name: &[u8], value: FieldValue<'_>) -> bool {
        let mut state = self.state();
        if state.end.is_some() {
            return false;
        }
        if let Some(mut on_lines) = self.on_lines() {
            // No new one.
            on_lines.set_within(0, name, value);
        }
        let notes = state.notes.get_or_insert_default();
        if !notes.fields.set_within(MOST_FIELDS, name, value) {
            notes.fields_dropped += 1;
        }
        true
    }

    /// Adds a field that stands on every line from now on as well; false if there are enough of those.
    pub(crate) fn add_to_lines(&self, name: &str, value: &Value) -> bool {
        let has_room = {
            let mut fields = lock(self.on_lines.get_or_init(Box::default));
            fields.set_within(MOST_ON_LINES, name.as_bytes(), value.into())
        };
        self.add(name, value);
        has_room
    }

    /// Are there fields that stand on every line?
    #[inline]
    pub(crate) fn has_on_lines(&self) -> bool {
        self.on_lines.get().is_some()
    }

    /// The fields that stand on every line, locked; `None` is the common case.
    #[inline]
    pub(crate) fn on_lines(&self) -> Option<MutexGuard<'_, Fields>> {
        self.on_lines.get().map(|fields| lock(fields))
    }

    /// What is done within a request says on its lines what the request's own lines say by now.
    #[inline]
    pub(crate) fn inherit_lines(&mut self, outer: &Self) {
        if let Some(fields) = outer.on_lines() {
            self.on_lines = Box::new(Mutex::new(fields.clone())).into();
        }
    }

    /// The baggage now, which calls made from here take with them.
    #[inline]
    pub(crate) fn baggage_now(&self) -> Baggage {
        if self.changed_baggage.load(Ordering::Acquire) {
            self.state().baggage.clone()
        } else {
            self.baggage.clone()
        }
    }

    /// Sets an entry of the baggage; false if its key is not valid, or there is no room for it.
    pub(crate) fn set_baggage(&self, key: &str, value: &str) -> bool {
        let mut state = self.state();
        let before =
            if self.changed_baggage.load(Ordering::Relaxed) { &state.baggage } else { &self.baggage };
        let after = before.with(key, value);
        if after.get(key) != Some(value) {
            return false;
        }
        state.baggage = after;
        self.changed_baggage.store(true, Ordering::Release);
        true
    }

    /// How many bytes it held when it ended, beyond the record itself: texts, and what came with it.
    #[inline]
    pub(crate) fn text_length(&self) -> usize {
        self.text_length.load(Ordering::Relaxed)
    }

    /// How many bytes came with it beyond what a request usually brings: each of its events that waits keeps them in memory.
    #[inline]
    pub(crate) fn excess(&self) -> usize {
        self.brought().saturating_sub(USUAL)
    }

    /// How many bytes came with it: texts beyond the record itself, and context.
    #[inline]
    fn brought(&self) -> usize {
        self.http().map_or(0, Http::long_length) + self.size_of_context()
    }

    /// How many bytes of context came with it from outside. What is done below it shares them.
    #[inline]
    fn size_of_context(&self) -> usize {
        if !matches!(self.kind, Kind::Server | Kind::Consumer) {
            return 0;
        }
        self.baggage.size() + self.tracestate.as_str().len()
    }

    /// The hop's end; `None` while it is in progress.
    pub(crate) fn end(&self) -> Option<End> {
        self.state().end
    }

    /// The hop's end with what the user said, under one lock; `None` while it is in progress.
    pub(crate) fn ended(&self) -> Option<(End, NotesGuard<'_>)> {
        let state = self.state();
        state.end.map(|end| (end, NotesGuard(state)))
    }

    /// Ends the hop; only the first call counts. `end` gets the outcome that the user chose.
    #[inline]
    pub(crate) fn finish(&self, end: impl FnOnce(Option<Outcome>) -> End) -> End {
        let Progress { notes, end: ended, .. } = &mut *self.state();
        if let Some(ended) = ended {
            return *ended;
        }
        let (said, texts) = notes.as_ref().map_or((None, 0), |notes| (notes.outcome, notes.text_length()));
        let texts = texts + self.brought();
        let texts = texts + self.on_lines().map_or(0, |fields| fields.text_length());
        self.text_length.store(texts, Ordering::Relaxed);
        let end = end(said);
        *ended = Some(end);
        end
    }
}

impl Default for Hop {
    /// A hop of which nothing is known yet.
    #[inline]
    fn default() -> Self {
        Self {
            trace: TraceContext::BLANK,
            parent: None,
            parent_is_remote: false,
            links: Vec::new(),
            links_dropped: 0,
            kind: Kind::Internal,
            start: Moment::BLANK,
            tracestate: Tracestate::default(),
            baggage: Baggage::default(),
            request_id: None,
            subject: Subject::Http(Http::new(Method::Other, Scheme::Http, HttpVersion::V11)),
            route: RouteCell::new(None),
            kept: Kept::default(),
            within: Weak::new(),
            within_detailed: None,
            state: Mutex::default(),
            on_lines: OnceLock::new(),
            text_length: AtomicUsize::new(0),
            changed_baggage: AtomicBool::new(false),
        }
    }
}

impl Notes {
    fn text_length(&self) -> usize {
        let errors = self.error.iter().flatten().map(String::len);
        self.fields.text_length() + errors.sum::<usize>()
    }
}

impl NameSpan {
    pub(crate) fn new(name: impl Fn(&str, Option<&str>) -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(name))
    }

    /// The name; `None` if it is empty, or the user's code panics.
    pub(crate) fn name(&self, method: &str, to: Option<&str>) -> Option<String> {
        guarded(|| bounded(&(self.0)(method, to)).to_owned()).filter(|name| !name.is_empty())
    }
}

impl fmt::Debug for NameSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameSpan")
    }
}

impl Deref for NotesGuard<'_> {
    type Target = Option<Box<Notes>>;

    fn deref(&self) -> &Self::Target {
        &self.0.notes
    }
}

impl DerefMut for NotesGuard<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0.notes
    }
}

/// Query, baggage and fields are the user's; futures and bodies that hold a hop are shown in other people's logs.
impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Hop");
        shown.field("kind", &self.kind).field("trace", &self.trace).field("end", &self.end());
        shown.finish_non_exhaustive()
    }
}
