//! The options of the admin listener.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use crate::context::within_brackets;
use crate::variable::{Refusal, Variable};

/// Options for the admin listener.
///
/// ```
/// use tower_observability::Admin;
///
/// let admin = Admin::new().host("0.0.0.0").port(9100);
/// assert!(format!("{admin:?}").contains("9100"));
/// ```
#[derive(Clone)]
#[must_use = "hand it to `Builder::admin`"]
pub struct Admin {
    pub(crate) enabled: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) token: Option<String>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { enabled: true, host: "127.0.0.1".to_owned(), port: 9464, token: None }
    }
}

impl Admin {
    /// On, at 127.0.0.1:9464.
    pub fn new() -> Self {
        Self::default()
    }

    /// No listener. Mount the routes into your own router instead. Default: on. Variable: none.
    pub fn off(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// The address to listen on, a name or an IP address. A scraper in another container needs `0.0.0.0`, which is every
    /// IPv4 address. Default: `127.0.0.1`. Variable: `OTEL_EXPORTER_PROMETHEUS_HOST`.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        let host = host.into();
        self.host = within_brackets(&host).unwrap_or(&host).to_owned();
        self
    }

    /// The port to listen on; 0 means any free port. Default: `9464`. Variable: `OTEL_EXPORTER_PROMETHEUS_PORT`.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The token that it takes to change the log level and the other switches, from this machine as well, sent as
    /// `Authorization: Bearer …`.
    ///
    /// An empty token is none. Default: none, so the level can only be changed from this machine. Variable:
    /// `OBSERVABILITY_ADMIN_TOKEN`.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into()).filter(|token| !token.is_empty());
        self
    }

    /// Host and port, as in a URL.
    pub(crate) fn address(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// What to say at the start of a process that nothing outside of its container can scrape.
    pub(crate) fn advice(in_container: bool, address: SocketAddr) -> Option<String> {
        (in_container && address.ip().is_loopback()).then(|| {
            format!(
                "/metrics and /ready are at {address}, which nothing outside of this container reaches; \
                 OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0 opens them"
            )
        })
    }

    /// Does this process run in a container? Known by what the runtimes leave behind; `orchestrated` is whether
    /// the environment has `KUBERNETES_SERVICE_HOST`.
    pub(crate) fn is_in_container(orchestrated: bool) -> bool {
        let marked = || ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists());
        let grouped = || {
            std::fs::read_to_string("/proc/1/cgroup").is_ok_and(|groups| {
                ["docker", "kubepods", "containerd", "libpod", "lxc"].iter().any(|name| groups.contains(name))
            })
        };
        orchestrated || marked() || grouped()
    }

    /// The rows of the variables.
    pub(crate) const VARIABLES: &'static [Variable<Self>] = &[
        Variable {
            name: "OTEL_EXPORTER_PROMETHEUS_HOST",
            default: "127.0.0.1",
            about: "The address of `/metrics`, `/live`, `/ready`, `/log-level` and `/switches`.",
            set: Self::set_host,
            show: |admin| admin.host.clone(),
        },
        Variable {
            name: "OTEL_EXPORTER_PROMETHEUS_PORT",
            default: "9464",
            about: "The port of `/metrics`, `/live`, `/ready`, `/log-level` and `/switches`; 0 takes a free one.",
            set: |admin, value| {
                let expected = |_| Refusal::Expected("a port, 0 to 65535".to_owned());
                admin.port = value.parse().map_err(expected)?;
                Ok(())
            },
            show: |admin| admin.port.to_string(),
        },
        Variable {
            name: "OBSERVABILITY_ADMIN_TOKEN",
            default: "",
            about: "Bearer token that it takes to change the log level or another switch; without it, whoever is on this \
                    machine may.",
            set: |admin, value| {
                admin.token = Some(value.to_owned());
                Ok(())
            },
            show: |admin| admin.token.clone().unwrap_or_default(),
        },
    ];

    fn set_host(&mut self, value: &str) -> Result<(), Refusal> {
        let bare = within_brackets(value).unwrap_or(value);
        let is_name = !bare.is_empty()
            && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if bare.parse::<IpAddr>().is_err() && !is_name {
            return Err(Refusal::Expected("a name or an IP address, without scheme and port".to_owned()));
        }
        self.host = bare.to_owned();
        Ok(())
    }
}

// Not derived, because the token must not be shown.
impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "[secret]");
        let Self { enabled, host, port, .. } = self;
        let mut shown = f.debug_struct("Admin");
        shown
            .field("enabled", enabled)
            .field("host", host)
            .field("port", port)
            .field("token", &token)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> (Admin, Result<(), Refusal>) {
        let mut admin = Admin::new();
        let variable = Admin::VARIABLES.iter().find(|variable| variable.name == name).expect("a row");
        let result = (variable.set)(&mut admin, value);
        (admin, result)
    }

    #[test]
    fn host_and_port_are_taken_and_nonsense_is_not() {
        for (value, host) in [("0.0.0.0", "0.0.0.0"), ("[::1]", "::1"), ("localhost", "localhost")] {
            let (admin, result) = set("OTEL_EXPORTER_PROMETHEUS_HOST", value);
            assert_eq!((admin.host.as_str(), result), (host, Ok(())));
        }
        for (host, address) in
            [("[::1]", "[::1]:9464"), ("::1", "[::1]:9464"), ("localhost", "localhost:9464")]
        {
            let admin = Admin::new().host(host);
            assert_eq!((admin.host.contains('['), admin.address().as_str()), (false, address));
        }
        for value in ["http://localhost", "localhost:9464", "a b", "[::1", "[[::1]]"] {
            let (admin, result) = set("OTEL_EXPORTER_PROMETHEUS_HOST", value);
            assert_eq!(admin.host, "127.0.0.1");
            assert!(matches!(result, Err(Refusal::Expected(_))), "{value}");
        }
        assert_eq!(set("OTEL_EXPORTER_PROMETHEUS_PORT", "0").0.port, 0);
        assert!(set("OTEL_EXPORTER_PROMETHEUS_PORT", "65536").1.is_err());
    }

    #[test]
    fn the_token_is_not_shown() {
        let (admin, _) = set("OBSERVABILITY_ADMIN_TOKEN", "hush");
        assert_eq!(admin.token.as_deref(), Some("hush"));
        assert!(!format!("{admin:?}").contains("hush"));
        assert_eq!(Admin::new().token("").token, None);
    }

    #[test]
    fn only_loopback_in_a_container_needs_advice() {
        let [inside, outside] =
            ["127.0.0.1:9464", "0.0.0.0:9464"].map(|address| address.parse().expect("valid"));
        assert!(
            Admin::advice(true, inside)
                .is_some_and(|said| said.contains("OTEL_EXPORTER_PROMETHEUS_HOST=0.0.0.0"))
        );
        assert_eq!(Admin::advice(true, outside), None);
        assert_eq!(Admin::advice(false, inside), None);
    }
}
