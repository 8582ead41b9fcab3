//! Promise: every variable has a case here. Its good value is run in a process of its own, which then does what it
//! did not do without it; its bad value is one warning that names the variable, the value and what would be right.

mod cases;
mod effects;
mod program;
mod seen;
mod spelling;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use tower_observability::variables;

use self::cases::cases;
use self::program::Program;
use self::seen::{Scene, Seen};
use crate::support::child::{Child, Ended, run};

/// One variable: what holds without it, what its good value does, what is said of its bad ones.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    good: Vec<Good>,
    /// A value, and what the warning says behind `NAME=value `.
    bad: Vec<(&'static str, &'static str)>,
}

/// A value and what shows that it is in force. `{collector}`, `{port}` and others are put in when it is run.
struct Good {
    value: &'static str,
    scene: Scene,
    effect: Box<dyn Fn(&Seen) -> bool + Sync>,
    /// Is it so only because of the value? Not where the default has the same effect.
    by_value: bool,
}

#[test]
fn program() {
    let programs: Vec<_> = Program::ALL.iter().map(|program| (program.name(), program.function())).collect();
    run(&programs);
}

fn child() -> Child {
    Child::new("variables", Program::Started.name())
}

fn start_up(ended: &Ended) -> String {
    let messages = ended.messages("INFO");
    messages.into_iter().find(|message| message.starts_with("observability started")).unwrap()
}

/// What may be seen of a value.
fn shown<'a>(name: &str, value: &'a str) -> &'a str {
    let row = variables().into_iter().find(|row| row.name == name);
    if row.is_some_and(|row| row.secret) { "***" } else { value }
}

/// Runs each of `all`, as many at a time as the machine has processors and a few more: most of them wait.
fn each<T: Sync>(all: &[T], work: impl Fn(&T) -> Option<String> + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from) + 4;
    let some = || std::iter::from_fn(|| all.get(next.fetch_add(1, Ordering::Relaxed)));
    let run = || some().filter_map(&work).collect::<Vec<_>>();
    let failed: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), all.len(), failed.join("\n"));
}

#[test]
fn every_variable_has_its_case_and_its_default() {
    let rows: Vec<_> = variables().iter().map(|row| (row.name, row.default)).collect();
    let known: BTreeSet<_> = rows.iter().copied().collect();
    let shown: BTreeSet<_> = cases().iter().map(|case| (case.name, case.default)).collect();
    let missing: Vec<_> = known.difference(&shown).collect();
    let wrong: Vec<_> = shown.difference(&known).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "without a case: {missing:?}; without a row: {wrong:?}");
    assert_eq!(rows.len(), known.len(), "a row twice");
    assert_eq!(rows.len(), cases().len(), "a case twice");
    for case in cases() {
        let is_known = !case.good.is_empty() || !case.bad.is_empty();
        assert!(is_known, "{} has neither a good value nor a bad one", case.name);
    }
}

#[test]
fn a_good_value_has_its_effect_and_without_it_there_is_none() {
    let cases = cases();
    let all: Vec<_> =
        cases.iter().flat_map(|case| case.good.iter().map(move |good| (case.name, good))).collect();
    each(&all, |(name, good)| {
        let with = good.scene.run(Some((name, good.value)));
        if !(good.effect)(&with) {
            return Some(format!("{name}={} has no effect: {with:#?}", good.value));
        }
        if !with.chose(name) {
            return Some(format!("{name}={} is not in the start-up line: {with:#?}", good.value));
        }
        if good.by_value && (good.effect)(&good.scene.run(None)) {
            return Some(format!("{name}={} is the effect of something else", good.value));
        }
        None
    });
}

#[test]
fn a_bad_value_is_one_warning_and_the_default_stays() {
    let cases = cases();
    let rounds = cases.iter().map(|case| case.bad.len()).max().unwrap();
    for round in 0..rounds {
        let bad = || cases.iter().filter_map(|case| Some((case.name, *case.bad.get(round)?)));
        let ended = bad().fold(child(), |child, (name, (value, _))| child.env(name, value)).end().well();
        let (warned, said) = (ended.messages("WARN"), start_up(&ended));
        let mut missing = Vec::new();
        for (name, (value, right)) in bad() {
            let warning = format!("{name}={} {right}", shown(name, value));
            let count = warned.iter().filter(|warned| **warned == warning).count();
            if count != 1 {
                missing.push(warning);
            }
            let is_refused = !right.starts_with("is in force") && !right.starts_with("is not served");
            assert!(!is_refused || !said.contains(&format!("{name}=")), "{name} in {said}");
        }
        assert!(missing.is_empty(), "not said, or more than once: {missing:#?}; said: {warned:#?}");
        let is_known = |warning: &String| bad().any(|(name, _)| warning.starts_with(&format!("{name}=")));
        // Two children at the default port meet; that is the only other warning there may be.
        let others: Vec<_> = warned.iter().filter(|warning| !is_known(warning)).collect();
        assert!(others.iter().all(|warning| warning.contains("OTEL_EXPORTER_PROMETHEUS_")), "{others:?}");
    }
}

#[test]
fn without_an_environment_every_value_is_the_default() {
    let ended = child().end().well();
    let by_harness = "OTEL_EXPORTER_PROMETHEUS_HOST=127.0.0.1 (environment), OTEL_EXPORTER_PROMETHEUS_PORT=0 (environment)";
    assert!(start_up(&ended).ends_with(&format!("; {by_harness}")), "{:?}", ended.output);
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
}
