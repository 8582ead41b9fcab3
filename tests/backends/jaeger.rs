//! Owns what Jaeger answers about the workshop's traces.
