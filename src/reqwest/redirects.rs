//! What must not follow a redirect: a policy around the user's that holds it back, and says so to who sent it.
//!
//! reqwest has no way to change the headers of a redirected request. But it asks its policy while the call is polled, on
//! the same thread.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::reqwest::Url;
use ::reqwest::redirect::Policy;

use crate::layer::Options;

thread_local! {
    static CARRIED: Cell<Carried> = const { Cell::new(Carried::NOTHING) };
}

/// What the call that is being polled carries that not every host may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) context: bool,
    pub(super) baggage: bool,
    /// A redirect was held back.
    held: bool,
}

/// A call, and what it carries while it is polled; says whether a redirect was held back.
#[derive(Debug)]
pub(super) struct Guarded<F> {
    call: Pin<Box<F>>,
    carried: Carried,
}

/// Restores what another call carries around, also when the work panics.
struct Carrying<'a> {
    carried: &'a mut Carried,
    around: Carried,
}

impl Options {
    /// Does any host get less than another?
    pub(super) fn has_lists(&self) -> bool {
        !(self.baggage_to.is_empty() && self.no_context_to.is_empty())
    }
}

impl Carried {
    pub(super) const NOTHING: Self = Self { context: false, baggage: false, held: false };

    pub(super) fn new(context: bool, baggage: bool) -> Self {
        Self { context, baggage, held: false }
    }

    fn may_not_go_to(self, url: &Url, options: &Options) -> bool {
        let host = || url.host_str().unwrap_or_default();
        self.context && options.denies(host) || self.baggage && !options.trusts(host)
    }
}

impl<'a> Carrying<'a> {
    fn begin(carried: &'a mut Carried) -> Self {
        let around = CARRIED.replace(*carried);
        Self { carried, around }
    }
}

impl Drop for Carrying<'_> {
    fn drop(&mut self) {
        *self.carried = CARRIED.replace(self.around);
    }
}

/// The user's policy, except where something must not go on.
pub(super) fn around(policy: Policy, options: Arc<Options>) -> Policy {
    Policy::custom(move |attempt| {
        let carried = CARRIED.get();
        if carried.may_not_go_to(attempt.url(), &options) {
            CARRIED.set(Carried { held: true, ..carried });
            return attempt.stop();
        }
        policy.redirect(attempt)
    })
}

impl<F: Future> Guarded<F> {
    pub(super) fn new(call: F, carried: Carried) -> Self {
        Self { call: Box::pin(call), carried }
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = (F::Output, bool);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { call, carried } = self.get_mut();
        let polled = {
            let _carrying = Carrying::begin(carried);
            call.as_mut().poll(cx)
        };
        polled.map(|result| (result, carried.held))
    }
}
