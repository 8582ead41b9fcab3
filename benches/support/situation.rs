//! Owns the situations that are measured, each by its name.

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

pub(crate) const SITUATIONS: [Situation; 8] = [
    BARE,
    NOOP,
    situation("off", Stack::Off, Handler::Answers, Caller::Sampled),
    ALL,
    situation("all, not sampled", Stack::All, Handler::Answers, Caller::NotSampled),
    situation("all, no traceparent", Stack::All, Handler::Answers, Caller::WithoutTrace),
    situation("all, 500", Stack::All, Handler::Fails, Caller::Sampled),
    situation("all, three events and a child span", Stack::All, Handler::Tells, Caller::Sampled),
];

const STACKS: [Stack; 4] = [Stack::Bare, Stack::Noop, Stack::All, Stack::Off];

impl Stack {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Noop => "noop",
            Self::All => "all",
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

    /// The same work below the layer that does nothing.
    pub(crate) fn below_noop(self) -> Self {
        Self { stack: Stack::Noop, ..self }
    }

    pub(crate) fn app(self) -> Router {
        let router = self.work.router();
        let layered = match self.stack {
            Stack::Bare => router,
            Stack::Noop => router.layer(NoopLayer),
            Stack::All | Stack::Off => router.layer(ObservabilityLayer::new()),
        };
        layered.with_state(())
    }
}
