//! Ports of servers that start later, and of those that never do.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that a system gives to outgoing connections and to whoever asks for any (32,768 on Linux, 49,152 elsewhere): a port
/// of theirs that was free a moment ago may be anybody's now.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// Two processes of tests begin at different ones.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| AtomicU16::new(rand::random_range(0..COUNT)));

/// An address on this machine where nobody listens, and which nobody gets but by its number; each call has another one.
pub fn free_address() -> SocketAddr {
    let next = || FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
    let mut addresses = (0..COUNT).map(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, next())));
    addresses.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}
