//! The bridge's place in a registry of the user's: it leaves out what nobody here wants, and takes it from no
//! other layer.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::{Bridge, highest_level, wants};
use crate::signals::Signals;

/// Which places in the code the bridge wants to hear. As a filter of its own layer: what a layer by itself does not
/// want, no other layer gets.
#[derive(Debug)]
struct Wants {
    signals: &'static Signals,
}

impl Bridge {
    /// The bridge as a layer for the user's registry.
    pub(crate) fn apart<S>(self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + 'static,
    {
        let signals = self.signals;
        self.with_filter(Wants { signals })
    }
}

/// Is a bridge in the subscriber of this thread?
pub(crate) fn is_installed() -> bool {
    dispatcher::get_default(|subscriber| subscriber.downcast_ref::<Bridge>().is_some())
}

impl Drop for Wants {
    fn drop(&mut self) {
        self.signals.listening.hear(false);
    }
}

impl<S> Filter<S> for Wants {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        wants(self.signals, metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Whoever asks is a subscriber. Some layers (`reload`) hide what is in them, so it cannot be looked for.
        self.signals.listening.hear(true);
        if wants(self.signals, metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.signals.listening.hear(true);
        Some(highest_level(self.signals))
    }
}
