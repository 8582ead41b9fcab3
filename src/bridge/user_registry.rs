//! The bridge as a layer of a user's registry: it filters for itself only, and takes nothing from other layers.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::{Bridge, highest_level, interest, wants, wants_in_detail};
use crate::signals::{Signals, global};

/// Which places in the code the bridge wants to hear. As a filter of its own layer: what a layer by itself does not
/// want, no other layer gets.
#[derive(Debug)]
struct Wants {
    signals: &'static Signals,
}

/// The bridge as a layer for the user's registry.
pub(crate) fn registry_layer<S>(bridge: Bridge) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    let signals = bridge.signals;
    bridge.with_filter(Wants { signals })
}

/// What keeps the events of this thread from the bridge; `heard` says that a subscriber with one is there somewhere.
pub(crate) fn registry_trouble(heard: bool) -> Option<&'static str> {
    let is_installed = dispatcher::get_default(|subscriber| subscriber.downcast_ref::<Bridge>().is_some());
    if !is_installed && !heard {
        return Some(
            "no `tracing` subscriber has our layer, so its events and spans are not recorded; call \
             tracing_subscriber::registry().with(observability.tracing_layer()).init() before the server starts",
        );
    }
    let wants_info = global().is_some_and(|signals| signals.lines.writes_info());
    let is_filtered = wants_info && !tracing::enabled!(target: "tower_observability", Level::INFO);
    is_filtered.then_some(
        "a filter of the whole registry keeps INFO from every layer, ours included: \
         EnvFilter::from_default_env() without RUST_LOG lets only ERROR pass; set RUST_LOG=info, or build it by \
         EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy(), or give it to the \
         other layer alone, as fmt::layer().with_filter(…)",
    )
}

impl Drop for Wants {
    fn drop(&mut self) {
        self.signals.listening.hear(false);
    }
}

impl<S> Filter<S> for Wants {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        wants(self.signals, metadata) || wants_in_detail(self.signals, metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Only a subscriber asks. Some layers (`reload`) hide what is in them, so it cannot be looked for.
        self.signals.listening.hear(true);
        interest(self.signals, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.signals.listening.hear(true);
        Some(highest_level(self.signals))
    }
}
