//! A request under way, over all its attempts.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use super::backoff::Backoff;
use crate::export::{Attempt, BatchLimits, Delivery, Payload, Sent, Transport};

/// A request that is sent, or waits for its next attempt.
pub(super) struct Flight {
    payload: Payload,
    weight: usize,
    /// When it is given up.
    limit: Instant,
    /// When its attempt began, or its pause.
    since: Instant,
    pub(super) backoff: Backoff,
    /// Did bytes of this attempt leave?
    sent: Sent,
    /// Did an attempt before this one end without an answer?
    was_unanswered: bool,
    state: State,
}

enum State {
    Sending(Attempt),
    Waiting(Pin<Box<Sleep>>),
}

impl Flight {
    /// Sends a request for the first time; `weight` is what its records count in the queue.
    pub(super) fn start<R>(
        payload: Payload,
        weight: usize,
        limits: &BatchLimits,
        transport: &dyn Transport<R>,
    ) -> Self {
        let since = Instant::now();
        let limit = since + limits.batch;
        let sent = Sent::default();
        let attempt = transport.send(payload.clone(), limits.attempt.min(limits.batch), Sent::clone(&sent));
        Self {
            payload,
            weight,
            limit,
            since,
            backoff: Backoff::default(),
            sent,
            was_unanswered: false,
            state: State::Sending(attempt),
        }
    }

    /// Resolves when an attempt has ended; a pause that is over begins the next one.
    pub(super) fn poll<R>(
        &mut self,
        context: &mut Context<'_>,
        transport: &dyn Transport<R>,
        limits: &BatchLimits,
    ) -> Poll<Delivery> {
        if let State::Waiting(sleep) = &mut self.state {
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            (self.since, self.sent) = (Instant::now(), Sent::default());
            let timeout = limits.attempt.min(self.limit.saturating_duration_since(self.since));
            let attempt = transport.send(self.payload.clone(), timeout, Sent::clone(&self.sent));
            self.state = State::Sending(attempt);
        }
        match &mut self.state {
            State::Sending(attempt) => attempt.as_mut().poll(context),
            State::Waiting(_) => Poll::Pending,
        }
    }

    /// An attempt has ended with this.
    pub(super) fn attempted(&mut self, delivery: &Delivery) {
        self.was_unanswered |= matches!(delivery, Delivery::Unanswered { .. });
        self.sent = Sent::default();
    }

    pub(super) fn wait_until(&mut self, next: Instant) {
        self.state = State::Waiting(Box::pin(sleep_until(next)));
    }

    /// Waits longer, if it waits.
    pub(super) fn wait_at_least_until(&mut self, next: Instant) {
        if let State::Waiting(sleep) = &mut self.state
            && sleep.deadline() < next
        {
            sleep.as_mut().reset(next);
        }
    }

    /// Does it wait for its next attempt?
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }

    /// Nothing of it was stored, and it is not sent again.
    pub(super) fn lose(&self) {
        self.payload.lose();
    }

    pub(super) fn records(&self) -> u64 {
        self.payload.records
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn limit(&self) -> Instant {
        self.limit
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// May the receiver have it, although it never said so?
    pub(super) fn was_sent(&self) -> bool {
        self.was_unanswered || self.sent.load(Ordering::Relaxed)
    }
}
