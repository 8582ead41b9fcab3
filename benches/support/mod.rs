//! What the benches share: the service they call, the layer that does nothing, and three ways to count.

pub(crate) mod callgrind;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod collector;
pub(crate) mod noop;
pub(crate) mod service;
pub(crate) mod situation;
