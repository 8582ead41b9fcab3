//! Which names of the newest conventions are in force: chosen once, at the start, by `OTEL_SEMCONV_STABILITY_OPT_IN`.

use std::sync::OnceLock;

/// The conventions of which the names of version 1.45 are written instead of those of 1.44.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conventions {
    pub(crate) rpc: bool,
    pub(crate) database: bool,
    pub(crate) messaging: bool,
}

static CHOSEN: OnceLock<Conventions> = OnceLock::new();

impl Conventions {
    /// Chooses for the process; only the first call counts.
    pub(crate) fn choose(self) {
        let _ = CHOSEN.set(self);
    }

    /// Has RPC the names of 1.45?
    #[inline]
    pub(crate) fn has_stable_rpc() -> bool {
        Self::chosen().rpc
    }

    /// Of RPC's names that of 1.45, if that is chosen, else that of 1.44.
    #[inline]
    pub(crate) fn of_rpc(newer: &'static str, older: &'static str) -> &'static str {
        if Self::chosen().rpc { newer } else { older }
    }

    /// The same of databases.
    pub(crate) fn of_database(newer: &'static str, older: &'static str) -> &'static str {
        if Self::chosen().database { newer } else { older }
    }

    /// The same of messaging.
    pub(crate) fn of_messaging(newer: &'static str, older: &'static str) -> &'static str {
        if Self::chosen().messaging { newer } else { older }
    }

    #[inline]
    fn chosen() -> Self {
        CHOSEN.get().copied().unwrap_or_default()
    }
}
