//! The options of traces: what code chose, what the environment chose, and what is in force.

mod keep;
mod variables;
mod zipkin;

use std::fmt;
use std::time::Duration;

use self::zipkin::Zipkin;
use super::keep::{KeepRules, PeerRules};
use super::{Limits, Sampler};
use crate::export::{BatchLimits, Destination, Endpoint};
use crate::otlp::{Otlp, OtlpConfig, Shared, TIMEOUT, TRACES};
use crate::variable::Refusal;

/// Options for traces: sampling, where spans are exported, limits of a span.
///
/// Nothing is exported until there is an endpoint. The environment overrides what is set here.
///
/// The sampler works without an exporter, too: the process still sends the `sampled` flag in its headers, so that a
/// gateway without an exporter does not end the traces of the services behind it. `trace_flags` on log lines are these
/// flags. Exemplars point at spans of this process and are left out in this case.
///
/// ```
/// use tower_observability::{Otlp, Traces};
///
/// let traces = Traces::new().sample_ratio(0.1).otlp(Otlp::new().endpoint("http://collector:4318"));
/// # drop(traces);
/// ```
#[derive(Clone)]
#[must_use = "hand it to `Builder::traces`"]
pub struct Traces {
    off: bool,
    exporter: Option<Format>,
    /// Are traces shown on standard error, beside another exporter or alone?
    console: bool,
    pub(super) otlp: OtlpConfig,
    zipkin: Zipkin,
    ratio: Option<f64>,
    follow_parent: bool,
    sampler: Option<SamplerName>,
    sampler_arg: Option<f64>,
    counts: Counts,
    keep: KeepRules,
    peers: PeerRules,
    /// Does the environment name what is kept?
    keep_is_named: bool,
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
}

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
    /// The specification's defaults: every new trace is sampled, a parent's decision is followed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples this ratio of new traces, from 0 to 1; values outside are clamped.
    ///
    /// A caller's sampling decision is kept (see [`Traces::follow_parent`]). Default: `1.0`.
    /// Variable: `OTEL_TRACES_SAMPLER_ARG`.
    pub fn sample_ratio(mut self, ratio: f64) -> Self {
        self.ratio = Some(if ratio.is_nan() { 0.0 } else { ratio.clamp(0.0, 1.0) });
        self
    }

    /// Whether a caller's sampling decision is followed. If not, each service decides alone, by the trace id. Default: `true`. Variable:
    /// `OTEL_TRACES_SAMPLER` (`parentbased_…`).
    pub fn follow_parent(mut self, follow: bool) -> Self {
        self.follow_parent = follow;
        self
    }

    /// Exports nothing, even if there is an endpoint. Default: not called. Variable: `OTEL_TRACES_EXPORTER` (`none`).
    pub fn off(mut self) -> Self {
        self.off = true;
        self
    }

    /// Exports spans over OTLP with these options. Without an endpoint in code or in the environment nothing is exported.
    ///
    /// Default: `Otlp::new()`. Variables: see [`Otlp`].
    ///
    /// ```
    /// use tower_observability::{Otlp, Traces};
    ///
    /// let traces = Traces::new().otlp(Otlp::new().endpoint("http://collector:4317").grpc());
    /// # drop(traces);
    /// ```
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.otlp.choose(otlp);
        self
    }

    /// Exports spans to Zipkin, as Zipkin's JSON v2, instead of over OTLP. The URL is used as it is, such as
    /// `http://zipkin:9411/api/v2/spans`.
    ///
    /// Timeouts, batches and TLS files are those of [`Traces::otlp`]; headers, compression and gRPC are for OTLP only.
    ///
    /// OpenTelemetry has deprecated exporters of this kind and drops them from its specification at the end of
    /// 2026. The long-term option is OTLP to a collector with a Zipkin exporter.
    ///
    /// Default: not called. Variables: `OTEL_TRACES_EXPORTER` (`zipkin`), `OTEL_EXPORTER_ZIPKIN_ENDPOINT`.
    pub fn zipkin(mut self, url: impl Into<String>) -> Self {
        self.zipkin.code = Some(url.into());
        self
    }

    /// Prints each trace to standard error as a waterfall, in addition to the exporter if there is one: for development.
    ///
    /// A trace is printed when the request, call or job by which it entered this process has ended, at the latest after
    /// 10 s, with the spans of this process. At most 2,048 spans wait for that.
    ///
    /// Default: not called. Variable: `OTEL_TRACES_EXPORTER` (`console`, or `otlp,console`).
    pub fn console(mut self) -> Self {
        self.console = true;
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

    /// Keeps every trace in which a request, call or job fails or panics, or an ERROR event happens, also if the sampler
    /// left it out.
    ///
    /// Spans of traces that are not sampled are then held in memory until the trace turns out to matter, by default for
    /// 10 s in 16 MiB ([`keep_time`](Self::keep_time), [`keep_memory`](Self::keep_memory)). What is kept says why, as
    /// `observability.kept`, and claims no sampling probability.
    ///
    /// Default: not called. Variable: `OBSERVABILITY_TRACES_KEEP` (`errors`).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_observability::Traces;
    ///
    /// let traces = Traces::new()
    ///     .sample_ratio(0.01)
    ///     .keep_errors()
    ///     .keep_slow(Duration::from_millis(500))
    ///     .keep_slow_route("/reports/{id}", Duration::from_secs(5));
    /// # drop(traces);
    /// ```
    pub fn keep_errors(mut self) -> Self {
        self.keep.errors = true;
        self
    }

    /// Keeps every trace in which a request or a message takes at least this long, until the last byte of its response.
    /// A connection that became another protocol is never slow.
    ///
    /// Default: not called. Variables: `OBSERVABILITY_TRACES_KEEP` (`slow`), `OBSERVABILITY_TRACES_KEEP_SLOW` (1000 ms).
    pub fn keep_slow(mut self, from: Duration) -> Self {
        self.keep.slow = Some(from);
        self
    }

    /// Sets from when on requests of this route (the pattern, for gRPC `package.Service/Method`), or messages processed by
    /// work of this name, are slow. At most 256 routes have a time of their own; further calls have no effect.
    ///
    /// Default: as set by [`keep_slow`](Self::keep_slow). Variable: `OBSERVABILITY_TRACES_KEEP_SLOW`
    /// (`1000,/reports=5000`).
    pub fn keep_slow_route(mut self, route: impl Into<String>, from: Duration) -> Self {
        self.keep.set_slow_route(route.into(), from);
        self
    }

    /// Keeps the trace of a request or a message whose route has not ended with this status and outcome in this process
    /// for an hour. At most 2,048 such ends are told apart.
    ///
    /// Default: not called. Variable: `OBSERVABILITY_TRACES_KEEP` (`rare`).
    pub fn keep_rare(mut self) -> Self {
        self.keep.rare = true;
        self
    }

    /// How many bytes of traces are held until it is known whether they are kept, at least 65,536. When the memory is
    /// full, the oldest trace is discarded and counted (`observability_spans_discarded_total`).
    ///
    /// Default: 16 MiB. Variable: `OBSERVABILITY_TRACES_KEEP_MEMORY`.
    pub fn keep_memory(mut self, bytes: usize) -> Self {
        self.keep.memory = bytes.max(65_536);
        self
    }

    /// How long a trace is held until it is known whether it is kept, at most a day. Then it is discarded and counted.
    ///
    /// Default: 10 s. Variable: `OBSERVABILITY_TRACES_KEEP_TIME`.
    pub fn keep_time(mut self, time: Duration) -> Self {
        self.keep.set_time(time);
        self
    }

    /// Keeps traces together with other services: whoever learns that a trace matters tells the services that took part,
    /// also those that had answered before, and the consumers of its messages. All of them need the same token.
    ///
    /// `hosts` are names, domains that begin with a dot, addresses and ranges of addresses such as `10.0.0.0/8`. Only these
    /// are told, and believed, where others reach them: at the admin listener of each, which must not be on loopback then.
    /// It has an effect only beside [`keep_errors`](Self::keep_errors) and the like.
    ///
    /// Default: not called. Variables: `OBSERVABILITY_TRACES_PEERS`, `OBSERVABILITY_TRACES_PEERS_TOKEN`, and where this
    /// process is reached, `OBSERVABILITY_TRACES_PEERS_ADDRESS`.
    ///
    /// ```
    /// use tower_observability::Traces;
    ///
    /// # let token = String::from("from a secret");
    /// let traces = Traces::new().sample_ratio(0.01).keep_errors().keep_with(["10.0.0.0/8", ".svc.cluster.local"], token);
    /// # drop(traces);
    /// ```
    pub fn keep_with<H: Into<String>>(
        mut self,
        hosts: impl IntoIterator<Item = H>,
        token: impl Into<String>,
    ) -> Self {
        self.peers.trusted = hosts.into_iter().map(Into::into).collect();
        self.peers.token = Some(token.into());
        self
    }

    /// The services that keep traces together with this one.
    pub(crate) fn peer_rules(&self) -> &PeerRules {
        &self.peers
    }

    /// The rules in force; `None` if every trace that is not sampled is left out.
    pub(crate) fn keep_rules(&self) -> Option<KeepRules> {
        self.keep.is_on().then(|| self.keep.clone())
    }

    /// A person watches: spans are to be seen soon, unless a delay was chosen.
    pub(crate) fn on_terminal(mut self) -> Self {
        self.otlp.batching.on_terminal();
        self
    }

    /// What the general variables say.
    pub(crate) fn inherit(&mut self, general: &Shared) {
        self.otlp.general = general.clone();
    }

    /// Where spans go.
    pub(crate) fn destination(&self) -> Destination {
        match self.format() {
            Some(Format::Otlp) => self.otlp.destination_or_local(),
            Some(Format::Zipkin) => self.zipkin.destination(),
            Some(Format::Console) => Destination::Console,
            Some(Format::None) => Destination::Off,
            None => Destination::None,
        }
    }

    /// As what spans leave: what `OTEL_TRACES_EXPORTER` says, else what there is an address of, in the environment before
    /// the code.
    pub(crate) fn format(&self) -> Option<Format> {
        if self.off {
            return Some(Format::None);
        }
        let named = [
            (self.otlp.is_chosen_by_environment(), Format::Otlp),
            (self.zipkin.endpoint.is_some(), Format::Zipkin),
            (self.zipkin.code.is_some(), Format::Zipkin),
            (self.otlp.code.endpoint.is_some(), Format::Otlp),
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
        self.otlp.is_grpc()
    }

    /// How Zipkin is reached. What the variables of OTLP say is not for it: they may hold another system's key. The
    /// headers in code may, too; its files of TLS count wherever spans go.
    pub(super) fn zipkin_endpoint(&self, url: &str) -> Endpoint {
        Endpoint { tls: self.otlp.code.tls.clone(), ..Endpoint::plain(url) }
    }

    /// What of the export will not work, or most likely not.
    pub(crate) fn advice(&self) -> Vec<(String, String, Refusal)> {
        match self.format() {
            Some(Format::Otlp) => self.otlp.advice(),
            // Beside an endpoint of OTLP in code it is meant for that one, and the environment chose Zipkin.
            Some(Format::Zipkin) if self.otlp.code.endpoint.is_none() => {
                zipkin::without_effect(&self.otlp.code)
            }
            _ => Vec::new(),
        }
    }

    /// The sampler in force.
    pub(crate) fn sampler(&self) -> Sampler {
        let name = self.sampler_name();
        let sampler = match name.root {
            Root::AlwaysOn => Sampler::always(),
            Root::AlwaysOff => Sampler::never(),
            Root::TraceIdRatio => Sampler::probability(self.ratio()),
        };
        if name.parent_based { sampler.parent_based() } else { sampler }
    }

    pub(crate) fn limits(&self) -> Limits {
        let general = &self.otlp.general;
        Limits {
            attributes: self.counts.span_attributes.or(general.attributes).unwrap_or(self.counts.attributes),
            value_length: self.counts.span_value_length.or(general.value_length).or(self.counts.value_length),
            links: self.counts.links,
        }
    }

    pub(crate) fn queue_capacity(&self) -> usize {
        self.otlp.batching.queue
    }

    pub(crate) fn batch_limits(&self) -> BatchLimits {
        let mut otlp = self.otlp.clone();
        if self.console {
            otlp.batching.on_terminal();
        }
        otlp.batch_limits(match self.format() {
            Some(Format::Zipkin) => self.zipkin_timeout(),
            _ => self.otlp.timeout(),
        })
    }

    fn zipkin_timeout(&self) -> Duration {
        self.zipkin.timeout.or(self.otlp.code.timeout).unwrap_or(TIMEOUT)
    }

    fn sampler_name(&self) -> SamplerName {
        let root = match self.ratio {
            None => Root::AlwaysOn,
            Some(_) if self.sampler_arg.is_some() => Root::TraceIdRatio,
            Some(1.0) => Root::AlwaysOn,
            Some(0.0) => Root::AlwaysOff,
            Some(_) => Root::TraceIdRatio,
        };
        self.sampler.unwrap_or(SamplerName { root, parent_based: self.follow_parent })
    }

    fn ratio(&self) -> f64 {
        self.sampler_arg.or(self.ratio).unwrap_or(1.0)
    }
}

#[cfg(feature = "cli")]
impl Traces {
    /// How a client reaches this URL.
    pub(crate) fn endpoint(&self, url: &str) -> Endpoint {
        match self.format() {
            Some(Format::Zipkin) => self.zipkin_endpoint(url),
            _ => self.otlp.endpoint(url),
        }
    }
}

impl Default for Traces {
    fn default() -> Self {
        Self {
            off: false,
            exporter: None,
            console: false,
            otlp: OtlpConfig::new(&TRACES),
            zipkin: Zipkin::default(),
            ratio: None,
            follow_parent: true,
            sampler: None,
            sampler_arg: None,
            counts: Counts::default(),
            keep: KeepRules::default(),
            peers: PeerRules::default(),
            keep_is_named: false,
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
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("destination", &self.destination())
            .field("format", &self.format())
            .field("console", &self.console)
            .field("otlp", &self.otlp)
            .field("sampler", &self.sampler_name())
            .field("ratio", &self.ratio())
            .field("limits", &self.limits())
            .field("keep", &self.keep)
            .field("peers", &self.peers)
            .finish()
    }
}

#[cfg(test)]
mod tests;
