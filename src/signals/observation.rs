//! A hop's life: one function ends it, reached from every exit, and `Drop` is one of the exits.

use std::sync::Arc;

use tracing::Span;

use super::Signals;
use crate::clock::Moment;
use crate::current::{Entered, enter_as_hop, enter_hop};
use crate::names::attribute;
use crate::record::{
    Call, End, ErrorType, FieldValue, Hop, Kind, Outcome, Piece, Query, Route, Rpc, Value, guarded,
    known_method,
};

/// A hop that is still running. Dropping it unfinished reports [`Outcome::Cancelled`].
///
/// It is moved at every step of its request, so it is kept small.
#[derive(Debug)]
pub(crate) struct Observation {
    signals: &'static Signals,
    // `None` once the outcome is reported, which makes "exactly once" true.
    hop: Option<Arc<Hop>>,
    rare: Option<Box<Rare>>,
    /// A health probe: not counted as in flight, and recorded only if it fails.
    is_probe: bool,
    /// The response is to say which trace it belongs to.
    pub(crate) tells_trace: bool,
    /// A gRPC call: its own status counts, not HTTP's.
    pub(crate) call: Option<Call>,
    pub(crate) status: Option<u16>,
    pub(crate) first_byte: Option<Moment>,
    pub(crate) response_bytes: u64,
}

/// What few requests have.
#[derive(Debug, Default)]
struct Rare {
    /// The real `tracing` span of the request, where the user asked for one.
    span: Option<Span>,
    /// The caller gave up after this moment, so what is cut off later was a timeout.
    deadline: Option<Moment>,
    /// The route that the request has if it proves to be no call of gRPC.
    route: Option<Route>,
}

/// The hop is current while this lives. Dropped before [`PanicGuard::returned`] was called, it ends the hop as a panic.
///
/// A guard around the call itself, because `thread::panicking()` says nothing to a body that a catch-panic
/// layer drops after the unwinding.
#[must_use = "the hop is current only while this lives"]
pub(crate) struct PanicGuard<'a> {
    observation: &'a mut Observation,
    /// `None` once the hop has ended.
    entered: Entered,
    in_span: bool,
    has_returned: bool,
}

impl Observation {
    /// Begins the hop: from here on it is in flight, and will be reported.
    #[inline]
    pub(crate) fn begin(signals: &'static Signals, hop: Arc<Hop>) -> Self {
        Self::begin_as(signals, hop, false)
    }

    /// Begins the hop; `is_probe` says that it is a health check, recorded only if it fails.
    #[inline]
    pub(crate) fn begin_as(signals: &'static Signals, hop: Arc<Hop>, is_probe: bool) -> Self {
        if !is_probe {
            signals.red.begins(&hop);
        }
        Self {
            signals,
            hop: Some(hop),
            rare: None,
            is_probe,
            tells_trace: false,
            call: None,
            status: None,
            first_byte: None,
            response_bytes: 0,
        }
    }

    /// Opens a real `tracing` span for the hop, so that `Span::current()` exists in the user's service.
    pub(crate) fn open_span(&mut self, make: &dyn Fn() -> Span) {
        let Some(hop) = &self.hop else { return };
        let span = {
            let _standing = enter_as_hop(hop);
            // Without a span the request goes on all the same.
            guarded(make)
        };
        if let Some(span) = span {
            self.rare.get_or_insert_default().span = Some(span);
        }
    }

    /// Takes it for a call of gRPC, whose caller waits until `deadline`. If it proves to be none, it has this `route`.
    pub(crate) fn is_call(&mut self, deadline: Option<Moment>, route: Option<Route>) {
        self.call = Some(Call::default());
        if deadline.is_some() || route.is_some() {
            let rare = self.rare.get_or_insert_default();
            (rare.deadline, rare.route) = (deadline, route);
        }
    }

    /// It was answered by something else than gRPC: a request of HTTP like any other.
    #[cold]
    pub(crate) fn is_no_call(&mut self) {
        self.call = None;
        let Some(rare) = &mut self.rare else { return };
        rare.deadline = None;
        if let (Some(hop), Some(route)) = (&self.hop, rare.route.take()) {
            // A route that the service named itself stays.
            hop.set_route(route);
        }
    }

    /// Anybody may ask for gRPC on any route. Where no answer has shown that it is served there, the request is one of
    /// HTTP, if it has a route and is no method that has answered before.
    #[inline(never)]
    fn take_back_call(&mut self, hop: &Arc<Hop>) {
        let is_proven = self.call.is_some_and(|call| call.is_answered) || hop.kind == Kind::Client;
        let route = self.rare.as_ref().and_then(|rare| rare.route).or(hop.route.get());
        let path = hop.http().map_or("", |http| http.piece(Piece::Path));
        if is_proven || route.is_none() || known_method(path).is_some() {
            return;
        }
        route.map(|route| hop.set_route(route));
        self.is_no_call();
    }

    fn span(&self) -> Option<&Span> {
        self.rare.as_ref()?.span.as_ref()
    }

    pub(crate) fn signals(&self) -> &'static Signals {
        self.signals
    }

    /// The hop, while it runs.
    pub(crate) fn hop(&self) -> Option<&Arc<Hop>> {
        self.hop.as_ref()
    }

    /// Runs a piece of the user's work with the hop as the thread's current one. A panic ends the hop, and
    /// goes on unwinding.
    #[inline]
    pub(crate) fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let guard = self.enter();
        let result = work();
        guard.returned();
        result
    }

    /// Makes the hop the thread's current one for the work that follows, until the guard is dropped.
    #[inline]
    pub(crate) fn enter(&mut self) -> PanicGuard<'_> {
        let entered = self.hop.as_ref().map_or_else(Entered::none, enter_hop);
        let in_span = self.rare.is_some() && self.hop.is_some() && self.enter_span();
        PanicGuard { observation: self, entered, in_span, has_returned: false }
    }

    /// Within the request's span, where the user asked for one.
    fn enter_span(&self) -> bool {
        let entered =
            self.span().and_then(|span| span.with_subscriber(|(id, subscriber)| subscriber.enter(id)));
        entered.is_some()
    }

    fn exit_span(&self) {
        // The user's own subscriber may panic here.
        guarded(|| self.span().and_then(|span| span.with_subscriber(|(id, subscriber)| subscriber.exit(id))));
    }

    /// Lets the user say something of the hop from the outside. A panic ends nothing: it was not the service's.
    pub(crate) fn say(&self, say: impl FnOnce()) {
        let Some(hop) = &self.hop else { return };
        let _hop = enter_hop(hop);
        let _span = self.span().map(Span::enter);
        guarded(say);
    }

    /// Ends the hop, unless it ended before; `word` says an error more precisely than the outcome.
    #[inline]
    pub(crate) fn finish(&mut self, reached: Outcome, word: Option<&'static str>) {
        // Asked at every exit, and done at one of them.
        if let Some(hop) = self.hop.take() {
            if self.call.is_some() {
                self.take_back_call(&hop);
            }
            self.end(hop, reached, word);
        }
    }

    /// Ends the hop by a panic, which what the user said before cannot have foreseen.
    fn panicked(&mut self) {
        if let Some(hop) = self.hop()
            && let Some(notes) = &mut *hop.notes()
        {
            notes.outcome = None;
        }
        self.finish(Outcome::Panic, None);
    }

    fn end(&self, hop: Arc<Hop>, reached: Outcome, word: Option<&'static str>) {
        let at = self.now(hop.kind);
        let end = hop.finish(|said| {
            // The user's outcome has precedence over what happened.
            let reached = self.outcome(reached, &hop, at);
            let outcome = said.unwrap_or(reached);
            let (status, rpc, error_type) = match self.call {
                Some(call) => self.of_call(call, &hop, (reached, outcome), word),
                None => {
                    let word = word.unwrap_or(outcome.as_str());
                    (self.status, None, error_type(hop.kind, outcome, self.status, word))
                }
            };
            End {
                outcome,
                error_type,
                status,
                rpc,
                at,
                // A head that was there left with the end at the latest.
                first_byte: self.first_byte.or(self.status.map(|_| at)),
                response_bytes: self.response_bytes,
            }
        });
        if !self.is_probe {
            self.signals.red.leaves(&hop);
        }
        self.report(hop, &end);
    }

    /// The response's head is on its way by now.
    #[inline]
    pub(crate) fn head_leaves(&mut self) {
        if self.first_byte.is_none() {
            self.first_byte = Some(Moment::now());
        }
    }

    /// When it ends. A call ends at the answer's head, and for that the clock was read.
    fn now(&self, kind: Kind) -> Moment {
        let head = self.first_byte.filter(|_| kind == Kind::Client && self.call.is_none());
        head.unwrap_or_else(Moment::now)
    }

    /// What happened.
    fn outcome(&self, reached: Outcome, hop: &Hop, at: Moment) -> Outcome {
        let Some(deadline) = self.rare.as_ref().and_then(|rare| rare.deadline) else { return reached };
        let too_late = match reached {
            Outcome::Cancelled if hop.kind == Kind::Server => hangs_up(hop.start, deadline),
            Outcome::Cancelled | Outcome::ServerError => deadline,
            _ => return reached,
        };
        let is_answered = self.call.is_some_and(|call| call.code.is_some());
        if at >= too_late && !is_answered { Outcome::Timeout } else { reached }
    }

    /// What a call of gRPC adds: its own status in the place of HTTP's, unless that says more than 200.
    fn of_call(
        &self,
        call: Call,
        hop: &Hop,
        (reached, outcome): (Outcome, Outcome),
        word: Option<&'static str>,
    ) -> (Option<u16>, Option<Rpc>, ErrorType) {
        let path = hop.http().map_or("", |http| http.piece(Piece::Path));
        let is_client = hop.kind == Kind::Client;
        let rpc = call.end(is_client, path, reached);
        let error_type = call.error_type(is_client, rpc.code, outcome, word);
        (self.status.filter(|status| *status != 200), Some(rpc), error_type)
    }

    fn report(&self, hop: Arc<Hop>, end: &End) {
        if self.is_probe && end.outcome.is_good() {
            return;
        }
        let Signals { red, lines, spans, reports, .. } = self.signals;
        // First, so that no signal says less than the others.
        spans.judge(&hop, end);
        if let Some(query) = hop.query()
            && lines.is_slow(&hop, end)
        {
            note_slow(&hop, query, end);
        }
        if let Some(message) = hop.message().filter(|_| end.outcome.is_good()) {
            self.signals.order.processed(message.known_by, message.version, hop.trace_now());
        }
        red.hop(&hop, end);
        // Its id is on the line and the span.
        reports.end(&hop, end);
        // A query outside of any request is in no trace, neither sampled nor held.
        let is_recorded = spans.is_on() && (hop.trace.flags.is_sampled() || hop.kept.is_held());
        let is_told = lines.tells(&hop, end);
        // The line last: whoever has read it and ends the process then does not lose the span.
        match (is_recorded, is_told) {
            (true, true) => {
                spans.hop(Arc::clone(&hop));
                lines.tell(hop, end);
            }
            (true, false) => spans.hop(hop),
            (false, true) => lines.tell(hop, end),
            (false, false) => {}
        }
    }
}

impl Drop for Observation {
    #[inline]
    fn drop(&mut self) {
        self.finish(Outcome::Cancelled, None);
    }
}

impl PanicGuard<'_> {
    /// The work returned: whatever became of it, it was no panic.
    #[inline]
    pub(crate) fn returned(mut self) {
        self.has_returned = true;
    }
}

impl Drop for PanicGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.in_span {
            self.observation.exit_span();
        }
        self.entered.leave();
        if !self.has_returned {
            self.observation.panicked();
        }
    }
}

/// Names a slow query on the hop in which it was made; of several, the slowest.
#[cold]
fn note_slow(hop: &Hop, query: &Query, end: &End) {
    let Some(outer) = hop.outer() else { return };
    let took = end.at.nanos_since(hop.start) as f64 / 1e6;
    let slowest =
        outer.notes().as_ref().and_then(|notes| notes.fields.get(attribute::SLOW_QUERY_MS).map(Value::from));
    if slowest.is_none_or(|slowest| matches!(slowest, Value::F64(slowest) if slowest < took)) {
        outer.add(attribute::SLOW_QUERY, query.statement.get().summary.as_str());
        outer.add(attribute::SLOW_QUERY_MS, FieldValue::F64(took));
    }
}

/// The value of `error.type`, the same on span and metric (semantic conventions, "recording errors").
fn error_type(kind: Kind, outcome: Outcome, status: Option<u16>, word: &'static str) -> ErrorType {
    let first_error = if kind == Kind::Client { 400 } else { 500 };
    match outcome {
        Outcome::Ok | Outcome::Upgraded => ErrorType::None,
        // A call that its own caller gave up is no error (HTTP spans, "intentional cancellation").
        Outcome::Cancelled if kind == Kind::Client => ErrorType::None,
        _ => match status {
            Some(status) if status >= first_error => ErrorType::Status(status),
            _ if outcome == Outcome::ClientError && kind == Kind::Server => ErrorType::None,
            _ => ErrorType::Word(word),
        },
    }
}

/// From when on a caller who hangs up has waited too long: his clock began before his request was here, so that he often hangs
/// up a little before ours is at its end.
fn hangs_up(start: Moment, deadline: Moment) -> Moment {
    /// In nanoseconds.
    const AT_MOST: u64 = 100_000_000;
    deadline.before_nanos((deadline.nanos_since(start) / 16).min(AT_MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: Kind, outcome: Outcome, status: Option<u16>) -> Option<String> {
        error_type(kind, outcome, status, outcome.as_str()).with_str(str::to_owned)
    }

    #[test]
    fn a_status_of_the_error_class_is_the_error_type() {
        assert_eq!(said(Kind::Server, Outcome::ServerError, Some(503)).as_deref(), Some("503"));
        assert_eq!(said(Kind::Server, Outcome::Timeout, Some(504)).as_deref(), Some("504"));
        assert_eq!(said(Kind::Client, Outcome::ClientError, Some(404)).as_deref(), Some("404"));
    }

    #[test]
    fn a_clients_mistake_is_no_error_of_the_server() {
        assert_eq!(said(Kind::Server, Outcome::ClientError, Some(404)), None);
    }

    #[test]
    fn what_has_no_status_is_said_by_its_word() {
        assert_eq!(said(Kind::Server, Outcome::Cancelled, None).as_deref(), Some("cancelled"));
        assert_eq!(said(Kind::Server, Outcome::Panic, Some(200)).as_deref(), Some("panic"));
        assert_eq!(said(Kind::Server, Outcome::ServerError, Some(200)).as_deref(), Some("server_error"));
        assert_eq!(said(Kind::Consumer, Outcome::ServerError, None).as_deref(), Some("server_error"));
    }

    #[test]
    fn a_caller_is_at_his_deadline_a_little_before_us() {
        let start = Moment::now();
        for (timeout, margin) in [(1_600, 100), (20, 1), (3_600_000, 100), (0, 0)] {
            let deadline = start.after_nanos(timeout * 1_000_000);
            let early = deadline.nanos_since(hangs_up(start, deadline)) / 1_000_000;
            assert_eq!(early, margin, "{timeout} ms");
        }
    }

    #[test]
    fn giving_up_a_call_is_no_error() {
        assert_eq!(said(Kind::Client, Outcome::Cancelled, None), None);
        assert_eq!(said(Kind::Server, Outcome::Ok, Some(200)), None);
    }
}
