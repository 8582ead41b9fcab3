//! The schema URL of the conventions that our names follow.

use super::Conventions;

const OF_1_44: &str = "https://opentelemetry.io/schemas/1.44.0";
const OF_1_45: &str = "https://opentelemetry.io/schemas/1.45.0";

/// Sent over OTLP, so that a backend knows the version of the attribute names.
pub(crate) fn url() -> &'static str {
    if Conventions::has_stable_rpc() { OF_1_45 } else { OF_1_44 }
}
