//! The unit tests of the workshop: an example is built, but its tests are not.
#![allow(dead_code, unused_imports)]

mod launcher;
mod plumbing;
mod proto;
mod screen;
mod services;
