//! Log records over OTLP: what a line says, as a record that leaves the process by itself.
//!
//! The request's thread copies an event's values once into a [`Snapshot`](crate::record::Snapshot); a finished hop is handed
//! over as it is.
//! On the exporter's thread the usual one is written [`straight`] as protobuf. Another one becomes an
//! [`Entry`](entry::Entry) first, which borrows from it and is fitted into the limits of the specification and of receivers.

#[cfg(feature = "otlp")]
mod describe;
#[cfg(feature = "otlp")]
mod entry;
mod export;
#[cfg(feature = "otlp")]
mod fit;
#[cfg(feature = "otlp")]
mod log_record;
mod options;
mod record;
mod records;
mod shortened;
#[cfg(feature = "otlp")]
mod straight;
#[cfg(feature = "otlp")]
mod transport;

pub(super) use export::Export;
pub(super) use options::VARIABLES;
pub(crate) use record::Record;
pub(crate) use records::Records;

use crate::export::Signal;

/// What the exporter calls it.
pub(crate) const SIGNAL: Signal = Signal { name: "logs", items: "records" };

#[cfg(not(feature = "otlp"))]
mod transport {
    use std::sync::Arc;

    use super::Record;
    use super::export::Export;
    use super::shortened::Shortened;
    use crate::export::Transport;
    use crate::resource::Resource;

    pub(super) fn transport(
        _: &Export,
        _: &str,
        _: &Resource,
        _: &Arc<Shortened>,
    ) -> Result<Box<dyn Transport<Record>>, String> {
        Err("built without OTLP; add features = [\"otlp\"] to tower-observability in Cargo.toml".to_owned())
    }
}
