//! What is printed.
//!
//! Ratios are taken round by round and then their median, so that the machine's mood meets both sides.

use crate::callers::{CONNECTIONS, Round};
use crate::server::Kind;
use crate::{Measured, ROUND, ROUNDS};

/// Callers that ask as soon as they are answered.
pub(crate) fn at_once(measured: &[Measured]) {
    println!(
        "{CONNECTIONS} connections that ask as soon as they are answered; each server on one processor, medians"
    );
    println!("of {ROUNDS} rounds of {} ms in turn:\n", ROUND.as_millis());
    times(measured);
    sink(measured);
    threads(measured);
    scrapes(measured);
}

/// Callers that ask at times of their own.
pub(crate) fn at_times(measured: &[Measured], rate: f64) {
    println!("\nThe same, but {rate:.0} requests a second, however fast they are answered:\n");
    times(measured);
    threads(measured);
}

fn times(measured: &[Measured]) {
    println!("| server | requests a second | × bare | p50 | p99 | p99 × bare | p99.9 |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for one in measured {
        println!(
            "| {} | {:.0} | {:.2} | {:.0} µs | {:.0} µs | {:.2} | {:.0} µs |",
            one.kind.about(),
            one.of(|round| round.per_second),
            one.against(&measured[0], |round| round.per_second),
            one.of(|round| round.p50),
            one.of(|round| round.p99),
            one.against(&measured[0], |round| round.p99),
            one.of(|round| round.p999),
        );
    }
}

/// What an exporter would leave that throws spans away. Elsewhere than on the server's processor it cannot be had: on
/// that of the callers it takes its time from them, and they ask less.
fn sink(measured: &[Measured]) {
    let Some(live) = measured.iter().find(|one| one.kind == Kind::Live) else { return };
    let ratios = live.rounds.iter().zip(&measured[0].rounds);
    let ratio = median(ratios.map(|(live, bare)| live.per_second_of_a_sink() / bare.per_second));
    println!("\nWithout the time of the thread that exports, as with an exporter that throws spans away:");
    println!("{ratio:.2} × bare.");
}

/// Where the processor's time went.
fn threads(measured: &[Measured]) {
    println!(
        "\n| server | thread | µs of the processor a request | µs waited for it | sleeps a second | displaced a second |"
    );
    println!("|---|---|--:|--:|--:|--:|");
    let seconds = ROUND.as_secs_f64() * ROUNDS as f64;
    for one in measured {
        let requests: f64 = one.rounds.iter().map(|round| round.requests).sum();
        for (name, done) in one.threads.iter().filter(|(_, done)| done.microseconds > 0.0) {
            println!(
                "| {} | {name} | {:.2} | {:.2} | {:.0} | {:.0} |",
                one.kind.name(),
                done.microseconds / requests,
                done.waited / requests,
                done.slept / seconds,
                done.displaced / seconds,
            );
        }
    }
}

/// What a scrape does to the requests, beside the same server when nobody scrapes it.
fn scrapes(measured: &[Measured]) {
    let Some(calm) = measured.iter().find(|one| one.kind == Kind::Series) else { return };
    println!("\n| server | scrapes a second | p50 × unscraped | p99 × unscraped |");
    println!("|---|--:|--:|--:|");
    for one in measured.iter().filter(|one| matches!(one.kind, Kind::Scraped | Kind::Mounted)) {
        println!(
            "| {} | {:.1} | {:.2} | {:.2} |",
            one.kind.about(),
            one.of(|round| round.scrapes),
            one.against(calm, |round| round.p50),
            one.against(calm, |round| round.p99),
        );
    }
}

impl Measured {
    fn of(&self, read: fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(read))
    }

    fn against(&self, other: &Self, read: fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(one, other)| read(one) / read(other)))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
