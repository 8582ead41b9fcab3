//! Where the conventions are told that our names follow.

/// What OTLP says beside attributes, so that a backend knows their names' version.
pub(crate) const URL: &str = "https://opentelemetry.io/schemas/1.44.0";
