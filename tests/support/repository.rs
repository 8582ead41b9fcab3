//! The repository that this package is a part of.

use std::path::Path;

/// Its top.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
