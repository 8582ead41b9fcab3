//! What code chooses of log records over OTLP, and their variables.

use crate::export::{shown_limit, whole};
use crate::logs::options::Logs;
use crate::otlp::{batch_rows, endpoint_rows};
use crate::variable::{Variable, count, table};

/// The rows, by subject.
const GROUPS: &[&[Variable<Logs>]] = &[
    endpoint_rows!(Logs, export.otlp, "LOGS", "log records"),
    batch_rows!(Logs, export.otlp, "BLRP", "1000", "a log record", "log records"),
    LIMITS,
];

pub(crate) const VARIABLES: &[Variable<Logs>] = &table::<_, { count(GROUPS) }>(GROUPS);

const LIMITS: &[Variable<Logs>] = &[
    Variable {
        name: "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        default: "128",
        about: "Maximum number of attributes of a log record; Loki accepts about 100 besides those of the resource.",
        set: |logs, text| whole(text, 0).map(|count| logs.export.own_attributes = Some(count)),
        show: |logs| logs.export.limits().attributes.to_string(),
    },
    Variable {
        name: "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default: "",
        about: "Maximum length of a log record's text attribute, in characters.",
        set: |logs, text| whole(text, 0).map(|length| logs.export.own_value_length = Some(length)),
        show: |logs| shown_limit(logs.export.limits().value_length),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Destination;
    use crate::otlp::Otlp;
    use crate::otlp::Shared;
    use crate::variable::Refusal;
    use std::time::Duration;

    /// Sets a variable of logs, or a general one as `config` hands it on.
    fn set(logs: &mut Logs, name: &str, value: &str) -> Result<(), Refusal> {
        if let Some(row) = Logs::VARIABLES.iter().find(|row| row.name == name) {
            return (row.set)(logs, value);
        }
        let row =
            Shared::VARIABLES.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"));
        (row.set)(&mut logs.export.otlp.general, value)
    }

    fn with(pairs: &[(&str, &str)]) -> Logs {
        let mut logs = Logs::new();
        for (name, value) in pairs {
            assert_eq!(set(&mut logs, name, value), Ok(()), "{name}={value}");
        }
        logs
    }

    fn url(text: &str) -> Destination {
        Destination::Url(text.to_owned())
    }

    const EXPORTER: &str = "OTEL_LOGS_EXPORTER";
    const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const OWN: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";

    #[test]
    fn an_endpoint_alone_switches_no_records_on() {
        let to = |pairs: &[(&str, &str)]| with(pairs).export.destination();
        assert_eq!(to(&[(GENERAL, "http://c:4318"), (OWN, "http://c:4318/v1/logs")]), Destination::Off);
        assert_eq!(to(&[(GENERAL, "http://c:4318"), (EXPORTER, "otlp")]), url("http://c:4318/v1/logs"));
        assert_eq!(to(&[(EXPORTER, "otlp")]), url("http://localhost:4318/v1/logs"));
    }

    #[test]
    fn the_own_variable_beats_the_general_one_and_both_beat_code() {
        let mut logs = Logs::new().otlp(Otlp::new().endpoint("http://code:4318").header("a", "code"));
        assert_eq!(logs.export.destination(), url("http://code:4318/v1/logs"));
        set(&mut logs, GENERAL, "http://general:4318").unwrap();
        set(&mut logs, "OTEL_EXPORTER_OTLP_HEADERS", "a=general").unwrap();
        assert_eq!(logs.export.destination(), url("http://general:4318/v1/logs"));
        set(&mut logs, OWN, "http://own:3100/otlp/v1/logs").unwrap();
        assert_eq!(logs.export.destination(), url("http://own:3100/otlp/v1/logs"));
        assert_eq!(logs.export.otlp.headers(), [("a".to_owned(), "general".to_owned())]);
        set(&mut logs, "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=s3cr3t").unwrap();
        assert_eq!(logs.export.otlp.headers(), [("a".to_owned(), "s3cr3t".to_owned())]);
        assert!(!format!("{logs:?}").contains("s3cr3t"), "{logs:?}");
    }

    #[test]
    fn an_endpoint_without_a_path_is_taken_with_a_word_of_what_would_be_right() {
        let mut logs = with(&[(OWN, "http://c:4318"), (EXPORTER, "otlp")]);
        let [(name, value, Refusal::Suspicious(remedy))] = &logs.advice()[..] else { panic!("{logs:?}") };
        assert_eq!((&**name, &**value), (OWN, "http://c:4318"));
        assert!(remedy.contains("http://c:4318/v1/logs"), "{remedy}");
        set(&mut logs, EXPORTER, "none").unwrap();
        assert_eq!(logs.advice(), []);
    }

    #[test]
    fn batches_leave_as_the_specification_says_of_logs() {
        let limits = Logs::new().export.batch_limits();
        assert_eq!((limits.delay, limits.batch_size), (Duration::from_secs(1), 512));
        assert_eq!(Logs::new().on_terminal().export.batch_limits().delay, Duration::from_millis(500));
        let logs = with(&[("OTEL_BLRP_SCHEDULE_DELAY", "7"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "100")]);
        assert_eq!(logs.export.batch_limits().delay, Duration::from_millis(7));
        assert_eq!((logs.export.queue_capacity(), logs.export.batch_limits().batch_size), (100, 100));
        let slow = with(&[("OTEL_BLRP_EXPORT_TIMEOUT", "9"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "3")]);
        let limits = slow.export.batch_limits();
        assert_eq!((limits.batch, limits.attempt), (Duration::from_millis(9), Duration::from_millis(3)));
    }

    #[test]
    fn the_records_own_limit_beats_the_general_one() {
        let limits = |pairs: &[(&str, &str)]| {
            let limits = with(pairs).export.limits();
            (limits.attributes, limits.value_length)
        };
        let general = [("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")];
        assert_eq!(limits(&general), (9, Some(5)));
        let own = [general[0], general[1], ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "7")];
        assert_eq!(limits(&own), (7, Some(5)));
        let own = [general[1], ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")];
        assert_eq!(limits(&own), (128, Some(4)));
    }
}
