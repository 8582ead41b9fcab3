//! The options of log lines and their variables.

use std::io::IsTerminal as _;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use super::formats::{FormatName, LineMaker};
use super::level::Directives;
use super::otlp::{self, Export};
use super::sampling::Sampling;
use crate::export::Destination;
#[cfg(feature = "cli")]
use crate::export::Endpoint;
use crate::otlp::{Otlp, Shared};
use crate::resource::Resource;
use crate::variable::{Refusal, Variable, boolean, count, milliseconds, table, words};

/// Options for logs: which lines are written, in which format, and whether they are exported over OTLP as well.
///
/// ```
/// use tower_observability::Logs;
///
/// let logs = Logs::new().level("info,my_crate::db=debug").json();
/// # drop(logs);
/// ```
#[derive(Clone, Debug)]
#[must_use = "hand it to `Builder::logs`"]
pub struct Logs {
    pub(super) level: Directives,
    /// What is wrong with the code's own directives; said once, at the start.
    bad_level: Option<String>,
    pub(super) own_level: LevelFilter,
    format: Option<FormatName>,
    /// Are lines written?
    on: bool,
    no_color: bool,
    pub(super) names_client: bool,
    pub(super) names_request_size: bool,
    pub(super) sampling: Sampling,
    pub(super) export: Export,
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            level: Directives::default(),
            bad_level: None,
            own_level: LevelFilter::INFO,
            format: None,
            on: true,
            no_color: false,
            names_client: false,
            names_request_size: false,
            sampling: Sampling::default(),
            export: Export::default(),
        }
    }
}

impl Logs {
    /// Lines on standard output, from level `info` on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which lines are written: levels by target, such as `info,my_crate::db=debug`; the longest matching prefix of a
    /// line's target decides. Invalid directives change nothing and are reported by a warning.
    ///
    /// It does not affect traces: spans of level INFO and above are always recorded.
    /// Default: `info`. Variable: `RUST_LOG`.
    pub fn level(mut self, directives: &str) -> Self {
        match Directives::parse(directives) {
            Ok(level) => {
                self.bad_level = level.suspicion();
                self.level = level;
            }
            Err(Refusal::Expected(why) | Refusal::NotServed(why) | Refusal::Suspicious(why)) => {
                self.bad_level = Some(why);
            }
        }
        self
    }

    /// One JSON object per line. Default: if standard output is not a terminal. Variable:
    /// `OBSERVABILITY_LOG_FORMAT`.
    pub fn json(mut self) -> Self {
        self.format = Some(FormatName::Json);
        self
    }

    /// One JSON object per line, by Elastic Common Schema 9.3, for Elasticsearch, OpenSearch and Kibana.
    ///
    /// Your strings and booleans are `labels.<name>`, numbers `numeric_labels.<name>`, so that no index rejects a line
    /// because of a type. In a name every character except letters, digits, `_` and `-` becomes `_`. A number outside
    /// `i64` is a string. Default: `json`. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn ecs(mut self) -> Self {
        self.format = Some(FormatName::Ecs);
        self
    }

    /// One JSON object per line, with the keys of logstash-logback-encoder, for Logstash's codec `json_lines`.
    ///
    /// Your fields are at the top level; one whose name is taken, or belongs to Logstash or Elasticsearch, becomes
    /// `field_<name>`. Default: `json`. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn logstash(mut self) -> Self {
        self.format = Some(FormatName::Logstash);
        self
    }

    /// One JSON object per line, as Graylog Extended Log Format 1.1.
    ///
    /// Your fields are prefixed with `_`, booleans are strings, and in a name every character except ASCII letters,
    /// digits, `_`, `-` and `.` becomes `_`; one whose name is taken becomes `_field_<name>`. The host is the
    /// resource's `host.name`, else the machine's name, else the service. Default: `json`. Variable:
    /// `OBSERVABILITY_LOG_FORMAT`.
    pub fn gelf(mut self) -> Self {
        self.format = Some(FormatName::Gelf);
        self
    }

    /// One JSON object per line, in OpenTelemetry's log data model, with the names of the semantic conventions.
    ///
    /// `timestamp`, `severity_text`, `severity_number`, `scope_name`, `body`, `trace_id`, `span_id` and `trace_flags`
    /// are at the top level, the service in `resource`, everything else in `attributes`, including your fields; one whose
    /// name is taken becomes `field_<name>`. Default: `json`. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn otel(mut self) -> Self {
        self.format = Some(FormatName::Otel);
        self
    }

    /// One readable line, coloured on a terminal unless `NO_COLOR` is set. Default: if standard output is a
    /// terminal. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn pretty(mut self) -> Self {
        self.format = Some(FormatName::Pretty);
        self
    }

    /// Writes this share of the lines of successful requests and work, from 0 to 1; values outside are clamped.
    ///
    /// Requests that fail (any outcome but `ok` and `upgraded`), are slow ([`Logs::slow`]) or have recorded an error
    /// always have their line, and so does every event. The trace id decides: services with the same share keep the
    /// lines of the same traces, which are also those of [`Traces::sample_ratio`](crate::Traces::sample_ratio) with that
    /// ratio. Lines left out are counted in [`FlowReport::left_out`](crate::FlowReport::left_out) and in
    /// `observability_log_left_out_total{reason="sampled"}`. Default: `1.0`. Variable: `OBSERVABILITY_LOG_OK_SHARE`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_observability::Logs;
    ///
    /// let logs = Logs::new().sample_ok(0.1).slow(Duration::from_millis(250));
    /// # drop(logs);
    /// ```
    pub fn sample_ok(mut self, share: f64) -> Self {
        self.sampling.ok_share = if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// Requests and work that took at least this long always have their line, whatever [`Logs::sample_ok`] says. A query that
    /// took as long has a line of its own, and its request's line and span name the slowest one, as
    /// `observability.slow_query`. Default: one second. Variable: `OBSERVABILITY_LOG_SLOW`, in milliseconds.
    pub fn slow(mut self, from: Duration) -> Self {
        self.sampling.slow = from;
        self
    }

    /// Maximum number of lines per second from one call site (one `tracing` or `log` macro); 0 means no limit.
    ///
    /// The first lines of each second are written, whatever their level. Once a second a line with the same level,
    /// target, `file` and `line` says how many were `suppressed`; they are counted in
    /// [`FlowReport::left_out`](crate::FlowReport::left_out) and in
    /// `observability_log_left_out_total{reason="limited"}`. It keeps a runaway loop from crowding
    /// out all other lines. Default: `10000`. Variable: `OBSERVABILITY_LOG_LIMIT`.
    ///
    /// ```
    /// let logs = tower_observability::Logs::new().limit(100);
    /// # drop(logs);
    /// ```
    pub fn limit(mut self, lines_per_second: u32) -> Self {
        self.sampling.limit = lines_per_second;
        self
    }

    /// Adds the peer's address and the user agent, if they are known, to each request's line.
    ///
    /// An address is personal data in many countries, and both make lines longer. Default: off. Variable:
    /// `OBSERVABILITY_LOG_CLIENT`.
    ///
    /// ```
    /// let logs = tower_observability::Logs::new().client(true);
    /// # drop(logs);
    /// ```
    pub fn client(mut self, names: bool) -> Self {
        self.names_client = names;
        self
    }

    /// Adds the size of the request's body, as its `content-length` says it, to each request's line; a body that comes in
    /// chunks, and one of gRPC, has none.
    ///
    /// Default: off. Variable: `OBSERVABILITY_LOG_REQUEST_SIZE`.
    ///
    /// ```
    /// let logs = tower_observability::Logs::new().request_size(true);
    /// # drop(logs);
    /// ```
    pub fn request_size(mut self, names: bool) -> Self {
        self.names_request_size = names;
        self
    }

    /// Sends each line as an OTLP log record, too: to the endpoint of `otlp`, else to a collector of the same machine.
    ///
    /// Default: not called. Variable: `OTEL_LOGS_EXPORTER` (`otlp`, or `console,otlp`); of the rest see [`Otlp`].
    ///
    /// ```
    /// use tower_observability::{Logs, Otlp};
    ///
    /// let logs = Logs::new().otlp(Otlp::new().endpoint("http://collector:4318"));
    /// # drop(logs);
    /// ```
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.export.on = true;
        self.export.otlp.choose(otlp);
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

    /// No lines and no log records at all; this crate's own warnings are then written to standard error. Default: on. Variable: `OTEL_LOGS_EXPORTER` (`none`).
    pub fn off(mut self) -> Self {
        self.on = false;
        self.export.on = false;
        self
    }

    /// No lines on standard output; log records are still exported if [`Logs::otlp`] turns them on.
    ///
    /// Panics and this crate's own warnings are then written to standard error. Default: lines are
    /// written. Variable: `OTEL_LOGS_EXPORTER` (`otlp`).
    pub fn without_lines(mut self) -> Self {
        self.on = false;
        self
    }

    /// Are colours unwanted on a terminal?
    pub(crate) fn no_color(&self) -> bool {
        self.no_color
    }

    /// Are lines written?
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Where log records go.
    pub(crate) fn destination(&self) -> Destination {
        self.export.destination()
    }

    /// Do they leave over gRPC, if they leave over OTLP?
    pub(crate) fn is_grpc(&self) -> bool {
        self.export.is_grpc()
    }

    /// What of the export will not work, or most likely not.
    pub(crate) fn advice(&self) -> Vec<(String, String, Refusal)> {
        self.export.advice()
    }

    /// What the general variables say.
    pub(crate) fn inherit(&mut self, general: &Shared) {
        self.export.inherit(general);
    }

    /// What is wrong with the code's own level.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.bad_level.as_deref()
    }

    /// A person reads the lines, unless a format was chosen.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.format.get_or_insert(FormatName::Pretty);
        self.export.on_terminal();
        self
    }

    /// What makes the lines.
    pub(super) fn maker(&self, resource: &Resource) -> LineMaker {
        let color = !self.no_color && std::io::stdout().is_terminal();
        LineMaker::new(self.format().format(resource, color))
    }

    fn format(&self) -> FormatName {
        self.format.unwrap_or(FormatName::Json)
    }
}

#[cfg(feature = "cli")]
impl Logs {
    /// How a client reaches this URL.
    pub(crate) fn endpoint(&self, url: &str) -> Endpoint {
        self.export.otlp.endpoint(url)
    }
}

/// The variables of lines, of what is left out, and of log records.
const GROUPS: &[&[Variable<Logs>]] = &[&LINES, &SAMPLING, otlp::VARIABLES];

impl Logs {
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &table::<_, { count(GROUPS) }>(GROUPS);
}

const LINES: [Variable<Logs>; 7] = [
    Variable {
        name: "RUST_LOG",
        default: "info",
        about: "Which lines are written: levels by target, as `info,my_crate=debug`.",
        set: set_level,
        show: |logs| logs.level.as_str().to_owned(),
    },
    Variable {
        name: "OTEL_LOG_LEVEL",
        default: "info",
        about: "The level of this library's own messages: `off`, `error`, `warn`, `info`, `debug`, `trace`.",
        set: set_own_level,
        show: |logs| logs.own_level.to_string(),
    },
    Variable {
        name: "OBSERVABILITY_LOG_FORMAT",
        default: "json",
        about: "The format of a line: `json`, `ecs`, `logstash`, `gelf`, `otel`, or `pretty` (the default on a terminal).",
        set: set_format,
        show: |logs| logs.format().as_str().to_owned(),
    },
    Variable {
        name: "OTEL_LOGS_EXPORTER",
        default: "console",
        about: "`console`: lines on standard output; `otlp`: log records over OTLP; `console,otlp`: both; `none`: \
                neither.",
        set: set_exporter,
        show: |logs| {
            match (logs.on, logs.export.on) {
                (true, false) => "console",
                (false, true) => "otlp",
                (true, true) => "console,otlp",
                (false, false) => "none",
            }
            .to_owned()
        },
    },
    Variable {
        name: "NO_COLOR",
        default: "",
        about: "Any value: no colours on a terminal.",
        set: |logs, _| {
            logs.no_color = true;
            Ok(())
        },
        show: |logs| if logs.no_color { "1" } else { "" }.to_owned(),
    },
    Variable {
        name: "OBSERVABILITY_LOG_CLIENT",
        default: "false",
        about: "`true`: the closing line of a request has the address and the user agent of the client.",
        set: |logs, value| {
            logs.names_client = boolean(value)?;
            Ok(())
        },
        show: |logs| logs.names_client.to_string(),
    },
    Variable {
        name: "OBSERVABILITY_LOG_REQUEST_SIZE",
        default: "false",
        about: "`true`: the closing line of a request has the size of its body, if its head says it.",
        set: |logs, value| {
            logs.names_request_size = boolean(value)?;
            Ok(())
        },
        show: |logs| logs.names_request_size.to_string(),
    },
];

const SAMPLING: [Variable<Logs>; 3] = [
    Variable {
        name: "OBSERVABILITY_LOG_OK_SHARE",
        default: "1.0",
        about: "The share of closing lines of successful requests that is kept, from 0 to 1; others are always kept.",
        set: set_ok_share,
        show: |logs| format!("{:?}", logs.sampling.ok_share),
    },
    Variable {
        name: "OBSERVABILITY_LOG_SLOW",
        default: "1000",
        about: "In milliseconds: a request, or work, that takes this long keeps its line; a query that does has a line of its own, and the line of its request names it (`observability.slow_query`).",
        set: |logs, value| {
            logs.sampling.slow = milliseconds(value)?;
            Ok(())
        },
        show: |logs| logs.sampling.slow.as_millis().to_string(),
    },
    Variable {
        name: "OBSERVABILITY_LOG_LIMIT",
        default: "10000",
        about: "Maximum lines per second of one place in the code; the rest is counted and reported. 0 means no limit.",
        set: |logs, value| {
            let limit: u64 = value.parse().map_err(|_| Refusal::expected("a whole number of lines"))?;
            logs.sampling.limit = u32::try_from(limit).unwrap_or(u32::MAX);
            Ok(())
        },
        show: |logs| logs.sampling.limit.to_string(),
    },
];

fn set_level(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let level = Directives::parse(value)?;
    let suspicion = level.suspicion();
    logs.level = level;
    suspicion.map_or(Ok(()), |why| Err(Refusal::Suspicious(why)))
}

fn set_ok_share(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let share = value.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    logs.sampling.ok_share = share.ok_or_else(|| Refusal::expected("a number from 0 to 1"))?;
    Ok(())
}

fn set_own_level(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    // The names of other languages' SDKs beside ours.
    let value = match value.to_ascii_lowercase().as_str() {
        "none" => "off".to_owned(),
        "warning" => "warn".to_owned(),
        "verbose" | "all" => "trace".to_owned(),
        "fatal" => "error".to_owned(),
        value => value.to_owned(),
    };
    logs.own_level = value
        .parse()
        .map_err(|_| Refusal::Expected("one of off, error, warn, info, debug, trace".to_owned()))?;
    Ok(())
}

fn set_format(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let chosen = FormatName::ALL.into_iter().find(|format| format.as_str().eq_ignore_ascii_case(value));
    let expected = || Refusal::Expected("one of json, ecs, logstash, gelf, otel, pretty".to_owned());
    logs.format = Some(chosen.ok_or_else(expected)?);
    Ok(())
}

/// A list; `none` counts only where it stands alone.
fn set_exporter(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let (mut console, mut otlp, mut none, mut unserved) = (false, false, false, None);
    for exporter in words(value) {
        match &*exporter {
            "console" => console = true,
            "otlp" => otlp = true,
            "none" => none = true,
            "otlp/stdout" => unserved = Some(exporter),
            _ => {
                return Err(Refusal::Expected(
                    "a list of console and otlp (`console,otlp` is both), or none".to_owned(),
                ));
            }
        }
    }
    if console || otlp || none {
        (logs.on, logs.export.on) = (console, otlp);
    }
    unserved.map_or(Ok(()), |name| Err(Refusal::NotServed(format!("`{name}` is ignored"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> (Logs, Result<(), Refusal>) {
        let mut logs = Logs::new().json();
        let row = Logs::VARIABLES.iter().find(|row| row.name == name).expect("a row");
        let result = (row.set)(&mut logs, value);
        (logs, result)
    }

    fn shown(name: &str, value: &str) -> String {
        let (logs, result) = set(name, value);
        assert_eq!(result, Ok(()), "{name}={value}");
        let row = Logs::VARIABLES.iter().find(|row| row.name == name).expect("a row");
        (row.show)(&logs)
    }

    #[test]
    fn a_good_value_is_taken_and_shown() {
        assert_eq!(shown("RUST_LOG", "warn, app=debug"), "warn,app=debug");
        assert_eq!(shown("OTEL_LOG_LEVEL", "WARNING"), "warn");
        for format in ["json", "ecs", "logstash", "gelf", "otel", "pretty"] {
            assert_eq!(shown("OBSERVABILITY_LOG_FORMAT", format), format);
            assert_eq!(shown("OBSERVABILITY_LOG_FORMAT", &format.to_uppercase()), format);
        }
        assert_eq!(shown("OTEL_LOGS_EXPORTER", "none"), "none");
        assert_eq!(shown("OTEL_LOGS_EXPORTER", "console"), "console");
        assert_eq!(shown("OTEL_LOGS_EXPORTER", "otlp"), "otlp");
        assert_eq!(shown("OTEL_LOGS_EXPORTER", "none, otlp,console"), "console,otlp");
        assert_eq!(shown("NO_COLOR", "1"), "1");
        assert_eq!(shown("OBSERVABILITY_LOG_CLIENT", "true"), "true");
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        for (name, value) in [
            ("RUST_LOG", "app=loud"),
            ("OTEL_LOG_LEVEL", "loud"),
            ("OBSERVABILITY_LOG_FORMAT", "xml"),
            ("OTEL_LOGS_EXPORTER", "file"),
            ("OBSERVABILITY_LOG_CLIENT", "maybe"),
        ] {
            let (logs, result) = set(name, value);
            assert!(matches!(result, Err(Refusal::Expected(_))), "{name}={value}: {result:?}");
            assert_eq!(format!("{logs:?}"), format!("{:?}", Logs::new().json()));
        }
    }

    #[test]
    fn what_comes_later_is_answered_and_not_taken() {
        let later =
            [("OTEL_LOGS_EXPORTER", "otlp/stdout"), ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json")];
        for (name, value) in later {
            let (logs, result) = set(name, value);
            assert!(matches!(result, Err(Refusal::NotServed(_))), "{name}={value}: {result:?}");
            assert!(logs.is_on());
        }
    }

    #[test]
    fn a_misspelt_level_is_taken_and_said() {
        let (logs, result) = set("RUST_LOG", "inof");
        assert!(matches!(result, Err(Refusal::Suspicious(_))));
        assert_eq!(logs.level.as_str(), "inof");
        assert!(Logs::new().level("app=loud").complaint().is_some());
    }

    fn set_sampling(logs: &mut Logs, name: &str, value: &str) -> Result<(), Refusal> {
        let row = SAMPLING.iter().find(|row| row.name == name).expect("a row");
        (row.set)(logs, value)
    }

    fn shown_sampling(logs: &Logs) -> [String; 3] {
        SAMPLING.each_ref().map(|row| (row.show)(logs))
    }

    #[test]
    fn the_defaults_are_those_of_the_rows() {
        assert_eq!(shown_sampling(&Logs::new()), SAMPLING.each_ref().map(|row| row.default.to_owned()));
    }

    #[test]
    fn a_good_value_is_taken_and_shown_and_a_bad_one_changes_nothing() {
        let mut logs = Logs::new();
        for (name, value) in SAMPLING.iter().map(|row| row.name).zip(["0.25", "250", "0"]) {
            assert_eq!(set_sampling(&mut logs, name, value), Ok(()));
        }
        assert_eq!(shown_sampling(&logs), ["0.25", "250", "0"]);
        assert_eq!(
            shown_sampling(&Logs::new().sample_ok(0.25).slow(Duration::from_millis(250)).limit(0)),
            shown_sampling(&logs)
        );
        let bad =
            [("OK_SHARE", "1.5"), ("OK_SHARE", "NaN"), ("OK_SHARE", "10%"), ("SLOW", "1s"), ("LIMIT", "-1")];
        for (name, value) in bad {
            let refused = set_sampling(&mut logs, &format!("OBSERVABILITY_LOG_{name}"), value);
            assert!(matches!(refused, Err(Refusal::Expected(_))), "{name}={value}: {refused:?}");
        }
        assert_eq!(shown_sampling(&logs), ["0.25", "250", "0"]);
        assert_eq!(shown_sampling(&Logs::new().sample_ok(f64::NAN))[0], "1.0");
        assert_eq!(shown_sampling(&Logs::new().sample_ok(-1.0))[0], "0.0");
    }
}
