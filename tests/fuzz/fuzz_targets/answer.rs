//! `cargo +nightly fuzz run --fuzz-dir tests/fuzz answer`
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_observability::fuzz::run("answer", data));
