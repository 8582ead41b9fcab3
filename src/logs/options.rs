//! The options of log lines and their variables.

use tracing::level_filters::LevelFilter;

use super::fewer::Choice;
use super::level::Directives;
use super::otlp::Export;
use crate::export::Destination;
use crate::otlp::Shared;
use crate::variable::{Refusal, Variable};

/// Options of logs: which lines are written and in which shape, and whether they leave as log records over OTLP.
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
    format: Option<Format>,
    /// Are lines written?
    on: bool,
    pub(super) no_color: bool,
    pub(super) fewer: Choice,
    pub(super) export: Export,
}

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Ecs,
    Logstash,
    Gelf,
    Otel,
    Pretty,
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
            fewer: Choice::default(),
            export: Export::default(),
        }
    }
}

impl Logs {
    /// Lines on standard output, from level `info` on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which lines are written: levels by target, as `info,my_crate::db=debug`; the longest target that begins
    /// a line's target decides. Directives that cannot be read change nothing, and a warning says so.
    ///
    /// It does not hide spans from traces: spans of level INFO and above are recorded whatever is written here.
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

    /// One JSON object a line. Default: where standard output is no terminal. Variable:
    /// `OBSERVABILITY_LOG_FORMAT`.
    pub fn json(mut self) -> Self {
        self.format = Some(Format::Json);
        self
    }

    /// One JSON object a line, by Elastic Common Schema 9.3, for Elasticsearch, OpenSearch and Kibana.
    ///
    /// A user's texts and truth values are `labels.<name>`, numbers `numeric_labels.<name>`, so that no index refuses a
    /// line for a type. In a name every character beside letters, digits, `_` and `-` becomes `_`. A number
    /// beyond 64 bits with a sign is a text. Default: `json`. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn ecs(mut self) -> Self {
        self.format = Some(Format::Ecs);
        self
    }

    /// One JSON object a line, with the keys of logstash-logback-encoder, for Logstash's codec `json_lines`.
    ///
    /// A user's fields stand beside ours; one whose name is taken, or belongs to Logstash or Elasticsearch, becomes
    /// `field_<name>`. Default: `json`. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn logstash(mut self) -> Self {
        self.format = Some(Format::Logstash);
        self
    }

    /// One JSON object a line, as Graylog Extended Log Format 1.1.
    ///
    /// A user's fields have a `_` in front, truth values are texts, and in a name every character beside ASCII
    /// letters, digits, `_`, `-` and `.` becomes `_`; one whose name is taken becomes `_field_<name>`. The host is the
    /// resource's `host.name`, else the machine's name, else the service. Default: `json`. Variable:
    /// `OBSERVABILITY_LOG_FORMAT`.
    pub fn gelf(mut self) -> Self {
        self.format = Some(Format::Gelf);
        self
    }

    /// One JSON object a line, as OpenTelemetry's log data model, with the names of the semantic conventions.
    ///
    /// `timestamp`, `severity_text`, `severity_number`, `scope_name`, `body`, `trace_id`, `span_id` and `trace_flags`
    /// stand at the top, who speaks in `resource`, all else in `attributes`, a user's fields among them; one whose
    /// name is taken becomes `field_<name>`. Default: `json`. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn otel(mut self) -> Self {
        self.format = Some(Format::Otel);
        self
    }

    /// One readable line, coloured on a terminal unless `NO_COLOR` is set. Default: where standard output is a
    /// terminal. Variable: `OBSERVABILITY_LOG_FORMAT`.
    pub fn pretty(mut self) -> Self {
        self.format = Some(Format::Pretty);
        self
    }

    /// No lines and no log records at all. Default: on. Variable: `OTEL_LOGS_EXPORTER` (`none`).
    pub fn off(mut self) -> Self {
        self.on = false;
        self.export.on = false;
        self
    }

    /// No lines on standard output; log records, if [`Logs::otlp`] asks for them, leave all the same.
    ///
    /// A panic, and what this library has to complain of, is then written to standard error. Default: lines are
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

    /// A person watches: lines shall be read by one, unless somebody chose a shape.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.format.get_or_insert(Format::Pretty);
        self.export.on_terminal();
        self
    }

    pub(super) fn format(&self) -> Format {
        self.format.unwrap_or(Format::Json)
    }
}

pub(super) const LINES: [Variable<Logs>; 5] = [
    Variable {
        name: "RUST_LOG",
        default: "info",
        secret: false,
        about: "Which lines are written: levels by target, as `info,my_crate=debug`.",
        set: set_level,
        show: |logs| logs.level.as_str().to_owned(),
    },
    Variable {
        name: "OTEL_LOG_LEVEL",
        default: "info",
        secret: false,
        about: "The level of this library's own messages: `off`, `error`, `warn`, `info`, `debug`, `trace`.",
        set: set_own_level,
        show: |logs| logs.own_level.to_string(),
    },
    Variable {
        name: "OBSERVABILITY_LOG_FORMAT",
        default: "json",
        secret: false,
        about: "The format of a line: `json`, `ecs`, `logstash`, `gelf`, `otel`, or `pretty` (the default on a terminal).",
        set: set_format,
        show: |logs| logs.format().as_str().to_owned(),
    },
    Variable {
        name: "OTEL_LOGS_EXPORTER",
        default: "console",
        secret: false,
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
        secret: false,
        about: "Any value: no colours on a terminal.",
        set: |logs, _| {
            logs.no_color = true;
            Ok(())
        },
        show: |logs| if logs.no_color { "1" } else { "" }.to_owned(),
    },
];

impl Format {
    const ALL: [Self; 6] = [Self::Json, Self::Ecs, Self::Logstash, Self::Gelf, Self::Otel, Self::Pretty];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ecs => "ecs",
            Self::Logstash => "logstash",
            Self::Gelf => "gelf",
            Self::Otel => "otel",
            Self::Pretty => "pretty",
        }
    }
}

fn set_level(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let level = Directives::parse(value)?;
    let suspicion = level.suspicion();
    logs.level = level;
    suspicion.map_or(Ok(()), |why| Err(Refusal::Suspicious(why)))
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
    let chosen = Format::ALL.into_iter().find(|format| format.as_str().eq_ignore_ascii_case(value));
    let expected = || Refusal::Expected("one of json, ecs, logstash, gelf, otel, pretty".to_owned());
    logs.format = Some(chosen.ok_or_else(expected)?);
    Ok(())
}

/// A list; `none` counts only where it stands alone.
fn set_exporter(logs: &mut Logs, value: &str) -> Result<(), Refusal> {
    let (mut console, mut otlp, mut none, mut unserved) = (false, false, false, None);
    for exporter in value.split(',').map(str::trim).filter(|exporter| !exporter.is_empty()) {
        match exporter {
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
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        for (name, value) in [
            ("RUST_LOG", "app=loud"),
            ("OTEL_LOG_LEVEL", "loud"),
            ("OBSERVABILITY_LOG_FORMAT", "xml"),
            ("OTEL_LOGS_EXPORTER", "file"),
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

    #[test]
    fn headers_are_secret() {
        let secret: Vec<_> = Logs::VARIABLES.iter().filter(|row| row.secret).map(|row| row.name).collect();
        assert_eq!(secret, ["OTEL_EXPORTER_OTLP_LOGS_HEADERS"]);
    }
}
