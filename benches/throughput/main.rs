//! Requests a second over real HTTP, beside the bare router in the same run, and how long the slowest took, also while
//! a page of 10,000 histogram series is scraped.
//!
//! `cargo bench -p benches --bench throughput` prints the tables; names behind it (`-- live scraped`) choose servers.
//! A server has one processor to itself, the callers and the collector another, so it needs two, and Linux. It is a
//! matter of some minutes; a machine that does other things meanwhile makes it wrong.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;

mod callers;
mod collector;
mod server;
mod tables;
mod threads;

use std::env;
use std::time::Duration;

use callers::{Asking, Round};
use server::{Kind, Server};
use threads::Threads;

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(1_500);
/// How much of what the bare router can do is asked for where the callers do not wait for answers.
const SHARES: [f64; 3] = [0.25, 0.4, 0.6];

/// One server in all rounds of one way of asking.
struct Measured {
    kind: Kind,
    rounds: Vec<Round>,
    threads: Threads,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, kind, collector] = &arguments[..]
        && first == server::CHILD
    {
        return server::run(Kind::named(kind), collector.parse().expect("an address"));
    }
    let chosen: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let is_chosen = |kind: &Kind| {
        chosen.is_empty() || *kind == Kind::Bare || chosen.iter().any(|name| **name == kind.name())
    };
    let kinds: Vec<_> = Kind::ALL.into_iter().filter(is_chosen).collect();
    server::keep_to(callers::PROCESSOR, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // Callers that sleep must be woken, by the server's processor: a slower server would pay more of it.
        let awake = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        measure(&kinds).await;
        awake.abort();
    });
}

async fn measure(kinds: &[Kind]) {
    let collector = collector::start().await;
    let mut servers: Vec<_> = kinds.iter().map(|kind| (*kind, Server::start(*kind, collector))).collect();
    for (_, server) in &servers {
        callers::call(server.address, server.scraped, Asking::AtOnce, ROUND).await;
    }
    let at_once = rounds(&servers, Asking::AtOnce).await;
    tables::at_once(&at_once);
    let most = tables::median(at_once[0].rounds.iter().map(|round| round.per_second));
    // What shares the callers' processor would hold them up, and not the server: an exporter there, a scraper.
    servers.retain(|(kind, _)| matches!(kind, Kind::Bare | Kind::Live | Kind::Series));
    for share in SHARES {
        let at_times = rounds(&servers, Asking::PerSecond(share * most)).await;
        tables::at_times(&at_times, share * most);
    }
    for (kind, server) in &servers {
        server.assert_nothing_lost(*kind).await;
    }
}

/// The servers in turn, so that the machine's mood meets all of them.
async fn rounds(servers: &[(Kind, Server)], asking: Asking) -> Vec<Measured> {
    let new =
        |(kind, _): &(Kind, Server)| Measured { kind: *kind, rounds: Vec::new(), threads: Threads::new() };
    let mut measured: Vec<_> = servers.iter().map(new).collect();
    for _ in 0..ROUNDS {
        for ((_, server), measured) in servers.iter().zip(&mut measured) {
            let before = server.threads();
            let mut round = callers::call(server.address, server.scraped, asking, ROUND).await;
            for (name, done) in threads::since(&before, server.threads()) {
                if name == server::EXPORTER {
                    round.exporting = done.microseconds / 1e6;
                }
                measured.threads.entry(name).or_default().add(done);
            }
            measured.rounds.push(round);
        }
    }
    measured
}
