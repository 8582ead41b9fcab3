//! Owns what Zipkin answers about the workshop's traces.
