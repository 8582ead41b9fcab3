//! The bounded queue of finished records: requests push, the exporter takes batches out.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use crate::account::{Flow, FlowReport, Stripes, stripe_count};

/// No weight wakes a busy exporter.
const BUSY: usize = usize::MAX;

/// So much text of the user's, in fields and errors, weighs as much as a record.
const TEXT: usize = 2 * 1024;

/// Room for so many records is made on the exporter's thread, and not on that of a request.
const ROOM: usize = 512;

/// Threads share a line of the cache once in so many records; for each stripe the queue may be full by so many sooner.
const STEP: usize = 8;

/// What can wait in a queue.
pub(crate) trait Weigh: Send + 'static {
    /// How many bytes of text it holds beyond its own size.
    fn text_length(&self) -> usize;
}

/// Where finished records wait for the exporter.
#[derive(Debug)]
pub(crate) struct Queue<R> {
    records: Stripes<Vec<R>>,
    pub(crate) flow: Flow,
    // The weight from which on the exporter is woken; none while it is busy, so that it costs no request anything.
    wakes_at: AtomicUsize,
    full: Notify,
    // How many flushes were asked for, and how many of them are done.
    asked: AtomicU64,
    done: watch::Sender<u64>,
    // How many records had texts shortened to fit into a request.
    shortened: AtomicU64,
    // Room that was taken out with records, for the next ones: a request does not pay for its growth.
    spare: Mutex<Vec<R>>,
}

impl<R: Weigh> Queue<R> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            records: Stripes::new(capacity, STEP, stripe_count()),
            flow: Flow::default(),
            wakes_at: AtomicUsize::new(BUSY),
            full: Notify::new(),
            asked: AtomicU64::new(0),
            done: watch::Sender::new(0),
            shortened: AtomicU64::new(0),
            spare: Mutex::default(),
        }
    }

    /// Takes a record; when full, it is dropped and counted.
    // Each request's end calls it once.
    #[inline(always)]
    pub(crate) fn push(&self, record: R) {
        let weight = self.weight(&record);
        // What is refused is dropped here, where no lock is held: a record's end may run the user's code.
        let mut record = Some(record);
        let pushed = self.records.push(weight, |records| {
            if let Some(record) = record.take() {
                records.push(record);
            }
        });
        self.wake_if_full(pushed, weight);
    }

    /// Takes a record that is not missed after the end: then it is neither taken nor counted.
    pub(crate) fn push_in_time(&self, record: R) {
        let weight = self.weight(&record);
        let mut record = Some(record);
        let pushed = self.records.push_in_time(weight, |records| records.extend(record.take()));
        self.wake_if_full(pushed, weight);
    }

    /// Wakes the exporter if this was what its batch lacked.
    #[inline]
    fn wake_if_full(&self, pushed: Result<usize, ()>, weight: usize) {
        let wakes_at = self.wakes_at.load(Ordering::Relaxed);
        if pushed.is_ok_and(|before| before + weight >= wakes_at) {
            self.wake(wakes_at);
        }
    }

    /// What a push returns may be more than what is held by some [`STEP`]s.
    #[cold]
    fn wake(&self, wakes_at: usize) {
        if self.held() >= wakes_at {
            self.wakes_at.store(BUSY, Ordering::Relaxed);
            self.full.notify_one();
        }
    }

    /// Resolves when records of this weight wait or are in flight, or a flush is asked for.
    pub(crate) async fn reaches(&self, weight: usize) {
        self.wakes_at.store(weight, Ordering::SeqCst);
        // The threshold may have been reached before. A push that is not seen here sees it, since both have the lock.
        if self.records.weight_under_locks() < weight && self.flush_asked().is_none() {
            self.full.notified().await;
        }
        self.wakes_at.store(BUSY, Ordering::Relaxed);
    }

    /// Asks the exporter to send what waits now; resolves when all of it is accounted for, or the exporter has ended.
    pub(crate) fn flush(&self) -> impl Future<Output = ()> + Send + use<R> {
        let ticket = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut done = self.done.subscribe();
        self.full.notify_one();
        async move {
            let _ = done.wait_for(|done| *done >= ticket).await;
        }
    }

    /// The last flush that was asked for, if it is not done.
    pub(crate) fn flush_asked(&self) -> Option<u64> {
        let asked = self.asked.load(Ordering::Acquire);
        (asked > *self.done.borrow()).then_some(asked)
    }

    /// What waited when this flush was asked for is accounted for.
    pub(crate) fn flushed(&self, ticket: u64) {
        self.done.send_replace(ticket);
    }

    /// A record counts as one, and once more for each [`TEXT`] bytes that it was given: the capacity is a number of
    /// records, and shall bound the memory as well.
    #[inline]
    fn weight(&self, record: &R) -> usize {
        (1 + record.text_length() / TEXT).min(self.records.capacity())
    }

    /// How many wait or are on their way out, long ones several times.
    pub(crate) fn held(&self) -> usize {
        self.records.weight()
    }

    /// How many may wait, or be on their way out.
    pub(crate) fn capacity(&self) -> usize {
        self.records.capacity()
    }

    /// Moves everything that waits behind what is in `backlog`. It still counts towards the capacity.
    pub(crate) fn take(&self, backlog: &mut VecDeque<R>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        for stripe in 0..self.records.count() {
            spare.reserve(ROOM);
            self.records.take(stripe, |records| {
                // What stays empty has no use for the room.
                if !records.is_empty() {
                    std::mem::swap(records, &mut *spare);
                }
            });
            backlog.extend(spare.drain(..));
        }
    }

    /// What these count together.
    pub(crate) fn weight_of<'a>(&self, records: impl IntoIterator<Item = &'a R>) -> usize {
        records.into_iter().map(|record| self.weight(record)).sum()
    }

    /// Records of this weight, which were taken, are accounted for.
    pub(crate) fn release(&self, weight: usize) {
        self.records.release(weight);
    }

    /// Counts records whose texts were shortened.
    pub(crate) fn add_shortened(&self, count: u64) {
        self.shortened.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn shortened(&self) -> u64 {
        self.shortened.load(Ordering::Relaxed)
    }

    /// From now on, whatever comes is dropped and counted: no exporter takes it out.
    pub(crate) fn close(&self) {
        self.records.close();
    }

    /// Takes everything out for good.
    pub(crate) fn drain(&self) -> Vec<R> {
        let mut records = VecDeque::new();
        self.take(&mut records);
        self.release(self.weight_of(&records));
        records.into()
    }

    pub(crate) fn report(&self) -> FlowReport {
        self.flow.report(|| self.records.counted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::DropReason;

    /// A record with so much text.
    #[derive(Debug)]
    struct Item(usize);

    impl Weigh for Item {
        fn text_length(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn when_full_the_newest_is_dropped_and_counted_even_while_a_batch_is_on_its_way() {
        let queue = Queue::new(2);
        (0..2).for_each(|_| queue.push(Item(0)));
        let mut backlog = VecDeque::new();
        queue.take(&mut backlog);
        queue.push(Item(0));
        assert_eq!((backlog.len(), queue.held()), (2, 2));
        assert_eq!(queue.report().dropped, [(DropReason::QueueFull, 1)]);
        queue.release(queue.weight_of(&backlog));
        queue.push(Item(0));
        assert_eq!(queue.held(), 1);
    }

    #[test]
    fn long_texts_fill_the_queue_sooner_and_leave_it_as_they_came() {
        let queue = Queue::new(8);
        (0..4).for_each(|_| queue.push(Item(3 * TEXT)));
        assert_eq!((queue.held(), queue.report().dropped), (8, vec![(DropReason::QueueFull, 2)]));
        assert_eq!((queue.drain().len(), queue.held()), (2, 0));
        // Whatever it holds, one record finds its place in an empty queue.
        queue.push(Item(100 * TEXT));
        assert_eq!((queue.held(), queue.drain().len(), queue.held()), (8, 1, 0));
    }

    #[tokio::test]
    async fn the_exporter_wakes_when_a_batch_is_full_beside_what_is_in_flight_and_not_before() {
        let queue = Queue::new(10);
        let mut full = Box::pin(queue.reaches(2));
        queue.push(Item(0));
        assert!(futures_util::poll!(full.as_mut()).is_pending());
        queue.push(Item(0));
        full.await;
        queue.reaches(2).await;
        // The two are in flight now.
        queue.take(&mut VecDeque::new());
        let mut next = Box::pin(queue.reaches(4));
        queue.push(Item(0));
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        queue.push(Item(0));
        next.await;
    }

    #[test]
    fn the_account_adds_up_at_every_moment_whoever_pushes_takes_and_closes_meanwhile() {
        for round in 0..20_u64 {
            let queue = Queue::new(64);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| (0..500).for_each(|_| queue.push(Item(0))));
                }
                scope.spawn(|| {
                    while queue.report().created < 1_500 {
                        let report = queue.report();
                        assert!(report.delivered + report.dropped_total() <= report.created, "{report:?}");
                        // Several may find the last place at once, one of each stripe.
                        assert!(queue.held() <= 64 + stripe_count(), "{}", queue.held());
                    }
                });
                let mut backlog = VecDeque::new();
                let mut deliver = || {
                    queue.take(&mut backlog);
                    queue.flow.delivered(backlog.len() as u64);
                    queue.release(queue.weight_of(&backlog));
                    backlog.clear();
                };
                while queue.report().created < 75 * round {
                    deliver();
                }
                queue.close();
                deliver();
            });
            let report = queue.report();
            assert_eq!((report.created, report.queued(), queue.held()), (1_500, 0, 0), "{report:?}");
        }
    }

    #[test]
    fn after_the_end_a_record_is_dropped_and_counted() {
        let queue = Queue::new(10);
        queue.close();
        queue.push(Item(0));
        assert_eq!(queue.report().dropped, [(DropReason::AlreadyShutdown, 1)]);
        assert_eq!((queue.report().created, queue.held()), (1, 0));
    }

    #[test]
    fn what_we_say_ourselves_is_taken_before_the_end_and_no_loss_after_it() {
        let queue = Queue::new(10);
        queue.push_in_time(Item(0));
        queue.close();
        queue.push_in_time(Item(0));
        assert_eq!((queue.report().created, queue.report().dropped_total(), queue.held()), (1, 0, 1));
    }
}
