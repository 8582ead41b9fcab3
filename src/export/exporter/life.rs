//! What the exporter knows of the process's phase, and how its waiting ends when that changes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::threads::Phase;

/// The exporter returns so much before the closing instant, so that what waits for it is in time as well.
const MARGIN: Duration = Duration::from_millis(20);

/// What is left if the sender is dropped while the process runs.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// The phase as last seen.
#[derive(Debug)]
pub(super) struct Life {
    phase: watch::Receiver<Phase>,
    forgotten: Option<Phase>,
}

/// What ended a wait first.
#[derive(Debug)]
pub(super) enum Ended<T> {
    Done(T),
    Phase,
    Time,
}

impl Life {
    pub(super) fn new(phase: watch::Receiver<Phase>) -> Self {
        Self { phase, forgotten: None }
    }

    pub(super) fn phase(&self) -> Phase {
        self.forgotten.unwrap_or_else(|| *self.phase.borrow())
    }

    /// When all must be over; `None` while the process lives.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase() {
            Phase::Closing(at) => {
                let at = Instant::from_std(at);
                Some(at.checked_sub(MARGIN).unwrap_or(at))
            }
            Phase::Running | Phase::Draining => None,
        }
    }

    /// This limit, or the end of all if that is earlier.
    pub(super) fn earliest(&self, limit: Instant) -> Instant {
        self.deadline().map_or(limit, |deadline| deadline.min(limit))
    }

    /// Waits for the future, a change of phase, or the time, in this order.
    pub(super) async fn before<T>(&mut self, time: Instant, future: impl Future<Output = T>) -> Ended<T> {
        if self.forgotten.is_some() {
            return tokio::time::timeout_at(time, future).await.map_or(Ended::Time, Ended::Done);
        }
        let ended = {
            let mut future = pin!(future);
            let mut changed = pin!(self.phase.changed());
            let mut sleep = pin!(tokio::time::sleep_until(time));
            poll_fn(|cx| {
                if let Poll::Ready(done) = future.as_mut().poll(cx) {
                    return Poll::Ready(Ok(Ended::Done(done)));
                }
                if let Poll::Ready(changed) = changed.as_mut().poll(cx) {
                    return Poll::Ready(changed.map(|()| Ended::Phase));
                }
                sleep.as_mut().poll(cx).map(|()| Ok(Ended::Time))
            })
            .await
        };
        ended.unwrap_or_else(|_| {
            self.forgotten = Some(Phase::Closing((Instant::now() + FORGOTTEN).into_std()));
            Ended::Phase
        })
    }
}
