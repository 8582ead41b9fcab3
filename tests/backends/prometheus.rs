//! Owns what Prometheus answers about the workshop's metrics.
