//! Gzip compression of exports.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// About how much smaller batches become; wrong, it costs a move of the bytes and nothing else.
const SHARE: usize = 4;

/// Telemetry repeats itself so much that a higher level saves little and costs the service its processor.
pub(super) fn compressed(bytes: Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / SHARE), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(&bytes);
    encoder.finish().map_or(bytes, Bytes::from)
}
