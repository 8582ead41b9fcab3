//! Tests that take minutes, most of which they wait: libtest begins tests in the order of their names, so that these begin
//! first and all others run meanwhile. With six threads (README) there is room for both on a machine of two cores.

mod alerts;
mod incident;
mod judged;
mod kept;
mod load;
#[cfg(feature = "drivers")]
mod report;
mod tier;
mod watch;
