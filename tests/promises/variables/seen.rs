//! One run of a case: the process, the collector that it talks to, and what came of both.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;

use super::program::Program;
use crate::support::authority::{Authority, Shown};
use crate::support::child::{Child, Ended};
use crate::support::collector::{Answer, Collected, CollectedLog, CollectedMetric, Collector, Received};
use crate::support::port::free_address;

/// What surrounds a variable while it is run.
#[derive(Clone, Default)]
pub(super) struct Scene {
    pub(super) program: Program,
    pub(super) with: Vec<(&'static str, &'static str)>,
    /// What the collector does with everything, if it does not take it.
    pub(super) always: Option<Answer>,
    pub(super) terminal: bool,
    pub(super) tls: Tls,
}

/// What the collector speaks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Tls {
    #[default]
    Without,
    /// Its certificate is of an authority that only a file names.
    Shown,
    /// It demands a certificate of that authority.
    Demanded,
}

/// What a run left behind.
pub(super) struct Seen {
    pub(super) output: Vec<String>,
    pub(super) received: Vec<Received>,
    pub(super) spans: Vec<Collected>,
    pub(super) records: Vec<CollectedLog>,
    pub(super) metrics: Vec<CollectedMetric>,
    pub(super) lines: Vec<serde_json::Value>,
    /// What stood for `{port}`.
    pub(super) port: String,
}

impl Scene {
    /// Runs it, with the variable or without.
    pub(super) fn run(&self, variable: Option<(&str, &str)>) -> Seen {
        let (collector, files) = self.tls.start();
        if let Some(answer) = &self.always {
            collector.always(answer.clone());
        }
        let port = free_address().port().to_string();
        let mut child = Child::new("variables", self.program.name());
        for (name, value) in self.with.iter().copied().chain(variable) {
            let value = value.replace("{collector}", &collector.endpoint()).replace("{port}", &port);
            let value = value.replace("{address}", &collector.address().to_string());
            let value = files.iter().fold(value, |value, (mark, file)| value.replace(mark, file));
            child = child.env(name, value);
        }
        let child = if self.terminal { child.on_terminal() } else { child };
        Seen::of(child.end().well(), &collector, port)
    }
}

impl Tls {
    /// A collector, and what stands for `{ca}`, `{certificate}` and `{key}`.
    fn start(self) -> (Collector, Vec<(&'static str, String)>) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if matches!(self, Self::Without) {
            return (Collector::start(), Vec::new());
        }
        let authority = Authority::new(&format!("variables-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let (certificate, key) = authority.client();
        let server = match self {
            Self::Demanded => authority.demanding(),
            _ => authority.server(Shown::Right),
        };
        let files = vec![("{ca}", authority.file()), ("{certificate}", certificate), ("{key}", key)];
        (Collector::start_tls(server), files)
    }
}

impl Seen {
    fn of(ended: Ended, collector: &Collector, port: String) -> Self {
        Self {
            lines: ended.logged(),
            output: ended.output,
            received: collector.received(),
            spans: collector.spans(),
            records: collector.logs(),
            metrics: collector.metrics(),
            port,
        }
    }

    /// What the program itself said of something.
    pub(super) fn said(&self, what: &str) -> &str {
        let begin = format!("{what}: ");
        self.output.iter().find_map(|line| line.strip_prefix(&begin)).unwrap_or_default()
    }

    /// The same as a number.
    pub(super) fn number(&self, what: &str) -> u64 {
        self.said(what).parse().unwrap_or_else(|_| panic!("no {what} in {self:#?}"))
    }

    /// The lines of the page `/metrics` that begin so.
    pub(super) fn page(&self, begin: &str) -> Vec<&str> {
        let page = self.output.iter().filter_map(|line| line.strip_prefix("page: "));
        page.filter(|line| line.starts_with(begin)).collect()
    }

    /// Did the next service get this header?
    pub(super) fn sent(&self, header: &str) -> bool {
        !self.said(&format!("sent {header}")).is_empty()
    }

    /// The span of the request to this path, by its name: limits cut what it holds.
    pub(super) fn span(&self, path: &str) -> Option<&Collected> {
        self.spans.iter().find(|span| span.span.name.ends_with(path))
    }

    /// Which of the three requests have a span: that of a caller who samples, of one who does not, of none.
    pub(super) fn sampled(&self) -> [bool; 3] {
        [" /sampled", " /unsampled", " /root"].map(|path| self.span(path).is_some())
    }

    /// The record of the event within the request.
    pub(super) fn record(&self) -> Option<&LogRecord> {
        self.records.iter().find(|log| log.body() == "at work").map(|log| &log.record)
    }

    /// The first metric of this name.
    pub(super) fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().map(|collected| &collected.metric).find(|metric| metric.name == name)
    }

    /// Is there a line with this message?
    pub(super) fn has_line(&self, begin: &str) -> bool {
        self.lines.iter().any(|line| line["message"].as_str().is_some_and(|text| text.starts_with(begin)))
    }

    /// Does the start-up line say that the environment chose this? Where there is no such line it need not.
    pub(super) fn chose(&self, name: &str) -> bool {
        let messages = self.lines.iter().filter_map(|line| line["message"].as_str());
        let mut started = messages.filter(|message| message.starts_with("observability started"));
        let chosen = |message: &str| match name {
            "OTEL_SERVICE_NAME" => message.contains("service by-operator (environment)"),
            _ => message.contains(&format!("{name}=")),
        };
        started.next().is_none_or(chosen)
    }

    /// What was posted to paths that end so.
    pub(super) fn posted(&self, path: &str) -> Vec<&Received> {
        self.received.iter().filter(|received| received.path.ends_with(path)).collect()
    }
}

/// Enough to see why an effect is missing.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spans: Vec<_> = self.spans.iter().map(|span| (&span.span.name, &span.span.attributes)).collect();
        let posted: Vec<_> =
            self.received.iter().map(|received| (&received.path, &received.headers)).collect();
        let output: Vec<_> = self.output.iter().filter(|line| !line.starts_with("page: # ")).collect();
        f.debug_struct("Seen")
            .field("output", &output)
            .field("posted", &posted)
            .field("spans", &spans)
            .finish()
    }
}
