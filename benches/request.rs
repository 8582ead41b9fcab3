//! What one request costs, by situation: instructions and allocations above a layer that does nothing, and time
//! as a ratio to the bare router.
//!
//! `cargo bench -p benches --bench request` prints the tables; `-- --each` only what each attribute, event, poll and frame
//! adds, `-- --rare` what a request takes where there are fifty a second; `-- --gate` counts what has a limit, and fails
//! above it. Counts are repeatable, times are not: the gate never looks at a clock. Counting needs valgrind.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Mutex;
use std::{env, thread};

use support::callgrind::{self, Cost};
use support::service::Work;
use support::situation::{
    ALL, BARE, CALLS, EXPONENTIAL, HELD, NOT_SAMPLED, OFF, PUSHES, SITUATIONS, STEPS, Situation, Stack, Step,
    TELLS, UNNAMED,
};
use support::{child, collector};

/// The most that a request may cost above a layer that does nothing.
// A few hundredths above what was measured: the compiler joins functions in another way whenever one changes, and the C
// library copies in its own way on each kind of processor. A queue that grows is a hundredth of an allocation.
const LIMITS: [(Situation, Cost); 9] = [
    (OFF, limit([700.0, 1.5, 100.0, 100.0, 720.0, 1.5])),
    (ALL, limit([5_300.0, 3.5, 2_030.0, 3_750.0, 11_000.0, 3.6])),
    // Nothing more for the request; the exporter's thread makes a page of it once in a while.
    (PUSHES, limit([5_300.0, 3.5, 2_070.0, 3_850.0, 11_150.0, 3.6])),
    (EXPONENTIAL, limit([5_370.0, 3.5, 2_070.0, 3_850.0, 11_200.0, 3.6])),
    (UNNAMED, limit([4_370.0, 2.5, 1_870.0, 3_550.0, 9_700.0, 2.6])),
    (NOT_SAMPLED, limit([4_970.0, 3.5, 2_400.0, 100.0, 7_350.0, 3.6])),
    // No more than a twentieth above a request that is sampled, before its export.
    (HELD, limit([5_480.0, 3.5, 2_050.0, 1_300.0, 8_700.0, 3.6])),
    (TELLS, limit([13_250.0, 6.5, 5_350.0, 5_850.0, 24_300.0, 6.6])),
    // Each header that a call takes with it is a value of its own, which is an allocation more than a shared one.
    (CALLS, limit([4_850.0, 4.5, 100.0, 3_450.0, 8_150.0, 5.5])),
];

const fn limit([instructions, allocations, lines, export, whole, whole_allocations]: [f64; 6]) -> Cost {
    Cost { instructions, allocations, lines, export, whole, whole_allocations }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == child::CHILD) {
        child::run(&arguments);
        return ExitCode::SUCCESS;
    }
    let mut counts = Counts { collector: collector::start(), made: HashMap::new() };
    if arguments.iter().any(|argument| argument == "--rare") {
        rare(&counts);
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--each") {
        steps(&mut counts);
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == "--gate") {
        return gate(&mut counts);
    }
    table(&mut counts);
    steps(&mut counts);
    rare(&counts);
    ExitCode::SUCCESS
}

/// Where requests are rare, what counts is how often threads wake.
fn rare(counts: &Counts) {
    let took = child::rare(ALL, counts.collector);
    println!("\nFifty requests a second take {took:.0} µs each of our threads' processor time.");
}

/// The counts made so far.
struct Counts {
    collector: SocketAddr,
    made: HashMap<(Stack, Work), Cost>,
}

impl Counts {
    /// Makes the counts that these need and that are not made yet, four at once: a count mostly sleeps between its bursts.
    fn make(&mut self, situations: impl IntoIterator<Item = Situation>) {
        const AT_ONCE: usize = 4;
        let needed = situations.into_iter().flat_map(|situation| [situation, situation.below_noop()]);
        let needed = needed.map(|needed| ((needed.stack, needed.work), needed));
        let needed: HashMap<_, _> = needed.filter(|(key, _)| !self.made.contains_key(key)).collect();
        let (needed, made) = (Mutex::new(needed.into_iter()), Mutex::new(HashMap::new()));
        let next = || needed.lock().expect("no panic").next();
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some((key, situation)) = next() {
                        let cost = self.measure(situation);
                        made.lock().expect("no panic").insert(key, cost);
                    }
                });
            }
        });
        self.made.extend(made.into_inner().expect("no panic"));
    }

    fn forget(&mut self, situations: impl IntoIterator<Item = Situation>) {
        for situation in situations.into_iter().flat_map(|situation| [situation, situation.below_noop()]) {
            self.made.remove(&(situation.stack, situation.work));
        }
    }

    fn of(&self, situation: Situation) -> Cost {
        self.made[&(situation.stack, situation.work)]
    }

    fn above_noop(&self, situation: Situation) -> Cost {
        self.of(situation).above(self.of(situation.below_noop()))
    }

    /// What each one more of something costs.
    fn each(&self, step: Step) -> Cost {
        self.above_noop(step.more).above(self.above_noop(step.less)).per(step.count.into())
    }

    fn measure(&self, situation: Situation) -> Cost {
        callgrind::measure(|requests| child::counting(situation, self.collector, requests))
    }
}

/// What the steps compare.
fn of_steps() -> impl Iterator<Item = Situation> {
    STEPS.into_iter().flat_map(|step| [step.more, step.less])
}

/// What is counted, and the most that it may cost: on the request's thread, the lines' and the exporter's, and on all.
struct Limited {
    name: &'static str,
    of: Of,
    most: Vec<f64>,
}

enum Of {
    Situation(Situation),
    Step(Step),
}

impl Limited {
    fn all() -> Vec<Self> {
        let situations = LIMITS.into_iter().map(|(situation, limit)| Self {
            name: situation.name,
            of: Of::Situation(situation),
            most: limit.rows().to_vec(),
        });
        let each = |step: Step| Self { name: step.name, most: step.most.to_vec(), of: Of::Step(step) };
        situations.chain(STEPS.into_iter().map(each)).collect()
    }

    fn situations(&self) -> Vec<Situation> {
        match &self.of {
            Of::Situation(situation) => vec![*situation],
            Of::Step(step) => vec![step.more, step.less],
        }
    }

    fn cost(&self, counts: &Counts) -> [f64; 6] {
        match &self.of {
            Of::Situation(situation) => counts.above_noop(*situation).rows(),
            Of::Step(step) => counts.each(*step).rows(),
        }
    }

    fn is_exceeded(&self, cost: [f64; 6]) -> bool {
        cost.iter().zip(&self.most).any(|(count, most)| count > most)
    }
}

/// Counts what has a limit. What is above it is counted once more, and the lower count holds: how many lines a thread finds
/// when it wakes depends on what else runs, which makes some hundredths; code that costs more does so both times.
fn gate(counts: &mut Counts) -> ExitCode {
    const NAMES: [&str; 6] = [
        "instructions on the request's thread",
        "allocations on the request's thread",
        "instructions on the lines' thread",
        "instructions on the exporter's thread",
        "instructions on all threads",
        "allocations on all threads",
    ];
    let limited = Limited::all();
    counts.make(limited.iter().flat_map(Limited::situations));
    let mut costs: Vec<_> = limited.iter().map(|one| one.cost(counts)).collect();
    let again: Vec<_> = (0..limited.len()).filter(|one| limited[*one].is_exceeded(costs[*one])).collect();
    for one in again.iter().map(|one| &limited[*one]) {
        println!("counted once more: {}", one.name);
        counts.forget(one.situations());
    }
    counts.make(again.iter().flat_map(|one| limited[*one].situations()));
    for one in again {
        let once_more = limited[one].cost(counts);
        costs[one].iter_mut().zip(once_more).for_each(|(count, other)| *count = count.min(other));
    }
    for (one, cost) in limited.iter().zip(&costs) {
        println!("{}:", one.name);
        for ((name, count), most) in NAMES.into_iter().zip(cost).zip(&one.most) {
            println!("    {count:9.2} {name}, of at most {most}{}", if count > most { " (!)" } else { "" });
        }
    }
    let is_exceeded = limited.iter().zip(costs).any(|(one, cost)| one.is_exceeded(cost));
    if is_exceeded { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn table(counts: &mut Counts) {
    counts.make(SITUATIONS);
    println!(
        "| situation | instructions | above noop | allocations | above noop | ns | × bare | lines | export | all threads | allocations |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for situation in SITUATIONS {
        let cost = counts.of(situation);
        let above = counts.above_noop(situation);
        let (bare, app) = child::time(situation, counts.collector);
        println!(
            "| {} | {:.0} | {:+.0} | {:.2} | {:+.2} | {app:.0} | {:.2} | {:.0} | {:.0} | {:+.0} | {:+.2} |",
            situation.name,
            cost.instructions,
            above.instructions,
            cost.allocations,
            above.allocations,
            app / bare,
            above.lines,
            above.export,
            above.whole,
            above.whole_allocations
        );
    }
    println!(
        "\nIn process, one request at a time; `{}` is the router without a layer, and the ratio is to its rounds \
         between those of the situation itself. `lines` and `export` are instructions on the threads behind the \
         queues; the last two columns sum all threads, above a layer that does nothing.",
        BARE.name
    );
}

fn steps(counts: &mut Counts) {
    counts.make(of_steps());
    println!("\n| each | instructions | allocations | lines | export | all threads | allocations |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for step in STEPS {
        let cost = counts.each(step);
        println!(
            "| {} | {:.0} | {:.2} | {:.0} | {:.0} | {:.0} | {:.2} |",
            step.name,
            cost.instructions,
            cost.allocations,
            cost.lines,
            cost.export,
            cost.whole,
            cost.whole_allocations
        );
    }
}
