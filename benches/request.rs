//! What one request costs, by situation: instructions and allocations above a layer that does nothing, and time
//! as a ratio to the bare router.
//!
//! `cargo bench -p benches --bench request` prints the table; `-- --gate` counts only what has a limit, and fails
//! above it. Counts are repeatable, times are not: the gate never looks at a clock. Counting needs valgrind.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::HashMap;
use std::env;
use std::net::SocketAddr;
use std::process::ExitCode;

use support::callgrind::{self, Cost};
use support::service::Work;
use support::situation::{ALL, BARE, CALLS, NOT_SAMPLED, OFF, SITUATIONS, Situation, TELLS, UNNAMED};
use support::{child, collector};

/// The most that a request may cost above a layer that does nothing.
// Less than a tenth above what was measured: the C library copies in its own way on each kind of processor. A queue
// that grows is a hundredth of an allocation.
const LIMITS: [(Situation, Cost); 6] = [
    (OFF, Cost { instructions: 680.0, allocations: 1.5, export: 100.0 }),
    (ALL, Cost { instructions: 5_000.0, allocations: 3.5, export: 3_030.0 }),
    (UNNAMED, Cost { instructions: 3_700.0, allocations: 2.5, export: 2_930.0 }),
    (NOT_SAMPLED, Cost { instructions: 4_290.0, allocations: 3.5, export: 100.0 }),
    (TELLS, Cost { instructions: 12_300.0, allocations: 6.5, export: 4_860.0 }),
    (CALLS, Cost { instructions: 4_210.0, allocations: 3.5, export: 3_080.0 }),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == child::CHILD) {
        child::run(&arguments);
        return ExitCode::SUCCESS;
    }
    let mut counts = Counts { collector: collector::start(), below: HashMap::new() };
    if arguments.iter().any(|argument| argument == "--gate") {
        return gate(&mut counts);
    }
    table(&mut counts);
    ExitCode::SUCCESS
}

/// The counts made so far: situations of the same work share what they are compared to.
struct Counts {
    collector: SocketAddr,
    below: HashMap<Work, Cost>,
}

impl Counts {
    fn of(&mut self, situation: Situation) -> Cost {
        if situation.stack != situation.below_noop().stack {
            return self.measure(situation);
        }
        if let Some(cost) = self.below.get(&situation.work) {
            return *cost;
        }
        let cost = self.measure(situation);
        self.below.insert(situation.work, cost);
        cost
    }

    fn above_noop(&mut self, situation: Situation) -> Cost {
        self.of(situation).above(self.of(situation.below_noop()))
    }

    fn measure(&self, situation: Situation) -> Cost {
        callgrind::measure(|requests| child::counting(situation, self.collector, requests))
    }
}

fn gate(counts: &mut Counts) -> ExitCode {
    let mut exceeded = false;
    for (situation, limit) in LIMITS {
        let cost = counts.above_noop(situation);
        println!(
            "{}: {:.0} instructions of at most {}, {:.2} allocations of at most {}, above a layer that does nothing; \
             {:.0} instructions of at most {} to export its spans",
            situation.name,
            cost.instructions,
            limit.instructions,
            cost.allocations,
            limit.allocations,
            cost.export,
            limit.export
        );
        exceeded |= cost.instructions > limit.instructions
            || cost.allocations > limit.allocations
            || cost.export > limit.export;
    }
    if exceeded { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn table(counts: &mut Counts) {
    println!("| situation | instructions | above noop | allocations | above noop | ns | × bare | export |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for situation in SITUATIONS {
        let cost = counts.of(situation);
        let above = cost.above(counts.of(situation.below_noop()));
        let (bare, app) = child::time(situation, counts.collector);
        println!(
            "| {} | {:.0} | {:+.0} | {:.2} | {:+.2} | {app:.0} | {:.2} | {:.0} |",
            situation.name,
            cost.instructions,
            above.instructions,
            cost.allocations,
            above.allocations,
            app / bare,
            above.export
        );
    }
    println!(
        "\nIn process, on one thread; `{}` is the router without a layer, and the ratio is to",
        BARE.name
    );
    println!(
        "its rounds between those of the situation itself. `export`: instructions from the queue to the socket."
    );
}
