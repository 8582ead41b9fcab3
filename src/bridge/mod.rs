//! Owns the bridge from `tracing`: a user's spans and events become records with the hop's context.

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::hop::Core;

/// The layer of a `tracing-subscriber` registry.
#[derive(Debug)]
pub struct Bridge {
    core: &'static Core,
}

impl Bridge {
    pub(crate) fn new(core: &'static Core) -> Self {
        Self { core }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Bridge {
    fn enabled(&self, _: &tracing::Metadata<'_>, _: tracing_subscriber::layer::Context<'_, S>) -> bool {
        self.core.lines.is_on()
    }
}
