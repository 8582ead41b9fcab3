//! The loop that moves what has ended into the memory, and what is kept into the exporter's queue.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::Keep;
use super::memory::{Effects, Memory};
use super::outbox::Outbox;
use crate::export::Queue;
use crate::threads::{Phase, begin_run, empties, rest_if_due};
use crate::traces::Record;

/// So long the first of what has ended waits for more.
const PACE: Duration = Duration::from_millis(100);

/// Longer than anything waits.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How long the end waits for the last messages.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Holds the traces that were not sampled. Runs on a thread of ours until the process ends.
#[derive(Debug)]
pub(crate) struct Holder {
    keep: Arc<Keep>,
    exported: Arc<Queue<Record>>,
    memory: Memory,
    outbox: Outbox,
}

impl Holder {
    /// Takes from `keep`, and hands what is kept to the exporter's queue.
    pub(crate) fn new(keep: Arc<Keep>, exported: Arc<Queue<Record>>) -> Self {
        let memory = Memory::new(keep.rules.clone());
        let outbox = Outbox::new(Arc::clone(&keep));
        Self { keep, exported, memory, outbox }
    }

    /// Runs until the phase is [`Phase::Closing`]. The exporter follows `later`, so that it ends after what was kept has
    /// reached its queue.
    pub(crate) async fn run(mut self, mut phase: watch::Receiver<Phase>, later: watch::Sender<Phase>) {
        let waiting = Arc::clone(&self.keep);
        empties(move || (waiting.waiting.held(), waiting.waiting.capacity()));
        loop {
            let now = *phase.borrow_and_update();
            let flush = self.keep.waiting.flush_asked();
            self.take(matches!(now, Phase::Closing(_)));
            if let Some(ticket) = flush {
                self.keep.waiting.flushed(ticket);
            }
            if matches!(now, Phase::Closing(_)) {
                break;
            }
            self.outbox.send(Instant::now());
            later.send_if_modified(|known| std::mem::replace(known, now) != now);
            let times = self.memory.next_expiry().into_iter().chain(self.outbox.next_attempt());
            let next = times.min().unwrap_or_else(|| Instant::now() + LONGEST);
            if !self.wait(next, &mut phase).await {
                break;
            }
        }
        let last = *phase.borrow();
        self.end(last, &later);
        self.outbox.finish(LAST_WORDS).await;
        // Without a sender the exporter would take the process for gone, and hurry.
        later.closed().await;
    }

    /// Until there is enough to do, a request of ours has ended, or this time has come; false if the process has forgotten
    /// us.
    async fn wait(&mut self, until: Instant, phase: &mut watch::Receiver<Phase>) -> bool {
        let mut enough = pin!(enough(&self.keep));
        let mut ended = pin!(self.outbox.next_end());
        let mut slept = pin!(tokio::time::sleep_until(until.into()));
        let mut changed = pin!(phase.changed());
        poll_fn(|cx| {
            if let Poll::Ready(changed) = changed.as_mut().poll(cx) {
                return Poll::Ready(changed.is_ok());
            }
            let is_any = enough.as_mut().poll(cx).is_ready()
                || ended.as_mut().poll(cx).is_ready()
                || slept.as_mut().poll(cx).is_ready();
            if is_any { Poll::Ready(true) } else { Poll::Pending }
        })
        .await
    }

    /// Takes everything that waits.
    fn take(&mut self, hurries: bool) {
        begin_run(hurries);
        let mut entries = Default::default();
        self.keep.waiting.take(&mut entries);
        let now = Instant::now();
        let mut effects = Effects::default();
        for entry in entries {
            let weight = self.keep.waiting.weight_of([&entry]);
            self.memory.take(entry, now, &mut effects);
            self.keep.waiting.release(weight);
            self.apply(&mut effects);
            rest_if_due();
        }
        self.memory.expire(now, &mut effects);
        self.apply(&mut effects);
        self.show();
    }

    fn show(&self) {
        self.keep.counts.spans.store(self.memory.spans(), Ordering::Relaxed);
        self.keep.counts.bytes.store(self.memory.bytes(), Ordering::Relaxed);
    }

    fn apply(&mut self, effects: &mut Effects) {
        effects.leaving.drain(..).for_each(|record| self.exported.push(record));
        effects.kept.drain(..).for_each(|reason| self.keep.kept(reason));
        effects.discarded.drain(..).for_each(|(why, spans)| self.keep.discarded(why, spans));
        effects.words.drain(..).for_each(|(peer, word)| self.outbox.say(&peer, word));
    }

    /// The exporter may end; what comes from now on is discarded.
    fn end(&mut self, phase: Phase, later: &watch::Sender<Phase>) {
        self.keep.waiting.close();
        self.take(true);
        let mut effects = Effects::default();
        self.memory.clear(&mut effects);
        self.apply(&mut effects);
        self.show();
        self.keep.waiting.flushed(u64::MAX);
        later.send_replace(phase);
    }
}

/// Until there is enough to do.
async fn enough(keep: &Keep) {
    keep.waiting.reaches(1).await;
    let _ = timeout(PACE, keep.waiting.reaches(keep.waiting.capacity() / 4)).await;
}
