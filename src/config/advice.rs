//! Warnings about variables: a value that is wrong or has no effect, with what would be right; and which part of a value
//! may be shown.

use std::fmt;

use super::{Config, Env, Source};
use crate::export::{Destination, masked_url};
use crate::traces::Format;
use crate::variable::Refusal;

const LOGS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

/// What is wrong with one variable, and what would be right. Shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning(String);

impl Warning {
    /// A value that its row refused; `in_force` is what holds now.
    pub(super) fn refused(name: &str, value: &str, refusal: &Refusal, in_force: &str) -> Self {
        let stays =
            if in_force.is_empty() { "it is ignored".to_owned() } else { format!("{in_force} stays") };
        Self(match refusal {
            Refusal::Expected(right) => format!("{name}={value} is not {right}; {stays}"),
            Refusal::NotServed(instead) => format!("{name}={value} is not served: {instead}"),
            Refusal::Suspicious(remedy) => format!("{name}={value} is in force, but {remedy}"),
        })
    }

    /// Is it of the value of this variable?
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.0.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
    }

    pub(super) fn not_utf8(name: &str) -> Self {
        Self(format!("{name} is not UTF-8; it is ignored"))
    }

    /// A variable that limits something that is never recorded.
    pub(super) fn without_subject(name: &str, why: &str) -> Self {
        Self(format!("{name} changes nothing: {why}"))
    }

    pub(super) fn not_served(name: &str) -> Self {
        Self(format!("{name} is not served by this version; it is ignored"))
    }

    /// A good value that something else keeps from having an effect; `why` names the remedy.
    pub(super) fn without_effect(name: &str, value: &str, why: &str) -> Self {
        Self(format!("{name}={value} changes nothing: {why}"))
    }

    pub(super) fn misspelt(name: &str, nearest: &str) -> Self {
        Self(format!("{name} is not a known variable and is ignored; did you mean {nearest}?"))
    }

    pub(super) fn unknown(name: &str) -> Self {
        Self(format!("{name} is not a known variable and is ignored"))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What may be shown of a variable's value: nothing of a secret, and of a URL neither a password nor what is behind its
/// path. An endpoint without a scheme is a URL as well.
pub(crate) fn masked(name: &str, value: &str, secret: bool) -> String {
    if secret && !value.is_empty() {
        return "***".to_owned();
    }
    let is_url = name.ends_with("_ENDPOINT") || value.contains("://");
    if is_url { masked_url(value).into_owned() } else { value.to_owned() }
}

/// Warns of every variable that was accepted and has no effect because of another one.
pub(super) fn without_effect(config: &Config, env: &Env) -> Vec<Warning> {
    let taken = config.choices.iter().filter(|choice| choice.source == Source::Environment);
    let kept =
        taken.filter_map(|choice| Some((choice.name, what_prevents(config, choice.name, &choice.value)?)));
    kept.map(|(name, why)| {
        let value = env.value(name).flatten().unwrap_or_default();
        Warning::without_effect(name, &masked(name, value, false), &why)
    })
    .collect()
}

/// `None`: it has an effect, or the variable that prevents it was set as well.
fn what_prevents(config: &Config, name: &str, in_force: &str) -> Option<String> {
    let decided = |by: &str| config.source(by) == Source::Environment;
    match name {
        "OTEL_TRACES_SAMPLER_ARG" if in_force.is_empty() => Some(format!(
            "the sampler is {}; OTEL_TRACES_SAMPLER=parentbased_traceidratio takes a share",
            config.value("OTEL_TRACES_SAMPLER")
        )),
        "OTEL_EXPORTER_ZIPKIN_ENDPOINT" | "OTEL_EXPORTER_ZIPKIN_TIMEOUT"
            if in_force.is_empty() && !decided("OTEL_TRACES_EXPORTER") =>
        {
            Some("spans do not go to Zipkin; OTEL_TRACES_EXPORTER=zipkin sends them there".to_owned())
        }
        name if is_file_of_otlp(name) && is_zipkin_over_tls(config) => {
            // The variables for all signals apply to log records and metrics, too.
            let others = [config.options.logs.destination(), config.options.metrics.export.destination()];
            let counts = !name.contains("_TRACES_") && others.iter().any(|to| *to != Destination::Off);
            (!counts).then(|| {
                "spans go to Zipkin, for which no variable of OTLP counts; SSL_CERT_FILE names its CAs, and \
                 Otlp::certificate() and client_certificate() name files in code"
                    .to_owned()
            })
        }
        LOGS_ENDPOINT
            if config.options.logs.destination() == Destination::Off && !decided("OTEL_LOGS_EXPORTER") =>
        {
            Some("log records are not sent; OTEL_LOGS_EXPORTER=console,otlp sends them".to_owned())
        }
        METRICS_ENDPOINT
            if config.options.metrics.export.destination() == Destination::Off
                && !decided("OTEL_METRICS_EXPORTER") =>
        {
            Some("metrics are not sent; OTEL_METRICS_EXPORTER=prometheus,otlp sends them".to_owned())
        }
        _ => None,
    }
}

/// One of the files of TLS, for spans.
fn is_file_of_otlp(name: &str) -> bool {
    let setting = name.strip_prefix("OTEL_EXPORTER_OTLP_").unwrap_or_default();
    let setting = setting.strip_prefix("TRACES_").unwrap_or(setting);
    ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].contains(&setting)
}

fn is_zipkin_over_tls(config: &Config) -> bool {
    let traces = &config.options.traces;
    traces.format() == Some(Format::Zipkin)
        && matches!(traces.destination(), Destination::Url(url) if url.starts_with("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Options, Terminals};

    fn warnings_of(env: &[(&str, &str)]) -> Vec<String> {
        let config =
            crate::config::choose(Options::default(), &env.iter().copied().collect(), Terminals::default());
        config.warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_share_without_a_sampler_that_takes_one_is_reported_as_without_effect() {
        let warnings = warnings_of(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
        let right = "OTEL_TRACES_SAMPLER_ARG=0.5 changes nothing: the sampler is parentbased_always_on; \
                     OTEL_TRACES_SAMPLER=parentbased_traceidratio takes a share";
        assert_eq!(warnings, [right]);
    }

    #[test]
    fn an_address_to_which_nothing_is_sent_is_reported_as_without_effect() {
        let logs = (LOGS_ENDPOINT, "http://127.0.0.1:9/v1/logs");
        assert!(warnings_of(&[logs])[0].contains("OTEL_LOGS_EXPORTER=console,otlp sends them"));
        let zipkin = ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://127.0.0.1:9/api/v2/spans");
        let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        assert!(warnings_of(&[zipkin, otlp])[0].contains("OTEL_TRACES_EXPORTER=zipkin sends them there"));
        assert!(warnings_of(&[zipkin]).is_empty());
    }

    #[test]
    fn files_of_otlp_count_for_the_log_records_and_for_no_zipkin() {
        let with = |url, records| {
            let zipkin = [("OTEL_EXPORTER_ZIPKIN_ENDPOINT", url), ("OTEL_LOGS_EXPORTER", records)];
            crate::config::choose(Options::default(), &zipkin.into_iter().collect(), Terminals::default())
        };
        let is_kept = |config: &Config, name: &str| what_prevents(config, name, "ca.pem").is_some();
        let [general, own] = ["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"];
        let zipkin = with("https://z/api/v2/spans", "console");
        // Without TLS no span leaves, and that is reported.
        let leaves = matches!(zipkin.options.traces.destination(), Destination::Url(_));
        assert_eq!((is_kept(&zipkin, general), is_kept(&zipkin, own)), (leaves, leaves));
        let records = with("https://z/api/v2/spans", "otlp");
        assert_eq!((is_kept(&records, general), is_kept(&records, own)), (false, leaves));
        let plain = with("http://z/api/v2/spans", "console");
        assert!(!is_kept(&plain, general) && !is_kept(&plain, own));
        assert!(!is_kept(&zipkin, "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE"));
    }

    #[test]
    fn what_the_same_environment_switched_off_is_not_reported() {
        let logs = [(LOGS_ENDPOINT, "http://127.0.0.1:9/v1/logs"), ("OTEL_LOGS_EXPORTER", "console")];
        assert!(warnings_of(&logs).is_empty());
        let zipkin = ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://127.0.0.1:9/api/v2/spans");
        assert!(warnings_of(&[zipkin, ("OTEL_TRACES_EXPORTER", "otlp")]).is_empty());
        assert!(warnings_of(&[zipkin, ("OTEL_TRACES_EXPORTER", "none")]).is_empty());
    }

    #[test]
    fn a_value_that_was_refused_is_reported_once() {
        assert_eq!(warnings_of(&[("OTEL_TRACES_SAMPLER_ARG", "half")]).len(), 1);
    }

    #[test]
    fn no_password_and_no_key_is_shown() {
        let shown = |name, value| masked(name, value, false);
        assert_eq!(shown("X_ENDPOINT", "http://ann:pa@ss@host:4318/v1"), "http://REDACTED@host:4318/v1");
        assert_eq!(shown("X_ENDPOINT", "host:4318?api_key=K"), "host:4318?REDACTED");
        assert_eq!(shown("X_ENDPOINT", "http://host/@"), "http://host/@");
        assert_eq!(shown("X", "http://host/x?api_key=K"), "http://host/x?REDACTED");
        assert_eq!(shown("X", "who@home?"), "who@home?");
        assert_eq!(masked("X", "authorization=Bearer x", true), "***");
        assert_eq!(masked("X", "", true), "");
    }
}
