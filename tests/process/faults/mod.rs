//! Promise: whatever fails, no request is harmed, and what became of each span and line is counted.
//!
//! The guide's page on reliability has the table. This command prints it, and with `UPDATE_DOCS=1` writes it anew:
//! `cargo test -p tests --all-features --test process -- faults::table --ignored --nocapture`.

mod clients;
mod collectors;
mod readers;
mod service;

use std::fs;
use std::time::Duration;

use self::clients::held_connections;
use self::collectors::{Place, over_grpc, over_http};
use self::readers::Reader;
use crate::support::authority::Authority;
use crate::support::child::run;
use crate::support::collector::Answer;
use crate::support::repository::top;

const BEGIN: &str = "<!-- begin: faults -->\n";
const END: &str = "<!-- end: faults -->";
const HEAD: &str = "| fault | harmed | created | delivered | unconfirmed | dropped | recovery |\n\
                    |---|--:|--:|--:|--:|---|--:|\n";

// What must come out: requests harmed, spans created, delivered, unconfirmed, dropped.
const DELIVERED: &str = "0 of 40 | 40 | 40 | 0 | 0";
const REJECTED: &str = "0 of 40 | 40 | 20 | 0 | 20 (`rejected`)";
const UNCONFIRMED: &str = "0 of 40 | 40 | 20 | 20 | 0";

/// What was measured under one fault.
struct Measured {
    /// The columns that are the same in each run.
    columns: String,
    /// From the end of the fault to the first delivery; `None` where it does not end.
    recovery: Option<Duration>,
}

struct Fault {
    name: &'static str,
    measure: fn() -> Measured,
    expected: &'static str,
}

/// One test for each fault, and the list of them all.
macro_rules! faults {
    ($($test:ident: $name:literal, $measure:expr, $expected:expr;)*) => {
        const FAULTS: &[Fault] = &[$(Fault { name: $name, measure: || $measure, expected: $expected }),*];

        $(#[test]
        fn $test() {
            FAULTS.iter().find(|fault| fault.name == $name).unwrap().row();
        })*
    };
}

faults! {
    refused: "collector: refuses the connection", over_http(Place::Absent), DELIVERED;
    unknown: "collector: its name does not resolve, for ever", over_http(Place::Unknown),
        "0 of 40 | 40 | 0 | 0 | 40 (`unreachable`)";
    distrusted: "collector: a certificate of another authority", over_http(Place::Distrusted(Authority::new("faults-http").into())), DELIVERED;
    restarted: "collector: restarts", over_http(Place::Restarting), "0 of 60 | 60 | 60 | 0 | 0";
    hangs: "collector: accepts and never answers", over_http(Place::Answers(Answer::Hang)), UNCONFIRMED;
    slow: "collector: answers after 500 ms", over_http(Place::Answers(Answer::Slow(HALF_A_SECOND))), DELIVERED;
    closes: "collector: closes the connection", over_http(Place::Answers(Answer::Disconnect)), DELIVERED;
    resets: "collector: resets the connection", over_http(Place::Answers(Answer::Reset)), DELIVERED;
    breaks_off: "collector: closes within its answer", over_http(Place::Answers(Answer::BreaksOff)), UNCONFIRMED;
    bad_request: "collector: 400", over_http(Place::Answers(Answer::Status(400))), REJECTED;
    unauthorized: "collector: 401", over_http(Place::Answers(Answer::Status(401))), REJECTED;
    forbidden: "collector: 403", over_http(Place::Answers(Answer::Status(403))), REJECTED;
    not_found: "collector: 404", over_http(Place::Answers(Answer::Status(404))), REJECTED;
    too_large: "collector: 413", over_http(Place::Answers(Answer::Status(413))), REJECTED;
    throttled: "collector: 429", over_http(Place::Answers(Answer::Status(429))), DELIVERED;
    throttled_for: "collector: 429 with `Retry-After: 1`", over_http(Place::Answers(retry_after(429))), DELIVERED;
    broken: "collector: 500", over_http(Place::Answers(Answer::Status(500))), REJECTED;
    bad_gateway: "collector: 502", over_http(Place::Answers(Answer::Status(502))), DELIVERED;
    unavailable: "collector: 503", over_http(Place::Answers(Answer::Status(503))), DELIVERED;
    unavailable_for: "collector: 503 with `Retry-After: 1`", over_http(Place::Answers(retry_after(503))), DELIVERED;
    gateway_timeout: "collector: 504", over_http(Place::Answers(Answer::Status(504))), DELIVERED;
    html: "collector: 200 with HTML", over_http(Place::Answers(Answer::Foreign("text/html", b"<html>"))), UNCONFIRMED;
    malformed: "collector: 200 with a malformed message", over_http(Place::Answers(cut_off())), UNCONFIRMED;
    empty: "collector: 200 with an empty message", over_http(Place::Answers(Answer::Foreign(PROTOBUF, b""))), DELIVERED;
    partial: "collector: 200 and 5 spans rejected", over_http(Place::Answers(Answer::Partial(5, "old".to_owned()))),
        "0 of 40 | 40 | 35 | 0 | 5 (`rejected`)";
    grpc_refused: "gRPC: refuses the connection", over_grpc(Place::Absent), DELIVERED;
    grpc_distrusted: "gRPC: a certificate of another authority", over_grpc(Place::Distrusted(Authority::new("faults-grpc").into())), DELIVERED;
    grpc_restarted: "gRPC: restarts", over_grpc(Place::Restarting), "0 of 60 | 60 | 60 | 0 | 0";
    grpc_hangs: "gRPC: accepts and never answers", over_grpc(Place::Answers(Answer::Hang)), UNCONFIRMED;
    grpc_closes: "gRPC: resets the stream", over_grpc(Place::Answers(Answer::Disconnect)), DELIVERED;
    grpc_unavailable: "gRPC: UNAVAILABLE", over_grpc(Place::Answers(Answer::Grpc(14, "later"))), DELIVERED;
    grpc_late: "gRPC: DEADLINE_EXCEEDED", over_grpc(Place::Answers(Answer::Grpc(4, "slow"))), DELIVERED;
    grpc_throttled: "gRPC: RESOURCE_EXHAUSTED with `RetryInfo`", over_grpc(Place::Answers(retry_info())), DELIVERED;
    grpc_exhausted: "gRPC: RESOURCE_EXHAUSTED, such as a message too large",
        over_grpc(Place::Answers(Answer::Grpc(8, "received message larger than max"))), REJECTED;
    grpc_unknown_caller: "gRPC: UNAUTHENTICATED", over_grpc(Place::Answers(Answer::Grpc(16, "no key"))), REJECTED;
    grpc_html: "gRPC: 200 with HTML", over_grpc(Place::Answers(Answer::Foreign("text/html", b"<html>"))), UNCONFIRMED;
    output_stuck: "standard output: not read for a while", readers::measured(Reader::Stuck),
        "0 of 40 | all lines | what was read | 0 | the rest (`queue_full`)";
    output_slow: "standard output: a reader of 100 lines a second", readers::measured(Reader::Slow),
        "0 of 40 | all lines | all | 0 | 0";
    output_closed: "standard output: its reader goes away", readers::measured(Reader::Closed),
        "0 of 40 | all lines | what was read | 0 | the rest (`write_failed`)";
    output_full: "standard output: a full disk", readers::measured(Reader::Full),
        "0 of 40 | all lines | what there is room for | 0 | the rest (`write_failed`)";
    admin_held: "admin routes: 256 clients that hold their connections", held_connections(), DELIVERED;
}

const PROTOBUF: &str = "application/x-protobuf";
const HALF_A_SECOND: Duration = Duration::from_millis(500);

fn retry_after(status: u16) -> Answer {
    Answer::RetryAfter(status, "1".to_owned())
}

fn retry_info() -> Answer {
    Answer::GrpcRetry(8, Duration::from_secs(1))
}

/// A field of a length that is not there.
fn cut_off() -> Answer {
    Answer::Foreign(PROTOBUF, b"\x0a\xff")
}

impl Fault {
    /// Its row of the table, once it holds.
    #[track_caller]
    fn row(&self) -> String {
        let Measured { columns, recovery } = (self.measure)();
        assert_eq!(columns, self.expected, "{}", self.name);
        let recovery = match recovery {
            None => "–".to_owned(),
            Some(time) if time < Duration::from_millis(100) => "< 0.1 s".to_owned(),
            Some(time) => format!("{:.1} s", time.as_secs_f64()),
        };
        format!("{}{recovery} |\n", self.begin())
    }

    /// The row without the time, which differs from run to run.
    fn begin(&self) -> String {
        format!("| {} | {} | ", self.name, self.expected)
    }
}

#[test]
fn program() {
    run(&[("serve", service::serve)]);
}

#[test]
fn the_guide_has_a_row_for_each_fault() {
    let page = fs::read_to_string(top().join("src/guide/reliability.md")).unwrap();
    let (_, table) = page.split_once(BEGIN).unwrap();
    let (table, _) = table.split_once(END).unwrap();
    let rows: Vec<_> = table.strip_prefix(HEAD).expect("the table's head").lines().collect();
    assert_eq!(rows.len(), FAULTS.len());
    for (row, fault) in rows.iter().zip(FAULTS) {
        assert!(row.starts_with(&fault.begin()), "{row}\nis not\n{}", fault.begin());
    }
}

#[test]
#[ignore = "tries each fault once more, one after the other"]
fn table() {
    let mut table = HEAD.to_owned();
    println!("{}", HEAD.trim_end());
    for fault in FAULTS {
        let row = fault.row();
        print!("{row}");
        table += &row;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let path = top().join("src/guide/reliability.md");
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        fs::write(path, [before, BEGIN, &table, END, after].concat()).unwrap();
    }
}
