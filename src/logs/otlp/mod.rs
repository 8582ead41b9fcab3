//! Log records over OTLP: what a line says, as a record that leaves the process by itself.
//!
//! The request's thread copies an event's values once into a [`Snapshot`](crate::record::Snapshot); a finished hop is
//! handed over as it is. On the exporter's thread each becomes an [`Entry`] in plain words, within the limits of the specification and
//! of receivers, and then protobuf.

#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod convert;
mod describe;
#[cfg(feature = "otlp")]
mod dropped;
mod entry;
mod export;
mod fit;
mod options;
mod record;
mod records;
#[cfg(feature = "otlp")]
mod transport;
#[cfg(not(feature = "otlp"))]
#[path = "without.rs"]
mod transport;

pub(super) use export::Export;
pub(super) use options::VARIABLES;
pub(crate) use record::Record;
pub(crate) use records::Records;

use crate::export::Signal;

/// What the exporter calls it.
pub(crate) const SIGNAL: Signal = Signal { name: "logs", items: "records" };
