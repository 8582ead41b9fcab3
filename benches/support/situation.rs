//! The situations that are measured, each by its name.

use axum::Router;
use tower_observability::ObservabilityLayer;

use super::noop::NoopLayer;
use super::service::{Caller, Handler, Work};

/// What stands around the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stack {
    Bare,
    Noop,
    /// As shipped: `init`, our layer, and a collector that takes everything.
    All,
    /// The same without request ids.
    Unnamed,
    /// As shipped, but the calls that a handler makes go through a layer that does nothing.
    PlainCalls,
    /// Our layer after an `init` with everything switched off.
    Off,
    /// As shipped, and a request header is kept.
    Captures,
    /// As shipped, and each request is a `tracing` span.
    Spanned,
    /// As shipped, and failed traces are kept.
    Keeps,
    /// As shipped, with log records over OTLP instead of lines.
    Records,
    /// As shipped, with metrics over OTLP beside the page.
    Pushes,
    /// The same with exponential histograms.
    Exponential,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    pub(crate) stack: Stack,
    pub(crate) work: Work,
}

pub(crate) const BARE: Situation = situation("bare", Stack::Bare, Handler::Answers, Caller::Sampled);
pub(crate) const NOOP: Situation = situation("noop", Stack::Noop, Handler::Answers, Caller::Sampled);
pub(crate) const ALL: Situation = situation("all", Stack::All, Handler::Answers, Caller::Sampled);

pub(crate) const OFF: Situation = situation("off", Stack::Off, Handler::Answers, Caller::Sampled);
pub(crate) const UNNAMED: Situation =
    situation("all, no request id", Stack::Unnamed, Handler::Answers, Caller::Sampled);
pub(crate) const NOT_SAMPLED: Situation =
    situation("all, not sampled", Stack::All, Handler::Answers, Caller::NotSampled);
pub(crate) const HELD: Situation =
    situation("all, not sampled, held and let go", Stack::Keeps, Handler::Answers, Caller::NotSampled);
pub(crate) const NO_TRACEPARENT: Situation =
    situation("all, no traceparent", Stack::All, Handler::Answers, Caller::WithoutTrace);
pub(crate) const FAILS: Situation = situation("all, 500", Stack::All, Handler::Fails, Caller::Sampled);
pub(crate) const TELLS: Situation =
    situation("all, three events and a child span", Stack::All, Handler::Tells, Caller::Sampled);
pub(crate) const CALLS: Situation =
    situation("a call made in a request", Stack::All, Handler::Calls, Caller::Sampled);

pub(crate) const PUSHES: Situation =
    situation("all, metrics over OTLP", Stack::Pushes, Handler::Answers, Caller::Sampled);
pub(crate) const EXPONENTIAL: Situation =
    situation("all, exponential histograms", Stack::Exponential, Handler::Answers, Caller::Sampled);

pub(crate) const SITUATIONS: [Situation; 13] = [
    BARE,
    NOOP,
    OFF,
    ALL,
    UNNAMED,
    NOT_SAMPLED,
    HELD,
    NO_TRACEPARENT,
    FAILS,
    TELLS,
    CALLS,
    PUSHES,
    EXPONENTIAL,
];

/// What more of something costs: the situation above the one behind it, of so many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) more: Situation,
    pub(crate) less: Situation,
    pub(crate) count: u8,
    /// The most that each may cost: instructions on the request's thread, allocations, the lines' thread, the exporter's.
    pub(crate) most: [f64; 4],
}

const fn step(
    name: &'static str,
    stack: Stack,
    more: Handler,
    (less, count): (Situation, u8),
    most: [f64; 4],
) -> Step {
    Step { name, more: situation(name, stack, more, Caller::Sampled), less, count, most }
}

const ONE_FRAME: Situation = situation("one frame", Stack::All, Handler::Streams(1), Caller::Sampled);
const RECORDS_OF_ONE: Situation =
    situation("log records of one event", Stack::Records, Handler::Says(1), Caller::Sampled);
const SAYS_ONE: Situation = situation("one event", Stack::All, Handler::Says(1), Caller::Sampled);
const SPANNED_ONCE: Situation =
    situation("request_span(), polled twice", Stack::Spanned, Handler::Waits(1), Caller::Sampled);
const WAITS_ONCE: Situation = situation("polled twice", Stack::All, Handler::Waits(1), Caller::Sampled);

const ONE_QUERY: Situation = situation("one query", Stack::All, Handler::Queries(1), Caller::Sampled);
const ONE_REPORT: Situation =
    situation("one query of sqlx", Stack::All, Handler::Reports(1), Caller::Sampled);

pub(crate) const STEPS: [Step; 13] = [
    // On the request's thread no more than a call over HTTP.
    step("a query", Stack::All, Handler::Queries(11), (ONE_QUERY, 10), [4_000.0, 2.1, 100.0, 2_400.0]),
    step(
        "a query that sqlx reports",
        Stack::All,
        Handler::Reports(11),
        (ONE_REPORT, 10),
        [4_000.0, 4.1, 100.0, 2_560.0],
    ),
    step("an attribute, of 20", Stack::All, Handler::Adds(20), (ALL, 20), [330.0, 0.3, 285.0, 262.0]),
    step("an attribute, of 100", Stack::All, Handler::Adds(100), (ALL, 100), [275.0, 0.1, 320.0, 230.0]),
    // One difference of two counts, of which each has its own scatter: 1,549 to 1,707 in four runs.
    step("the first event", Stack::All, Handler::Says(1), (ALL, 1), [1_800.0, 0.1, 1_350.0, 100.0]),
    step("a further event", Stack::All, Handler::Says(11), (SAYS_ONE, 10), [1_640.0, 0.1, 1_200.0, 100.0]),
    step(
        "a log record of an event",
        Stack::Records,
        Handler::Says(11),
        (RECORDS_OF_ONE, 10),
        [1_900.0, 1.1, 100.0, 2_760.0],
    ),
    step(
        "the log record of a request",
        Stack::Records,
        Handler::Answers,
        (ALL, 1),
        [350.0, 0.1, 100.0, 2_520.0],
    ),
    step("a captured header", Stack::Captures, Handler::Answers, (ALL, 1), [1_880.0, 2.1, 530.0, 1_500.0]),
    step("a request_span()", Stack::Spanned, Handler::Answers, (ALL, 1), [4_250.0, 2.1, 100.0, 100.0]),
    step("a further poll", Stack::All, Handler::Waits(11), (WAITS_ONCE, 10), [250.0, 0.1, 100.0, 100.0]),
    step(
        "a further poll with request_span()",
        Stack::Spanned,
        Handler::Waits(11),
        (SPANNED_ONCE, 10),
        [850.0, 0.1, 100.0, 100.0],
    ),
    step(
        "a further frame of a body",
        Stack::All,
        Handler::Streams(11),
        (ONE_FRAME, 10),
        [295.0, 0.1, 100.0, 100.0],
    ),
];

const STACKS: [Stack; 12] = [
    Stack::Keeps,
    Stack::Bare,
    Stack::Noop,
    Stack::All,
    Stack::Unnamed,
    Stack::PlainCalls,
    Stack::Off,
    Stack::Captures,
    Stack::Spanned,
    Stack::Records,
    Stack::Pushes,
    Stack::Exponential,
];

impl Stack {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Noop => "noop",
            Self::All => "all",
            Self::Unnamed => "unnamed",
            Self::PlainCalls => "plain calls",
            Self::Off => "off",
            Self::Captures => "captures",
            Self::Spanned => "spanned",
            Self::Keeps => "keeps",
            Self::Records => "records",
            Self::Pushes => "pushes",
            Self::Exponential => "exponential",
        }
    }
}

const fn situation(name: &'static str, stack: Stack, handler: Handler, caller: Caller) -> Situation {
    Situation { name, stack, work: Work { handler, caller } }
}

impl Situation {
    pub(crate) fn named(name: &str, stack: &str) -> Option<Self> {
        let steps = STEPS.into_iter().flat_map(|step| [step.more, step.less]);
        let situation = SITUATIONS.into_iter().chain(steps).find(|situation| situation.name == name)?;
        let stack = STACKS.into_iter().find(|known| known.name() == stack)?;
        Some(Self { stack, ..situation })
    }

    /// The same work below a layer that does nothing, at the end that is measured.
    pub(crate) fn below_noop(self) -> Self {
        let stack = if self.work.handler == Handler::Calls { Stack::PlainCalls } else { Stack::Noop };
        Self { stack, ..self }
    }

    pub(crate) fn app(self) -> Router {
        let router = match self.stack {
            Stack::PlainCalls => self.work.router(NoopLayer),
            _ => self.work.router(ObservabilityLayer::client()),
        };
        let layered = match self.stack {
            Stack::Bare => router,
            Stack::Noop => router.layer(NoopLayer),
            Stack::Captures => router.layer(ObservabilityLayer::new().capture_request_headers(["accept"])),
            Stack::Spanned => router.layer(ObservabilityLayer::new().request_span()),
            Stack::All
            | Stack::Unnamed
            | Stack::PlainCalls
            | Stack::Off
            | Stack::Keeps
            | Stack::Records
            | Stack::Pushes
            | Stack::Exponential => router.layer(ObservabilityLayer::new()),
        };
        layered.with_state(())
    }
}
