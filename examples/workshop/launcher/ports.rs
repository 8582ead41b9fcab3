//! Ports for what goes away and comes back at the same place.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::plumbing::BoxError;

/// Below those that systems hand out by themselves, which somebody else would have got meanwhile.
const FIRST: u32 = 12_000;
const COUNT: u32 = 18_000;

static ASKED: AtomicU32 = AtomicU32::new(0);

/// One that is free now, and was not handed out before.
pub(super) fn free() -> Result<u16, BoxError> {
    for _ in 0..COUNT {
        let number = std::process::id().wrapping_mul(37).wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no port is free".into())
}
