//! Owns Zipkin's own way in: spans as its JSON, version 2, straight to the server.
//!
//! OpenTelemetry has deprecated such exporters; its mapping is followed as it stood last.

mod encode;
mod json;
mod remote;
mod tags;

#[cfg(test)]
mod tests;
