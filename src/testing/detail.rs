//! The lines in which libraries describe each step of theirs.

use serde_json::Value;

use crate::names::key;

/// Those below a service that describe each step of a connection.
const LIBRARIES: [&str; 12] = [
    "axum",
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "reqwest",
    "rustls",
    "tokio",
    "tokio_util",
    "tonic",
    "tower",
    "want",
];

/// Is it what a library says in detail? A failing test does not show it.
pub(super) fn is_detail(line: &Value) -> bool {
    let of = line[key::TARGET].as_str().and_then(|target| target.split("::").next());
    matches!(line[key::LEVEL].as_str(), Some("TRACE" | "DEBUG"))
        && of.is_some_and(|of| LIBRARIES.contains(&of))
}
