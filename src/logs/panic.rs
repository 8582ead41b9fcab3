//! A panic's line, written before whatever the process does next.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::lines::Lines;
use crate::current::current;
use crate::record::bounded;
use crate::threads::is_suppressed;

/// How long a panicking thread waits for its line to be written: the process may end right after it.
const PATIENCE: Duration = Duration::from_millis(100);

/// One more than the lines delivered when a panic last waited in vain: until one more leaves, none waits again.
static STUCK_AT: AtomicU64 = AtomicU64::new(0);

/// From now on every panic writes a line, then goes on to the hook that was there before.
pub(crate) fn write_panics(lines: &'static Lines) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(lines, panic);
        previous(panic);
    }));
}

/// Writes the line of a panic of this thread, and notes the panic on the request that it happened in.
fn report(lines: &Lines, panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text");
    // It is also on the request's line and span, unless an error was recorded before.
    if let Some(hop) = current().and_then(|current| current.hop) {
        hop.notes().get_or_insert_default().error.get_or_insert_with(|| vec![bounded(message).to_owned()]);
    }
    if !lines.is_on() {
        return;
    }
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    let location = panic.location().map(|location| (location.file(), location.line()));
    // Captured only where RUST_BACKTRACE or RUST_LIB_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    lines.fatal(message, name, location, backtrace.as_deref());
    let delivered = || lines.report().delivered + 1;
    // A panic on a thread of ours must not wait for the other one.
    if !is_suppressed() && STUCK_AT.load(Ordering::Relaxed) != delivered() && !lines.flush(PATIENCE) {
        STUCK_AT.store(delivered(), Ordering::Relaxed);
    }
}
