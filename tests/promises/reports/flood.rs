//! What bounds reports: the budget of a cause, the receiver's limits, and a receiver that is not there.

use std::time::Duration;

use super::*;
use crate::support::reports::Told as Answer;
use crate::support::silent;

fn ran(program: &str, dsn: &str) -> Ended {
    Child::new("reports", program).env("SENTRY_DSN", dsn).end().well()
}

#[test]
fn the_same_error_a_thousand_times_is_ten_reports_and_a_number() {
    let receiver = Receiver::start();
    let ended = ran("flood", &receiver.dsn());
    assert_eq!(receiver.events().len(), 11);
    assert_eq!(receiver.discarded("before_send"), 990);
    let said = ended.said("report: ");
    assert_eq!(said, "11 delivered, 0 unconfirmed, 0 dropped, 990 left out (limited 990)");
    let told = ended
        .messages("WARN")
        .into_iter()
        .filter(|line| line.contains("error reports were not sent"))
        .count();
    assert_eq!(told, 1, "{:#?}", ended.output);
}

#[test]
fn a_share_is_left_out_and_counted() {
    let receiver = Receiver::start();
    let child =
        Child::new("reports", "limited").env("SENTRY_DSN", receiver.dsn()).env("SENTRY_SAMPLE_RATE", "0");
    let ended = child.end().well();
    assert_eq!((receiver.events().len(), receiver.discarded("sample_rate")), (0, 5));
    assert_eq!(ended.said("report: "), "0 delivered, 0 unconfirmed, 0 dropped, 5 left out (sampled 5)");
}

#[test]
fn a_limit_is_obeyed_and_told_once_it_is_over() {
    let receiver = Receiver::start();
    receiver.next([Answer::status(200).with("x-sentry-rate-limits", "1000:error:organization")]);
    let ended = ran("limited", &receiver.dsn());
    assert_eq!(receiver.posted().len(), 1, "nothing is posted while the limit lasts");
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 4 dropped (rejected 4)");
}

#[test]
fn what_was_discarded_is_told_also_where_the_first_envelopes_that_would_tell_it_are_discarded() {
    let receiver = Receiver::start();
    receiver.next([Answer::status(429).with("retry-after", "1")]);
    let ended = ran("patient", &receiver.dsn());
    let said = ended.said("report: ");
    let dropped =
        said.rsplit_once("(rejected ").and_then(|(_, count)| count.trim_end_matches(')').parse().ok());
    let dropped: u64 = dropped.unwrap_or_else(|| panic!("{said}"));
    assert!(dropped >= 2, "{said}");
    assert_eq!(receiver.discarded("ratelimit_backoff"), dropped, "{said}");
}

#[test]
fn any_web_server_is_no_receiver() {
    let receiver = Receiver::start();
    receiver.always(Answer::status(200).saying("<h1>Sign in</h1>"));
    let ended = ran("limited", &receiver.dsn());
    assert_eq!(ended.said("report: "), "0 delivered, 5 unconfirmed, 0 dropped");
    let told: Vec<_> =
        ended.messages("WARN").into_iter().filter(|line| line.contains("<h1>Sign in</h1>")).collect();
    assert_eq!(told.len(), 1, "{:#?}", ended.output);
}

#[test]
fn a_limit_of_another_category_is_none_of_ours() {
    let receiver = Receiver::start();
    receiver.always(Answer::status(200).with("x-sentry-rate-limits", "1000:transaction:organization"));
    assert_eq!(ran("limited", &receiver.dsn()).said("report: "), "5 delivered, 0 unconfirmed, 0 dropped");
}

#[test]
fn a_refusal_is_not_tried_again_and_what_follows_waits_for_its_time() {
    let receiver = Receiver::start();
    receiver.next([Answer::status(429).with("retry-after", "1000")]);
    let ended = ran("limited", &receiver.dsn());
    assert_eq!(receiver.posted().len(), 1);
    assert_eq!(ended.said("report: "), "0 delivered, 0 unconfirmed, 5 dropped (rejected 5)");
}

#[test]
fn a_server_that_comes_back_gets_what_waited_once() {
    let receiver = Receiver::start();
    receiver.next([Answer::status(503).with("retry-after", "0")]);
    let ended = ran("limited", &receiver.dsn());
    let ids: BTreeSet<_> = receiver.events().iter().map(|event| event["event_id"].to_string()).collect();
    assert_eq!((ids.len(), receiver.posted().len()), (5, 6));
    assert_eq!(ended.said("report: "), "5 delivered, 0 unconfirmed, 0 dropped");
}

#[test]
fn a_dead_server_and_a_slow_one_harm_no_request() {
    let slow = Receiver::start();
    slow.always(Answer::status(200).after(Duration::from_secs(60)));
    let dead = silent::dead().replace("http://", "http://k3y@") + "/1";
    for (name, dsn) in [("dead", dead), ("slow", slow.dsn())] {
        let child = Child::new("reports", "harmless").env("SENTRY_DSN", &dsn);
        let ended = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "1000").end().well();
        assert_eq!(ended.said("harmed: "), "0", "{name}: {}", ended.said("longest: "));
        let said = ended.said("report: ");
        assert!(said.starts_with("0 delivered") && !said.contains("queued"), "{name}: {said}");
        let lost: u64 =
            said.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u64>().ok()).take(3).sum();
        assert_eq!(lost, 200, "{name}: {said}");
    }
}
