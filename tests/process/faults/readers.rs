//! Faults of who reads the lines on standard output.

use std::path::Path;
use std::time::Instant;

use super::Measured;
use super::service::{REQUESTS, Service};

/// What is at the other end of standard output.
pub(super) enum Reader {
    /// One that reads nothing until the fault ends.
    Stuck,
    /// One that takes 10 ms for a line.
    Slow,
    /// One that closes its end.
    Closed,
    /// A file that runs out of room.
    Full,
}

/// More lines of a request than a pipe and our own buffers hold.
const MANY: usize = 400;

/// The room of [`Reader::Full`], in KiB.
const ROOM: usize = 16;

impl Reader {
    fn takes(&self) -> &'static str {
        if matches!(self, Self::Full) { "what there is room for" } else { "what was read" }
    }
}

pub(super) fn measured(reader: Reader) -> Measured {
    let child = Service::child();
    let running = match reader {
        Reader::Stuck | Reader::Closed => child.start_unread(),
        Reader::Slow => {
            child.redirected("| while read -r line; do printf '%s\\n' \"$line\"; sleep 0.01; done").start()
        }
        Reader::Full => {
            let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("full");
            child.into_full_file(&file, ROOM).start()
        }
    };
    let mut service = Service::of(running);
    let mut recovery = None;
    match reader {
        Reader::Stuck => {
            service.ask(MANY);
            let end = Instant::now();
            service.running.read_on();
            service.running.line("at work");
            recovery = Some(end.elapsed());
        }
        Reader::Closed => {
            service.running.hang_up();
            service.ask(1);
        }
        Reader::Slow | Reader::Full => service.ask(1),
    }
    service.ask(1);
    let harmed = service.harmed();
    let ended = service.end();
    let [created, delivered, unconfirmed, dropped] =
        ended.said("lines: ").split(" | ").collect::<Vec<_>>().try_into().unwrap();
    let number = |text: &str| text.parse::<usize>().unwrap();
    assert!(number(created) >= 2 * 2 * REQUESTS, "{created}");
    let (lost, reason) = dropped.split_once(' ').unwrap_or((dropped, ""));
    let (delivered, lost) = match (number(delivered), number(lost)) {
        (_, 0) => ("all", "0".to_owned()),
        (_, _) => (reader.takes(), format!("the rest {reason}")),
    };
    Measured { columns: format!("{harmed} | all lines | {delivered} | {unconfirmed} | {lost}"), recovery }
}
