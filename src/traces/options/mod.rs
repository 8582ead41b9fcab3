//! The options of traces: what code chose, what the environment chose, and what is in force.

mod transport;
mod variables;
mod zipkin;

use std::fmt;
use std::time::Duration;

use self::zipkin::Zipkin;
use super::{Limits, Sampler};
use crate::export::{Batching, Destination, Link, Pace, Shared, TIMEOUT, TRACES, Way};
use crate::variable::Refusal;

/// Options of traces: who is sampled, where finished spans go, how many may wait.
///
/// Nothing is exported until there is an endpoint. What the environment says beats what is set here.
///
/// The sampler decides all the same: a process without an exporter still says `sampled` in the headers that it
/// sends on, so that a gateway without one does not end the traces of the services behind it. `trace_flags` on
/// log lines are these flags; exemplars, which point at a span of this process, are then left out.
///
/// ```
/// use tower_observability::Traces;
///
/// let traces = Traces::new().keep(0.1).endpoint("http://collector:4318").header("x-team", "bookings");
/// assert!(!format!("{traces:?}").contains("bookings"), "header values are never printed");
/// ```
#[derive(Clone)]
#[must_use = "hand it to `Builder::traces`"]
pub struct Traces {
    off: bool,
    exporter: Option<Format>,
    /// Are traces shown on standard error, beside another exporter or alone?
    console: bool,
    pub(super) way: Way,
    zipkin: Zipkin,
    keep: Option<f64>,
    follow_parent: bool,
    sampler: Option<SamplerName>,
    sampler_arg: Option<f64>,
    batching: Batching,
    counts: Counts,
}

/// `OTEL_TRACES_EXPORTER`: one of them in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// To a collector.
    Otlp,
    /// JSON, straight to Zipkin.
    Zipkin,
    /// Drawn on standard error, and nowhere else.
    Console,
    /// Nothing leaves.
    None,
}

/// `OTEL_TRACES_SAMPLER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SamplerName {
    root: Root,
    parent_based: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    AlwaysOn,
    AlwaysOff,
    TraceIdRatio,
}

/// The limits of the specification, each from its own variable; the general ones, or else the code's, serve where
/// those are not set.
#[derive(Clone, Debug)]
struct Counts {
    attributes: usize,
    value_length: Option<usize>,
    span_attributes: Option<usize>,
    span_value_length: Option<usize>,
    links: usize,
    link_attributes: usize,
    events: usize,
    event_attributes: usize,
}

const SCHEDULE_DELAY: Duration = Duration::from_secs(5);

impl Format {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::Zipkin => "zipkin",
            Self::Console => "console",
            Self::None => "none",
        }
    }
}

impl Traces {
    /// The specification's defaults: every trace that starts here is kept, a parent's decision is followed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps this share of the traces that start here, from 0 to 1.
    ///
    /// A trace that arrives with a decision keeps that decision (see [`Traces::follow_parent`]). Values outside
    /// the range are clamped. Default: `1.0`. Variable: `OTEL_TRACES_SAMPLER_ARG`.
    pub fn keep(mut self, share: f64) -> Self {
        self.keep = Some(if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) });
        self
    }

    /// Does a trace that arrives with a decision keep it?
    ///
    /// Without, each service decides alone, by the trace's id. Default: `true`. Variable:
    /// `OTEL_TRACES_SAMPLER` (`parentbased_…`).
    pub fn follow_parent(mut self, follow: bool) -> Self {
        self.follow_parent = follow;
        self
    }

    /// Exports nothing, whatever the endpoint. Default: not called. Variable: `OTEL_TRACES_EXPORTER` (`none`).
    pub fn off(mut self) -> Self {
        self.off = true;
        self
    }

    /// Where the collector listens, such as `http://collector:4318`; `/v1/traces` is appended. Over
    /// [gRPC](Traces::grpc) such as `http://collector:4317`, to which nothing is. `https://` needs the feature `tls`.
    ///
    /// Default: none, nothing is exported. Variable: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.way.code.endpoint = Some(url.into());
        self
    }

    /// Sends spans straight to Zipkin, as its JSON of version 2, instead of over OTLP. The URL is used as it is:
    /// `http://zipkin:9411/api/v2/spans`.
    ///
    /// OpenTelemetry has deprecated exporters of this kind and drops them from its specification at the end of
    /// 2026. What lasts is OTLP to a collector with a Zipkin exporter.
    ///
    /// Default: not called. Variables: `OTEL_TRACES_EXPORTER` (`zipkin`), `OTEL_EXPORTER_ZIPKIN_ENDPOINT`.
    pub fn zipkin(mut self, url: impl Into<String>) -> Self {
        self.zipkin.code = Some(url.into());
        self
    }

    /// Draws each trace on standard error, as a waterfall, beside the exporter if there is one: for development.
    ///
    /// A trace is drawn when the request, call or job by which it entered this process has ended, at the latest after
    /// 10 s, with the spans of this process. At most 2,048 spans wait for that.
    ///
    /// Default: not called. Variable: `OTEL_TRACES_EXPORTER` (`console`, or `otlp,console`).
    pub fn console(mut self) -> Self {
        self.console = true;
        self
    }

    /// Adds a header to every export over OTLP; Zipkin gets none. Its value never appears in `Debug`, logs or errors.
    ///
    /// Default: none. Variable: `OTEL_EXPORTER_OTLP_HEADERS`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.way.code.headers.get_or_insert_default().push((name.into(), value.into()));
        self
    }

    /// How long one attempt to export may take; zero is without end.
    ///
    /// Default: 10 s. Variables: `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_EXPORTER_ZIPKIN_TIMEOUT`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.way.code.timeout = Some(timeout);
        self
    }

    /// How long one batch may take over all attempts; zero is without end. Then it is dropped and counted.
    ///
    /// Default: 30 s. Variable: `OTEL_BSP_EXPORT_TIMEOUT`.
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.batching.timeout = timeout;
        self
    }

    /// How long a finished span waits at most for its batch to fill.
    ///
    /// Default: 5 s, on a terminal 0.5 s. Variable: `OTEL_BSP_SCHEDULE_DELAY`.
    pub fn batch_delay(mut self, delay: Duration) -> Self {
        self.batching.delay = Some(delay);
        self
    }

    /// How many spans a batch holds at most; never more than the queue. At least 1.
    ///
    /// Default: 512. Variable: `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`.
    pub fn batch_size(mut self, spans: usize) -> Self {
        self.batching.batch = spans.max(1);
        self
    }

    /// How many finished spans may wait; when full, the newest is dropped and counted. At least 1.
    ///
    /// Default: 2048. Variable: `OTEL_BSP_MAX_QUEUE_SIZE`.
    pub fn queue_size(mut self, spans: usize) -> Self {
        self.batching.queue = spans.max(1);
        self
    }

    /// How many attributes a span may have; the span says how many were dropped.
    ///
    /// Default: 128. Variable: `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`.
    pub fn attribute_limit(mut self, attributes: usize) -> Self {
        self.counts.attributes = attributes;
        self
    }

    /// How many characters a text attribute may have; longer ones are cut.
    ///
    /// Default: no limit. Variable: `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`.
    pub fn value_length_limit(mut self, characters: usize) -> Self {
        self.counts.value_length = Some(characters);
        self
    }

    /// How many links a span may have; the span says how many were dropped.
    ///
    /// Default: 128. Variable: `OTEL_SPAN_LINK_COUNT_LIMIT`.
    pub fn link_limit(mut self, links: usize) -> Self {
        self.counts.links = links;
        self
    }

    /// A person watches: spans shall be seen soon, unless somebody chose a delay.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.batching.on_terminal();
        self
    }

    /// What the general variables say.
    pub(crate) fn inherit(&mut self, general: &Shared) {
        self.way.general = general.clone();
    }

    /// Where spans go.
    pub(crate) fn destination(&self) -> Destination {
        match self.format() {
            Some(Format::Otlp) => self.way.destination().unwrap_or_else(|| self.way.local()),
            Some(Format::Zipkin) => self.zipkin.destination(),
            Some(Format::Console) => Destination::Console,
            Some(Format::None) => Destination::Off,
            None => Destination::None,
        }
    }

    /// As what spans leave: what `OTEL_TRACES_EXPORTER` says, else for whom there is an address, in the environment
    /// before the code.
    pub(crate) fn format(&self) -> Option<Format> {
        if self.off {
            return Some(Format::None);
        }
        let named = [
            (self.way.is_chosen_by_environment(), Format::Otlp),
            (self.zipkin.endpoint.is_some(), Format::Zipkin),
            (self.zipkin.code.is_some(), Format::Zipkin),
            (self.way.code.endpoint.is_some(), Format::Otlp),
            (self.console, Format::Console),
        ];
        let first = named.into_iter().find_map(|(is_named, format)| is_named.then_some(format));
        self.exporter.or(first)
    }

    /// Are traces drawn on standard error, beside where they go?
    pub(crate) fn is_shown(&self) -> bool {
        self.console
    }

    /// Do they leave over gRPC, if they leave over OTLP?
    pub(crate) fn is_grpc(&self) -> bool {
        self.way.is_grpc()
    }

    /// All that a transport to Zipkin has to know. What the variables of OTLP say is not for it: they may hold another
    /// system's key. The headers in code may, too; its files of TLS count wherever spans go.
    pub(super) fn zipkin_link(&self, url: &str) -> Link {
        Link { pem: self.way.code.pem.clone(), ..Link::plain(url) }
    }

    /// What of the way out will not work, or most likely not.
    pub(crate) fn doubts(&self) -> Vec<(String, String, Refusal)> {
        match self.format() {
            Some(Format::Otlp) => self.way.doubts(),
            // Beside an endpoint of OTLP it is meant for that one, and somebody else chose Zipkin.
            Some(Format::Zipkin) if self.way.code.endpoint.is_none() => zipkin::unheard(&self.way.code),
            _ => Vec::new(),
        }
    }

    /// The sampler in force.
    pub(crate) fn sampler(&self) -> Sampler {
        let name = self.sampler_name();
        let sampler = match name.root {
            Root::AlwaysOn => Sampler::always(),
            Root::AlwaysOff => Sampler::never(),
            Root::TraceIdRatio => Sampler::probability(self.share()),
        };
        if name.parent_based { sampler.parent_based() } else { sampler }
    }

    pub(crate) fn limits(&self) -> Limits {
        let general = &self.way.general;
        Limits {
            attributes: self.counts.span_attributes.or(general.attributes).unwrap_or(self.counts.attributes),
            value_length: self.counts.span_value_length.or(general.value_length).or(self.counts.value_length),
            links: self.counts.links,
        }
    }

    pub(crate) fn queue_capacity(&self) -> usize {
        self.batching.queue
    }

    pub(crate) fn pace(&self) -> Pace {
        let mut batching = self.batching;
        if self.console {
            batching.on_terminal();
        }
        batching.pace(match self.format() {
            Some(Format::Zipkin) => self.zipkin_timeout(),
            _ => self.way.timeout(),
        })
    }

    fn zipkin_timeout(&self) -> Duration {
        self.zipkin.timeout.or(self.way.code.timeout).unwrap_or(TIMEOUT)
    }

    fn sampler_name(&self) -> SamplerName {
        let root = match self.keep {
            None => Root::AlwaysOn,
            Some(_) if self.sampler_arg.is_some() => Root::TraceIdRatio,
            Some(1.0) => Root::AlwaysOn,
            Some(0.0) => Root::AlwaysOff,
            Some(_) => Root::TraceIdRatio,
        };
        self.sampler.unwrap_or(SamplerName { root, parent_based: self.follow_parent })
    }

    fn share(&self) -> f64 {
        self.sampler_arg.or(self.keep).unwrap_or(1.0)
    }
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            off: false,
            exporter: None,
            console: false,
            way: Way::new(&TRACES),
            zipkin: Zipkin::default(),
            keep: None,
            follow_parent: true,
            sampler: None,
            sampler_arg: None,
            batching: Batching::new(SCHEDULE_DELAY),
            counts: Counts::default(),
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            attributes: 128,
            value_length: None,
            span_attributes: None,
            span_value_length: None,
            links: 128,
            link_attributes: 128,
            events: 128,
            event_attributes: 128,
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("destination", &self.destination())
            .field("format", &self.format())
            .field("console", &self.console)
            .field("headers", &self.way.show_headers())
            .field("sampler", &self.sampler_name())
            .field("share", &self.share())
            .field("pace", &self.pace())
            .field("queue_size", &self.batching.queue)
            .field("limits", &self.limits())
            .finish()
    }
}

#[cfg(test)]
mod tests;
