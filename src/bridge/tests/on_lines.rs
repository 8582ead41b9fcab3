//! The fields that a request puts on all of its lines, in each format.

use super::*;
use crate::record::{End, ErrorType, Outcome};

const END: End = End {
    outcome: Outcome::Ok,
    error_type: ErrorType::None,
    status: None,
    rpc: None,
    at: Moment::BLANK,
    first_byte: None,
    response_bytes: 0,
};

#[test]
fn every_format_has_them_on_events_and_closing_lines_each_once() {
    let formats: [fn(Logs) -> Logs; 6] =
        [Logs::json, Logs::ecs, Logs::logstash, Logs::gelf, Logs::otel, Logs::pretty];
    for format in formats {
        let seen = watch(Spans::off(), format(Logs::new()));
        let (hop, entered) = within(false);
        info!("before");
        hop.add_to_lines("tenant", &"blue".into());
        info!("after");
        let inner = seen.signals.hop_below(current().as_ref(), Kind::Internal, Moment::now(), |hop| {
            hop.subject = Subject::Work(Work { name: "inner".into(), ..Work::default() });
        });
        drop(entered);
        seen.signals.lines.hop(&inner, &END);
        seen.signals.lines.hop(&hop, &END);
        let count = |line: &String| line.matches("blue").count();
        let lines = seen.lines.all();
        assert_eq!(lines.iter().map(count).collect::<Vec<_>>(), [0, 1, 1, 1], "{lines:#?}");
    }
}
