//! The signals: where each goes, what answers there, and what becomes of something marked that is sent as `init` sends it.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use ::metrics::{Key, Level, Metadata, Recorder as _};
use http::header::{DATE, SERVER};
use tokio::sync::watch;

use super::ask;
use super::finding::{Finding, from};
use super::reach::Reach;
use super::send::Notices;
use crate::clock::Moment;
use crate::config::Config;
use crate::context::{TraceContext, Tracestate};
use crate::export::{Destination, Endpoint, masked_url};
use crate::logs::Records;
use crate::metrics::{Points, Recorder};
use crate::record::{FieldValue, Fields, Kind, Severity, Snapshot, Value};
use crate::resource::Resource;
use crate::threads::Phase;
use crate::traces::{Format, SpanRecord, Spans};

/// What is sent, and for whom.
pub(super) struct Sender<'a> {
    pub(super) config: &'a Config,
    pub(super) resource: &'a Resource,
    pub(super) timeout: Duration,
    /// Of what is sent.
    pub(super) trace: TraceContext,
}

/// The name of the marked span, the text of the marked record, and the field of both.
const MARK: &str = "observability doctor";
const FIELD: &str = "observability.doctor";
/// The endpoint of all signals.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The marked counter.
const COUNTER: &str = "observability_doctor_runs_total";
/// Clocks that differ by more show spans at the wrong time, and stores may refuse what is from the future.
const SKEW: u64 = 10;

impl Sender<'_> {
    /// The way of the spans.
    pub(super) async fn traces(&self, reach: &mut Reach) -> Vec<Finding> {
        let traces = &self.config.options.traces;
        let (endpoints, as_what): (&[&'static str], _) = match traces.format() {
            Some(Format::Zipkin) => (&["OTEL_EXPORTER_ZIPKIN_ENDPOINT"], "Zipkin's JSON"),
            _ => (&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ENDPOINT], protocol(traces.is_grpc())),
        };
        let names = ("OTEL_TRACES_EXPORTER", endpoints);
        let off = "OTEL_EXPORTER_OTLP_ENDPOINT turns them on";
        match self.destined("traces", names, traces.destination(), as_what, off) {
            Err(found) => vec![found],
            Ok((url, found)) => {
                self.go("traces", found, &traces.endpoint(&url), reach, async || self.span().await).await
            }
        }
    }

    /// The way of the log records.
    pub(super) async fn logs(&self, reach: &mut Reach) -> Vec<Finding> {
        let logs = &self.config.options.logs;
        let names = ("OTEL_LOGS_EXPORTER", &["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", ENDPOINT][..]);
        let off = "lines are not sent as log records; OTEL_LOGS_EXPORTER=console,otlp sends them, too";
        match self.destined("logs", names, logs.destination(), protocol(logs.is_grpc()), off) {
            Err(found) => vec![found],
            Ok((url, found)) => {
                self.go("logs", found, &logs.endpoint(&url), reach, async || self.record().await).await
            }
        }
    }

    /// The way of the metrics that are sent.
    pub(super) async fn metrics(&self, reach: &mut Reach) -> Vec<Finding> {
        let export = &self.config.options.metrics.export;
        let names = ("OTEL_METRICS_EXPORTER", &["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", ENDPOINT][..]);
        let off = "metrics are not sent; OTEL_METRICS_EXPORTER=prometheus,otlp sends them beside the page";
        match self.destined("metrics", names, export.destination(), protocol(export.is_grpc()), off) {
            Err(found) => vec![found],
            Ok((url, found)) => {
                self.go("metrics", found, &export.endpoint(&url), reach, async || self.point().await).await
            }
        }
    }

    /// The URL and what was chosen; the error is what stands there where nothing is sent. `names` are the variables that
    /// choose the exporter, and its endpoint.
    fn destined(
        &self,
        about: &'static str,
        (exporter, endpoints): (&'static str, &[&'static str]),
        destination: Destination,
        as_what: &str,
        off: &str,
    ) -> Result<(String, Finding), Finding> {
        let from = match destination {
            Destination::Off | Destination::Console => from(self.config, &[exporter]),
            _ => from(self.config, endpoints),
        };
        let chosen = |what: String| Finding::chosen(about, what, &from);
        match destination {
            Destination::Url(url) => {
                let found = chosen(format!("{}, {as_what}", masked_url(&url)));
                if self.config.options.general.disabled { Err(found) } else { Ok((url, found)) }
            }
            Destination::Console => Err(chosen("drawn on standard error".to_owned())),
            Destination::Off => Err(chosen("off".to_owned()).with(off)),
            Destination::None => Err(chosen("off".to_owned()).warns(off)),
            Destination::Refused(reason) => Err(chosen("not exported".to_owned()).fails(reason)),
        }
    }

    /// Goes to the receiver step by step, and sends where it is reached.
    async fn go(
        &self,
        about: &'static str,
        chosen: Finding,
        endpoint: &Endpoint,
        reach: &mut Reach,
        send: impl AsyncFn() -> Finding,
    ) -> Vec<Finding> {
        let mut found = vec![chosen];
        let steps = reach.to(about, endpoint).await;
        found.extend(steps.found);
        if steps.is_reached {
            found.push(send().await);
            found.extend(self.clock(about, endpoint).await);
        }
        found
    }

    /// A marked span.
    async fn span(&self) -> Finding {
        let (tell, notices) = Notices::new();
        let (spans, exporter) = Spans::new(&self.config.options.traces, self.resource, true, tell);
        let (_phase, follow) = watch::channel(Phase::Running);
        let exporting = exporter.map(|exporter| tokio::spawn(exporter.run(follow)));
        let mut fields = Fields::default();
        fields.set_within(1, FIELD.as_bytes(), FieldValue::Bool(true));
        let now = Moment::now();
        spans.span(Box::new(SpanRecord {
            trace: self.trace,
            tracestate: Tracestate::default(),
            parent: None,
            kind: Kind::Internal,
            name: Cow::Borrowed(MARK),
            target: module_path!(),
            start: now,
            end: now.after_nanos(1_000_000),
            fields,
            fields_dropped: 0,
            links: Vec::new(),
            links_dropped: 0,
            failed: false,
            is_ok: false,
            status_message: None,
            kept: None,
        }));
        let sent = format!("taken, trace {}", self.trace.trace_id);
        let told = notices.told("traces", ("marked span", &sent), spans.flush(), self.timeout).await;
        exporting.inspect(|exporting| exporting.abort());
        told
    }

    /// A marked log record.
    async fn record(&self) -> Finding {
        let (tell, notices) = Notices::new();
        let step = ("marked record", "taken");
        let made = Records::new(&self.config.options.logs, self.resource, tell);
        let Some((records, exporter)) = made else {
            return notices.told("logs", step, async {}, self.timeout).await;
        };
        let (_phase, follow) = watch::channel(Phase::Running);
        let exporting = tokio::spawn(exporter.run(follow));
        let mut said = Snapshot::new(Severity::Info, module_path!(), MARK);
        said.info.trace = Some(self.trace);
        said.add(FIELD, &Value::Bool(true));
        records.event(said);
        let told = notices.told("logs", step, records.flush(), self.timeout).await;
        exporting.abort();
        told
    }

    /// A marked counter, told as the service's own would be.
    async fn point(&self) -> Finding {
        let (tell, notices) = Notices::new();
        let step = ("marked counter", "taken");
        // What sends metrics wants it for as long as the process lives, and it is made once.
        let metrics = &self.config.options.metrics;
        let recorder: &'static Recorder = Box::leak(Box::new(Recorder::new(metrics)));
        let metadata = Metadata::new(module_path!(), Level::INFO, None);
        recorder.register_counter(&Key::from_static_name(COUNTER), &metadata).increment(1);
        let Some((points, export)) = Points::new(metrics, recorder, self.resource, tell) else {
            return notices.told("metrics", step, async {}, self.timeout).await;
        };
        let (_phase, follow) = watch::channel(Phase::Running);
        let exporting = tokio::spawn(export.run(follow));
        let told = notices.told("metrics", step, points.flush(), self.timeout).await;
        exporting.abort();
        told
    }

    /// What time it is at the receiver, if it says so, and who it says it is.
    async fn clock(&self, about: &'static str, endpoint: &Endpoint) -> Option<Finding> {
        let answer = ask::answer(endpoint, self.timeout).await.ok()?;
        let date = httpdate::parse_http_date(answer.headers.get(DATE)?.to_str().ok()?).ok()?;
        let now = SystemTime::now();
        let (apart, side) = match now.duration_since(date) {
            Ok(behind) => (behind.as_secs(), "behind"),
            Err(ahead) => (ahead.duration().as_secs(), "ahead of"),
        };
        let server = answer.headers.get(SERVER).and_then(|server| server.to_str().ok());
        let server = server.map(|server| format!(" ({})", server.chars().take(40).collect::<String>()));
        let server = server.unwrap_or_default();
        // The date has whole seconds, and was written a while ago.
        if apart <= 2 {
            return Some(Finding::step(about, "clock", format!("the same as ours{server}")));
        }
        let step = Finding::step(about, "clock", format!("{apart} s {side} ours{server}"));
        Some(if apart <= SKEW {
            step
        } else {
            step.warns(
                "spans stand at the wrong time beside those of other machines; is a clock not synchronised?",
            )
        })
    }
}

const fn protocol(is_grpc: bool) -> &'static str {
    if is_grpc { "gRPC" } else { "http/protobuf" }
}
