//! `observability doctor`: what `init` would choose in this environment, and what answers there.
//!
//! It is for the program of this crate and no part of its interface. Everything is read, connected and sent by what `init`
//! itself uses: the variables by `config`, a span by the exporter of spans, so that what is found here is what a service
//! would find. Nothing is asked that was not named, and each step waits for a bounded time.

mod admin;
mod ask;
mod certificate;
mod choices;
mod finding;
mod loki;
mod losses;
mod prometheus;
mod reach;
mod reports;
mod send;
mod signals;

pub use ask::{authorization, question};
pub use finding::{Finding, Verdict, foreign, public};

use std::time::Duration;

use self::reach::Reach;
use self::signals::Sender;
use crate::config::{self, Env, Options, Source, Terminals};
use crate::context::{Flags, SpanId, TraceContext, TraceId};
use crate::names::attribute;
use crate::resource::Resource;

/// What is examined beside the environment.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::doctor::Questions;
///
/// let questions = Questions { timeout: Duration::from_secs(5), ..Questions::default() };
/// assert_eq!(questions.prometheus, None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// The name that the code gives to `init`; empty where it is not known.
    pub service: String,
    /// Prometheus' API.
    pub prometheus: Option<String>,
    /// Loki's API.
    pub loki: Option<String>,
    /// How long one step may take.
    pub timeout: Duration,
    /// Is a marked error report sent, where reports go somewhere?
    pub sends_report: bool,
}

/// What was found, and under which trace id what was sent is found again.
///
/// ```no_run
/// use std::time::Duration;
/// use tower_observability::doctor::{Questions, examine};
///
/// # async fn look() {
/// let questions = Questions { timeout: Duration::from_secs(5), ..Questions::default() };
/// for finding in examine(&questions).await.findings {
///     println!("{} {} {}", finding.verdict.as_str(), finding.about, finding.answer);
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Examination {
    /// In the order in which they were made.
    pub findings: Vec<Finding>,
    /// Of the marked span and the marked log record, 32 hexadecimal digits.
    pub trace_id: String,
}

/// What the marked telemetry is of, where the environment does not say whose instance it is.
const INSTANCE: &str = "observability-doctor";

/// Examines the environment of this process. Needs a runtime of tokio with time and I/O.
pub async fn examine(questions: &Questions) -> Examination {
    let env = Env::of_process();
    let mut options = Options::default();
    options.general.service.clone_from(&questions.service);
    let config = config::choose(options, &env, Terminals::of_process());
    let resource = resource(&config);
    let service = is_named(&config).then(|| resource.get(attribute::SERVICE_NAME));
    let trace = TraceContext {
        trace_id: TraceId::random(),
        span_id: SpanId::random(),
        flags: Flags::NONE.with_sampled(true),
    };
    let mut findings = choices::general(&config);
    let sender = Sender { config: &config, resource: &resource, timeout: questions.timeout, trace };
    let mut reach = Reach::new(questions.timeout);
    findings.extend(choices::sampling(&config));
    findings.extend(sender.traces(&mut reach).await);
    findings.extend(choices::lines(&config));
    findings.extend(sender.logs(&mut reach).await);
    findings.extend(sender.metrics(&mut reach).await);
    findings.extend(reports::examine(&sender, &mut reach, questions.sends_report).await);
    findings.extend(admin::examine(&config, &env, service, questions.timeout).await);
    findings.extend(choices::features(&config));
    findings.extend(choices::environment(&config, &env));
    if let Some(url) = &questions.prometheus {
        findings.extend(prometheus::examine(url, service, &config, questions.timeout).await);
    }
    if let Some(url) = &questions.loki {
        findings.extend(loki::examine(url, service, questions.timeout).await);
    }
    Examination { findings, trace_id: trace.trace_id.to_string() }
}

/// Is it known which service is meant? Of a name that is not, nothing is looked for.
fn is_named(config: &config::Config) -> bool {
    config.source("OTEL_SERVICE_NAME") != Source::Default
}

/// The service's own resource; what is random in it would be a series of its own at each run.
fn resource(config: &config::Config) -> Resource {
    let mut resource = config.options.general.resource();
    if !config.value("OTEL_RESOURCE_ATTRIBUTES").contains(attribute::SERVICE_INSTANCE_ID) {
        resource.set(attribute::SERVICE_INSTANCE_ID, INSTANCE);
    }
    if !is_named(config) {
        resource.set(attribute::SERVICE_NAME, INSTANCE);
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_the_first_thing_that_is_warned_of() {
        let of = |service: &str, env: &[(&str, &str)]| {
            let mut options = Options::default();
            service.clone_into(&mut options.general.service);
            let env = env.iter().copied().collect();
            let config = config::choose(options, &env, Terminals { output: false, errors: false });
            let first = choices::general(&config).remove(0);
            assert_eq!(first.about, "service");
            (is_named(&config), first.verdict)
        };
        assert_eq!(of("", &[]), (false, Verdict::Warning));
        assert_eq!(of("bookings", &[]), (true, Verdict::Ok));
        assert_eq!(of("", &[("OTEL_SERVICE_NAME", "bookings")]), (true, Verdict::Ok));
        assert_eq!(of("", &[("OTEL_RESOURCE_ATTRIBUTES", "service.name=bookings")]), (true, Verdict::Ok));
    }
}
