//! Requests a second over real HTTP, beside the bare router in the same run, and how long the slowest took, also while
//! a page of 10,000 histogram series is scraped.
//!
//! `cargo bench --bench throughput` prints the table. The server has one processor to itself and the callers another,
//! so it needs two, and Linux. It is a matter of a minute; a machine that does other things meanwhile makes it wrong.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;

mod callers;
mod server;

use std::env;
use std::time::Duration;

use callers::Round;
use server::{Kind, Server};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1_500);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, kind, collector] = &arguments[..]
        && first == server::CHILD
    {
        return server::run(Kind::named(kind), collector.parse().expect("an address"));
    }
    let collector = support::collector::start();
    server::keep_to(callers::PROCESSOR, None);
    let servers: Vec<Server> = Kind::ALL.iter().map(|kind| Server::start(*kind, collector)).collect();
    let mut rounds: Vec<Vec<Round>> = servers.iter().map(|_| Vec::new()).collect();
    for server in &servers {
        callers::call(server.address, server.scraped, ROUND);
    }
    for _ in 0..ROUNDS {
        for (server, rounds) in servers.iter().zip(&mut rounds) {
            rounds.push(callers::call(server.address, server.scraped, ROUND));
        }
    }
    table(&rounds);
}

/// Ratios are taken round by round and then their median, so that the machine's mood meets both sides.
fn table(rounds: &[Vec<Round>]) {
    let bare = &rounds[0];
    println!("| server | requests a second | × bare | p50 | p99 | p99 × bare |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (kind, rounds) in Kind::ALL.iter().zip(rounds) {
        let of = |read: fn(&Round) -> f64| median(rounds.iter().map(read));
        let ratio = |read: fn(&Round) -> f64| {
            median(rounds.iter().zip(bare).map(|(round, bare)| read(round) / read(bare)))
        };
        println!(
            "| {} | {:.0} | {:.2} | {:.0} µs | {:.0} µs | {:.2} |",
            kind.about(),
            of(|round| round.per_second),
            ratio(|round| round.per_second),
            of(|round| round.p50),
            of(|round| round.p99),
            ratio(|round| round.p99),
        );
    }
    scrapes(rounds);
    println!(
        "\n{} connections that ask as soon as they are answered; each server on one processor,",
        callers::CONNECTIONS
    );
    println!("medians of {ROUNDS} rounds of {} ms in turn.", ROUND.as_millis());
}

/// What a scrape does to the requests, beside the same server when nobody scrapes it.
fn scrapes(rounds: &[Vec<Round>]) {
    let of =
        |kind| Kind::ALL.iter().position(|known| *known == kind).map(|place| &rounds[place]).expect("a kind");
    let calm = of(Kind::Series);
    println!("\n| server | scrapes a second | p50 × unscraped | p99 × unscraped |");
    println!("|---|--:|--:|--:|");
    for kind in [Kind::Scraped, Kind::Mounted] {
        let ratio = |read: fn(&Round) -> f64| {
            median(of(kind).iter().zip(calm).map(|(round, calm)| read(round) / read(calm)))
        };
        println!(
            "| {} | {:.1} | {:.2} | {:.2} |",
            kind.about(),
            median(of(kind).iter().map(|round| round.scrapes)),
            ratio(|round| round.p50),
            ratio(|round| round.p99),
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
