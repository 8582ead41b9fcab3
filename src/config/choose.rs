//! The order of precedence: default, terminal, code, environment; the last one with a value wins. For each
//! variable both the value and who chose it are kept.

use super::advice::{masked, without_effect};
use super::{Choice, Config, Env, Options, Source, Terminals, Warning, spelling, variables};
use crate::variable::{Refusal, Variable};

struct Chooser<'a> {
    env: &'a Env,
    terminal: bool,
    choices: Vec<Choice>,
    warnings: Vec<Warning>,
}

/// Puts the environment over what the code chose.
pub(crate) fn choose(options: Options, env: &Env, terminals: Terminals) -> Config {
    use crate::{admin::Admin, config::General, otlp::Shared};
    use crate::{logs::Logs, metrics::Metrics, reports::Reports, traces::Traces};
    // Who has put `| jq` behind the program, and presses ctrl-c, waits at a terminal as well.
    let attended = terminals.output || terminals.errors;
    let mut chooser = Chooser { env, terminal: attended, choices: Vec::new(), warnings: Vec::new() };
    let general = chooser.choose(options.general, General::on_terminal, General::VARIABLES);
    chooser.terminal = terminals.output;
    let shared = chooser.choose(options.shared, |shared| shared, Shared::VARIABLES);
    let options = Options {
        general,
        traces: chooser.choose_below(
            options.traces,
            Traces::on_terminal,
            |traces| traces.inherit(&shared),
            Traces::VARIABLES,
        ),
        logs: chooser.choose_below(
            options.logs,
            Logs::on_terminal,
            |logs| logs.inherit(&shared),
            Logs::VARIABLES,
        ),
        metrics: chooser.choose_below(
            options.metrics,
            |metrics| metrics,
            |metrics| metrics.inherit(&shared),
            Metrics::VARIABLES,
        ),
        reports: chooser.choose(options.reports, |reports| reports, Reports::VARIABLES),
        admin: chooser.choose(options.admin, |admin| admin, Admin::VARIABLES),
        shared,
    };
    let Chooser { choices, mut warnings, .. } = chooser;
    let advice = options.traces.advice().into_iter().chain(options.logs.advice());
    for (name, value, refusal) in advice.chain(options.metrics.export.advice()) {
        warnings.push(Warning::refused(&name, &value, &refusal, &value));
    }
    // A warning about the endpoint that several signals share is given once.
    warnings.dedup();
    let names: Vec<_> = variables().iter().map(|row| row.name).collect();
    warnings.extend(spelling::check(env, &names));
    let config = Config { options, choices, warnings };
    let idle = without_effect(&config, env);
    Config { warnings: config.warnings.into_iter().chain(idle).collect(), ..config }
}

impl Chooser<'_> {
    fn choose<O: Default>(&mut self, code: O, on_terminal: fn(O) -> O, rows: &'static [Variable<O>]) -> O {
        self.choose_below(code, on_terminal, |_| {}, rows)
    }

    /// Chooses options that inherit more general ones before their own variables are read.
    fn choose_below<O: Default>(
        &mut self,
        code: O,
        on_terminal: fn(O) -> O,
        inherit: impl FnOnce(&mut O),
        rows: &'static [Variable<O>],
    ) -> O {
        let by_default = shown(&O::default(), rows);
        let by_code = shown(&code, rows);
        let mut options = if self.terminal { on_terminal(code) } else { code };
        let by_terminal = shown(&options, rows);
        inherit(&mut options);
        let by_env: Vec<_> = rows.iter().map(|row| self.read(&mut options, row)).collect();
        for (place, row) in rows.iter().enumerate() {
            let value = (row.show)(&options);
            let is = |values: &[String]| values.get(place) == Some(&value);
            let source = match () {
                () if by_env.get(place) == Some(&true) => Source::Environment,
                () if !is(&by_terminal) => Source::Derived,
                () if !is(&by_code) => Source::Terminal,
                () if !is(&by_default) => Source::Code,
                () => Source::Default,
            };
            self.choices.push(Choice {
                name: row.name,
                value: masked(row.name, &value, row.is_secret()),
                source,
            });
        }
        options
    }

    /// Takes the environment's value, if there is one; true if it is in force.
    fn read<O>(&mut self, options: &mut O, row: &Variable<O>) -> bool {
        let Some(value) = self.env.value(row.name) else { return false };
        let Some(value) = value else {
            self.warnings.push(Warning::not_utf8(row.name));
            return false;
        };
        let before = (row.show)(options);
        let refusal = match ((row.set)(options, value), doubt(value)) {
            (Err(refusal), _) => refusal,
            (Ok(()), Some(doubt)) => Refusal::Suspicious(doubt.to_owned()),
            (Ok(()), None) => return true,
        };
        let after = (row.show)(options);
        let (value, in_force) =
            (masked(row.name, value, row.is_secret()), masked(row.name, &after, row.is_secret()));
        self.warnings.push(Warning::refused(row.name, &value, &refusal, &in_force));
        matches!(refusal, Refusal::Suspicious(_)) || before != after
    }
}

/// What a file of variables leaves around a value, unlike a shell.
const QUOTED: &str = "the quotes around it are part of the value; write it without them";
/// What Kubernetes leaves where it does not know the variable that is named.
const UNREPLACED: &str = "the variable that it names was not replaced by its value";

/// What is most likely wrong with a value that any text could be.
fn doubt(value: &str) -> Option<&'static str> {
    let is_quoted =
        |quote| value.len() > 1 && value.starts_with::<char>(quote) && value.ends_with::<char>(quote);
    let names =
        |begin, end| value.split_once(begin).is_some_and(|(_, rest): (_, &str)| rest.contains::<char>(end));
    if is_quoted('"') || is_quoted('\'') {
        return Some(QUOTED);
    }
    (names("$(", ')') || names("${", '}')).then_some(UNREPLACED)
}

fn shown<O>(options: &O, rows: &[Variable<O>]) -> Vec<String> {
    rows.iter().map(|row| (row.show)(options)).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use super::*;

    fn choose(service: &str, env: &[(&str, &str)], terminal: bool) -> Config {
        let mut options = Options::default();
        options.general.service = service.to_owned();
        super::choose(
            options,
            &env.iter().copied().collect(),
            Terminals { output: terminal, errors: terminal },
        )
    }

    fn choice<'a>(config: &'a Config, name: &str) -> (&'a str, Source) {
        let choice = config.choices.iter().find(|choice| choice.name == name).unwrap();
        (&choice.value, choice.source)
    }

    #[test]
    fn every_default_in_the_table_is_the_default_in_force() {
        let config = choose("", &[], false);
        for (choice, row) in config.choices.iter().zip(variables()) {
            // Empty: what the variable would say is not in force, such as the argument of another sampler.
            let value = if choice.value.is_empty() { row.default } else { &choice.value };
            assert_eq!((choice.name, value), (row.name, row.default));
            assert_eq!(choice.source, Source::Default, "{}", row.name);
        }
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn the_environment_beats_the_code_and_the_code_beats_the_default() {
        let name = "OTEL_SERVICE_NAME";
        assert_eq!(choice(&choose("", &[], false), name), ("", Source::Default));
        assert_eq!(choice(&choose("code", &[], false), name), ("code", Source::Code));
        assert_eq!(choice(&choose("code", &[(name, "env")], false), name), ("env", Source::Environment));
        assert_eq!(choice(&choose("code", &[(name, "")], false), name), ("code", Source::Code));
    }

    #[test]
    fn a_terminal_does_not_wait_unless_a_delay_is_set() {
        let name = "OBSERVABILITY_DRAIN_DELAY";
        let config = choose("", &[], true);
        assert_eq!(choice(&config, name), ("0", Source::Terminal));
        assert_eq!(config.options.general.drain_delay(), Duration::ZERO);
        assert_eq!(choice(&choose("", &[(name, "700")], true), name), ("700", Source::Environment));
    }

    #[test]
    fn who_reads_the_lines_through_a_pipe_does_not_wait_either_and_has_them_as_json() {
        let env = Env::from_iter(std::iter::empty::<(&str, &str)>());
        let config = super::choose(Options::default(), &env, Terminals { output: false, errors: true });
        assert_eq!(choice(&config, "OBSERVABILITY_DRAIN_DELAY"), ("0", Source::Terminal));
        assert_eq!(choice(&config, "OBSERVABILITY_SHUTDOWN_TIMEOUT"), ("1000", Source::Terminal));
        assert_eq!(choice(&config, "OBSERVABILITY_LOG_FORMAT"), ("json", Source::Default));
    }

    #[test]
    fn a_bad_value_warns_and_the_value_before_stays() {
        let config = choose("", &[("OBSERVABILITY_DRAIN_DELAY", "5s")], false);
        assert_eq!(choice(&config, "OBSERVABILITY_DRAIN_DELAY"), ("5000", Source::Default));
        let said: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["OBSERVABILITY_DRAIN_DELAY=5s is not a whole number of milliseconds; 5000 stays"]);
    }

    #[test]
    fn quotes_that_no_shell_took_off_and_variables_that_nobody_replaced_are_told() {
        for quoted in ["\"bookings\"", "'bookings'"] {
            let config = choose("", &[("OTEL_SERVICE_NAME", quoted)], false);
            assert_eq!(choice(&config, "OTEL_SERVICE_NAME"), (quoted, Source::Environment));
            let said: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
            assert_eq!(said, [format!("OTEL_SERVICE_NAME={quoted} is in force, but {QUOTED}")]);
        }
        for value in ["service.instance.id=$(POD_NAME)", "host.name=${HOSTNAME}"] {
            let config = choose("", &[("OTEL_RESOURCE_ATTRIBUTES", value)], false);
            assert!(config.warnings[0].to_string().ends_with(UNREPLACED), "{:?}", config.warnings);
        }
        let secret = choose("", &[("OTEL_EXPORTER_OTLP_HEADERS", "'authorization=s3cret'")], false);
        let said = secret.warnings[0].to_string();
        assert!(said.contains(QUOTED) && !said.contains("s3cret"), "{said}");
        assert!(choose("", &[("OTEL_SERVICE_NAME", "d'accord' $x")], false).warnings.is_empty());
    }

    #[test]
    fn one_bad_attribute_discards_the_list_and_nothing_else() {
        let env = [("OTEL_RESOURCE_ATTRIBUTES", "team=a,b"), ("OTEL_SERVICE_NAME", "env")];
        let config = choose("code", &env, false);
        assert_eq!(config.options.general.resource().get("team"), "");
        assert_eq!(config.options.general.resource().get("service.name"), "env");
        assert_eq!(config.warnings.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf8_warns() {
        use std::os::unix::ffi::OsStringExt as _;
        let env = Env::from_iter([(OsString::from("OTEL_SERVICE_NAME"), OsString::from_vec(vec![0xff]))]);
        let config = super::choose(Options::default(), &env, Terminals::default());
        assert_eq!(config.warnings[0].to_string(), "OTEL_SERVICE_NAME is not UTF-8; it is ignored");
    }
}
