//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz texts`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_observability::fuzz::run("texts", data));
