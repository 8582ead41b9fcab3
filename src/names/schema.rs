//! The schema URL of the conventions that our names follow.

/// Sent over OTLP, so that a backend knows the version of the attribute names.
pub(crate) const URL: &str = "https://opentelemetry.io/schemas/1.44.0";
