//! The compression of what is exported.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

pub(crate) const IS_BUILT_IN: bool = true;

/// About how much smaller batches become; wrong, it costs a move of the bytes and nothing else.
const SHARE: usize = 4;

/// Telemetry repeats itself so much that a higher level saves little and costs the service its processor.
pub(in crate::export) fn pack(bytes: Bytes) -> Bytes {
    let mut packed = GzEncoder::new(Vec::with_capacity(bytes.len() / SHARE), Compression::fast());
    // Writing to memory does not fail; if it did, what is sent would be told by the receiver.
    let _ = packed.write_all(&bytes);
    packed.finish().map_or(bytes, Bytes::from)
}
