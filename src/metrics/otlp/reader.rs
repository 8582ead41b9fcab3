//! The loop that collects all metrics, from time to time and once more at the end.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Temporality;
use super::ledger::Ledger;
use super::point::Point;
use super::walk::{Times, Walk};
use crate::clock::Moment;
use crate::export::{Queue, first_of};
use crate::metrics::Recorder;
use crate::threads::{Phase, begin_run, rest_if_due};

/// Who asks for a collection, and who waits for it.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    asked: watch::Sender<u64>,
    done: watch::Sender<u64>,
}

/// Collects the metrics for the exporter's queue.
pub(super) struct Reader {
    recorder: &'static Recorder,
    queue: Arc<Queue<Point>>,
    requests: Requests,
    interval: Duration,
    temporality: Temporality,
    ledger: Ledger,
    times: Times,
}

/// The phase of the process, which the exporter learns from us: it shall not end before the last collection.
struct Phases {
    of_process: watch::Receiver<Phase>,
    of_exporter: watch::Sender<Phase>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { asked: watch::Sender::new(0), done: watch::Sender::new(0) }
    }
}

impl Requests {
    /// Asks for a collection; resolves when what it found is accounted for, or at the end.
    pub(super) fn ask(&self) -> impl Future<Output = ()> + Send + use<> {
        self.asked.send_modify(|asked| *asked += 1);
        let (ticket, mut done) = (*self.asked.borrow(), self.done.subscribe());
        async move {
            let _ = done.wait_for(|done| *done >= ticket).await;
        }
    }
}

impl Reader {
    pub(super) fn new(
        recorder: &'static Recorder,
        queue: Arc<Queue<Point>>,
        requests: Requests,
        interval: Duration,
        temporality: Temporality,
    ) -> Self {
        // Kept as it is now: a start that moved with the clock would be a restart to who reads it.
        let start = recorder.since().unix_nanos();
        let times = Times { start, before: start, now: start };
        Self { recorder, queue, requests, interval, temporality, ledger: Ledger::default(), times }
    }

    /// Runs until the phase is [`Phase::Closing`]. The exporter follows `later`, so that it ends after the last collection
    /// has reached its queue.
    pub(super) async fn run(mut self, phase: watch::Receiver<Phase>, later: watch::Sender<Phase>) {
        let mut phases = Phases { of_process: phase, of_exporter: later };
        let mut asked = self.requests.asked.subscribe();
        let mut next = Instant::now() + self.interval;
        while phases.go_on() {
            let ticket = *asked.borrow_and_update();
            let is_asked = ticket > *self.requests.done.borrow();
            if is_asked || Instant::now() >= next {
                next = if is_asked { next } else { (next + self.interval).max(Instant::now()) };
                self.collect(Some(&mut phases)).await;
                self.requests.done.send_replace(ticket);
                continue;
            }
            let phase = async { phases.of_process.changed().await.is_ok() };
            let request = async { asked.changed().await.is_ok() };
            // The sender of the phases is dropped with the process's state.
            if timeout_at(next, first_of(phase, request)).await == Ok(false) {
                break;
            }
        }
        self.collect(None).await;
        phases.of_exporter.send_replace(*phases.of_process.borrow());
        // Without a sender the exporter would take the process for gone, and hurry.
        phases.of_exporter.closed().await;
        self.requests.done.send_replace(u64::MAX);
    }

    /// Collects everything; resolves when all of it is accounted for, or the process ends. At the end, without phases, it
    /// waits for nothing.
    async fn collect(&mut self, mut phases: Option<&mut Phases>) {
        begin_run(phases.is_none());
        self.times.now = Moment::now().unix_nanos().max(self.times.now + 1);
        let lost = self.queue.report().dropped_total();
        let mut walk = Walk::new(self.recorder, self.temporality, self.times);
        while let Some(points) = walk.next(&mut self.ledger) {
            for point in points {
                self.queue.push(point);
                rest_if_due();
            }
            if let Some(phases) = &mut phases
                && self.queue.held() >= self.queue.capacity() / 2
                && phases.go_on()
            {
                settled(&self.queue, phases, &mut self.ledger).await;
            }
        }
        if let Some(phases) = phases {
            settled(&self.queue, phases, &mut self.ledger).await;
            if self.queue.report().dropped_total() == lost {
                self.times.before = self.times.now;
            }
        }
    }
}

/// Waits until all that was handed to the queue is accounted for, and takes note of it; or until the process ends.
async fn settled(queue: &Queue<Point>, phases: &mut Phases, ledger: &mut Ledger) {
    let mut flushed = pin!(queue.flush());
    while phases.go_on() {
        let flushed = async {
            flushed.as_mut().await;
            Some(true)
        };
        let phase = async { phases.of_process.changed().await.is_err().then_some(false) };
        match first_of(flushed, phase).await {
            Some(true) => return ledger.settle(),
            Some(false) => return,
            None => {}
        }
    }
}

impl Phases {
    /// Hands the phase on; false if it is the last one, which the exporter learns later.
    fn go_on(&mut self) -> bool {
        let now = *self.of_process.borrow_and_update();
        let goes_on = !matches!(now, Phase::Closing(_));
        if goes_on {
            self.of_exporter.send_if_modified(|known| std::mem::replace(known, now) != now);
        }
        goes_on
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("interval", &self.interval).finish_non_exhaustive()
    }
}
