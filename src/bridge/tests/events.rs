//! The proof that what is not wanted is not made, and that events become the right lines.

use tracing::{Span, debug, debug_span, error, info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

#[test]
fn below_info_a_span_exists_only_for_lines_that_are_wanted() {
    let seen = everything();
    let (_hop, _entered) = within(true);
    assert!(debug_span!("unwanted").is_disabled());
    debug!("unwanted");
    drop(seen);
    let seen = watch(Spans::in_memory(), Logs::new().json().level("debug"));
    let (hop, _entered) = within(true);
    debug_span!("wanted", depth = 1).in_scope(|| debug!("wanted"));
    assert!(seen.spans().is_empty());
    assert_eq!(
        (id(&seen.lines()[0]), &seen.lines()[0]["depth"]),
        (&*hop.trace.span_id.to_string(), &1.into())
    );
}

#[test]
fn the_log_level_hides_lines_but_no_spans_and_follows_a_change() {
    let seen = watch(Spans::in_memory(), Logs::new().json().level("error"));
    let say = || info_span!("span").in_scope(|| info!("line"));
    say();
    assert_eq!((seen.spans().len(), seen.lines().len()), (1, 0));
    (seen.signals.lines.change_level(Some("warn,tower_observability::bridge=info")).expect("directives"))();
    say();
    assert_eq!((seen.spans().len(), seen.lines().len()), (1, 1));
    assert!(seen.signals.lines.change_level(Some("app=loud")).is_err());
    assert_eq!(seen.signals.lines.level(), "warn,tower_observability::bridge=info");
    (seen.signals.lines.change_level(None).expect("configured"))();
    say();
    assert_eq!((seen.signals.lines.level().as_str(), seen.lines().len()), ("error", 1));
}

#[test]
fn with_both_signals_off_nothing_is_wanted() {
    let signals = Signals {
        spans: Spans::off(),
        lines: Lines::off(),
        points: None,
        red: Red::default(),
        reports: Default::default(),
        propagators: Propagators::default(),
        proxies: None,
        watched: Default::default(),
        order: Default::default(),
        database: None,
        listening: Listening::default(),
    };
    let bridge = Bridge::new(Box::leak(Box::new(signals)));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(bridge));
    assert!(info_span!("span").is_disabled() && !tracing::enabled!(Level::ERROR));
}

#[test]
fn nothing_comes_from_our_own_threads() {
    let seen = everything();
    let signals = seen.signals;
    std::thread::spawn(move || {
        crate::threads::suppress_telemetry();
        let subscriber = tracing_subscriber::registry().with(Bridge::new(signals));
        tracing::subscriber::with_default(subscriber, || info_span!("send").in_scope(|| error!("failed")));
    })
    .join()
    .expect("a thread");
    assert!(seen.spans().is_empty() && seen.lines().is_empty());
}

#[test]
fn error_lines_say_where_and_others_do_not() {
    let seen = everything();
    error!("where");
    info!("anywhere");
    let lines = seen.lines();
    assert_eq!(lines[0]["file"], file!());
    assert!(lines[0]["line"].is_u64() && lines[1].get("file").is_none());
}

#[test]
fn a_record_of_the_log_crate_is_a_line_of_its_own_target() {
    let seen = watch(Spans::in_memory(), Logs::new().json().level("warn,app=info"));
    let record = |target, level| {
        let args = format_args!("hello");
        let record = log::Record::builder()
            .args(args)
            .target(target)
            .level(level)
            .file(Some("app.rs"))
            .line(Some(7))
            .build();
        tracing_log::format_trace(&record).expect("a record");
    };
    record("app::db", log::Level::Info);
    record("else", log::Level::Info);
    record("else", log::Level::Error);
    let lines = seen.lines();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["target"], &lines[0]["message"], &lines[0]["level"]),
        (&"app::db".into(), &"hello".into(), &"INFO".into())
    );
    assert_eq!(
        (&lines[1]["target"], &lines[1]["file"], &lines[1]["line"]),
        (&"else".into(), &"app.rs".into(), &7.into())
    );
    assert!(
        lines.iter().all(|line| line
            .as_object()
            .expect("an object")
            .keys()
            .all(|key| !key.starts_with("log.")))
    );
}

#[test]
fn a_field_that_records_on_its_own_span_while_it_is_formatted_does_not_lock_itself_out() {
    struct Records(Span);
    impl std::fmt::Debug for Records {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            // With a scoped subscriber tracing itself drops what happens within an event; the registry is asked.
            self.0.record("seen", true);
            f.write_str("recorded")
        }
    }
    let seen = everything();
    let span = info_span!("span", seen = tracing::field::Empty);
    span.in_scope(|| info!(field = ?Records(span.clone()), "event"));
    assert_eq!(seen.lines()[0]["field"], "recorded");
    assert_eq!(seen.lines()[0]["seen"], true);
}
