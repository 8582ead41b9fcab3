//! Promise: how a value is spelt. Empty is unset, blanks around it do not count, and no value, however odd, keeps the
//! service from its work.

use std::ffi::OsString;

use tower_observability::variables;

use super::{child, start_up};
use crate::support::child::Child;
use crate::support::collector::Collector;

fn names() -> impl Iterator<Item = &'static str> {
    variables().into_iter().map(|row| row.name)
}

/// What is read as a number.
fn numbers() -> impl Iterator<Item = &'static str> {
    let rows = variables().into_iter().filter(|row| !row.about.starts_with("Not served"));
    let numbers = rows.filter(|row| row.default.parse::<u64>().is_ok() || row.name.ends_with("_LIMIT"));
    numbers.map(|row| row.name)
}

#[test]
fn an_empty_variable_is_unset_and_so_is_a_blank_one() {
    for empty in ["", " \n"] {
        let names = names().filter(|name| !name.starts_with("OTEL_EXPORTER_PROMETHEUS"));
        let ended = names.fold(child(), |child, name| child.env(name, empty)).end().well();
        assert_eq!(ended.messages("WARN"), Vec::<String>::new());
        assert!(start_up(&ended).contains("service configured (code)"));
        assert!(!start_up(&ended).contains("OTEL_BSP"));
    }
}

/// Each variable, spelt like this, is taken without a warning, and shown like that.
fn are_read(spelt: &[(&str, &str, &str)]) {
    let ended = spelt.iter().fold(child(), |child, (name, value, _)| child.env(name, value)).end().well();
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
    let said = start_up(&ended);
    for (name, _, shown) in spelt {
        assert!(said.contains(&format!("{name}={shown} (environment)")), "no {name}={shown} in {said}");
    }
}

#[test]
fn blanks_around_a_value_and_the_case_of_a_boolean_do_not_count() {
    let spelt = [
        ("OTEL_SDK_DISABLED", " FALSE\n", "false"),
        ("OBSERVABILITY_PROCESS_METRICS", "False ", "false"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", " 7\n", "7"),
        ("OTEL_BSP_SCHEDULE_DELAY", "\t70 ", "70"),
        ("OTEL_TRACES_SAMPLER", " traceidratio ", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", " 0.5\n", "0.5"),
        ("OBSERVABILITY_LOG_FORMAT", " JSON ", "json"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", " 0 ", "0"),
    ];
    are_read(&spelt);
}

#[test]
fn what_a_list_names_twice_counts_once() {
    let spelt = [
        ("OTEL_PROPAGATORS", "b3, b3 ,tracecontext,,b3", "b3,tracecontext"),
        ("OTEL_LOGS_EXPORTER", "console,console", "console"),
        ("OTEL_METRICS_EXPORTER", "prometheus, prometheus", "prometheus"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,team=b", "team=b"),
        ("OBSERVABILITY_DISK_PATHS", "/,/tmp,/", "/,/tmp"),
    ];
    are_read(&spelt);
}

#[test]
fn a_value_that_is_not_utf8_is_one_warning_and_the_default_stays() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(vec![b'x', 0xff]);
    let ended = names().fold(child(), |child, name| child.env(name, &value)).end().well();
    let (warned, said) = (ended.messages("WARN"), start_up(&ended));
    for name in names() {
        let warning = format!("{name} is not UTF-8; it is ignored");
        assert_eq!(warned.iter().filter(|warned| **warned == warning).count(), 1, "{warning}: {warned:#?}");
    }
    assert!(said.ends_with("; everything else by default"), "{said}");
}

#[test]
fn a_number_that_no_machine_holds_is_refused() {
    let numbers: Vec<_> = numbers().collect();
    assert!(numbers.len() > 20, "{numbers:?}");
    let long = "99999999999999999999999";
    let ended = numbers.iter().fold(child(), |child, name| child.env(name, long)).end().well();
    let (warned, said) = (ended.messages("WARN"), start_up(&ended));
    for name in numbers {
        let begin = format!("{name}={long} is not a");
        assert_eq!(
            warned.iter().filter(|warned| warned.starts_with(&begin)).count(),
            1,
            "{begin}: {warned:#?}"
        );
        assert!(!said.contains(&format!("{name}=")), "{name} in {said}");
    }
}

#[test]
fn the_largest_number_of_all_is_served_like_any_other() {
    let collector = Collector::start();
    let numbers = numbers().filter(|name| !name.ends_with("_PORT"));
    let child =
        numbers.fold(Child::new("variables", "serves"), |child, name| child.env(name, u64::MAX.to_string()));
    let child = child.env("OTEL_LOGS_EXPORTER", "console,otlp").env("OTEL_TRACES_EXPORTER", "otlp");
    let ended = child.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()).end().well();
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
    assert!(collector.spans().len() > 4 && collector.logs().len() > 4, "{:#?}", ended.output);
}
