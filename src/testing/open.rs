//! The user's spans that are still open: a failing test names them, because they are what it waits for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::span::{Attributes, Id};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::context::TraceId;
use crate::current::current;

/// The open spans of an instance, by their ids in the registry.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<Mutex<BTreeMap<u64, OpenSpan>>>);

/// A span that has not ended.
#[derive(Clone, Debug)]
pub(super) struct OpenSpan {
    name: &'static str,
    trace: Option<TraceId>,
}

impl Open {
    pub(super) fn all(&self) -> Vec<OpenSpan> {
        self.held().values().cloned().collect()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, OpenSpan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenSpan {
    /// Is it in this trace, as far as is known?
    pub(super) fn is_in(&self, trace: &str) -> bool {
        self.trace.is_some_and(|own| own.to_string() == trace)
    }
}

impl fmt::Display for OpenSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.trace.map_or(Ok(()), |trace| write!(f, " (trace {:.8})", trace.to_string()))
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Open {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        if *metadata.level() > Level::INFO {
            return;
        }
        let here =
            attributes.parent().is_none().then(current).flatten().map(|current| current.trace.trace_id);
        let mut held = self.held();
        let given = attributes.parent().and_then(|parent| held.get(&parent.into_u64())?.trace);
        held.insert(id.into_u64(), OpenSpan { name: metadata.name(), trace: given.or(here) });
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.held().remove(&id.into_u64());
    }
}
