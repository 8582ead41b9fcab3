//! What is shared with the library's own benches: the same requests, the same ways to count.
#![allow(dead_code)] // the library's benches use the rest

#[path = "../../support/callgrind.rs"]
pub(crate) mod callgrind;
#[path = "../../support/clock.rs"]
pub(crate) mod clock;
#[path = "../../support/collector.rs"]
pub(crate) mod collector;
#[path = "../../support/noop.rs"]
pub(crate) mod noop;
#[path = "../../support/service.rs"]
pub(crate) mod service;
