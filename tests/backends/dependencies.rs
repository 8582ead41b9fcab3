//! What a service depends on, through the clients that services use and against the real servers: each recipe of the guide
//! for a driver or a broker's client runs here.

mod database;
mod kafka;
mod messages;
mod outage;
mod recipes;
mod workshop;

use tower_observability::testing::{Instance, Span};

/// The only span of this name.
#[track_caller]
fn named(seen: &Instance, name: &str) -> Span {
    let mut found: Vec<_> = seen.spans().into_iter().filter(|span| span.name == name).collect();
    assert_eq!(found.len(), 1, "of {name:?}: {seen}");
    found.remove(0)
}

/// A name that no other run has used.
fn unique(name: &str) -> String {
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("{name}_{nanos}")
}
