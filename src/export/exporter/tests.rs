//! The proof that every record is accounted for, whatever the receiver does, and that time is kept.
//!
//! The clock is tokio's, paused: an hour of back-off takes no time, and what is asserted of time is exact.

use std::sync::Mutex;

use super::*;
use crate::export::{Attempt, Batching, Sent};

/// A record with so much text.
#[derive(Debug)]
struct Item(usize);

impl Weigh for Item {
    fn text_length(&self) -> usize {
        self.0
    }
}

const TRACES: Signal = Signal { name: "traces", items: "spans" };

/// What the script says of one attempt.
#[derive(Clone)]
enum Step {
    Answers(Delivery),
    /// Everything is stored, after so long.
    AnswersAfter(Duration),
    /// The bytes leave, and nothing ever comes back.
    Hangs,
    /// No connection comes about, and nothing says so.
    Connects,
}

#[derive(Default)]
struct Seen {
    steps: VecDeque<Step>,
    /// When each attempt was made, since the start, and with how many spans.
    attempts: Vec<(Duration, usize)>,
}

#[derive(Clone)]
struct Script {
    start: Instant,
    always: Step,
    /// How many records a request holds.
    request: usize,
    seen: Arc<Mutex<Seen>>,
}

impl Transport<Item> for Script {
    fn encode(&mut self, batch: &[Item]) -> Encoded {
        let mut encoded = Encoded::default();
        for items in batch.chunks(self.request) {
            let [whole, shortened, too_large] = [LARGE, 2 * LARGE, usize::MAX]
                .map(|limit| items.iter().filter(|item| item.0 < limit).count() as u64);
            encoded.shortened += shortened - whole;
            encoded.too_large += too_large - shortened;
            if shortened > 0 {
                encoded.payloads.push(Payload { records: shortened, ..Payload::default() });
            }
        }
        encoded
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        let script = self.clone();
        Box::pin(async move {
            let step = {
                let mut seen = script.seen.lock().unwrap();
                seen.attempts.push((script.start.elapsed(), payload.records as usize));
                seen.steps.pop_front().unwrap_or_else(|| script.always.clone())
            };
            sent.store(!matches!(step, Step::Connects), Ordering::Relaxed);
            match step {
                Step::Answers(delivery) => delivery,
                Step::AnswersAfter(time) => {
                    tokio::time::sleep(time).await;
                    Delivery::Accepted { rejected: 0, message: None }
                }
                Step::Hangs => {
                    tokio::time::sleep(timeout).await;
                    Delivery::Unanswered { again: false, reason: "no answer".to_owned() }
                }
                Step::Connects => std::future::pending().await,
            }
        })
    }
}

/// An item from here on is shortened, and from twice as much on it is too large for a request.
const LARGE: usize = 250_000;

/// An exporter under test, running as a task.
struct Rig {
    queue: Arc<Queue<Item>>,
    script: Script,
    phase: watch::Sender<Phase>,
    notices: Arc<Mutex<Vec<Notice>>>,
    fill: Box<dyn Fn() -> (usize, usize)>,
    task: tokio::task::JoinHandle<()>,
}

const LIMITS: BatchLimits = BatchLimits {
    batch_size: 4,
    largest_batch: 4,
    delay: Duration::from_secs(5),
    attempt: Duration::from_secs(10),
    batch: Duration::from_secs(30),
};

const URL: &str = "http://user:s3cr3t@collector:4318/v1/traces";
const SHOWN: &str = "http://REDACTED@collector:4318/v1/traces";

fn accepted() -> Step {
    Step::Answers(Delivery::Accepted { rejected: 0, message: None })
}

fn busy(after: Option<u64>) -> Step {
    Step::Answers(Delivery::Retry { after: after.map(Duration::from_secs), reason: "busy".to_owned() })
}

impl Rig {
    fn start(steps: impl IntoIterator<Item = Step>, always: Step) -> Self {
        Self::with(16, LIMITS, usize::MAX, steps, always)
    }

    /// With a queue of this capacity, and requests of so many records.
    fn with(
        capacity: usize,
        limits: BatchLimits,
        request: usize,
        steps: impl IntoIterator<Item = Step>,
        always: Step,
    ) -> Self {
        let queue = Arc::new(Queue::new(capacity));
        let seen = Seen { steps: steps.into_iter().collect(), ..Seen::default() };
        let script = Script { start: Instant::now(), always, request, seen: Arc::new(Mutex::new(seen)) };
        let notices = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&notices);
        let tell: Tell = Box::new(move |notice| told.lock().unwrap().push(notice));
        let exporter = Exporter::new(TRACES, Arc::clone(&queue), Box::new(script.clone()), limits, URL, tell);
        let fill = Box::new(exporter.fill());
        let (phase, seen_phase) = watch::channel(Phase::Running);
        let task = tokio::spawn(exporter.run(seen_phase));
        Self { queue, script, phase, notices, fill, task }
    }

    fn push(&self, count: usize) {
        (0..count).for_each(|_| self.queue.push(Item(0)));
    }

    /// Lets so much time pass.
    async fn pass(&self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        self.adds_up();
    }

    /// So many full batches, ten seconds apart.
    async fn batches(&self, count: usize) {
        for _ in 0..count {
            self.push(4);
            self.pass(10.0).await;
        }
    }

    /// Created = delivered + unconfirmed + dropped + what is really held.
    fn adds_up(&self) {
        let report = self.queue.report();
        assert_eq!(report.queued(), self.queue.held() as u64, "{report}");
    }

    /// Closes, and says how long the exporter took to return.
    async fn close(self, within: Duration) -> (Duration, crate::account::FlowReport) {
        let asked = Instant::now();
        self.phase.send_replace(Phase::Closing((asked + within).into_std()));
        self.task.await.unwrap();
        let report = self.queue.report();
        assert_eq!(self.queue.held(), 0);
        assert_eq!(report.queued(), 0, "{report}");
        (asked.elapsed(), report)
    }

    fn attempts(&self) -> Vec<(f64, usize)> {
        let seen = self.script.seen.lock().unwrap();
        seen.attempts.iter().map(|(at, count)| (at.as_secs_f64(), *count)).collect()
    }

    fn said(&self) -> Vec<String> {
        self.notices.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    fn said_with(&self, part: &str) -> Vec<String> {
        self.said().into_iter().filter(|said| said.contains(part)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_it_is_due_and_earlier_when_it_is_full() {
    let rig = Rig::start([], accepted());
    rig.push(3);
    rig.pass(4.9).await;
    assert_eq!(rig.attempts(), []);
    rig.pass(0.2).await;
    assert_eq!(rig.attempts(), [(5.0, 3)]);
    rig.push(9);
    rig.pass(0.1).await;
    // Two full batches at once, the rest when it is due.
    assert_eq!(rig.attempts().len(), 4, "{:?}", rig.attempts());
    assert_eq!(rig.queue.report().delivered, 12);
}

#[tokio::test(start_paused = true)]
async fn long_records_leave_in_smaller_batches() {
    let rig = Rig::start([], accepted());
    // Each counts two, and the last one alone is more than a batch.
    (0..3).for_each(|_| rig.queue.push(Item(2_500)));
    rig.queue.push(Item(12_500));
    rig.pass(6.0).await;
    let sizes: Vec<_> = rig.attempts().iter().map(|(_, count)| *count).collect();
    assert_eq!(sizes, [2, 1, 1]);
    assert_eq!(rig.queue.report().delivered, 4);
}

#[tokio::test(start_paused = true)]
async fn from_the_termination_signal_on_spans_leave_every_second() {
    let rig = Rig::start([], accepted());
    rig.push(1);
    rig.pass(0.5).await;
    rig.phase.send_replace(Phase::Draining);
    rig.pass(0.6).await;
    assert_eq!(rig.attempts(), [(1.0, 1)]);
    rig.push(1);
    rig.pass(1.1).await;
    assert_eq!(rig.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_busy_receiver_is_asked_again_with_growing_pauses_and_then_given_up() {
    let rig = Rig::start([], busy(None));
    rig.push(4);
    rig.pass(60.0).await;
    let at: Vec<_> = rig.attempts().iter().map(|(at, _)| *at).collect();
    assert!(at.len() >= 5 && at.iter().all(|at| *at <= 30.0), "{at:?}");
    for (pair, step) in at.windows(2).zip([0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]) {
        assert!((step / 2.0..=step + 0.01).contains(&(pair[1] - pair[0])), "{at:?}");
    }
    assert_eq!(rig.queue.report().dropped, [(DropReason::Timeout, 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_delivered_once_the_receiver_is_well_again() {
    let rig = Rig::start([busy(None), busy(None)], accepted());
    rig.push(4);
    rig.pass(10.0).await;
    assert_eq!(rig.attempts().len(), 3);
    assert_eq!((rig.queue.report().delivered, rig.queue.report().dropped_total()), (4, 0));
    assert_eq!(
        rig.said(),
        [
            "traces cannot be delivered to http://REDACTED@collector:4318/v1/traces: busy",
            "traces are delivered to http://REDACTED@collector:4318/v1/traces again; \
             0 spans were lost or not confirmed meanwhile",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_receiver_asks_for_is_kept() {
    let rig = Rig::start([busy(Some(7))], accepted());
    rig.push(4);
    rig.pass(10.0).await;
    let at: Vec<_> = rig.attempts().iter().map(|(at, _)| at.round()).collect();
    assert_eq!(at, [0.0, 7.0]);
    assert_eq!(rig.queue.report().delivered, 4);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_for_no_pause_is_not_asked_in_a_circle() {
    let rig = Rig::start([], busy(Some(0)));
    rig.push(4);
    rig.pass(60.0).await;
    assert!((5..=12).contains(&rig.attempts().len()), "{:?}", rig.attempts());
    assert_eq!(rig.queue.report().dropped, [(DropReason::Timeout, 4)]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_a_batch_may_take_holds_for_the_next_batches_too() {
    let rig = Rig::start([busy(Some(100))], accepted());
    rig.push(4);
    rig.pass(0.1).await;
    assert_eq!(rig.queue.report().dropped, [(DropReason::Timeout, 4)]);
    rig.push(20);
    rig.pass(99.0).await;
    assert_eq!(rig.attempts().len(), 1, "asked although it wanted to be left alone");
    rig.pass(1.0).await;
    // The bound held meanwhile, and the newest were dropped.
    assert_eq!(rig.queue.report().delivered, 16);
    assert_eq!(rig.queue.report().dropped, [(DropReason::QueueFull, 4), (DropReason::Timeout, 4)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_rejected_or_refused_is_counted_and_never_sent_again() {
    let partial = Delivery::Accepted { rejected: 3, message: Some("too old".to_owned()) };
    let refused = Delivery::Refused { reason: "the collector answered 401".to_owned() };
    let rig = Rig::start([Step::Answers(partial), Step::Answers(refused)], accepted());
    for _ in 0..2 {
        rig.push(4);
        rig.pass(1.0).await;
    }
    rig.pass(60.0).await;
    assert_eq!(rig.attempts().len(), 2);
    let report = rig.queue.report();
    assert_eq!(report.delivered, 1);
    assert_eq!(report.dropped, [(DropReason::Rejected, 7)]);
    assert_eq!(rig.said()[1], "http://REDACTED@collector:4318/v1/traces rejected 3 spans: too old");
}

#[tokio::test(start_paused = true)]
async fn of_several_pauses_that_a_receiver_asks_for_the_longest_holds_for_all_requests() {
    // In either order: the first request may wait already when the longer one is asked for.
    for pauses in [[20, 2], [2, 20]] {
        let [first, second] = pauses.map(|pause| busy(Some(pause)));
        let rig = Rig::start([accepted(), first, second, accepted()], accepted());
        rig.push(4);
        rig.pass(1.0).await;
        rig.push(8);
        rig.pass(1.0).await;
        rig.push(4);
        rig.pass(30.0).await;
        let attempts = [(0.0, 4), (1.0, 4), (1.0, 4), (21.0, 4), (21.0, 4), (21.0, 4)];
        assert_eq!(rig.attempts(), attempts, "{pauses:?}");
    }
}

/// So many of a batch are rejected.
fn rejects(rejected: u64, message: &str) -> Step {
    let message = Some(message.to_owned()).filter(|message| !message.is_empty());
    Step::Answers(Delivery::Accepted { rejected, message })
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_between_two_lines_about_it_is_counted_in_the_second() {
    let rig = Rig::start([], rejects(3, ""));
    rig.batches(9).await;
    let line = |count| format!("{SHOWN} rejected {count} spans and does not say why");
    // At 0 and at 60 seconds.
    assert_eq!(rig.said_with("rejected"), [line(3), line(6 * 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_rejects_everything_delivers_nothing() {
    let rig = Rig::start([rejects(4, "no tenant"), busy(None), rejects(4, "")], accepted());
    rig.batches(2).await;
    let said = rig.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].ends_with("rejected 4 spans: no tenant"), "{said:?}");
    assert!(said[1].starts_with("traces cannot be delivered"), "{said:?}");
    rig.push(4);
    rig.pass(10.0).await;
    assert!(rig.said()[2].contains("again; 4 spans were lost"), "{:?}", rig.said());
}

#[tokio::test(start_paused = true)]
async fn what_a_failure_of_which_nothing_was_said_has_lost_is_said_with_the_next_recovery() {
    let refused = || Step::Answers(Delivery::Refused { reason: "no".to_owned() });
    let rig = Rig::start((0..8).flat_map(|_| [refused(), accepted()]), accepted());
    rig.batches(16).await;
    let lost = |count| {
        format!("traces are delivered to {SHOWN} again; {count} spans were lost or not confirmed meanwhile")
    };
    // Failures at 0, 20, 40, …, of which those at 0, 60 and 120 seconds are said.
    assert_eq!(rig.said_with(" again; "), [lost(4), lost(12), lost(12)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_leaves_spans_unconfirmed_and_is_not_sent_them_twice() {
    let rig = Rig::start([Step::Hangs], accepted());
    rig.push(4);
    rig.pass(9.0).await;
    assert_eq!(rig.queue.report().queued(), 4);
    rig.pass(2.0).await;
    assert_eq!((rig.attempts().len(), rig.queue.report().unconfirmed), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_up_is_sent_the_batch_again() {
    let hung_up = Delivery::Unanswered { again: true, reason: "hung up".to_owned() };
    let rig = Rig::start([Step::Answers(hung_up.clone())], accepted());
    rig.push(4);
    rig.pass(1.0).await;
    assert_eq!((rig.attempts().len(), rig.queue.report().delivered), (2, 4));

    // It may have stored what it never confirmed.
    let rig = Rig::start([Step::Answers(hung_up)], busy(None));
    rig.push(4);
    rig.pass(60.0).await;
    assert_eq!((rig.queue.report().unconfirmed, rig.queue.report().dropped_total()), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded_while_the_receiver_is_dead() {
    let rig = Rig::start([], busy(None));
    for _ in 0..10 {
        rig.push(10);
        rig.pass(1.0).await;
        assert!(rig.queue.held() <= 16);
    }
    let report = rig.queue.report();
    assert_eq!((report.created, report.queued()), (100, 16));
    assert_eq!(report.dropped, [(DropReason::QueueFull, 84)]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_the_receiver_keeps_full_is_no_reason_to_hurry() {
    let refuses = Step::Answers(Delivery::Refused { reason: "the collector answered 401".to_owned() });
    let hung_up = Step::Answers(Delivery::Unanswered { again: true, reason: "hung up".to_owned() });
    // It is gone, wants to be left alone, hangs up, never answers, or cannot be reached.
    for step in [busy(None), busy(Some(100)), hung_up, Step::Hangs, Step::Connects] {
        let rig = Rig::start([step.clone(), step], accepted());
        rig.push(16);
        // What is made of it before it leaves is ours to hurry with.
        assert_eq!((rig.fill)(), (16, 16));
        rig.pass(0.11).await;
        rig.push(16);
        assert_eq!((rig.queue.held(), (rig.fill)()), (16, (0, 16)));
        rig.pass(240.0).await;
        rig.push(3);
        assert_eq!((rig.queue.held(), (rig.fill)()), (3, (3, 16)), "it answers again");
    }
    // An answer is one, also where nothing is stored.
    let rig = Rig::start([], refuses);
    rig.push(4);
    rig.pass(1.0).await;
    rig.push(3);
    assert_eq!((rig.fill)(), (3, 16));
}

#[tokio::test(start_paused = true)]
async fn closing_empties_the_queue_at_once() {
    let rig = Rig::start([], accepted());
    rig.push(11);
    let (took, report) = rig.close(Duration::from_secs(5)).await;
    assert_eq!((took, report.delivered, report.dropped_total()), (Duration::ZERO, 11, 0));
}

#[tokio::test(start_paused = true)]
async fn closing_keeps_its_deadline_whatever_the_receiver_does() {
    let within = Duration::from_secs(5);
    for (step, unconfirmed) in [(Step::Hangs, 4), (Step::Connects, 0), (busy(None), 0), (busy(Some(60)), 0)] {
        let rig = Rig::start([], step);
        rig.push(11);
        let (took, report) = rig.close(within).await;
        assert!(took < within, "{took:?}");
        assert_eq!((report.unconfirmed, report.dropped_total()), (unconfirmed, 11 - unconfirmed), "{report}");
        assert!(report.dropped.iter().all(|(reason, _)| *reason == DropReason::Timeout));
    }
}

#[tokio::test(start_paused = true)]
async fn closing_shortens_an_attempt_and_a_pause_that_are_under_way() {
    for (step, unconfirmed) in [(Step::Hangs, 4), (busy(Some(20)), 0)] {
        let rig = Rig::start([], step);
        rig.push(4);
        rig.pass(1.0).await;
        let (took, report) = rig.close(Duration::from_secs(2)).await;
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert_eq!((report.unconfirmed, report.dropped_total()), (unconfirmed, 4 - unconfirmed));
    }
}

#[tokio::test(start_paused = true)]
async fn an_exporter_whose_owner_vanished_flushes_and_ends() {
    let rig = Rig::start([], accepted());
    rig.push(1);
    drop(rig.phase);
    rig.task.await.unwrap();
    assert_eq!(rig.queue.report().delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_always_failing_is_one_line() {
    let rig = Rig::start([], busy(None));
    rig.batches(20).await;
    assert_eq!(rig.said().len(), 1, "{:?}", rig.said());
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_begins_soon_after_another_is_said_once_it_lasts() {
    let rig = Rig::start([busy(None), accepted()], busy(None));
    rig.push(4);
    rig.pass(10.0).await;
    assert_eq!(rig.said().len(), 2, "{:?}", rig.said());
    rig.batches(20).await;
    let said = rig.said();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[2].starts_with("traces cannot be delivered"), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn the_first_delivery_is_one_line_and_shows_no_secret() {
    let rig = Rig::start([], accepted());
    for _ in 0..3 {
        rig.push(4);
        rig.pass(1.0).await;
    }
    assert_eq!(rig.said(), ["traces are delivered to http://REDACTED@collector:4318/v1/traces"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_several_requests_is_accounted_for_request_by_request() {
    let refused = Step::Answers(Delivery::Refused { reason: "the collector answered 400".to_owned() });
    let rig = Rig::with(16, LIMITS, 3, [accepted(), refused], accepted());
    rig.push(4);
    rig.pass(0.1).await;
    assert_eq!(rig.attempts(), [(0.0, 3), (0.0, 1)]);
    let report = rig.queue.report();
    assert_eq!((report.delivered, report.dropped, rig.queue.held()), (3, vec![(DropReason::Rejected, 1)], 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_for_a_request_costs_no_other_record_and_is_said_once() {
    let rig = Rig::with(
        2_048,
        BatchLimits { batch_size: 2_048, largest_batch: 2_048, ..LIMITS },
        usize::MAX,
        [],
        accepted(),
    );
    for size in [10, LARGE, 2 * LARGE, 10] {
        rig.queue.push(Item(size));
    }
    (0..3).for_each(|_| rig.queue.push(Item(2 * LARGE)));
    rig.pass(6.0).await;
    let report = rig.queue.report();
    assert_eq!((report.delivered, report.dropped, rig.queue.held()), (3, vec![(DropReason::TooLarge, 4)], 0));
    assert_eq!(rig.queue.shortened(), 1);
    let said = rig.said();
    let begin = "spans were larger than a request may be";
    assert_eq!(said.iter().filter(|said| said.starts_with(begin)).count(), 1, "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn by_default_a_receiver_that_is_200_ms_away_takes_50_000_records_a_second_and_more_are_counted() {
    let slow = Step::AnswersAfter(Duration::from_millis(200));
    let default = Batching::default();
    let limits = default.limits(LIMITS.delay, LIMITS.attempt);
    let rig = Rig::with(default.queue, limits, usize::MAX, [], slow);
    // Ten milliseconds' worth, for three seconds.
    for _ in 0..300 {
        rig.push(550);
        rig.pass(0.01).await;
    }
    let report = rig.queue.report();
    assert_eq!(report.dropped_total(), 0, "{report}");
    assert!(report.delivered > 55_000 * 5 / 2, "{report}");
    let attempts = rig.attempts();
    let under_way = |at: f64| attempts.iter().filter(|(begin, _)| (at - 0.199..=at).contains(begin)).count();
    assert_eq!(attempts.iter().map(|(at, _)| under_way(*at)).max(), Some(MOST_IN_FLIGHT));
    // The first one had to be answered before there was a second one.
    assert!(attempts[1].0 - attempts[0].0 >= 0.2, "{attempts:?}");
    // No more than eight of the largest batch: the rest is bounded, and counted.
    for _ in 0..200 {
        rig.push(1_500);
        rig.pass(0.01).await;
        assert!(rig.queue.held() <= default.queue);
    }
    let (_, report) = rig.close(Duration::from_secs(5)).await;
    let created = 300 * 550 + 200 * 1_500;
    assert_eq!((report.created, report.delivered + report.dropped_total()), (created, created));
    assert!(report.dropped.iter().all(|(reason, _)| *reason == DropReason::QueueFull), "{report}");
    assert!(report.dropped_total() > 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_grows_only_while_no_more_requests_may_be_sent_and_never_above_what_was_chosen() {
    let sizes = async |batch: Option<usize>, at_once: usize| {
        let limits = Batching { batch, ..Batching::default() }.limits(LIMITS.delay, LIMITS.attempt);
        let slow = Step::AnswersAfter(Duration::from_millis(200));
        let rig = Rig::with(Batching::default().queue, limits, usize::MAX, [accepted()], slow);
        for _ in 0..100 {
            rig.push(at_once);
            rig.pass(0.01).await;
        }
        rig.attempts().into_iter().map(|(_, count)| count).collect::<Vec<_>>()
    };
    // Twenty thousand a second need no more than eight of the usual size.
    let usual = sizes(None, 200).await;
    assert!(usual.iter().all(|size| *size <= 600), "{usual:?}");
    assert_eq!(sizes(None, 1_000).await.into_iter().max(), Some(2_048));
    assert_eq!(sizes(Some(512), 1_000).await.into_iter().max(), Some(512));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_comes_the_exporter_is_not_woken_and_the_first_record_begins_the_delay() {
    let rig = Rig::start([], accepted());
    rig.pass(7.0).await;
    rig.push(1);
    rig.pass(0.01).await;
    rig.push(2);
    rig.pass(4.9).await;
    assert_eq!(rig.attempts(), []);
    rig.pass(0.2).await;
    assert_eq!(rig.attempts(), [(12.0, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_begins_to_fail_has_one_request_at_a_time() {
    let rig = Rig::start([accepted()], busy(None));
    rig.push(4);
    rig.pass(0.1).await;
    rig.push(16);
    rig.pass(0.1).await;
    // Four are under way already when the first of them fails.
    assert_eq!(rig.attempts().len(), 5);
    rig.pass(60.0).await;
    let made = rig.attempts().len();
    rig.push(16);
    rig.pass(0.1).await;
    assert_eq!(rig.attempts().len(), made + 1);
    assert!(rig.queue.report().dropped.iter().all(|(reason, _)| *reason == DropReason::Timeout));
}

#[tokio::test(start_paused = true)]
async fn closing_keeps_its_deadline_also_with_several_requests_under_way() {
    let rig = Rig::start([accepted()], Step::Hangs);
    rig.push(4);
    rig.pass(0.1).await;
    rig.push(12);
    rig.pass(0.1).await;
    let (took, report) = rig.close(Duration::from_secs(2)).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!((report.delivered, report.unconfirmed, report.dropped_total()), (4, 12, 0));
}
