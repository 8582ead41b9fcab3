//! The options that concern all signals: the service's identity, propagation, shutdown.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::names::{Conventions, attribute};
use crate::propagation::{Propagators, Proxies};
use crate::record::Methods;
use crate::resource::{Resource, parse_attributes};
use crate::variable::{Refusal, Variable, boolean, milliseconds, words};

/// The options that concern all signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct General {
    pub(crate) disabled: bool,
    /// The name given to `init`: what the service is called if the environment does not say.
    pub(crate) service: String,
    named: Option<String>,
    /// What the code set; beats the environment, as the specification says of resources.
    pub(crate) attributes: Resource,
    environment: Vec<(String, String)>,
    pub(crate) propagators: Propagators,
    /// `None`: those that a layer names.
    pub(crate) proxies: Option<Proxies>,
    /// The system of the databases that sqlx asks.
    pub(crate) database: Option<String>,
    pub(crate) conventions: Conventions,
    /// `None`: those of the conventions.
    pub(crate) methods: Option<Methods>,
    /// `None`: the default, which a terminal changes.
    pub(crate) drain_delay: Option<Duration>,
    /// `None`: the default, which a terminal changes.
    pub(crate) shutdown_timeout: Option<Duration>,
}

/// A value's characters that need no escape in `OTEL_RESOURCE_ATTRIBUTES`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'/').remove(b':');

impl General {
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &[
        Variable {
            name: "OTEL_SDK_DISABLED",
            default: "false",
            about: "`true` turns every signal off; context is still propagated and `/ready` still answers.",
            set: |options, value| boolean(value).map(|disabled| options.disabled = disabled),
            show: |options| options.disabled.to_string(),
        },
        Variable {
            name: "OTEL_SERVICE_NAME",
            default: "",
            about: "The service's name, instead of the one given to `init`.",
            set: |options, value| {
                options.named = Some(value.to_owned());
                Ok(())
            },
            show: |options| options.service_name().to_owned(),
        },
        Variable {
            name: "OTEL_RESOURCE_ATTRIBUTES",
            default: "",
            about: "Resource attributes: `key=value,key=value`, percent-encoded. What the code sets has precedence.",
            set: Self::set_attributes,
            show: Self::show_attributes,
        },
        Variable {
            name: "OTEL_PROPAGATORS",
            default: "tracecontext,baggage",
            about: "Formats of context that are read and written: `tracecontext`, `baggage`, `b3`, `b3multi`, `jaeger`; \
                    or `none`. The last valid trace context in this order is used.",
            set: Self::set_propagators,
            show: |options| options.propagators.list(),
        },
        Variable {
            name: "OBSERVABILITY_TRUSTED_PROXIES",
            default: "none",
            about: "Proxies that are believed about scheme, host and client: addresses and ranges, such as \
                    `10.0.0.0/8,fd00::/8`, `hops=` and how many at most, `forwarded` if they write that header.",
            set: |options, value| {
                options.proxies = Some(Proxies::from_list(value)?);
                Ok(())
            },
            show: |options| options.proxies.as_ref().map(ToString::to_string).unwrap_or_default(),
        },
        Variable {
            name: "OTEL_CONFIG_FILE",
            default: "",
            about: "Not served: the file is not read.",
            set: |_, _| {
                // By the specification the file would replace every other OTEL_ variable: say what is in force instead.
                let instead = "the file is not read, and the other variables hold as if this one were not set; \
                               write what it says as variables or with the builder";
                Err(Refusal::NotServed(instead.to_owned()))
            },
            show: |_| String::new(),
        },
        Variable {
            name: "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
            default: "GET,HEAD,POST,PUT,DELETE,CONNECT,OPTIONS,TRACE,PATCH,QUERY",
            about: "Methods that are recorded by name, case-sensitive; every other one is `_OTHER`.",
            set: |options, value| {
                let right = || Refusal::expected("a list of methods, at most 21 beyond the usual ones");
                options.methods = Some(Methods::from_list(value).ok_or_else(right)?);
                Ok(())
            },
            show: |options| options.methods.clone().unwrap_or_default().list(),
        },
        Variable {
            name: "OBSERVABILITY_DB_SYSTEM",
            default: "",
            about: "The `db.system.name` of queries that sqlx reports, such as `mysql` or `sqlite`. Without it a statement \
                    with the parameters `$1`, `$2` is `postgresql`, any other `other_sql`.",
            set: |options, value| {
                let is_name =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
                if value.len() > 64 || !value.chars().all(is_name) {
                    return Err(Refusal::expected("a database system, such as postgresql, mysql or sqlite"));
                }
                options.database = Some(value.to_owned());
                Ok(())
            },
            show: |options| options.database.clone().unwrap_or_default(),
        },
        Variable {
            name: "OTEL_SEMCONV_STABILITY_OPT_IN",
            default: "http",
            about: "Conventions whose names are those of 1.45: `rpc`, `database`, `messaging`, in a list; without them \
                    those of 1.44. HTTP's are the same in both.",
            set: Self::set_conventions,
            show: |options| {
                let Conventions { rpc, database, messaging } = options.conventions;
                let more = [(rpc, ",rpc"), (database, ",database"), (messaging, ",messaging")];
                let more = more.into_iter().filter(|(on, _)| *on);
                more.fold("http".to_owned(), |list, (_, name)| list + name)
            },
        },
        Variable {
            name: "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
            default: "logs",
            about: "How errors and panics are recorded: `logs`, as lines and log records, not as span events.",
            set: |_, value| check_exceptions(value),
            show: |_| "logs".to_owned(),
        },
        Variable {
            name: "OBSERVABILITY_DRAIN_DELAY",
            default: "5000",
            about: "Milliseconds from a termination signal, when `/ready` turns to 503, until `shutdown_signal()` \
                    resolves; 0 if standard output or standard error is a terminal.",
            set: |options, value| milliseconds(value).map(|delay| options.drain_delay = Some(delay)),
            show: |options| options.drain_delay().as_millis().to_string(),
        },
        Variable {
            name: "OBSERVABILITY_SHUTDOWN_TIMEOUT",
            default: "5000",
            about: "Milliseconds that `shutdown()` may take to deliver what is queued, at least 200; 1000 if standard \
                    output or standard error is a terminal.",
            set: |options, value| milliseconds(value).map(|timeout| options.shutdown_timeout = Some(timeout)),
            show: |options| options.shutdown_timeout().as_millis().to_string(),
        },
    ];

    /// At a terminal no load balancer has to notice the end, and the user who pressed ctrl-c wants the prompt back.
    pub(super) fn on_terminal(mut self) -> Self {
        self.drain_delay.get_or_insert(Duration::ZERO);
        self.shutdown_timeout.get_or_insert(Duration::from_secs(1));
        self
    }

    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.shutdown_timeout.unwrap_or(Duration::from_secs(5))
    }

    pub(crate) fn drain_delay(&self) -> Duration {
        self.drain_delay.unwrap_or(Duration::from_secs(5))
    }

    /// `OTEL_SERVICE_NAME`, else the environment's attribute, else the code's name.
    fn service_name(&self) -> &str {
        let attribute = || {
            let mut pairs = self.environment.iter();
            pairs
                .find(|(key, value)| key == attribute::SERVICE_NAME && !value.is_empty())
                .map(|(_, value)| value)
        };
        self.named.as_ref().or_else(attribute).unwrap_or(&self.service)
    }

    /// Who emits, with everything that the code and the environment say of it.
    pub(crate) fn resource(&self) -> Resource {
        let mut resource = Resource::of_process(self.service_name());
        let environment = self.environment.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in environment.chain(self.attributes.iter()) {
            if key != attribute::SERVICE_NAME {
                resource.set(key, value);
            }
        }
        resource
    }

    fn set_propagators(&mut self, value: &str) -> Result<(), Refusal> {
        self.propagators = Propagators::from_list(value)?.with_request_id(self.propagators.request_id);
        Ok(())
    }

    /// Any list is accepted, unless it asks for older names beside the newer ones.
    fn set_conventions(&mut self, value: &str) -> Result<(), Refusal> {
        let names = words(value);
        let names = || names.iter().map(String::as_str);
        self.conventions = Conventions {
            rpc: names().any(|name| name == "rpc"),
            database: names().any(|name| name == "database"),
            messaging: names().any(|name| name == "messaging"),
        };
        let instead = match names().find(|name| matches!(*name, "http/dup" | "rpc/dup")) {
            Some("http/dup") => "the stable names of HTTP are written, and no older ones",
            Some(_) => "each name is written once: those of 1.44, or with `rpc` those of 1.45",
            None => return Ok(()),
        };
        Err(Refusal::NotServed(instead.to_owned()))
    }

    fn set_attributes(&mut self, value: &str) -> Result<(), Refusal> {
        let right = "a list `key=value,key=value`, percent-encoded";
        let parsed = parse_attributes(value).ok_or_else(|| Refusal::expected(right))?;
        self.environment.clear();
        for (key, value) in parsed {
            // Of a key that is named twice the last value counts.
            self.environment.retain(|(known, _)| *known != key);
            self.environment.push((key, value));
        }
        Ok(())
    }

    fn show_attributes(&self) -> String {
        let code = self.attributes.iter();
        let environment = self.environment.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let environment = environment.filter(|(key, _)| self.attributes.iter().all(|(set, _)| set != *key));
        let pairs = code.chain(environment).map(|(key, value)| {
            format!("{}={}", utf8_percent_encode(key, ESCAPED), utf8_percent_encode(value, ESCAPED))
        });
        pairs.collect::<Vec<_>>().join(",")
    }
}

fn check_exceptions(value: &str) -> Result<(), Refusal> {
    match &*value.to_ascii_lowercase() {
        "logs" => Ok(()),
        "logs/dup" => Err(Refusal::NotServed("errors are recorded on lines and log records only".to_owned())),
        _ => Err(Refusal::expected("logs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general(named: Option<&str>, attributes: &str) -> General {
        let mut general = General { service: "code".to_owned(), ..General::default() };
        general.named = named.map(str::to_owned);
        general.set_attributes(attributes).unwrap();
        general
    }

    #[test]
    fn the_service_name_is_the_variable_then_the_attribute_then_the_code() {
        let name = |named, attributes| general(named, attributes).resource().get("service.name").to_owned();
        assert_eq!(name(Some("variable"), "service.name=attribute"), "variable");
        assert_eq!(name(None, "service.name=attribute"), "attribute");
        assert_eq!(name(None, "team=a"), "code");
    }

    #[test]
    fn the_code_beats_the_environment_attribute_by_attribute() {
        let mut general = general(None, "service.version=1,team=env,service.instance.id=pod-1");
        general.attributes.set("service.version", "2");
        let resource = general.resource();
        let read = ["service.version", "team", "service.instance.id"].map(|key| resource.get(key));
        assert_eq!(read, ["2", "env", "pod-1"]);
    }

    #[test]
    fn attributes_are_shown_as_one_would_write_them() {
        let general = general(None, "team=a%2Cb,place=x/y");
        assert_eq!(general.show_attributes(), "team=a%2Cb,place=x/y");
    }
}
