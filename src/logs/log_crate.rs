//! The records of the `log` crate: they become events of `tracing`, and its level follows ours.

use std::sync::atomic::{AtomicBool, Ordering};

use log::kv::{Key, VisitSource, VisitValue};
use tracing::level_filters::LevelFilter;
use tracing_log::AsTrace as _;

use crate::record::{Fields, Value, bounded, formatted, guarded, with_log_fields};

/// The process's logger, once it is ours.
struct Logger;

/// Collects the key-values of a record.
struct KeyValues(Fields);

/// A record's value in its own type.
struct OneValue(Option<Value>);

/// Is the process's logger ours?
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Makes our bridge the process's logger; false if there is another one already.
pub(super) fn take(level: LevelFilter) -> bool {
    let taken = log::set_logger(&Logger).is_ok();
    if taken {
        TAKEN.store(true, Ordering::Relaxed);
        follow(level);
    }
    taken
}

/// The `log` crate's maximum level follows ours, so that disabled records cost nothing.
pub(super) fn follow(level: LevelFilter) {
    if TAKEN.load(Ordering::Relaxed) {
        log::set_max_level(as_log(level));
    }
}

fn as_log(level: LevelFilter) -> log::LevelFilter {
    match level.into_level() {
        None => log::LevelFilter::Off,
        Some(tracing::Level::ERROR) => log::LevelFilter::Error,
        Some(tracing::Level::WARN) => log::LevelFilter::Warn,
        Some(tracing::Level::INFO) => log::LevelFilter::Info,
        Some(tracing::Level::DEBUG) => log::LevelFilter::Debug,
        Some(tracing::Level::TRACE) => log::LevelFilter::Trace,
    }
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        tracing::dispatcher::get_default(|subscriber| subscriber.enabled(&metadata.as_trace()))
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            forward(record);
        }
    }

    fn flush(&self) {}
}

/// Makes an event of a record; its key-values, for which `tracing-log` has no field, go beside it.
fn forward(record: &log::Record<'_>) {
    let mut fields = KeyValues(Fields::default());
    // The user's own code says what they are.
    let _ = guarded(|| record.key_values().visit(&mut fields).is_ok());
    with_log_fields(fields.0, || {
        let _ = tracing_log::format_trace(record);
    });
}

impl<'kvs> VisitSource<'kvs> for KeyValues {
    fn visit_pair(&mut self, key: Key<'kvs>, value: log::kv::Value<'kvs>) -> Result<(), log::kv::Error> {
        let mut kept = OneValue(None);
        value.visit(&mut kept)?;
        if let Some(value) = kept.0 {
            self.0.set_within(usize::MAX, key.as_str().as_bytes(), (&value).into());
        }
        Ok(())
    }
}

impl OneValue {
    fn keep(&mut self, value: impl Into<Value>) -> Result<(), log::kv::Error> {
        self.0 = Some(value.into());
        Ok(())
    }
}

impl<'v> VisitValue<'v> for OneValue {
    fn visit_any(&mut self, value: log::kv::Value<'_>) -> Result<(), log::kv::Error> {
        self.keep(formatted(format_args!("{value}")))
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), log::kv::Error> {
        self.keep(value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), log::kv::Error> {
        self.keep(value)
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), log::kv::Error> {
        self.keep(value)
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), log::kv::Error> {
        self.keep(value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), log::kv::Error> {
        self.keep(bounded(value).to_owned())
    }
}
