//! The receiver's rate limits: until when nothing is sent, and how many reports that cost.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::export::{Answer, retry_after};
use crate::threads::lock;

/// After a 429 that names no time.
const DEFAULT: Duration = Duration::from_secs(60);
/// The longest that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Until when the receiver takes no reports.
#[derive(Debug, Default)]
pub(super) struct Limits {
    until: Mutex<Option<Instant>>,
    discarded: AtomicU64,
}

impl Limits {
    /// For how long nothing is to be sent.
    pub(super) fn left(&self) -> Option<Duration> {
        let until = (*lock(&self.until))?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// So many reports were not sent, or not taken, because of a limit.
    pub(super) fn discard(&self, count: u64) {
        self.discarded.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn discarded(&self) -> u64 {
        self.discarded.load(Ordering::Relaxed)
    }

    /// Reads what an answer says, whatever its status.
    pub(super) fn read(&self, answer: &Answer) {
        let limited = answer.status.as_u16() == 429;
        let named = named(&answer.headers).or_else(|| retry_after(&answer.headers).filter(|_| limited));
        let Some(time) = named.or(limited.then_some(DEFAULT)) else { return };
        let new = Instant::now() + time.min(LONGEST);
        let mut until = lock(&self.until);
        *until = Some(until.map_or(new, |until| until.max(new)));
    }
}

/// The time that a header names for errors.
fn named(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(limits) = text("x-sentry-rate-limits") {
        return of_sentry(limits);
    }
    let is_spent = text("x-rate-limit-remaining").is_some_and(|left| left.trim() == "0");
    let seconds = text("x-rate-limit-remaining-seconds").filter(|_| is_spent)?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// `60:error;transaction:organization:reason, 2700::key`: the longest of those for errors, or for all categories.
fn of_sentry(limits: &str) -> Option<Duration> {
    let of_errors = limits.split(',').filter_map(|limit| {
        let mut parts = limit.trim().split(':');
        let seconds: f64 = parts.next()?.trim().parse().ok()?;
        let mut categories = parts.next().unwrap_or_default().split(';').map(str::trim);
        let is_ours = categories.any(|category| ["", "error", "default"].contains(&category));
        let time = Duration::try_from_secs_f64(seconds.ceil()).ok()?;
        is_ours.then_some(time)
    });
    of_errors.max()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, StatusCode};
    use proptest::prelude::*;

    use super::*;
    use crate::export::Body;

    fn left(status: u16, headers: &[(&'static str, &str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        let body = Body::Whole(Default::default());
        let limits = Limits::default();
        limits.read(&Answer { status, headers: headers.collect(), body, trailers: None });
        limits.left().map(|left| left.as_secs_f64().round() as u64)
    }

    #[test]
    fn limits_are_read_by_category_on_every_answer() {
        const NAME: &str = "x-sentry-rate-limits";
        assert_eq!(left(200, &[]), None);
        assert_eq!(left(200, &[(NAME, "60:error:key")]), Some(60));
        assert_eq!(left(200, &[(NAME, "60:transaction;session:key")]), None);
        assert_eq!(left(200, &[(NAME, "10:transaction:key, 2700::organization:quota")]), Some(2_700));
        assert_eq!(left(429, &[(NAME, "5:error:key"), ("retry-after", "99")]), Some(5));
        assert_eq!(left(200, &[(NAME, "nonsense, :, ::")]), None);
    }

    #[test]
    fn a_refusal_names_a_time_or_is_a_minute() {
        assert_eq!(left(429, &[]), Some(60));
        assert_eq!(left(429, &[("retry-after", "7")]), Some(7));
        assert_eq!(left(503, &[("retry-after", "7")]), None, "that is the exporter's to obey");
        let spent = [("x-rate-limit-remaining", "0"), ("x-rate-limit-remaining-seconds", "30")];
        assert_eq!(left(200, &spent), Some(30), "Rollbar's");
        assert_eq!(left(200, &spent[1..]), None);
        assert_eq!(left(429, &[("retry-after", "999999999999")]), Some(LONGEST.as_secs()));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ -~]{0,60}") {
            of_sentry(&text);
        }
    }
}
