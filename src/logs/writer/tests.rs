//! The proof that nothing is lost, doubled or waited for between requests and the descriptor.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::clock::Moment;
use crate::context::{Flags, SpanId, TraceContext, TraceId};
use crate::logs::buffer::Unmade;
use crate::logs::pipe::Pipe;
use crate::record::{End, ErrorType, Hop, Kind, Outcome, Subject, Work};
use std::io::ErrorKind;
use std::time::Instant;

const SOON: Duration = Duration::from_secs(10);

/// A descriptor that answers as it is told, then takes everything.
struct Scripted {
    pipe: Pipe,
    answers: Vec<io::Result<usize>>,
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.answers.pop() {
            Some(Ok(most)) => self.pipe.write(&bytes[..most.min(bytes.len())]),
            Some(Err(error)) => Err(error),
            None => self.pipe.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A descriptor that nobody reads, until it is told.
struct Stuck {
    pipe: Pipe,
    called: Sender<()>,
    go_on: Receiver<()>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.called.send(());
        let _ = self.go_on.recv();
        self.pipe.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn scripted(mut answers: Vec<io::Result<usize>>) -> (Writer, Pipe) {
    answers.reverse();
    let pipe = Pipe::default();
    let writer =
        Writer::start(Scripted { pipe: pipe.clone(), answers }, no_hops(), CAPACITY, 1).expect("a thread");
    (writer, pipe)
}

fn stuck(capacity: usize) -> (Writer, Pipe, Receiver<()>, Sender<()>) {
    let (pipe, (called, calls), (go, go_on)) = (Pipe::default(), channel(), channel());
    let writer =
        Writer::start(Stuck { pipe: pipe.clone(), called, go_on }, no_hops(), capacity, 1).expect("a thread");
    (writer, pipe, calls, go)
}

fn adds_up(report: &FlowReport) -> bool {
    report.created == report.delivered + report.unconfirmed + report.dropped_total() + report.queued()
}

/// These tests write bytes only.
fn no_hops() -> Render {
    Box::new(|_, _| false)
}

#[test]
fn every_line_of_every_thread_is_written_once_and_whole() {
    let pipe = Pipe::default();
    let writer = Writer::start(pipe.clone(), no_hops(), usize::MAX, 4).expect("a thread");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let writer = &writer;
            scope.spawn(move || (0..2_000).for_each(|n| writer.push(format!("{thread} {n}\n").as_bytes())));
        }
    });
    assert!(writer.flush(SOON));
    let text = pipe.text();
    let lines: BTreeSet<_> = text.lines().map(str::to_owned).collect();
    let expected: BTreeSet<_> = (0..4).flat_map(|t| (0..2_000).map(move |n| format!("{t} {n}"))).collect();
    assert_eq!(lines, expected);
    assert_eq!(text.lines().count(), 8_000);
    assert_eq!((writer.report().created, writer.report().delivered), (8_000, 8_000));
}

#[test]
fn a_line_pushed_while_the_thread_falls_asleep_is_not_forgotten() {
    let (writer, pipe) = scripted(Vec::new());
    for n in 0..300 {
        writer.push(b"x\n");
        let deadline = Instant::now() + SOON;
        // No flush here: only the line itself wakes the thread.
        while pipe.text().len() < 2 * (n + 1) {
            assert!(Instant::now() < deadline, "line {n} is not written");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_thread_that_gathers_is_woken_once_half_of_the_buffer_is_taken() {
    let (writer, _, calls, go) = stuck(40);
    writer.push(b"it writes\n");
    calls.recv().expect("a call");
    let wakes_at = &writer.shared.wakes_at;
    // As the thread says before it lets lines gather; now it hangs in its call.
    wakes_at.store(20, Ordering::SeqCst);
    let woken: Vec<_> = (0..4)
        .map(|_| {
            writer.push(b"ten bytes\n");
            wakes_at.load(Ordering::SeqCst) == AWAKE
        })
        .collect();
    assert_eq!(woken, [false, false, true, true]);
    drop(go);
    assert!(writer.flush(SOON));
}

#[test]
fn partial_writes_and_interruptions_are_continued() {
    let again = || Err(ErrorKind::WouldBlock.into());
    let (writer, pipe) =
        scripted(vec![Ok(2), Err(ErrorKind::Interrupted.into()), again(), Ok(1), again(), Ok(3)]);
    writer.push(b"first line\n");
    writer.push(b"second line\n");
    assert!(writer.flush(SOON));
    assert_eq!(pipe.text(), "first line\nsecond line\n");
    assert_eq!(writer.report().delivered, 2);
}

#[test]
fn a_closed_pipe_costs_lines_and_later_lines_begin_anew() {
    let (writer, pipe) = scripted(vec![Ok(3), Err(ErrorKind::BrokenPipe.into())]);
    writer.push(b"torn line\n");
    assert!(writer.flush(SOON));
    writer.push(b"whole line\n");
    assert!(writer.flush(SOON));
    assert_eq!(pipe.text(), "tor\nwhole line\n");
    let report = writer.report();
    assert_eq!((report.delivered, report.dropped.as_slice()), (1, [(DropReason::WriteFailed, 1)].as_slice()));
    assert!(adds_up(&report));
}

#[test]
fn a_reader_that_stopped_costs_lines_but_no_latency() {
    let (writer, _pipe, calls, _go) = stuck(1_000);
    writer.push(b"0123456789\n");
    calls.recv_timeout(SOON).expect("a write");
    // The thread hangs in its call; were a push to wait for it, this test would never end.
    (0..1_000).for_each(|_| writer.push(b"0123456789\n"));
    assert!(!writer.flush(Duration::from_millis(20)));
    let report = writer.report();
    assert_eq!(report.dropped, [(DropReason::QueueFull, 1_000 - 1_000 / 11)]);
    assert_eq!(report.queued(), 1 + 1_000 / 11);
    let report = writer.close(Duration::from_millis(20), |_| None);
    assert_eq!((report.created, report.unconfirmed, report.queued()), (1_001, 1, 0));
    assert_eq!(report.dropped, [(DropReason::QueueFull, 910), (DropReason::Timeout, 90)]);
}

#[test]
fn what_a_hanging_call_does_after_the_deadline_is_not_counted_again() {
    let (writer, pipe, calls, go) = stuck(CAPACITY);
    writer.push(b"first\n");
    calls.recv_timeout(SOON).expect("a write");
    writer.push(b"second\n");
    let report = writer.close(Duration::from_millis(1), |_| None);
    go.send(()).expect("still there");
    let deadline = Instant::now() + SOON;
    while !writer.shared.state().ended {
        assert!(Instant::now() < deadline, "the thread does not end");
        std::thread::yield_now();
    }
    assert_eq!(writer.report(), report);
    assert_eq!((report.unconfirmed, report.dropped.as_slice()), (1, [(DropReason::Timeout, 1)].as_slice()));
    assert_eq!(pipe.text(), "first\n");
}

#[test]
fn a_close_writes_what_waits_and_refuses_what_comes_later() {
    let (writer, pipe) = scripted(Vec::new());
    (0..100).for_each(|n| writer.push(format!("{n}\n").as_bytes()));
    let report = writer.close(SOON, |_| None);
    assert_eq!((report.created, report.delivered), (100, 100));
    assert_eq!(pipe.text().lines().count(), 100);
    writer.push(b"too late\n");
    let report = writer.report();
    assert_eq!(report.dropped, [(DropReason::AlreadyShutdown, 1)]);
    assert!(adds_up(&report) && report.queued() == 0);
}

#[test]
fn the_account_adds_up_at_every_moment_whoever_writes_flushes_and_closes_meanwhile() {
    for round in 0..20_u64 {
        let pipe = Pipe::default();
        // So little room that some lines find none.
        let writer = Writer::start(pipe.clone(), no_hops(), 4_096, 4).expect("a thread");
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..2_000).for_each(|_| writer.push(b"0123456789\n")));
            }
            scope.spawn(|| while writer.flush(SOON) {});
            scope.spawn(|| {
                while writer.report().created < 6_000 {
                    let report = writer.report();
                    let ended = report.delivered + report.unconfirmed + report.dropped_total();
                    assert!(ended <= report.created, "{report:?}");
                }
            });
            while writer.report().created < 300 * round {
                std::thread::yield_now();
            }
            writer.close(SOON, |_| None);
        });
        let report = writer.report();
        assert_eq!((report.created, report.queued(), report.unconfirmed), (6_000, 0, 0));
        assert_eq!(pipe.text().lines().count() as u64, report.delivered);
        assert_eq!(pipe.text().replace("0123456789\n", ""), "");
    }
}

fn a_hop(name: &'static str) -> Arc<Hop> {
    let work = Work { name: name.into(), system: None, destination: None };
    let trace = TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::NONE };
    Arc::new(Hop::new(trace, Kind::Internal, Moment::now(), Subject::Work(work)))
}

fn name_of(hop: &Hop) -> &str {
    match &hop.subject {
        Subject::Work(work) => &work.name,
        Subject::Http(_) => "",
    }
}

#[test]
fn the_line_of_a_hop_stands_between_those_written_before_and_after_it() {
    let pipe = Pipe::default();
    let render: Render = Box::new(|unmade, out| {
        let Unmade::Hop(hop) = unmade else { return false };
        let name = name_of(hop);
        out.raw(format!("{name}\n").as_bytes());
        true
    });
    let writer = Writer::start(pipe.clone(), render, CAPACITY, 1).expect("a thread");
    writer.push(b"before\n");
    writer.push_hop(a_hop("first"));
    writer.push_hop(a_hop("second"));
    writer.push(b"after\n");
    let report = writer.close(SOON, |_| None);
    assert_eq!(pipe.text(), "before\nfirst\nsecond\nafter\n");
    assert_eq!((report.created, report.delivered), (4, 4));
}

#[test]
fn a_hop_whose_line_nobody_would_take_is_counted() {
    let pipe = Pipe::default();
    let writer = Writer::start(pipe.clone(), no_hops(), CAPACITY, 1).expect("a thread");
    writer.push_hop(a_hop("too long"));
    writer.push(b"after\n");
    let report = writer.close(SOON, |_| None);
    assert_eq!(pipe.text(), "after\n");
    assert_eq!((report.created, report.delivered), (2, 1));
    assert_eq!(report.dropped, [(DropReason::TooLarge, 1)]);
}

/// A hop at its end, with fields of these lengths.
fn a_finished_hop(fields: &[(&'static str, usize)]) -> Arc<Hop> {
    let trace = TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::NONE };
    let work = Work { name: "job".into(), system: None, destination: None };
    let hop = Hop::new(trace, Kind::Internal, Moment::now(), Subject::Work(work));
    for (name, length) in fields {
        hop.add((*name).into(), "x".repeat(*length).into());
    }
    hop.finish(|_| End {
        outcome: Outcome::Ok,
        error_type: ErrorType::None,
        status: None,
        rpc: None,
        at: Moment::now(),
        first_byte: None,
        response_bytes: 0,
    });
    Arc::new(hop)
}

#[test]
fn a_hop_weighs_what_its_line_will() {
    let (writer, _pipe, calls, _go) = stuck(CAPACITY);
    writer.push(b"0123456789\n");
    calls.recv_timeout(SOON).expect("a write");
    writer.push_hop(a_finished_hop(&[]));
    let (light, _) = writer.fill();
    writer.push_hop(a_finished_hop(&[("note", 10_000)]));
    let (both, _) = writer.fill();
    assert_eq!(both - light, light + "note".len() + 10_000);
    // Far too much for any line is cut, not refused; but few of that kind may wait.
    let hop = a_finished_hop(&[("giant", 2 * CAPACITY)]);
    (0..100).for_each(|_| writer.push_hop(Arc::clone(&hop)));
    let waiting = writer.report().queued();
    assert!((10..20).contains(&waiting), "{waiting}");
}
