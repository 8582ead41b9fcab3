//! What code chooses of log records over OTLP, and their variables.

use std::time::Duration;

use crate::export::{Protocol, batch_rows, shown_limit, target_rows, whole};
use crate::logs::options::Logs;
use crate::variable::Variable;

impl Logs {
    /// Sends each line as an OTLP log record, too.
    ///
    /// To where [`Logs::endpoint`] says, else to a collector of the same machine. Default: not called. Variable:
    /// `OTEL_LOGS_EXPORTER` (`otlp`, or `console,otlp`).
    pub fn otlp(mut self) -> Self {
        self.export.on = true;
        self
    }

    /// Where the collector listens, such as `http://collector:4318`; `/v1/logs` is appended. Over
    /// [gRPC](Logs::grpc) such as `http://collector:4317`, to which nothing is. `https://` needs the feature `tls`.
    /// It switches nothing on: see [`Logs::otlp`].
    ///
    /// Default: `http://localhost:4318`. Variables: `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, with its path, and
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.export.way.code.endpoint = Some(url.into());
        self
    }

    /// Adds a header to every export. Its value never appears in `Debug`, logs or errors.
    ///
    /// Default: none. Variable: `OTEL_EXPORTER_OTLP_LOGS_HEADERS`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.export.way.code.headers.get_or_insert_default().push((name.into(), value.into()));
        self
    }

    /// Sends records over gRPC instead of HTTP, with the same messages. The feature `otlp-grpc` builds it in.
    ///
    /// Default: not called. Variables: `OTEL_EXPORTER_OTLP_PROTOCOL`, `OTEL_EXPORTER_OTLP_LOGS_PROTOCOL`
    /// (`grpc`).
    pub fn grpc(mut self) -> Self {
        self.export.way.code.protocol = Some(Protocol::Grpc);
        self
    }

    /// Compresses what is exported with gzip. The feature `gzip` builds it in; without it records leave as they are,
    /// and a warning says so.
    ///
    /// Default: not called. Variables: `OTEL_EXPORTER_OTLP_COMPRESSION`, `OTEL_EXPORTER_OTLP_LOGS_COMPRESSION`
    /// (`gzip`).
    pub fn gzip(mut self) -> Self {
        self.export.way.code.gzip = Some(true);
        self
    }

    /// A file in PEM with the CAs that may have signed the collector's certificate, instead of those that the machine
    /// trusts. The feature `tls` builds TLS in.
    ///
    /// A file that cannot be read fails nothing: a warning names it, and nothing is exported over TLS.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_CERTIFICATE`,
    /// `OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE`.
    pub fn certificate(mut self, path: impl Into<String>) -> Self {
        self.export.way.code.pem.certificate = Some(Ok(path.into()));
        self
    }

    /// The files in PEM that show the collector who we are: a certificate with its chain, and its key.
    ///
    /// Default: none. Variables: `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`, or
    /// those of `OTEL_EXPORTER_OTLP_LOGS_…`.
    pub fn client_certificate(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.export.way.code.pem.client_certificate = Some(Ok(certificate.into()));
        self.export.way.code.pem.client_key = Some(Ok(key.into()));
        self
    }

    /// How long one attempt to export may take; zero is without end.
    ///
    /// Default: 10 s. Variable: `OTEL_EXPORTER_OTLP_LOGS_TIMEOUT`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.export.way.code.timeout = Some(timeout);
        self
    }

    /// How long one batch may take over all attempts; zero is without end. Then it is dropped and counted.
    ///
    /// Default: 30 s. Variable: `OTEL_BLRP_EXPORT_TIMEOUT`.
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.export.batching.timeout = timeout;
        self
    }

    /// How long a record waits at most for its batch to fill.
    ///
    /// Default: 1 s, on a terminal 0.5 s. Variable: `OTEL_BLRP_SCHEDULE_DELAY`.
    pub fn batch_delay(mut self, delay: Duration) -> Self {
        self.export.batching.delay = Some(delay);
        self
    }

    /// How many records a batch holds at most; never more than the queue. At least 1.
    ///
    /// Default: 512. Variable: `OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`.
    pub fn batch_size(mut self, records: usize) -> Self {
        self.export.batching.batch = records.max(1);
        self
    }

    /// How many records may wait; when full, the newest is dropped and counted. At least 1.
    ///
    /// Default: 2048. Variable: `OTEL_BLRP_MAX_QUEUE_SIZE`.
    pub fn queue_size(mut self, records: usize) -> Self {
        self.export.batching.queue = records.max(1);
        self
    }

    /// How many attributes a record may have; it says how many were dropped.
    ///
    /// Default: 128, of which Loki's own limit leaves about 100. Variable: `OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`.
    pub fn attribute_limit(mut self, attributes: usize) -> Self {
        self.export.attributes = attributes;
        self
    }

    /// How many characters a text attribute of a record may have; longer ones are cut.
    ///
    /// Default: no limit but that of receivers, 64 KiB over all attributes. Variable:
    /// `OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
    pub fn value_length_limit(mut self, characters: usize) -> Self {
        self.export.value_length = Some(characters);
        self
    }
}

const TARGET: [Variable<Logs>; 9] = target_rows!(Logs, export.way, "LOGS", "log records");
const BATCH: [Variable<Logs>; 4] =
    batch_rows!(export.batching, "BLRP", "1000", "a log record", "log records");
const LIMITS: [Variable<Logs>; 2] = [
    Variable {
        name: "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        default: "128",
        secret: false,
        about: "Maximum number of attributes of a log record; Loki accepts about 100 besides those of the resource.",
        set: |logs, text| whole(text, 0).map(|count| logs.export.own_attributes = Some(count)),
        show: |logs| logs.export.limits().attributes.to_string(),
    },
    Variable {
        name: "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        default: "",
        secret: false,
        about: "Maximum length of a log record's text attribute, in characters.",
        set: |logs, text| whole(text, 0).map(|length| logs.export.own_value_length = Some(length)),
        show: |logs| shown_limit(logs.export.limits().value_length),
    },
];

/// The rows, by subject.
pub(crate) const VARIABLES: [Variable<Logs>; 15] = {
    let [a, b, c, d, e, f, g, h, i] = TARGET;
    let [j, k, l, m] = BATCH;
    let [n, o] = LIMITS;
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{Destination, Shared};
    use crate::logs::otlp::fit::Limits;
    use crate::variable::Refusal;

    /// Sets a variable of logs, or a general one as `config` hands it on.
    fn set(logs: &mut Logs, name: &str, value: &str) -> Result<(), Refusal> {
        if let Some(row) = Logs::VARIABLES.iter().find(|row| row.name == name) {
            return (row.set)(logs, value);
        }
        let row =
            Shared::VARIABLES.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"));
        (row.set)(&mut logs.export.way.general, value)
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
        let mut logs = Logs::new().otlp().endpoint("http://code:4318").header("a", "code");
        assert_eq!(logs.export.destination(), url("http://code:4318/v1/logs"));
        set(&mut logs, GENERAL, "http://general:4318").unwrap();
        set(&mut logs, "OTEL_EXPORTER_OTLP_HEADERS", "a=general").unwrap();
        assert_eq!(logs.export.destination(), url("http://general:4318/v1/logs"));
        set(&mut logs, OWN, "http://own:3100/otlp/v1/logs").unwrap();
        assert_eq!(logs.export.destination(), url("http://own:3100/otlp/v1/logs"));
        assert_eq!(logs.export.way.headers(), [("a".to_owned(), "general".to_owned())]);
        set(&mut logs, "OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=s3cr3t").unwrap();
        assert_eq!(logs.export.way.headers(), [("a".to_owned(), "s3cr3t".to_owned())]);
        assert!(!format!("{logs:?}").contains("s3cr3t"), "{logs:?}");
    }

    #[test]
    fn an_endpoint_without_a_path_is_taken_with_a_word_of_what_would_be_right() {
        let mut logs = with(&[(OWN, "http://c:4318"), (EXPORTER, "otlp")]);
        let [(name, value, Refusal::Suspicious(remedy))] = &logs.doubts()[..] else { panic!("{logs:?}") };
        assert_eq!((&**name, &**value), (OWN, "http://c:4318"));
        assert!(remedy.contains("http://c:4318/v1/logs"), "{remedy}");
        set(&mut logs, EXPORTER, "none").unwrap();
        assert_eq!(logs.doubts(), []);
    }

    #[test]
    fn batches_leave_as_the_specification_says_of_logs() {
        let pace = Logs::new().export.pace();
        assert_eq!((pace.delay, pace.batch_size), (Duration::from_secs(1), 512));
        assert_eq!(Logs::new().on_terminal().export.pace().delay, Duration::from_millis(500));
        let logs = with(&[("OTEL_BLRP_SCHEDULE_DELAY", "7"), ("OTEL_BLRP_MAX_QUEUE_SIZE", "100")]);
        assert_eq!(logs.export.pace().delay, Duration::from_millis(7));
        assert_eq!((logs.export.queue_capacity(), logs.export.pace().batch_size), (100, 100));
        let slow = with(&[("OTEL_BLRP_EXPORT_TIMEOUT", "9"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "3")]);
        let pace = slow.export.pace();
        assert_eq!((pace.batch, pace.attempt), (Duration::from_millis(9), Duration::from_millis(3)));
    }

    #[test]
    fn the_records_own_limit_beats_the_general_one() {
        let limits = |pairs: &[(&str, &str)]| with(pairs).export.limits();
        let general = [("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")];
        assert_eq!(limits(&general), Limits { attributes: 9, value_length: Some(5) });
        let own = [general[0], general[1], ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "7")];
        assert_eq!(limits(&own), Limits { attributes: 7, value_length: Some(5) });
        let own = [general[1], ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4")];
        assert_eq!(limits(&own), Limits { attributes: 128, value_length: Some(4) });
    }
}
