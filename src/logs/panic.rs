//! A panic's line, written before whatever the process does next.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

use super::lines::Lines;
use crate::current::current;
use crate::error::masked_urls;
use crate::names::event;
use crate::record::{CUT_MARK, Severity, Snapshot, bounded, prefix};

/// At most so many bytes of a backtrace are on the line, its first frames.
const LONGEST_BACKTRACE: usize = 8 * 1024;

/// From now on every panic writes a line, after `heard` was told of it, then goes on to the hook that was there before.
pub(crate) fn write_panics(lines: &'static Lines, heard: impl Fn(&Snapshot) + Send + Sync + 'static) {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(lines, panic, &heard);
        previous(panic);
    }));
}

/// Writes the line of a panic of this thread, and notes the panic on the request that it happened in.
fn report(lines: &Lines, panic: &PanicHookInfo<'_>, heard: &dyn Fn(&Snapshot)) {
    let payload = panic.payload();
    let message = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text");
    // That of an `unwrap` is an error's text.
    let message = &*masked_urls(bounded(message));
    // It is also on the request's line and span, unless an error was recorded before.
    if let Some(hop) = current().and_then(|current| current.hop) {
        hop.notes().get_or_insert_default().error.get_or_insert_with(|| vec![message.to_owned()]);
    }
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    let location = panic.location().map(|location| (location.file(), location.line()));
    // Captured only where RUST_BACKTRACE or RUST_LIB_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| frames(&backtrace.to_string()));
    let said = fatal(message, name, location, backtrace.as_deref());
    heard(&said);
    if lines.is_on() {
        lines.fatal(said);
        lines.wait_for_panic();
    }
}

/// What is said of a panic of this thread.
pub(super) fn fatal(
    message: &str,
    thread: &str,
    origin: Option<(&str, u32)>,
    backtrace: Option<&str>,
) -> Snapshot {
    let mut said = Snapshot::new(Severity::Fatal, "panic", message);
    said.info.name = event::PANIC;
    if let Some(current) = current() {
        said.info.trace = Some(current.trace);
        said.info.is_routed = current.hop.as_ref().is_some_and(|hop| hop.route.get().is_some());
        said.info.hop = current.hop;
    }
    if let Some((file, line)) = origin {
        said.set_origin(file, line);
    }
    if let Some(backtrace) = backtrace {
        said.set_backtrace(backtrace);
    }
    said.set_thread(thread);
    said.fields_of_request();
    said
}

/// The frames from the one that panicked on, the panic's own machinery left out, as far as they have room.
fn frames(backtrace: &str) -> String {
    let machinery = ["core::panicking::", "std::panicking::begin_panic", "rust_begin_unwind"];
    let last = machinery.iter().filter_map(|name| backtrace.rfind(name)).max();
    let behind = last.and_then(|at| backtrace.get(at..)).unwrap_or(backtrace);
    let starts =
        behind.split_inclusive('\n').skip(1).scan(behind.find('\n').map_or(0, |at| at + 1), |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        });
    let is_frame = |line: &str| {
        line.trim_start().split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok())
    };
    let first = last.and_then(|_| starts.into_iter().find(|(_, line)| is_frame(line)));
    let shown = first.and_then(|(at, _)| behind.get(at..)).unwrap_or(backtrace);
    let kept = prefix(shown, LONGEST_BACKTRACE);
    if kept.len() == shown.len() { shown.to_owned() } else { [kept, CUT_MARK].concat() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINERY: &str = "   0: tower_observability::logs::panic::report\n             at ./src/logs/panic.rs:42:21\n   \
                             1: rust_begin_unwind\n   2: core::panicking::panic_fmt\n             at /rustc/panicking.rs:75:14\n";
    const OURS: &str = "   3: shop::seats\n             at ./src/main.rs:7:5\n   4: shop::main\n";

    #[test]
    fn a_backtrace_begins_where_the_panic_was_and_is_bounded() {
        assert_eq!(frames(&[MACHINERY, OURS].concat()), OURS);
        assert_eq!(frames(OURS), OURS, "what looks otherwise is shown as it is");
        assert_eq!(frames(MACHINERY), MACHINERY);
        assert_eq!(frames(""), "");
        let deep = frames(&[MACHINERY, &OURS.repeat(1_000)].concat());
        assert!(deep.starts_with(OURS) && deep.ends_with(CUT_MARK), "{deep}");
        assert!(deep.len() <= LONGEST_BACKTRACE + CUT_MARK.len());
    }
}
