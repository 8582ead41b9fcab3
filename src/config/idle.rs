//! Owns what is said of a good value that changes nothing, because another variable keeps it from it.

use super::warning::masked;
use super::{Config, Env, Source, Warning};
use crate::export::Destination;

const LOGS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";

/// Warns of every variable that was taken and is not in force.
pub(super) fn check(config: &Config, env: &Env) -> Vec<Warning> {
    let taken = config.choices.iter().filter(|choice| choice.source == Source::Environment);
    let idle = taken.filter_map(|choice| Some((choice.name, why(config, choice.name, &choice.value)?)));
    idle.map(|(name, why)| {
        let value = env.value(name).flatten().unwrap_or_default();
        Warning::idle(name, &masked(value, false), &why)
    })
    .collect()
}

/// `None`: it has an effect, or whoever wrote it also wrote what keeps it from one.
fn why(config: &Config, name: &str, in_force: &str) -> Option<String> {
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
        LOGS_ENDPOINT
            if config.options.logs.destination() == Destination::Off && !decided("OTEL_LOGS_EXPORTER") =>
        {
            Some("log records are not sent; OTEL_LOGS_EXPORTER=console,otlp sends them".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Options;

    fn said(env: &[(&str, &str)]) -> Vec<String> {
        let config = Config::choose(Options::default(), &env.iter().copied().collect(), false);
        config.warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_share_without_a_sampler_that_takes_one_is_said_to_change_nothing() {
        let said = said(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")]);
        let right = "OTEL_TRACES_SAMPLER_ARG=0.5 changes nothing: the sampler is parentbased_always_on; \
                     OTEL_TRACES_SAMPLER=parentbased_traceidratio takes a share";
        assert_eq!(said, [right]);
    }

    #[test]
    fn an_address_to_which_nothing_goes_is_said_to_change_nothing() {
        let logs = (LOGS_ENDPOINT, "http://127.0.0.1:9/v1/logs");
        assert!(said(&[logs])[0].contains("OTEL_LOGS_EXPORTER=console,otlp sends them"));
        let zipkin = ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://127.0.0.1:9/api/v2/spans");
        let otlp = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
        assert!(said(&[zipkin, otlp])[0].contains("OTEL_TRACES_EXPORTER=zipkin sends them there"));
        assert!(said(&[zipkin]).is_empty());
    }

    #[test]
    fn what_the_same_hand_switched_off_is_not_said() {
        let logs = [(LOGS_ENDPOINT, "http://127.0.0.1:9/v1/logs"), ("OTEL_LOGS_EXPORTER", "console")];
        assert!(said(&logs).is_empty());
        let zipkin = ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://127.0.0.1:9/api/v2/spans");
        assert!(said(&[zipkin, ("OTEL_TRACES_EXPORTER", "otlp")]).is_empty());
        assert!(said(&[zipkin, ("OTEL_TRACES_EXPORTER", "none")]).is_empty());
    }

    #[test]
    fn a_value_that_was_refused_is_said_once() {
        assert_eq!(said(&[("OTEL_TRACES_SAMPLER_ARG", "half")]).len(), 1);
    }
}
