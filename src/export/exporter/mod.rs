//! The exporter: the loop that takes finished records out of the queue and accounts for each of them.
//!
//! It is polled on a thread and a runtime of ours. [`Queue`] hands batches in; [`Transport`] says what became
//! of each; the queue's [`Flow`](crate::account::Flow) is the account.

mod backoff;
mod life;
mod notice;

pub(crate) use notice::{Notice, Signal, Tell};

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use self::backoff::Backoff;
use self::life::Life;
use self::notice::Voice;
use super::{Attempt, Delivery, Pace, Queue, Transport, Weigh};
use crate::account::DropReason;
use crate::threads::{Phase, begin_run, empties, rest_if_due};

/// How often queues flush between the termination signal and the end.
const DRAINING_DELAY: Duration = Duration::from_secs(1);

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What takes longer is the receiver's time, and none of ours.
const PATIENCE: Duration = Duration::from_millis(100);

/// Takes batches out of the queue until the process ends.
pub(crate) struct Exporter<R> {
    queue: Arc<Queue<R>>,
    transport: Box<dyn Transport<R>>,
    pace: Pace,
    voice: Voice,
    backlog: VecDeque<R>,
    // Until then the receiver asked to be left alone.
    paused: Option<Instant>,
    // Did the last attempt find no receiver at all?
    unreachable: bool,
    // Does the receiver keep what waits from leaving? Until it answers again.
    stuck: Arc<AtomicBool>,
}

/// What to do with a batch after an attempt.
enum Next {
    /// Every record of it is accounted for.
    Done,
    /// Try again after this time; when there is none left, it ended for this reason.
    Again(Duration),
}

impl<R: Weigh> Exporter<R> {
    /// The exporter of a signal's queue; `url` is where the transport sends to, for what is told.
    pub(crate) fn new(
        signal: Signal,
        queue: Arc<Queue<R>>,
        transport: Box<dyn Transport<R>>,
        pace: Pace,
        url: &str,
        tell: Tell,
    ) -> Self {
        let voice = Voice::new(signal, url, tell);
        Self {
            queue,
            transport,
            pace,
            voice,
            backlog: VecDeque::new(),
            paused: None,
            unreachable: false,
            stuck: Arc::default(),
        }
    }

    /// Runs until the phase is [`Phase::Closing`], and then at the latest until its instant.
    pub(crate) async fn run(mut self, phase: watch::Receiver<Phase>) {
        let mut life = Life::new(phase);
        empties(self.fill());
        let mut closing = false;
        while !closing {
            self.wait(&mut life).await;
            // Asked before the flush: what the end finds in the queue still leaves.
            closing = life.deadline().is_some();
            let asked = self.queue.flush_asked();
            let sent = self.flush(&mut life).await;
            if let Some(ticket) = asked.filter(|_| sent) {
                self.queue.flushed(ticket);
            }
        }
        self.end().await;
    }

    /// How much waits that haste may free, of how much: none while it is the receiver who frees nothing.
    fn fill(&self) -> impl Fn() -> (usize, usize) + 'static {
        let (queue, stuck) = (Arc::clone(&self.queue), Arc::clone(&self.stuck));
        move || (if stuck.load(Ordering::Relaxed) { 0 } else { queue.held() }, queue.capacity())
    }

    /// Returns when something is to be sent.
    async fn wait(&mut self, life: &mut Life) {
        let start = Instant::now();
        loop {
            let delay = match life.phase() {
                Phase::Running => self.pace.delay,
                Phase::Draining => self.pace.delay.min(DRAINING_DELAY),
                Phase::Closing(_) => return,
            };
            let due = self.paused.map_or(start + delay, |paused| paused.max(start + delay));
            let paused = self.paused.is_some_and(|paused| paused > Instant::now());
            let queue = Arc::clone(&self.queue);
            let full = async move { if paused { std::future::pending().await } else { queue.full().await } };
            match life.before(due, full).await {
                life::Ended::Done(()) if self.batch_is_full() || self.queue.flush_asked().is_some() => return,
                life::Ended::Time => return,
                life::Ended::Done(()) | life::Ended::Phase => {}
            }
        }
    }

    fn batch_is_full(&self) -> bool {
        self.queue.held() >= self.pace.batch_size
    }

    /// Sends what waits now; what comes meanwhile leaves with it only in full batches, or when closing. False if the
    /// receiver asked for a pause.
    async fn flush(&mut self, life: &mut Life) -> bool {
        let mut due = self.queue.held();
        while due > 0 || self.batch_is_full() || (life.deadline().is_some() && self.queue.held() > 0) {
            if !self.may_send(life).await {
                return false;
            }
            begin_run(life.deadline().is_some());
            let batch = self.next_batch();
            if batch.is_empty() {
                return true;
            }
            due = due.saturating_sub(self.queue.weight_of(&batch));
            self.deliver(&batch, life).await;
            self.queue.release(&batch);
            batch.into_iter().for_each(|record| {
                drop(record);
                rest_if_due();
            });
        }
        true
    }

    /// Waits out a pause that the receiver asked for, if there is time for it; only closing does not wait for
    /// the next turn.
    async fn may_send(&mut self, life: &mut Life) -> bool {
        if life.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            return false;
        }
        let Some(paused) = self.paused.filter(|paused| *paused > Instant::now()) else { return true };
        match life.deadline() {
            Some(deadline) if paused < deadline => {
                tokio::time::sleep_until(paused).await;
                true
            }
            _ => false,
        }
    }

    fn next_batch(&mut self) -> Vec<R> {
        if self.backlog.len() < self.pace.batch_size {
            self.queue.take(&mut self.backlog);
        }
        self.backlog.drain(..self.fitting()).collect()
    }

    /// How many of the backlog make a batch. Long ones count several times, as in the queue, so that a request stays
    /// below what receivers take: a collector's default is 20 MiB.
    fn fitting(&self) -> usize {
        let mut weight = 0;
        let fits = |record: &&R| {
            weight += self.queue.weight_of([*record]);
            weight <= self.pace.batch_size
        };
        self.backlog.iter().take_while(fits).count().max(1).min(self.backlog.len())
    }

    /// Sends one batch until it is accounted for: answered, given up, or out of time.
    async fn deliver(&mut self, batch: &[R], life: &mut Life) {
        let limit = Instant::now() + self.pace.batch;
        let mut backoff = Backoff::default();
        let mut left = false;
        self.transport.begin();
        loop {
            let timeout = self.pace.attempt.min(limit.saturating_duration_since(Instant::now()));
            let attempt = patiently(self.transport.send(batch, timeout), &self.stuck);
            let delivery = life.until(limit, attempt).await;
            let Some(delivery) = delivery else {
                self.voice.failed("no answer in time");
                left |= self.transport.has_left();
                break;
            };
            left |= matches!(delivery, Delivery::Unanswered { .. });
            let Next::Again(pause) = self.account(batch.len() as u64, delivery, &mut backoff) else { return };
            if Instant::now() + pause >= life.earliest(limit) {
                break;
            }
            if life.until(limit, tokio::time::sleep(pause)).await.is_none() {
                break;
            }
        }
        self.give_up(batch.len() as u64, left);
    }

    /// Accounts for an attempt's end, or says when to try again.
    fn account(&mut self, count: u64, delivery: Delivery, backoff: &mut Backoff) -> Next {
        let flow = &self.queue.flow;
        self.unreachable = matches!(delivery, Delivery::Unreachable { .. });
        match delivery {
            Delivery::Accepted { rejected, message } => {
                let rejected = rejected.min(count);
                flow.delivered(count - rejected);
                flow.dropped(DropReason::Rejected, rejected);
                self.voice.delivered(flow.lost());
                if rejected > 0 || message.is_some() {
                    self.voice.rejected(rejected, message.unwrap_or_default());
                }
                Next::Done
            }
            Delivery::Refused { reason } => {
                flow.dropped(DropReason::Rejected, count);
                self.voice.failed(&reason);
                Next::Done
            }
            Delivery::TooLarge { bytes } => {
                flow.dropped(DropReason::TooLarge, count);
                self.voice.failed(&format!("a batch of {bytes} bytes is more than may be sent"));
                Next::Done
            }
            Delivery::Unanswered { again: false, reason } => {
                flow.unconfirmed(count);
                self.voice.failed(&reason);
                Next::Done
            }
            Delivery::Unanswered { again: true, reason } | Delivery::Unreachable { reason } => {
                self.voice.failed(&reason);
                Next::Again(backoff.next())
            }
            Delivery::Retry { after, reason } => {
                self.voice.failed(&reason);
                // A receiver that says "at once" is not asked in a circle.
                let step = backoff.next();
                Next::Again(after.map_or(step, |after| self.pause(after).max(step)))
            }
        }
    }

    /// The receiver wants to be left alone for so long: this batch and the next ones wait.
    fn pause(&mut self, after: Duration) -> Duration {
        let after = after.min(LONGEST_PAUSE);
        self.paused = Some(Instant::now() + after);
        after
    }

    fn give_up(&self, count: u64, left: bool) {
        if left {
            self.queue.flow.unconfirmed(count);
        } else {
            self.queue.flow.dropped(self.given_up(), count);
        }
    }

    /// Why what was not sent in time was not.
    fn given_up(&self) -> DropReason {
        if self.unreachable { DropReason::Unreachable } else { DropReason::Timeout }
    }

    /// Counts what could not leave in time; nobody takes out what comes later.
    async fn end(mut self) {
        self.queue.close();
        self.queue.take(&mut self.backlog);
        self.queue.flow.dropped(self.given_up(), self.backlog.len() as u64);
        self.queue.release(&self.backlog);
        self.queue.flushed(u64::MAX);
        self.transport.end().await;
    }
}

/// Waits for an attempt's end, and notes whether its receiver keeps us waiting.
async fn patiently(mut attempt: Attempt<'_>, stuck: &AtomicBool) -> Delivery {
    let delivery = match tokio::time::timeout(PATIENCE, &mut attempt).await {
        Ok(delivery) => delivery,
        Err(_) => {
            stuck.store(true, Ordering::Relaxed);
            attempt.await
        }
    };
    stuck.store(delivery.is_unsettled(), Ordering::Relaxed);
    delivery
}

impl<R: fmt::Debug> fmt::Debug for Exporter<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("pace", &self.pace)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
