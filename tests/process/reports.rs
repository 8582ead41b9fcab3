//! Promise: the last reports of a process leave before it ends, or are accounted for.

use std::time::{Duration, Instant};

use crate::support::child::{Child, run};
use crate::support::failures;
use crate::support::reports::{Receiver, Told};
use crate::support::silent;

#[test]
fn program() {
    run(&[("ends", failures::ends), ("harmless", failures::harmless)]);
}

#[test]
fn a_panic_that_ends_the_process_is_delivered() {
    let receiver = Receiver::start();
    let ended = Child::new("reports", "ends").env("SENTRY_DSN", receiver.dsn()).end();
    assert!(!ended.status.success(), "{:#?}", ended.output);
    let [event] = receiver.events().try_into().unwrap();
    assert_eq!(event["exception"]["values"][0]["value"], "the last word");
    assert_eq!(event["level"], "fatal");
    let end = ended.messages("INFO").pop().unwrap();
    assert!(end.ends_with("; reports: 1 delivered, 0 unconfirmed, 0 dropped"), "{end}");
}

#[test]
fn one_that_finds_no_server_is_accounted_for_and_delays_the_end_no_longer_than_it_may() {
    let hanging = Receiver::start();
    hanging.always(Told::status(200).after(Duration::from_secs(600)));
    let dead = silent::dead().replace("http://", "http://k3y@") + "/1";
    for dsn in [dead, hanging.dsn()] {
        let begin = Instant::now();
        let child = Child::new("reports", "ends").env("SENTRY_DSN", &dsn);
        let ended = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000").end();
        assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
        let end = ended.messages("INFO").pop().unwrap();
        let (_, account) = end.split_once("; reports: ").unwrap_or_else(|| panic!("{end}"));
        let is_told = account.starts_with("0 delivered, 1 unconfirmed") || account.contains(" 1 dropped (");
        assert!(is_told && !account.contains("queued"), "{account}");
    }
}

#[test]
fn what_waits_at_the_end_leaves_before_it() {
    let receiver = Receiver::start();
    let ended = Child::new("reports", "harmless").env("SENTRY_DSN", receiver.dsn()).end().well();
    assert_eq!(receiver.events().len(), 200);
    assert_eq!(ended.said("report: "), "200 delivered, 0 unconfirmed, 0 dropped");
}
