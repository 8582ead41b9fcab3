//! Unknown variables: which is a misspelling, which is known but not served, which is for other software.

use super::{Env, Warning};

/// Variables of the specification that have no row, and are not read.
const NOT_SERVED: [&str; 2] = ["OTEL_ENTITIES", "OTEL_EXPERIMENTAL_CONFIG_FILE"];

/// Variables of the specification that limit something that is never recorded here, and why.
const WITHOUT_SUBJECT: &[(&str, &str)] = &[
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "events are log lines and log records, and spans have none"),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "links have no attributes"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "events are log lines and log records, and spans have none"),
];

/// Variables of other languages' agents and of what injects them, which are not for this library.
const FOREIGN: &[&str] = &[
    "OTEL_AUTO_",
    "OTEL_CPP_",
    "OTEL_DOTNET_",
    "OTEL_EBPF_",
    "OTEL_ERLANG_",
    "OTEL_GO_",
    "OTEL_INJECTOR_",
    "OTEL_INSTRUMENTATION_",
    "OTEL_JAVAAGENT_",
    "OTEL_JAVA_",
    "OTEL_JMX_",
    "OTEL_LAMBDA_",
    "OTEL_NODE_",
    "OTEL_PHP_",
    "OTEL_POD_",
    "OTEL_PYTHON_",
    // The Kubernetes operator's helpers, from which it composes OTEL_RESOURCE_ATTRIBUTES.
    "OTEL_RESOURCE_ATTRIBUTES_",
    "OTEL_RUBY_",
];

/// Warns of every `OTEL_…` and `OBSERVABILITY_…` variable that has no row.
pub(super) fn check(env: &Env, rows: &[&'static str]) -> Vec<Warning> {
    let unknown = env.names().filter(|name| is_ours(name) && !rows.contains(name));
    unknown.filter_map(|name| judge(name, rows)).collect()
}

fn is_ours(name: &str) -> bool {
    let begins =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    begins("OTEL_") || begins("OBSERVABILITY_")
}

fn judge(name: &str, rows: &[&'static str]) -> Option<Warning> {
    if let Some((_, why)) = WITHOUT_SUBJECT.iter().find(|(known, _)| *known == name) {
        return Some(Warning::without_subject(name, why));
    }
    if NOT_SERVED.contains(&name) {
        return Some(Warning::not_served(name));
    }
    let upper = name.to_ascii_uppercase();
    let without_row = NOT_SERVED.into_iter().chain(WITHOUT_SUBJECT.iter().map(|(known, _)| *known));
    let known = rows.iter().copied().chain(without_row);
    let nearest = known.map(|known| (distance(&upper, known), known)).min_by_key(|&(distance, _)| distance);
    match nearest {
        // A letter or two; in a long name also a word.
        Some((distance, known)) if distance <= (name.len() / 4).clamp(2, 5) => {
            Some(Warning::misspelt(name, known))
        }
        _ if FOREIGN.iter().any(|family| upper.starts_with(family)) => None,
        _ => Some(Warning::unknown(name)),
    }
}

/// How many letters must be added, removed or replaced to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, left) in a.bytes().zip(1..) {
        let mut corner = std::mem::replace(&mut row[0], left);
        for (place, letter) in b.bytes().enumerate() {
            let replaced = corner + usize::from(above != letter);
            corner = row[place + 1];
            row[place + 1] = replaced.min(corner + 1).min(row[place] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &[&str] = &[
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_TRACES_SAMPLER",
        "OBSERVABILITY_DRAIN_DELAY",
    ];

    fn warning_about(name: &str) -> Option<String> {
        check(&Env::from_iter([(name, "x")]), ROWS).first().map(ToString::to_string)
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest_known_one() {
        for (wrong, right) in [
            ("OTEL_SERVICE_NAMES", "OTEL_SERVICE_NAME"),
            ("otel_service_name", "OTEL_SERVICE_NAME"),
            ("OTEL_EXPORTER_OTLP_ENPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("OTEL_EXPORTER_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
            ("OBSERVABILITY_DRAINDELAY", "OBSERVABILITY_DRAIN_DELAY"),
        ] {
            assert!(
                warning_about(wrong).unwrap().ends_with(&format!("did you mean {right}?")),
                "{wrong}: {:?}",
                warning_about(wrong)
            );
        }
    }

    #[test]
    fn a_variable_of_the_specification_that_is_not_served_is_reported_as_ignored() {
        for name in NOT_SERVED {
            assert_eq!(
                warning_about(name).unwrap(),
                format!("{name} is not served by this version; it is ignored")
            );
        }
    }

    #[test]
    fn a_limit_of_what_is_never_recorded_is_reported_as_without_effect() {
        let right = "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT changes nothing: links have no attributes";
        assert_eq!(warning_about("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT").unwrap(), right);
    }

    #[test]
    fn a_variable_of_other_software_is_not_reported() {
        for name in [
            "OTEL_JAVAAGENT_DEBUG",
            "OTEL_INSTRUMENTATION_JDBC_ENABLED",
            "OTEL_PYTHON_LOG_CORRELATION",
            "OTEL_GO_AUTO_TARGET_EXE",
            "OTEL_DOTNET_AUTO_HOME",
            "OTEL_NODE_RESOURCE_DETECTORS",
            "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
            "PATH",
            "OTELÄ",
        ] {
            assert_eq!(warning_about(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_near_to_nothing_is_called_unknown() {
        assert_eq!(
            warning_about("OTEL_WHATEVER_THIS_IS").unwrap(),
            "OTEL_WHATEVER_THIS_IS is not a known variable and is ignored"
        );
    }

    #[test]
    fn the_distance_counts_letters() {
        for (a, b, edits) in [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("abcd", "acd", 1)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits));
        }
    }
}
