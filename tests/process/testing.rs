//! Promise: what a test's instance sees does not hang on who reached the code first.

use tower_observability::testing::Instance;

use crate::support::child::{Child, run};

#[test]
fn program() {
    run(&[("somebody-else-first", somebody_else_first)]);
}

fn say() {
    tracing::info!("said");
}

/// As in a test that has no instance and runs beside one that has.
fn somebody_else_first() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    std::thread::spawn(say).join().unwrap();
    say();
    assert_eq!(seen.lines().len(), 1, "{seen}");
}

#[test]
fn a_line_is_seen_though_a_thread_without_an_instance_said_it_first() {
    Child::new("testing", "somebody-else-first").end().well();
}
