//! Owns the workshop's eight processes, started for a test.
