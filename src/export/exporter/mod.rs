//! The exporter: the loop that takes finished records out of the queue and accounts for each of them.
//!
//! It runs on a thread and a runtime of ours. [`Queue`] hands batches in, [`Transport`] makes requests of them, each of
//! which is a [`Flight`] until what became of it is known; the queue's [`Flow`](crate::account::Flow) is the account.
//!
//! While a receiver delivers, up to [`MOST_IN_FLIGHT`] requests are under way at once, as OTLP's specification asks for:
//! one that is 200 ms away would else take no more than five batches a second. One that was not tried yet, or that
//! fails, has one at a time.

mod backoff;
mod flight;
mod life;
mod notice;

pub(crate) use notice::{Notice, Signal, Tell};

use std::collections::VecDeque;
use std::fmt;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use self::flight::Flight;
use self::life::{Ended, Life};
use self::notice::Notices;
use super::{BatchLimits, Delivery, Encoded, Payload, Queue, Transport, Weigh};
use crate::account::DropReason;
use crate::threads::{Phase, begin_run, empties, rest_after_long_step};

/// How often queues flush between the termination signal and the end.
const DRAINING_DELAY: Duration = Duration::from_secs(1);

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What takes longer is the receiver's time, and none of ours.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many records are dropped between two looks at the time.
const DROPPED_AT_ONCE: usize = 8;

/// A backlog of so many records may be moved into one piece; to move more would take too long at once.
const MOVED_AT_ONCE: usize = 2_048;

/// How many requests may be under way at once.
const MOST_IN_FLIGHT: usize = 8;

/// Takes batches out of the queue until the process ends.
pub(crate) struct Exporter<R> {
    queue: Arc<Queue<R>>,
    transport: Box<dyn Transport<R>>,
    limits: BatchLimits,
    notices: Notices,
    backlog: VecDeque<R>,
    /// Encoded, and not sent yet: each with its share of its batch's weight.
    ready: VecDeque<(Payload, usize)>,
    flights: Vec<Flight>,
    /// The weight of what is ready or in flight.
    taken: usize,
    /// So much leaves now, also in a batch that is not full.
    due: usize,
    /// Since when something waits that is not due.
    waits_since: Option<Instant>,
    /// A flush that was asked for, once all that waited for it is due.
    flushing: Option<u64>,
    /// Until then the receiver asked for a pause.
    paused: Option<Instant>,
    /// Did the last attempt find no receiver at all?
    unreachable: bool,
    /// Does the receiver keep what waits from leaving? Until it answers again.
    stuck: Arc<AtomicBool>,
}

/// What the exporter waited for.
enum Event {
    /// A request was answered, or failed.
    Answered(usize, Delivery),
    /// A full batch waits, or the first record.
    Full,
}

impl<R: Weigh> Exporter<R> {
    /// The exporter of a signal's queue; `url` is where the transport sends to, for its notices.
    pub(crate) fn new(
        signal: Signal,
        queue: Arc<Queue<R>>,
        transport: Box<dyn Transport<R>>,
        limits: BatchLimits,
        url: &str,
        tell: Tell,
    ) -> Self {
        Self {
            queue,
            transport,
            limits,
            notices: Notices::new(signal, url, tell),
            backlog: VecDeque::new(),
            ready: VecDeque::new(),
            flights: Vec::new(),
            taken: 0,
            due: 0,
            waits_since: None,
            flushing: None,
            paused: None,
            unreachable: false,
            stuck: Arc::default(),
        }
    }

    /// Runs until the phase is [`Phase::Closing`], and then at the latest until its instant.
    pub(crate) async fn run(mut self, phase: watch::Receiver<Phase>) {
        let mut life = Life::new(phase);
        empties(self.fill());
        loop {
            self.look_at_the_time(&life);
            while self.may_send(&life) && self.send_next(&life) {}
            self.report_flush();
            if self.is_over(&life) {
                break;
            }
            self.wait(&mut life).await;
        }
        self.end().await;
    }

    /// How much waits that haste may free, of how much: none while it is the receiver that frees nothing.
    fn fill(&self) -> impl Fn() -> (usize, usize) + 'static {
        let (queue, stuck) = (Arc::clone(&self.queue), Arc::clone(&self.stuck));
        move || (if stuck.load(Ordering::Relaxed) { 0 } else { queue.held() }, queue.capacity())
    }

    /// The weight of what waits for a batch.
    fn waiting(&self) -> usize {
        self.queue.held().saturating_sub(self.taken)
    }

    /// Everything that waits is due when its delay is over, a flush is asked for or the process ends, and, where nothing is
    /// under way, when a batch is full. What comes while records are due leaves with them only in full batches.
    fn look_at_the_time(&mut self, life: &Life) {
        let (now, waiting) = (Instant::now(), self.waiting());
        let waits_since = self.waits_since.take().unwrap_or(now);
        self.waits_since = (self.due == 0 && waiting > 0).then_some(waits_since);
        let is_full = self.is_idle() && waiting >= self.limits.batch_size;
        let is_delayed = self.delayed_until(life).is_some_and(|until| now >= until);
        let flush = self.queue.flush_asked().filter(|ticket| Some(*ticket) != self.flushing);
        let is_asked = flush.is_some() && self.may_send(life);
        if is_asked {
            self.flushing = flush;
        }
        if life.deadline().is_some() || is_full || is_asked || (is_delayed && self.may_send(life)) {
            self.due = waiting;
            self.waits_since = None;
        }
    }

    /// A flush is done once nothing is due, and nothing under way.
    fn report_flush(&mut self) {
        if self.is_idle()
            && let Some(ticket) = self.flushing.take()
        {
            self.queue.flushed(ticket);
        }
    }

    /// When the delay of what waits is over; `None` where nothing does.
    fn delayed_until(&self, life: &Life) -> Option<Instant> {
        let delay = self.limits.delay;
        let delay = if life.phase() == Phase::Running { delay } else { delay.min(DRAINING_DELAY) };
        self.waits_since.map(|since| since + delay)
    }

    /// Is nothing due, and nothing under way?
    fn is_idle(&self) -> bool {
        self.due == 0 && self.flights.is_empty() && self.ready.is_empty()
    }

    /// May a request be sent beside those that are under way?
    fn may_send(&self, life: &Life) -> bool {
        let now = Instant::now();
        let is_late = life.deadline().is_some_and(|deadline| now >= deadline);
        let is_paused = self.paused.is_some_and(|paused| paused > now);
        let is_delivering = self.notices.is_delivering() && !self.flights.iter().any(Flight::is_waiting);
        let most = if is_delivering { MOST_IN_FLIGHT } else { 1 };
        !is_late && !is_paused && self.flights.len() < most
    }

    /// Sends a request that is ready, or one of the next batch; false if there is none.
    fn send_next(&mut self, life: &Life) -> bool {
        while self.ready.is_empty() && (self.due > 0 || self.waiting() >= self.limits.batch_size) {
            let count = self.next_batch();
            if count == 0 {
                self.due = 0;
                break;
            }
            self.encode(count, life);
        }
        let Some((payload, weight)) = self.ready.pop_front() else { return false };
        self.flights.push(Flight::start(payload, weight, &self.limits, &*self.transport));
        true
    }

    /// Makes requests of so many records. Once encoded, they are needed no more.
    fn encode(&mut self, mut count: usize, life: &Life) {
        begin_run(life.deadline().is_some());
        let in_one_piece = self.backlog.as_slices().0.len();
        if in_one_piece < count && self.backlog.len() > MOVED_AT_ONCE {
            // The others are at the front for the next one.
            count = in_one_piece;
        } else if in_one_piece < count {
            self.backlog.make_contiguous();
        }
        let batch = self.backlog.as_slices().0.get(..count).unwrap_or_default();
        let weight = self.queue.weight_of(batch);
        self.due = self.due.saturating_sub(weight);
        let Encoded { payloads, too_large, shortened } = self.transport.encode(batch);
        // Where they are: a record is large, and would be moved twice on its way through a batch of its own.
        while count > 0 {
            let few = count.min(DROPPED_AT_ONCE);
            self.backlog.drain(..few);
            count -= few;
            rest_after_long_step();
        }
        self.queue.flow.dropped(DropReason::TooLarge, too_large);
        self.queue.add_shortened(shortened);
        self.notices.oversized(shortened, too_large);
        let share = weight / payloads.len().max(1);
        self.taken += share * payloads.len();
        self.ready.extend(payloads.into_iter().map(|payload| (payload, share)));
        // The remainder of the division, or everything if nothing of the batch can be sent.
        self.queue.release(weight - share * self.ready.len());
    }

    /// How many records at the front of the backlog leave next.
    fn next_batch(&mut self) -> usize {
        if self.backlog.len() < self.limits.largest_batch {
            self.queue.take(&mut self.backlog);
        }
        self.fitting()
    }

    /// How many of the backlog make a batch. Long ones count several times, as in the queue.
    fn fitting(&self) -> usize {
        let mut weight = 0;
        let fits = |record: &&R| {
            weight += self.queue.weight_of([*record]);
            weight <= self.limits.largest_batch
        };
        self.backlog.iter().take_while(fits).count().max(1).min(self.backlog.len())
    }

    /// Waits for an answer, a full batch, a change of phase, or the next point in time that matters.
    async fn wait(&mut self, life: &mut Life) {
        let until = self.next_time(life);
        let (may_send, is_flushing) = (self.may_send(life), self.flushing.is_some());
        // The first record begins the delay. Where none comes, nothing is woken.
        let awaited = if self.due == 0 && self.waits_since.is_none() { 1 } else { self.limits.batch_size };
        let (queue, awaited) = (Arc::clone(&self.queue), self.taken.saturating_add(awaited));
        let event = {
            let (flights, transport, limits) = (&mut self.flights, &*self.transport, &self.limits);
            let answered = poll_fn(|context| {
                let answered = flights.iter_mut().enumerate().find_map(|(place, flight)| {
                    match flight.poll(context, transport, limits) {
                        Poll::Ready(delivery) => Some(Event::Answered(place, delivery)),
                        Poll::Pending => None,
                    }
                });
                answered.map_or(Poll::Pending, Poll::Ready)
            });
            let filled = async move {
                if may_send && !is_flushing {
                    queue.reaches(awaited).await
                } else {
                    pending().await
                }
                Event::Full
            };
            life.before(until, first_of(answered, filled)).await
        };
        match event {
            Ended::Done(Event::Answered(place, delivery)) => self.answered(place, delivery, life),
            Ended::Done(Event::Full) | Ended::Phase => {}
            Ended::Time => self.time_has_come(life),
        }
    }

    /// When something is to be done, if nothing happens before.
    fn next_time(&self, life: &Life) -> Instant {
        let now = Instant::now();
        let may_send = self.may_send(life);
        let delayed = self.delayed_until(life).filter(|_| may_send);
        let paused = self.paused.filter(|paused| *paused > now && self.flights.is_empty());
        let is_patient = may_send || self.stuck.load(Ordering::Relaxed);
        let impatient = self.flights.iter().filter(|_| !is_patient).map(|flight| flight.since() + PATIENCE);
        let limits = self.flights.iter().map(Flight::limit);
        let times = limits.chain(impatient).chain(delayed).chain(paused).chain(life.deadline());
        times.min().unwrap_or(now + LONGEST_PAUSE)
    }

    /// A request that took too long is given up; a receiver that took longer than [`PATIENCE`] keeps us waiting.
    fn time_has_come(&mut self, life: &Life) {
        let now = Instant::now();
        let late: Vec<_> =
            self.flights.extract_if(.., |flight| now >= life.earliest(flight.limit())).collect();
        for flight in late {
            if !flight.is_waiting() {
                self.notices.failed("no answer in time");
            }
            self.give_up(flight);
        }
        let is_late = |flight: &Flight| now >= flight.since() + PATIENCE;
        if self.flights.iter().any(is_late) && !self.may_send(life) {
            self.stuck.store(true, Ordering::Relaxed);
        }
    }

    /// Accounts for an attempt's end, or lets the request wait for its next one.
    fn answered(&mut self, place: usize, delivery: Delivery, life: &Life) {
        let mut flight = self.flights.remove(place);
        self.stuck.store(delivery.is_unsettled(), Ordering::Relaxed);
        self.unreachable = matches!(delivery, Delivery::Unreachable { .. });
        flight.attempted(&delivery);
        let (flow, count) = (&self.queue.flow, flight.records());
        let pause = match delivery {
            Delivery::Accepted { rejected, message } => {
                let rejected = rejected.min(count);
                flow.delivered(count - rejected);
                flow.dropped(DropReason::Rejected, rejected);
                self.notices.answered(flow.lost(), rejected < count);
                if rejected > 0 || message.is_some() {
                    self.notices.rejected(rejected, message.unwrap_or_default());
                }
                return self.release(flight.weight());
            }
            Delivery::Refused { reason } => {
                flight.lose();
                flow.dropped(DropReason::Rejected, count);
                self.notices.failed(&reason);
                return self.release(flight.weight());
            }
            Delivery::Unanswered { again: false, reason } => {
                flow.unconfirmed(count);
                self.notices.failed(&reason);
                return self.release(flight.weight());
            }
            Delivery::Unanswered { again: true, reason } | Delivery::Unreachable { reason } => {
                self.notices.failed(&reason);
                flight.backoff.next()
            }
            Delivery::Retry { after, reason } => {
                self.notices.failed(&reason);
                after.into_iter().for_each(|after| self.pause(after, life));
                // A receiver that says "at once" is not asked in a circle.
                flight.backoff.next()
            }
        };
        // What it asked for, be it in answer to another request, holds for this one.
        let next = (Instant::now() + pause).max(self.paused.unwrap_or_else(Instant::now));
        if next >= life.earliest(flight.limit()) {
            return self.give_up(flight);
        }
        flight.wait_until(next);
        self.flights.insert(place, flight);
    }

    /// The receiver asked for a pause: this request, those that wait already, and the next ones wait.
    fn pause(&mut self, after: Duration, life: &Life) {
        let until = Instant::now() + after.min(LONGEST_PAUSE);
        self.paused = self.paused.max(Some(until));
        // One for which that is too late has its attempt when it would have had it.
        let in_time = self.flights.iter_mut().filter(|flight| until < life.earliest(flight.limit()));
        in_time.for_each(|flight| flight.wait_at_least_until(until));
    }

    fn give_up(&mut self, flight: Flight) {
        if flight.was_sent() {
            self.queue.flow.unconfirmed(flight.records());
        } else {
            flight.lose();
            self.queue.flow.dropped(self.given_up(), flight.records());
        }
        self.release(flight.weight());
    }

    /// Why what was not sent in time was not.
    fn given_up(&self) -> DropReason {
        if self.unreachable { DropReason::Unreachable } else { DropReason::Timeout }
    }

    fn release(&mut self, weight: usize) {
        self.taken -= weight;
        self.queue.release(weight);
    }

    /// Did the process close, and is there nothing left to be sent, or no time?
    fn is_over(&self, life: &Life) -> bool {
        let Some(deadline) = life.deadline() else { return false };
        let is_paused = self.flights.is_empty() && self.paused.is_some_and(|paused| paused >= deadline);
        let is_done = self.flights.is_empty() && self.ready.is_empty() && self.waiting() == 0;
        is_done || is_paused || Instant::now() >= deadline
    }

    /// Counts what could not leave in time; what comes later is dropped.
    async fn end(mut self) {
        self.queue.close();
        for flight in std::mem::take(&mut self.flights) {
            if !flight.is_waiting() {
                self.notices.failed("no answer in time");
            }
            self.give_up(flight);
        }
        self.queue.take(&mut self.backlog);
        let ready: u64 = self.ready.iter().map(|(payload, _)| payload.records).sum();
        self.ready.iter().for_each(|(payload, _)| payload.lose());
        let of_ready: usize = self.ready.iter().map(|(_, weight)| weight).sum();
        self.queue.flow.dropped(self.given_up(), self.backlog.len() as u64 + ready);
        self.queue.release(self.queue.weight_of(&self.backlog) + of_ready);
        self.queue.flushed(u64::MAX);
        self.transport.end().await;
    }
}

/// What comes first; of both the first.
pub(crate) async fn first_of<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    poll_fn(|context| match first.as_mut().poll(context) {
        Poll::Ready(event) => Poll::Ready(event),
        Poll::Pending => second.as_mut().poll(context),
    })
    .await
}

impl<R: fmt::Debug> fmt::Debug for Exporter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("limits", &self.limits)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
