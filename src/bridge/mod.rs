//! The bridge from `tracing`: a user's spans and events become records with the hop's context.
//!
//! An event becomes a log line if the log level wants it. A span of level INFO or above becomes a child span if
//! its trace is sampled, whatever the log level is; the fields of every enclosing span stand on the lines made
//! within it. Below INFO a span exists only where the log level asks for it, and only for its fields.
//!
//! Asked before built: in a trace that is not sampled a span has no id of its own but stands for its parent, so
//! that its lines carry the request's ids and nothing else is kept.

mod fields;
mod span;
mod sqlx;
mod user_registry;

pub(crate) use user_registry::{registry_layer, registry_trouble};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use self::fields::Keep;
use self::span::{Details, Recording};
use crate::clock::Moment;
use crate::context::{SpanId, TraceContext, Tracestate};
use crate::current::{
    Current, current, current_hop, enter_foreign_span, enter_span, exit_span, stands_for_hop,
};
use crate::names::attribute;
use crate::record::{Fields, Hop, KeepReason, Snapshot, Visitor, is_log_record};
use crate::signals::Signals;
use crate::threads::is_suppressed;

/// The layer of a `tracing-subscriber` registry that feeds log lines and traces.
#[derive(Debug)]
pub(crate) struct Bridge {
    signals: &'static Signals,
    /// Are the spans another layer's business? Then only their fields are wanted here.
    lines_only: bool,
}

/// Spans of this level and above are recorded in traces.
const RECORDED: Level = Level::INFO;

impl Bridge {
    pub(crate) fn new(signals: &'static Signals) -> Self {
        Self { signals, lines_only: false }
    }

    /// The bridge beside a layer that records the spans: only their fields are wanted here.
    pub(crate) fn of_lines(signals: &'static Signals) -> Self {
        Self { signals, lines_only: true }
    }

    /// The context that a new span continues.
    fn parent_of<S>(
        &self,
        attributes: &Attributes<'_>,
        ctx: &Context<'_, S>,
        stands_for_hop: bool,
    ) -> Option<Current>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if stands_for_hop {
            return current();
        }
        // `tracing` makes a root both of `parent: None` and of a parent that is disabled, such as `Span::current()` where
        // the request has no span. Either way it belongs to the request.
        if attributes.is_root() {
            return current_hop();
        }
        let explicit = attributes.parent().and_then(|parent| ctx.span(parent));
        match explicit {
            Some(parent) => parent.extensions().get::<Details>().and_then(|details| details.current.clone()),
            None => current(),
        }
    }

    /// The new span's own context, and whether it is recorded: decided before anything of it is kept.
    fn begin(&self, metadata: &Metadata<'_>, parent: Option<Current>, stands_for_hop: bool) -> Details {
        if stands_for_hop {
            return Details { stands_for_hop: true, ..Details::new(parent, None) };
        }
        let stands_for_parent = *metadata.level() > RECORDED;
        let spans = &self.signals.spans;
        let is_recorded = parent.as_ref().is_none_or(|parent| spans.records(parent.trace_now().flags));
        if stands_for_parent || !is_recorded || self.lines_only || !spans.is_on() {
            return Details::new(parent, None);
        }
        let parent_trace = parent.as_ref().map(Current::trace_now);
        let current = match parent {
            Some(parent) => {
                Current { trace: TraceContext { span_id: SpanId::random(), ..parent.trace_now() }, ..parent }
            }
            None => {
                let (trace, begun) = self.signals.place(None, &Tracestate::default());
                Current { trace, hop: None, begun: begun.unwrap_or_default() }
            }
        };
        let record = spans.records(current.trace.flags).then(|| Recording {
            parent: parent_trace.map(|parent| parent.span_id),
            start: Moment::now(),
            links: Vec::new(),
            links_dropped: 0,
        });
        Details::new(Some(current), record)
    }

    fn keeps_fields(&self, details: &Details) -> bool {
        details.record.is_some() || details.stands_for_hop || self.signals.lines.is_on()
    }

    /// Takes an event of sqlx's for the query that it reports. It is no line then, unless the level asks for sqlx's DEBUG lines:
    /// it has the statement with its values.
    fn takes_query<S>(
        &self,
        event: &Event<'_>,
        span: Option<&SpanRef<'_, S>>,
        place: Option<&Current>,
    ) -> bool
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if !sqlx::is_on(self.signals) {
            return false;
        }
        // Recorded already: by hand, or by a span of the driver's own.
        let is_query =
            place.and_then(|here| here.hop.as_ref()?.query()).is_some_and(|query| !query.is_transaction);
        let is_known = is_query || span.is_some_and(is_span_of_query);
        let is_taken = is_known || sqlx::record(self.signals, event, place);
        is_taken && !self.signals.lines.lets_pass(Level::DEBUG, sqlx::TARGET)
    }

    /// Takes an event for its line, if it has one, and for the error report of what it happened in.
    fn take<S>(
        &self,
        event: &Event<'_>,
        span: Option<&SpanRef<'_, S>>,
        place: Option<Current>,
        has_line: bool,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let spans = |show: &mut dyn FnMut(&Fields)| {
            let Some(span) = span else { return };
            show_fields(span, show);
            // Not its whole scope, which would look it up once more.
            let mut around = span.parent();
            while let Some(span) = around {
                show_fields(&span, show);
                around = span.parent();
            }
        };
        let place = place.map_or((None, None), |place| (Some(place.trace_now()), place.hop));
        Snapshot::lend(event, Moment::now(), place, spans, |event| {
            self.signals.reports.event(event);
            if has_line {
                self.signals.lines.event(event);
            }
        });
    }
}

/// Is what comes from this call site wanted?
fn wants(signals: &Signals, metadata: &Metadata<'_>) -> bool {
    let level = *metadata.level();
    if metadata.is_span() {
        let any = signals.spans.is_on() || signals.lines.is_on();
        level <= RECORDED && any || signals.lines.wants(metadata)
    } else {
        // An ERROR event marks its span, written or not; one of sqlx's is a query.
        signals.lines.wants(metadata)
            || sqlx::wants(signals, metadata)
            || level == Level::ERROR && (signals.spans.is_on() || signals.reports.is_on())
    }
}

/// Is what comes from this call site wanted here and now, because the request is observed in detail?
fn wants_in_detail(signals: &Signals, metadata: &Metadata<'_>) -> bool {
    signals.lines.wants_in_detail(metadata)
        && current_hop().and_then(|here| here.hop).is_some_and(|hop| hop.is_detailed())
}

/// Kept by each call site until the level changes: what is not wanted costs one load there.
fn interest(signals: &Signals, metadata: &Metadata<'_>) -> Interest {
    if wants(signals, metadata) {
        Interest::always()
    } else if signals.lines.wants_in_detail(metadata) {
        Interest::sometimes()
    } else {
        Interest::never()
    }
}

/// The highest level of what may be wanted.
fn highest_level(signals: &Signals) -> LevelFilter {
    let lines = signals.lines.highest_level();
    let any = signals.spans.is_on() || signals.lines.is_on() || signals.reports.is_on();
    let spans = if any { LevelFilter::from_level(RECORDED) } else { LevelFilter::OFF };
    // At this level sqlx reports its queries.
    let queries = if sqlx::is_on(signals) { LevelFilter::DEBUG } else { LevelFilter::OFF };
    lines.max(spans).max(queries)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(self.signals, metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        wants(self.signals, metadata) || wants_in_detail(self.signals, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(highest_level(self.signals))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if is_suppressed() {
            return;
        }
        let stands_for_hop = stands_for_hop();
        let parent = self.parent_of(attributes, &ctx, stands_for_hop);
        let mut details = self.begin(attributes.metadata(), parent, stands_for_hop);
        if self.keeps_fields(&details) {
            // User code formats some of them: the registry must not be locked meanwhile.
            attributes.record(&mut Visitor(&mut Keep(&mut details)));
            details.tell_hop(&details);
        }
        if let Some(span) = ctx.span(id).filter(|_| !details.is_empty()) {
            span.extensions_mut().insert(details);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let kept = |details: &Details| self.keeps_fields(details);
        let wanted = span.extensions().get::<Details>().map_or(self.signals.lines.is_on(), kept);
        if is_suppressed() || !wanted {
            return;
        }
        // Collected first and put in afterwards, for the same reason.
        let mut more = Details::new(None, None);
        values.record(&mut Visitor(&mut Keep(&mut more)));
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<Details>() {
            Some(details) => {
                details.tell_hop(&more);
                details.add(more);
            }
            None => extensions.insert(more),
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        let trace_of = |span: SpanRef<'_, S>| span.extensions().get::<Details>().and_then(Details::trace);
        let Some(followed) = ctx.span(follows).and_then(trace_of) else { return };
        if let Some(span) = ctx.span(id)
            && let Some(details) = span.extensions_mut().get_mut::<Details>()
            && let Some(record) = &mut details.record
        {
            record.link(followed, self.signals.spans.link_limit);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if is_suppressed() {
            return;
        }
        let metadata = event.metadata();
        let span = ctx.event_span(event);
        let place = match (event.is_contextual(), &span) {
            (true, _) => current(),
            (false, Some(span)) => {
                span.extensions().get::<Details>().and_then(|details| details.current.clone())
            }
            // As for spans, a disabled parent is ignored.
            (false, None) => current_hop(),
        };
        if *metadata.level() == Level::ERROR && self.signals.spans.is_on() {
            mark_failed(span.as_ref(), place.as_ref());
            if let Some(hop) = place.as_ref().and_then(|place| place.hop.as_deref()) {
                self.signals.spans.has_failed(hop, KeepReason::ErrorEvent);
            }
        }
        let lines = &self.signals.lines;
        if metadata.target() == sqlx::TARGET && self.takes_query(event, span.as_ref(), place.as_ref()) {
            return;
        }
        let in_detail = || {
            let hop = place.as_ref().and_then(|place| place.hop.as_deref());
            lines.wants_in_detail(metadata) && hop.is_some_and(Hop::is_detailed)
        };
        // What tracing-log sends was asked about by its own target, in `enabled`.
        let has_line = lines.is_on()
            && (is_log_record(event) || lines.wants(metadata) || in_detail())
            && !lines.leaves_out(event);
        let is_reported = *metadata.level() == Level::ERROR && self.signals.reports.is_on();
        if has_line || is_reported {
            self.take(event, span.as_ref(), place, has_line);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let current = span.extensions().get::<Details>().and_then(|details| details.current.clone());
        if let Some(current) = current {
            let enter = if self.lines_only { enter_foreign_span } else { enter_span };
            enter(id.into_u64(), current);
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        exit_span(id.into_u64());
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(&id) else { return };
        let details = span.extensions_mut().remove::<Details>();
        if let Some(record) = details.and_then(|details| details.finish(span.metadata(), Moment::now())) {
            self.signals.spans.span(record);
        }
    }
}

/// Is it the span of a query, by the conventions' older or newer word for its system?
fn is_span_of_query<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> bool {
    let extensions = span.extensions();
    let is_system = |name: &[u8]| name == attribute::DB_SYSTEM_NAME.as_bytes() || name == b"db.system";
    extensions.get::<Details>().is_some_and(|details| details.fields.iter().any(|(name, _)| is_system(name)))
}

fn show_fields<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>, show: &mut dyn FnMut(&Fields)) {
    if let Some(details) = span.extensions().get::<Details>() {
        show(&details.fields);
    }
}

/// The innermost recorded span failed; a request within it has a span of its own, and is not meant.
fn mark_failed<S>(span: Option<&SpanRef<'_, S>>, place: Option<&Current>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let innermost = place.map(|place| place.trace);
    for span in span.into_iter().flat_map(SpanRef::scope) {
        let mut extensions = span.extensions_mut();
        let Some(details) = extensions.get_mut::<Details>() else { continue };
        if details.trace() != innermost {
            return;
        }
        if details.record.is_some() {
            details.failed = true;
            return;
        }
    }
}

#[cfg(test)]
mod tests;
