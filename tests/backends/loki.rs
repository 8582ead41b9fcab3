//! Owns what Loki answers about the workshop's lines, pushed by an agent or sent over OTLP.
