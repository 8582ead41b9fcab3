//! The admin listener's start: where it listens, what it answers from, and why it does not.

use std::net::TcpListener;

use crate::admin::{self, Admin, AdminState, Level, Readiness};
use crate::config::{Config, Source};
use crate::metrics::Recorder;
use crate::signals::Signals;

/// Where the admin routes are served; `None` with a warning if they cannot be.
pub(super) fn bind(admin: &Admin) -> (Option<TcpListener>, Option<String>) {
    if !admin.enabled {
        return (None, None);
    }
    match admin::bind(admin) {
        Ok(listener) => (Some(listener), None),
        Err(error) => (
            None,
            Some(format!(
                "/metrics, /live and /ready are not served at {}:{} ({error}); OTEL_EXPORTER_PROMETHEUS_PORT chooses \
                 another port",
                admin.host, admin.port
            )),
        ),
    }
}

/// What to say where nothing outside of a container reaches the listener, unless somebody wants it so.
pub(super) fn advice(config: &Config, orchestrated: bool, listener: &TcpListener) -> Option<String> {
    if config.source("OTEL_EXPORTER_PROMETHEUS_HOST") != Source::Default {
        return None;
    }
    Admin::advice(Admin::is_in_container(orchestrated), listener.local_addr().ok()?)
}

/// What the routes answer from.
pub(super) fn state(
    admin: &Admin,
    signals: &'static Signals,
    recorder: Option<&'static Recorder>,
) -> AdminState {
    AdminState {
        recorder,
        readiness: Readiness::default(),
        level: Level::new(
            || signals.lines.level(),
            |directives| signals.lines.set_level(directives),
            || signals.lines.reset_level(),
        ),
        token: admin.token.clone(),
        host: admin.host.clone(),
    }
}
