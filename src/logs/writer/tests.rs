//! The proof that nothing is lost, doubled or waited for between requests and the descriptor.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::clock::Moment;
use crate::context::{Baggage, Flags, SpanId, TraceContext, TraceId, Tracestate};
use crate::logs::formats::{Format, Object};
use crate::logs::pump::CHUNK;
use crate::logs::test_pipe::Pipe;
use crate::record::{
    End, ErrorType, Event, Hop, Http, HttpVersion, Kind, Method, Notes, Outcome, Scheme, Severity, Subject,
    Work,
};
use std::io::ErrorKind;
use std::time::Instant;

const SOON: Duration = Duration::from_secs(10);

/// A descriptor with answers of a script, then takes everything.
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

/// A descriptor that hangs in each call until it may go on.
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
    let writer = started(Scripted { pipe: pipe.clone(), answers }, CAPACITY, 1);
    (writer, pipe)
}

fn stuck(capacity: usize) -> (Writer, Pipe, Receiver<()>, Sender<()>) {
    let (pipe, (called, calls), (go, go_on)) = (Pipe::default(), channel(), channel());
    let writer = started(Stuck { pipe: pipe.clone(), called, go_on }, capacity, 1);
    (writer, pipe, calls, go)
}

/// A writer that is stuck in the write of one line: what is pushed from now on waits.
fn holding() -> (Writer, Pipe, Receiver<()>, Sender<()>) {
    let stuck = stuck(CAPACITY);
    push(&stuck.0, "0123456789");
    stuck.2.recv_timeout(SOON).expect("a write");
    stuck
}

fn adds_up(report: &FlowReport) -> bool {
    report.created == report.delivered + report.unconfirmed + report.dropped_total() + report.queued()
}

/// A line is the event's message, or the hop's name.
#[derive(Debug)]
struct Plain;

impl Format for Plain {
    fn event(&self, object: &mut Object, event: &Event<'_>) {
        object.begin();
        object.raw(event.message());
        object.raw(b"\n");
    }

    fn hop(&self, object: &mut Object, hop: &Arc<Hop>, _: &End, _: Option<&Notes>) {
        object.begin();
        object.raw(name_of(hop).as_bytes());
        object.raw(b"\n");
    }
}

fn started(out: impl Write + Send + 'static, capacity: usize, stripes: usize) -> Writer {
    let maker = Arc::new(LineMaker::new(Box::new(Plain)));
    Writer::start(out, CHUNK, maker, capacity, stripes).expect("a thread")
}

/// An event whose line is this.
fn an_event(line: &str) -> Snapshot {
    Snapshot::new(Severity::Info, "", line)
}

fn push(writer: &Writer, line: &str) {
    writer.push_event(&mut an_event(line), false);
}

/// What a line weighs while it waits.
fn weight(line: &str) -> usize {
    EVENT + an_event(line).bytes().len()
}

#[test]
fn every_line_of_every_thread_is_written_once_and_whole() {
    let pipe = Pipe::default();
    let writer = started(pipe.clone(), usize::MAX, 4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let writer = &writer;
            scope.spawn(move || (0..2_000).for_each(|n| push(writer, &format!("{thread} {n}"))));
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
        push(&writer, "x");
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
    let (writer, _, calls, go) = stuck(4 * weight("ten bytes"));
    push(&writer, "it writes");
    calls.recv().expect("a call");
    let wakes_at = &writer.shared.wakes_at;
    // As the thread says before it lets lines gather; now it hangs in its call.
    wakes_at.store(2 * weight("ten bytes"), Ordering::SeqCst);
    let woken: Vec<_> = (0..4)
        .map(|_| {
            push(&writer, "ten bytes");
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
    push(&writer, "first line");
    push(&writer, "second line");
    assert!(writer.flush(SOON));
    assert_eq!(pipe.text(), "first line\nsecond line\n");
    assert_eq!(writer.report().delivered, 2);
}

#[test]
fn a_closed_pipe_costs_lines_and_later_lines_begin_anew() {
    let (writer, pipe) = scripted(vec![Ok(3), Err(ErrorKind::BrokenPipe.into())]);
    push(&writer, "torn line");
    assert!(writer.flush(SOON));
    push(&writer, "whole line");
    assert!(writer.flush(SOON));
    assert_eq!(pipe.text(), "tor\nwhole line\n");
    let report = writer.report();
    assert_eq!((report.delivered, report.dropped.as_slice()), (1, [(DropReason::WriteFailed, 1)].as_slice()));
    assert!(adds_up(&report));
}

#[test]
fn a_reader_that_stopped_costs_lines_but_no_latency() {
    let (writer, _pipe, calls, _go) = stuck(90 * weight("0123456789"));
    push(&writer, "0123456789");
    calls.recv_timeout(SOON).expect("a write");
    // The thread hangs in its call; were a push to wait for it, this test would never end.
    (0..1_000).for_each(|_| push(&writer, "0123456789"));
    assert!(!writer.flush(Duration::from_millis(20)));
    let report = writer.report();
    assert_eq!(report.dropped, [(DropReason::QueueFull, 1_000 - 90)]);
    assert_eq!(report.queued(), 1 + 90);
    let report = writer.close(Duration::from_millis(20), |_| None);
    assert_eq!((report.created, report.unconfirmed, report.queued()), (1_001, 1, 0));
    assert_eq!(report.dropped, [(DropReason::QueueFull, 910), (DropReason::Timeout, 90)]);
}

#[test]
fn what_a_hanging_call_does_after_the_deadline_is_not_counted_again() {
    let (writer, pipe, calls, go) = stuck(CAPACITY);
    push(&writer, "first");
    calls.recv_timeout(SOON).expect("a write");
    push(&writer, "second");
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
    (0..100).for_each(|n| push(&writer, &format!("{n}")));
    let report = writer.close(SOON, |_| None);
    assert_eq!((report.created, report.delivered), (100, 100));
    assert_eq!(pipe.text().lines().count(), 100);
    push(&writer, "too late");
    let report = writer.report();
    assert_eq!(report.dropped, [(DropReason::AlreadyShutdown, 1)]);
    assert!(adds_up(&report) && report.queued() == 0);
}

#[test]
fn the_account_adds_up_at_every_moment_while_others_write_flush_and_close() {
    for round in 0..20_u64 {
        let pipe = Pipe::default();
        // So little room that some lines find none.
        let writer = started(pipe.clone(), 16 * weight("0123456789"), 4);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| (0..2_000).for_each(|_| push(&writer, "0123456789")));
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
    let work = Work { name: name.into(), system: None, destination: None, ..Work::default() };
    let trace = TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::NONE };
    Arc::new(Hop::new(trace, Kind::Internal, Moment::now(), Subject::Work(work)))
}

fn ended(hop: Arc<Hop>) -> Arc<Hop> {
    hop.finish(|_| End {
        outcome: Outcome::Ok,
        error_type: ErrorType::None,
        status: None,
        rpc: None,
        at: Moment::now(),
        first_byte: None,
        response_bytes: 0,
    });
    hop
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
    let writer = started(pipe.clone(), CAPACITY, 1);
    push(&writer, "before");
    writer.push_hop(ended(a_hop("first")), false);
    writer.push_hop(ended(a_hop("second")), false);
    push(&writer, "after");
    let report = writer.close(SOON, |_| None);
    assert_eq!(pipe.text(), "before\nfirst\nsecond\nafter\n");
    assert_eq!((report.created, report.delivered), (4, 4));
}

#[test]
fn a_line_that_cannot_be_made_is_counted() {
    let pipe = Pipe::default();
    let writer = started(pipe.clone(), CAPACITY, 1);
    // It has not ended.
    writer.push_hop(a_hop("too long"), false);
    push(&writer, "after");
    let report = writer.close(SOON, |_| None);
    assert_eq!(pipe.text(), "after\n");
    assert_eq!((report.created, report.delivered), (2, 1));
    assert_eq!(report.dropped, [(DropReason::TooLarge, 1)]);
}

#[test]
fn an_event_that_hurries_wakes_a_thread_that_gathers() {
    let (writer, _, calls, go) = stuck(CAPACITY);
    push(&writer, "it writes");
    calls.recv().expect("a call");
    let wakes_at = &writer.shared.wakes_at;
    wakes_at.store(CAPACITY / 2, Ordering::SeqCst);
    push(&writer, "it waits");
    assert_eq!(wakes_at.load(Ordering::SeqCst), CAPACITY / 2);
    writer.push_event(&mut an_event("it hurries"), true);
    assert_eq!(wakes_at.load(Ordering::SeqCst), AWAKE);
    assert!(writer.shared.hurries.load(Ordering::SeqCst));
    drop(go);
    assert!(writer.flush(SOON));
}

/// A descriptor that notes how much each call is given.
struct Calls(Pipe, Arc<std::sync::Mutex<Vec<usize>>>);

impl Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.lock().expect("not poisoned").push(bytes.len());
        assert!(bytes.ends_with(b"\n"));
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_pipe_is_given_whole_lines_and_no_more_than_it_takes_in_one_piece() {
    let (pipe, calls) = (Pipe::default(), Arc::default());
    let maker = Arc::new(LineMaker::new(Box::new(Plain)));
    let out = Calls(pipe.clone(), Arc::clone(&calls));
    let writer = Writer::start(out, 4096, maker, CAPACITY, 1).expect("a thread");
    let long = "x".repeat(10_000);
    for n in 0..500_usize {
        push(&writer, if n == 250 { &long } else { &long[..n * 7 % 4096] });
    }
    assert!(writer.close(SOON, |_| None).queued() == 0);
    assert_eq!(pipe.text().lines().count(), 500);
    let calls = calls.lock().expect("not poisoned");
    let longer: Vec<_> = calls.iter().filter(|length| **length > 4096).collect();
    assert_eq!(longer, [&10_001], "the long line, by itself");
}

/// A hop at its end, with fields of these lengths.
fn a_finished_hop(fields: &[(&'static str, usize)]) -> Arc<Hop> {
    let trace = TraceContext { trace_id: TraceId::random(), span_id: SpanId::random(), flags: Flags::NONE };
    let work = Work { name: "job".into(), system: None, destination: None, ..Work::default() };
    let hop = Hop::new(trace, Kind::Internal, Moment::now(), Subject::Work(work));
    for (name, length) in fields {
        hop.add(name, &*"x".repeat(*length));
    }
    ended(Arc::new(hop))
}

#[test]
fn what_a_stranger_sends_along_weighs_as_well() {
    let (writer, _pipe, _calls, _go) = holding();
    writer.push_hop(a_finished_hop(&[]), false);
    let (light, _) = writer.fill();
    let sent = (0..2_000).map(|n| format!("{n:x}=")).collect::<Vec<_>>().join(",");
    let mut hop = Arc::into_inner(a_hop("job")).expect("nobody else has it");
    hop.kind = Kind::Server;
    hop.baggage = Baggage::parse([sent.as_bytes()]);
    hop.tracestate = Tracestate::parse([format!("a={}", "x".repeat(200)).as_bytes()]);
    let members = hop.baggage.iter().count();
    assert!(members > 1_000 && !hop.tracestate.is_empty());
    writer.push_hop(ended(Arc::new(hop)), false);
    let (both, _) = writer.fill();
    assert!(both - light >= light + 10 * members, "{members}: {light}, {both}");
}

#[test]
fn an_event_weighs_what_it_keeps_of_a_strangers_request() {
    let (writer, _pipe, _calls, _go) = holding();
    let event_of = |agent: &[u8]| {
        let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
        http.set([b"/", b"", b"", agent, b""]);
        let mut hop = Arc::into_inner(a_hop("job")).expect("nobody else has it");
        (hop.kind, hop.subject) = (Kind::Server, Subject::Http(http));
        let mut event = an_event("0123456789");
        event.info.hop = Some(Arc::new(hop));
        event
    };
    for (agent, excess) in [(&b"curl/7"[..], 0), (&[b'x'; 4_000], 0), (&[b'x'; 60_000], 60_000 - 4_096 + 1)] {
        let (before, _) = writer.fill();
        writer.push_event(&mut event_of(agent), false);
        let (after, _) = writer.fill();
        assert_eq!(after - before, weight("0123456789") + excess);
    }
}

#[test]
fn a_hop_weighs_what_its_line_will() {
    let (writer, _pipe, _calls, _go) = holding();
    writer.push_hop(a_finished_hop(&[]), false);
    let (light, _) = writer.fill();
    writer.push_hop(a_finished_hop(&[("note", 10_000)]), false);
    let (both, _) = writer.fill();
    assert_eq!(both - light, light + "note".len() + 10_000);
    // Far too much for any line is cut, not refused; but few of that kind may wait.
    let hop = a_finished_hop(&[("giant", 2 * CAPACITY)]);
    (0..100).for_each(|_| writer.push_hop(Arc::clone(&hop), false));
    let waiting = writer.report().queued();
    assert!((10..20).contains(&waiting), "{waiting}");
}
