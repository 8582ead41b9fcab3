//! The situations that are measured, each by its name.

use axum::Router;
use tower_observability::ObservabilityLayer;

use super::noop::NoopLayer;
use super::service::{Caller, Handler, Work};

/// What stands around the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
pub(crate) const NO_TRACEPARENT: Situation =
    situation("all, no traceparent", Stack::All, Handler::Answers, Caller::WithoutTrace);
pub(crate) const FAILS: Situation = situation("all, 500", Stack::All, Handler::Fails, Caller::Sampled);
pub(crate) const TELLS: Situation =
    situation("all, three events and a child span", Stack::All, Handler::Tells, Caller::Sampled);
pub(crate) const CALLS: Situation =
    situation("a call made in a request", Stack::All, Handler::Calls, Caller::Sampled);

pub(crate) const SITUATIONS: [Situation; 10] =
    [BARE, NOOP, OFF, ALL, UNNAMED, NOT_SAMPLED, NO_TRACEPARENT, FAILS, TELLS, CALLS];

const STACKS: [Stack; 6] =
    [Stack::Bare, Stack::Noop, Stack::All, Stack::Unnamed, Stack::PlainCalls, Stack::Off];

impl Stack {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Noop => "noop",
            Self::All => "all",
            Self::Unnamed => "unnamed",
            Self::PlainCalls => "plain calls",
            Self::Off => "off",
        }
    }
}

const fn situation(name: &'static str, stack: Stack, handler: Handler, caller: Caller) -> Situation {
    Situation { name, stack, work: Work { handler, caller } }
}

impl Situation {
    pub(crate) fn named(name: &str, stack: &str) -> Option<Self> {
        let situation = SITUATIONS.into_iter().find(|situation| situation.name == name)?;
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
            Stack::All | Stack::Unnamed | Stack::PlainCalls | Stack::Off => {
                router.layer(ObservabilityLayer::new())
            }
        };
        layered.with_state(())
    }
}
