//! The source about the network: the bytes of the network namespace, which in a container is its own.

use procfs::process::Process;

use crate::metrics::source::{Shape, Source};
use crate::names::metric;

const LOOPBACK: &str = "lo";

/// Bytes of all interfaces but the loopback.
pub(crate) fn network() -> Option<Source> {
    Some(Source::new("process_network_", |samples| {
        let Some(interfaces) = Process::myself().and_then(|process| process.dev_status()).ok() else {
            return;
        };
        let outward = || interfaces.values().filter(|interface| interface.name != LOOPBACK);
        if outward().next().is_none() {
            return;
        }
        let received = outward().map(|interface| interface.recv_bytes as f64).sum();
        let help =
            "Bytes received by all interfaces but the loopback; outside of a container, the machine's.";
        samples.single(metric::PROCESS_NETWORK_RECEIVED, Shape::Counter, "bytes", help, Some(received));
        let sent = outward().map(|interface| interface.sent_bytes as f64).sum();
        let help = "Bytes sent by all interfaces but the loopback; outside of a container, the machine's.";
        samples.single(metric::PROCESS_NETWORK_TRANSMITTED, Shape::Counter, "bytes", help, Some(sent));
    }))
}
