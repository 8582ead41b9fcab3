//! What a request costs as other things grow: routes, requests in flight, child spans, and with a collector that is
//! gone; and how much two threads do of what one does.
//!
//! `cargo bench -p benches --bench growth` prints a table and a plot for each. All but the last are counts of
//! instructions above a layer that does nothing, by valgrind, and repeatable. It takes some minutes.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;

mod child;
mod dimension;
mod threads;

use std::env;
use std::net::SocketAddr;

use dimension::{Dimension, Stack};
use support::{callgrind, collector};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(child::CHILD) => return child::run(&arguments),
        Some(threads::CHILD) => return threads::run(&arguments),
        _ => (),
    }
    let collector = collector::start();
    for dimension in Dimension::ALL {
        let costs: Vec<_> =
            dimension.values().iter().map(|value| cost(dimension, *value, collector)).collect();
        table(dimension, &costs);
    }
    threads::table(collector);
}

/// Instructions and allocations of one request, above a layer that does nothing in the same situation.
fn cost(dimension: Dimension, value: u64, collector: SocketAddr) -> callgrind::Cost {
    let (few, many) = dimension.requests(value);
    let of = |stack| {
        callgrind::measure_between(few, many, |requests| {
            child::command(stack, dimension, value, requests, collector)
        })
    };
    of(Stack::Ours).above(of(Stack::Noop))
}

fn table(dimension: Dimension, costs: &[callgrind::Cost]) {
    println!("### {}\n", dimension.about());
    println!("| {} | instructions | allocations | |\n|--:|--:|--:|---|", dimension.name());
    let most = costs.iter().map(|cost| cost.instructions).fold(1.0, f64::max);
    for (value, cost) in dimension.values().iter().zip(costs) {
        let bar = "█".repeat((cost.instructions / most * 40.0).round() as usize);
        let value = dimension.word(*value);
        println!("| {value} | {:.0} | {:.2} | {bar} |", cost.instructions, cost.allocations);
    }
    println!();
}
