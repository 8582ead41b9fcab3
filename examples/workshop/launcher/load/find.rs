//! `find`: steps of an open loop, each at a higher rate, until the users have to wait or fail.

use super::caller::Ask;
use super::drive::open;
use super::figures::{self, Unit};
use super::report::{Report, Table};
use super::schedule::Schedule;
use super::search::{MOST_STEPS, Search};
use super::step::{HEAD, Step, failing, slow};
use super::{CUSTOMERS, Run, gave_out, plots};
use crate::screen::show;

/// Each second request makes a customer, the others read the list.
fn ask(number: u32) -> Ask {
    if number.is_multiple_of(2) { Ask::new_customer(number) } else { Ask::customers() }
}

pub(super) async fn find(run: &Run<'_>) -> Report {
    let mut search = Search::new(f64::from(run.options.rate), run.options.most_rate());
    let mut steps: Vec<Step> = Vec::new();
    while let Some(rate) = search.next().filter(|_| !run.stop.is_asked()) {
        let mut is_within = made(run, rate, &mut steps).await;
        // Once may be chance: a machine has more to do than this.
        if is_within == Some(false) && steps.last().is_some_and(|step| !step.is_hopeless()) {
            is_within = made(run, rate, &mut steps).await;
        }
        match is_within {
            Some(is_within) => search.heard(rate, is_within),
            None => break,
        }
    }
    report(run, &search, &steps)
}

/// Makes a step, and says whether it was within the bounds; `None` if its end was asked for.
async fn made(run: &Run<'_>, rate: f64, steps: &mut Vec<Step>) -> Option<bool> {
    run.watch.rested().await;
    let schedule = Schedule::new(rate, f64::from(run.options.seconds));
    let (tally, watched) = run.watch.during(open(&run.caller, schedule, run.stop.clone(), ask)).await;
    let step = Step { rate, tally, watched };
    show!("  {}", step.text());
    let is_within = step.is_within();
    steps.push(step);
    (!run.stop.is_asked()).then_some(is_within)
}

fn report(run: &Run<'_>, search: &Search, steps: &[Step]) -> Report {
    // Of two steps of one rate the second counts.
    let at = |rate: Option<f64>| steps.iter().rfind(|step| Some(step.rate) == rate);
    let (within, beyond) = (at(search.within()), at(search.beyond()));
    let mut found = vec![capacity(within, beyond)];
    let service_at = |port: &str| run.service_at(port);
    let mut tables = vec![Table {
        title: "Steps".to_owned(),
        head: HEAD.to_vec(),
        rows: steps.iter().map(|step| step.row(figures::counted(&step.watched.window, CUSTOMERS))).collect(),
    }];
    if let Some(beyond) = beyond {
        found.push(gave_out::sentence(steps, within, beyond, &service_at));
        tables.extend(gave_out::tables(within, beyond, &service_at));
    }
    if run.stop.is_asked() {
        found.push("It was ended before it had found the capacity.".to_owned());
    }
    let shown = within.or(beyond).or(steps.last());
    let sent: u64 = steps.iter().map(|step| step.tally.sent()).sum();
    let stated = vec![
        ("users", "an open loop: requests are sent on time, whatever became of those before".to_owned()),
        (
            "rate",
            format!(
                "from {}/s on, half as much again each step, then between the last two",
                run.options.rate
            ),
        ),
        (
            "duration",
            format!("{} s each step; at most {MOST_STEPS} steps, a failed one twice", run.options.seconds),
        ),
        ("endpoint", format!("POST and GET {CUSTOMERS} in turn")),
        ("bounds", format!("p95 ≤ {}, errors ≤ {}", Unit::Seconds.text(slow()), Unit::Share.text(failing()))),
        ("requests", format!("{sent} sent in {} steps", steps.len())),
    ];
    Report {
        title: "Load: find".to_owned(),
        stated: run.stated(stated, shown.map(|step| &step.watched)),
        found,
        tables,
        figures_of: shown
            .map_or("No step was made".to_owned(), |step| format!("Figures at {:.0}/s", step.rate)),
        figures: shown
            .map(|step| figures::figures(&step.tally, &step.watched.window, CUSTOMERS, &service_at))
            .unwrap_or_default(),
        plots: plots::over_rate(steps),
    }
}

fn capacity(within: Option<&Step>, beyond: Option<&Step>) -> String {
    let what = |step: &Step| {
        let (p95, errors) = (Unit::Seconds.text(step.p95()), Unit::Share.text(step.tally.error_ratio()));
        format!("{:.0} requests a second (p95 {p95}, errors {errors})", step.rate)
    };
    match (within, beyond) {
        (Some(within), Some(beyond)) => format!("Capacity: {}; beyond it: {}.", what(within), what(beyond)),
        (Some(within), None) => format!("Capacity: at least {}: no step was beyond it.", what(within)),
        (None, Some(beyond)) => format!("Capacity: less than {}.", what(beyond)),
        (None, None) => "Capacity: not found, since no step was finished.".to_owned(),
    }
}
