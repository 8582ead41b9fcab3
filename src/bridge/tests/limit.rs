//! The proof that one place in the code cannot take the room of all others, and that what it loses is reported.

use tracing::{Level, event};

use super::*;
use crate::account::LeftOut;

const MANY: u64 = 10_000;

fn limited() -> Seen {
    watch(Spans::in_memory(), Logs::new().json().limit(3))
}

#[test]
fn the_first_lines_of_a_place_are_written_and_the_others_reported_by_one_line_like_them() {
    let seen = limited();
    let (_hop, _entered) = within(true);
    (0..MANY).for_each(|n| error!(n, "in a loop"));
    warn!("elsewhere");
    let said = |seen: &Seen| seen.lines().iter().map(|line| line["message"].to_string()).collect::<Vec<_>>();
    // The other tests of this process make seconds begin, but not that often.
    let written = said(&seen).iter().filter(|message| message.contains("in a loop")).count() as u64;
    assert!((3..MANY).contains(&written), "{written}");
    assert_eq!(seen.lines()[0]["n"], 0);
    assert_eq!(seen.lines().last().expect("a line")["message"], "elsewhere");
    seen.signals.lines.report_left_out();
    let (lines, report) = (seen.lines(), seen.signals.lines.report());
    let reported = lines.last().expect("a line");
    assert_eq!((&reported["level"], &reported["suppressed"]), (&"ERROR".into(), &(MANY - written).into()));
    assert_eq!((&reported["target"], &reported["file"]), (&lines[0]["target"], &lines[0]["file"]));
    assert_eq!(reported["line"], lines[0]["line"]);
    assert!(
        reported["message"]
            .as_str()
            .expect("text")
            .starts_with(&format!("suppressed {} lines", MANY - written)),
        "{reported}"
    );
    assert_eq!((report.created, report.left_out), (MANY + 2, vec![(LeftOut::Limited, MANY - written)]));
    seen.signals.lines.report_left_out();
    assert_eq!(seen.lines().len(), lines.len(), "reported twice");
}

#[test]
fn an_event_beyond_the_limit_still_marks_its_span() {
    let seen = limited();
    let (_hop, _entered) = within(true);
    let fail = || error!("failed");
    (0..MANY).for_each(|_| fail());
    info_span!("query").in_scope(fail);
    assert!(seen.spans()[0].failed);
}

#[test]
fn without_a_limit_every_line_is_written() {
    let seen = watch(Spans::in_memory(), Logs::new().json().limit(0));
    (0..MANY).for_each(|_| event!(Level::WARN, "in a loop"));
    assert_eq!(seen.lines().len() as u64, MANY);
}
