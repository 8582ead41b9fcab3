//! The state that the responses are made from.

use std::fmt;
use std::sync::Arc;

use super::{Readiness, Switches};
use crate::metrics::Recorder;
use crate::traces::Keep;

/// What the admin listener shows and changes. One per process, or per test.
pub(crate) struct AdminState {
    /// `None` where metrics are off: `/metrics` is then not found.
    pub(crate) recorder: Option<&'static Recorder>,
    /// Is there a page?
    pub(crate) shows_metrics: bool,
    pub(crate) readiness: Readiness,
    pub(crate) switches: Switches,
    pub(crate) token: Option<String>,
    /// Takes what other services say of kept traces; `None` where none is believed.
    pub(crate) keep: Option<Arc<Keep>>,
    /// The host of the options, under which callers on this machine may ask as well.
    pub(crate) host: String,
}

// Not derived, because the token must not be shown.
impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ::metrics::{counter, with_local_recorder};

    use super::*;
    use crate::admin::switches::tests::switches;
    use crate::metrics::Metrics;

    /// One counter, no checks, a switch for the log level, which is `info`.
    pub(in crate::admin) fn state() -> AdminState {
        let recorder: &'static Recorder = Box::leak(Box::new(Recorder::new(&Metrics::new())));
        with_local_recorder(recorder, || counter!("orders").increment(1));
        AdminState {
            recorder: Some(recorder),
            shows_metrics: true,
            readiness: Readiness::default(),
            switches: switches().0,
            token: None,
            keep: None,
            host: "bookings.test".to_owned(),
        }
    }

    #[test]
    fn the_token_is_not_shown() {
        let state = AdminState { token: Some("hush".to_owned()), ..state() };
        assert!(!format!("{state:?}").contains("hush"));
    }
}
