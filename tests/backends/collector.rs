//! Owns what the OpenTelemetry Collector, an independent reader of OTLP, understands of what is sent.
