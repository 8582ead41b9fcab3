//! Faults of the collector, and of the way there.

use std::net::SocketAddr;
use std::time::Instant;

use super::Measured;
use super::service::{REQUESTS, Service};
use crate::support::authority::{Authority, Shown};
use crate::support::child::Child;
use crate::support::collector::{Answer, Collector};
use crate::support::port::free_address;

/// What is where spans are sent to, while the fault lasts.
pub(super) enum Place {
    /// A collector that answers every request so.
    Answers(Answer),
    /// No collector.
    Absent,
    /// A host without an address. It stays so.
    Unknown,
    /// A collector whose certificate is not of this authority, which is the one that is trusted.
    Distrusted(Box<Authority>),
    /// A collector that delivers, goes away, and comes again.
    Restarting,
}

pub(super) fn over_http(place: Place) -> Measured {
    measured(place, Service::child())
}

pub(super) fn over_grpc(place: Place) -> Measured {
    measured(place, Service::child().env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"))
}

fn measured(place: Place, child: Child) -> Measured {
    let (child, mut collector, address) = place.taken(child);
    let mut service = Service::of(child.start());
    if let Place::Restarting = place {
        service.ask(0);
        service.runtime.block_on(collector.as_ref().unwrap().spans_at_least(REQUESTS));
        collector = None;
    }
    service.ask(0);
    match (&place, &collector) {
        (Place::Answers(Answer::Slow(_) | Answer::Foreign(_, b"")), Some(collector)) => {
            service.runtime.block_on(collector.received_at_least(1));
        }
        (Place::Answers(Answer::Partial(count, _)), _) => {
            service.running.line(&format!("rejected {count} spans"));
        }
        _ => {
            service.running.line("traces cannot be delivered");
        }
    }
    let end = Instant::now();
    let collector = place.healed(collector, address);
    let before = collector.as_ref().map_or(0, |collector| collector.spans().len());
    service.ask(0);
    let recovery = collector.as_ref().map(|collector| {
        service.runtime.block_on(collector.spans_at_least(before + 1));
        end.elapsed()
    });
    let harmed = service.harmed();
    let ended = service.end();
    Measured { columns: format!("{harmed} | {}", ended.said("spans: ")), recovery }
}

impl Place {
    fn taken(&self, child: Child) -> (Child, Option<Collector>, SocketAddr) {
        let child = child.env("OTEL_EXPORTER_OTLP_TIMEOUT", "1500");
        let to = |child: Child, endpoint: String| child.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let collector = match self {
            Self::Absent => {
                let address = free_address();
                return (to(child, format!("http://{address}")), None, address);
            }
            Self::Unknown => {
                // Longer than a label of a name may be, so that no server is asked.
                let child = to(child, format!("http://{}.example:4318", "x".repeat(64)));
                return (child.env("OTEL_BSP_EXPORT_TIMEOUT", "1500"), None, free_address());
            }
            Self::Distrusted(_) => Collector::start_tls(Authority::new("untrusted").server(Shown::Right)),
            Self::Answers(_) | Self::Restarting => Collector::start(),
        };
        if let Self::Answers(answer) = self {
            collector.always(answer.clone());
        }
        let child = match self {
            Self::Distrusted(trusted) => child.env("OTEL_EXPORTER_OTLP_CERTIFICATE", trusted.file()),
            _ => child,
        };
        let address = collector.address();
        (to(child, collector.endpoint()), Some(collector), address)
    }

    /// The collector, once all is well with it.
    fn healed(&self, collector: Option<Collector>, address: SocketAddr) -> Option<Collector> {
        match self {
            Self::Answers(_) => collector.as_ref()?.always(Answer::Ok),
            Self::Unknown => return None,
            Self::Absent | Self::Restarting => return Some(Collector::start_at(address, None)),
            Self::Distrusted(trusted) => {
                drop(collector);
                return Some(Collector::start_at(address, Some(trusted.server(Shown::Right))));
            }
        }
        collector
    }
}
