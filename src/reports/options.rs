//! The options of error reports: what code chose, what the environment chose, and what is in force.

use std::fmt;

use super::dsn::Dsn;
use crate::export::{masked_url, reachable};
use crate::variable::{Refusal, Variable};

/// Options for error reports: where to, of which release and environment, and how large a share.
///
/// Nothing is sent until there is a DSN of a server that speaks Sentry's protocol, or a token of Rollbar. With both, both
/// get every report. The environment overrides what is set here. See the guide's page [reports](crate::guide::reports).
///
/// ```
/// use tower_observability::Reports;
///
/// let reports = Reports::new().sentry("https://key@sentry.example/1").environment("production");
/// # drop(reports);
/// ```
#[derive(Clone)]
#[must_use = "hand it to `Builder::reports`"]
pub struct Reports {
    dsn: Option<String>,
    token: Option<String>,
    rollbar: String,
    pub(super) release: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) sample_rate: f64,
}

const ROLLBAR: &str = "https://api.rollbar.com/api/1/item/";

impl Default for Reports {
    fn default() -> Self {
        let (dsn, token, release, environment) = (None, None, None, None);
        Self { dsn, token, rollbar: ROLLBAR.to_owned(), release, environment, sample_rate: 1.0 }
    }
}

impl Reports {
    /// Reports to wherever the environment says; none otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// The DSN of a project at Sentry, or at a server that speaks its protocol, such as GlitchTip: `https://<key>@<host>/<project>`.
    /// One that is none is warned of at the start, and no report is sent to it.
    ///
    /// Default: none. Variable: `SENTRY_DSN`.
    pub fn sentry(mut self, dsn: impl Into<String>) -> Self {
        self.dsn = Some(dsn.into()).filter(|dsn| !dsn.is_empty());
        self
    }

    /// The access token of a project at Rollbar, with the scope `post_server_item`.
    ///
    /// Default: none. Variable: `ROLLBAR_ACCESS_TOKEN`.
    pub fn rollbar(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into()).filter(|token| !token.is_empty());
        self
    }

    /// Where items for Rollbar are posted to. Default: `https://api.rollbar.com/api/1/item/`. Variable: `ROLLBAR_ENDPOINT`.
    pub fn rollbar_endpoint(mut self, url: impl Into<String>) -> Self {
        self.rollbar = url.into();
        self
    }

    /// The release. Default: the service's version ([`Builder::version`](crate::Builder::version)). Variable:
    /// `SENTRY_RELEASE`.
    pub fn release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// The environment, such as `production`. Default: the resource attribute `deployment.environment.name`. Variable:
    /// `SENTRY_ENVIRONMENT`.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// The share of reports that are sent, from 0 to 1; a number outside is the nearer of the two. What is left out is
    /// counted.
    ///
    /// Default: 1. Variable: `SENTRY_SAMPLE_RATE`.
    pub fn share(mut self, share: f64) -> Self {
        self.sample_rate = if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// The DSN, if reports can be sent to it.
    pub(super) fn sentry_dsn(&self) -> Option<Dsn> {
        let dsn = Dsn::parse(self.dsn.as_deref()?).ok()?;
        reachable(&dsn.endpoint, ROLLBAR).is_ok().then_some(dsn)
    }

    /// Token and URL of Rollbar, if items can be sent there.
    pub(super) fn rollbar_item(&self) -> Option<(&str, &str)> {
        let token = self.token.as_deref()?;
        reachable(&self.rollbar, ROLLBAR).is_ok().then_some((token, &*self.rollbar))
    }

    /// Where reports go, for the start-up line; `None` where they go nowhere.
    pub(crate) fn in_force(&self) -> Option<String> {
        let dsn = self.sentry_dsn().map(|dsn| masked_url(&dsn.endpoint).into_owned());
        let rollbar = self.rollbar_item().map(|(_, url)| masked_url(url).into_owned());
        let all: Vec<_> = dsn.into_iter().chain(rollbar).collect();
        (!all.is_empty()).then(|| format!("error reports to {}", all.join(" and ")))
    }

    /// What is wrong with what code says, where no variable is to blame.
    pub(crate) fn complaint(&self) -> Option<String> {
        let dsn = self.dsn.as_deref()?;
        let wrong = match Dsn::parse(dsn) {
            Err(refusal) => format!("it is not {}", refusal.reason()),
            Ok(dsn) => reachable(&dsn.endpoint, ROLLBAR).err()?.reason(),
        };
        Some(format!("no error reports are sent to the DSN: {wrong}"))
    }

    /// The URLs to which reports are posted.
    #[cfg(feature = "cli")]
    pub(crate) fn urls(&self) -> Vec<String> {
        let dsn = self.sentry_dsn().map(|dsn| dsn.endpoint);
        let rollbar = self.rollbar_item().map(|(_, url)| url.to_owned());
        dsn.into_iter().chain(rollbar).collect()
    }

    fn set_dsn(&mut self, text: &str) -> Result<(), Refusal> {
        let dsn = Dsn::parse(text)?;
        reachable(&dsn.endpoint, ROLLBAR)?;
        self.dsn = Some(text.trim().to_owned());
        Ok(())
    }

    fn set_endpoint(&mut self, url: &str) -> Result<(), Refusal> {
        reachable(url, ROLLBAR)?;
        self.rollbar = url.to_owned();
        Ok(())
    }

    fn set_share(&mut self, text: &str) -> Result<(), Refusal> {
        let share: Option<f64> = text.trim().parse().ok();
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        self.sample_rate = share.ok_or_else(|| Refusal::expected("a number from 0 to 1"))?;
        Ok(())
    }

    pub(crate) const VARIABLES: &'static [Variable<Self>] = &[
        Variable {
            name: "SENTRY_DSN",
            default: "",
            about: "Where error reports go: the DSN of a project at Sentry, or at a server that speaks its protocol.",
            set: Self::set_dsn,
            show: |reports| reports.dsn.clone().unwrap_or_default(),
        },
        Variable {
            name: "SENTRY_ENVIRONMENT",
            default: "",
            about: "The environment in error reports; else the attribute `deployment.environment.name`.",
            set: |reports, text| {
                reports.environment = Some(text.to_owned());
                Ok(())
            },
            show: |reports| reports.environment.clone().unwrap_or_default(),
        },
        Variable {
            name: "SENTRY_RELEASE",
            default: "",
            about: "The release in error reports; else the service's version.",
            set: |reports, text| {
                reports.release = Some(text.to_owned());
                Ok(())
            },
            show: |reports| reports.release.clone().unwrap_or_default(),
        },
        Variable {
            name: "SENTRY_SAMPLE_RATE",
            default: "1.0",
            about: "The share of error reports that are sent, from 0 to 1.",
            set: Self::set_share,
            show: |reports| format!("{:?}", reports.sample_rate),
        },
        Variable {
            name: "ROLLBAR_ACCESS_TOKEN",
            default: "",
            about: "Error reports go to the project of this token at Rollbar.",
            set: |reports, text| {
                reports.token = Some(text.to_owned());
                Ok(())
            },
            show: |reports| reports.token.clone().unwrap_or_default(),
        },
        Variable {
            name: "ROLLBAR_ENDPOINT",
            default: ROLLBAR,
            about: "Where error reports for Rollbar are posted to; used as it is.",
            set: Self::set_endpoint,
            show: |reports| reports.rollbar.clone(),
        },
    ];
}

/// DSN and token are credentials.
impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports")
            .field("to", &self.in_force())
            .field("release", &self.release)
            .field("environment", &self.environment)
            .field("sample_rate", &self.sample_rate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_dsn_or_a_token_nothing_is_sent() {
        assert_eq!(Reports::new().in_force(), None);
        assert_eq!(Reports::new().sentry("").rollbar("").in_force(), None);
    }

    #[test]
    fn addresses_are_shown_and_credentials_are_not() {
        let reports = Reports::new().sentry("http://s3cr3t@errors:8000/1").rollbar("t0k3n");
        let reports = reports.rollbar_endpoint("http://rollbar/api/1/item/");
        let said = reports.in_force().unwrap();
        assert_eq!(
            said,
            "error reports to http://errors:8000/api/1/envelope/ and http://rollbar/api/1/item/"
        );
        let shown = format!("{reports:?}");
        assert!(!shown.contains("s3cr3t") && !shown.contains("t0k3n"), "{shown}");
    }

    #[test]
    fn a_dsn_that_is_none_is_complained_of() {
        let said = Reports::new().sentry("sentry.io").complaint().unwrap();
        assert!(said.contains("https://key@sentry.example/1"), "{said}");
        assert_eq!(Reports::new().sentry("http://k@h/1").complaint(), None);
    }

    #[test]
    fn a_share_stays_between_none_and_all() {
        let share = |share| Reports::new().share(share).sample_rate;
        assert_eq!([share(2.0), share(-1.0), share(f64::NAN), share(0.5)], [1.0, 0.0, 1.0, 0.5]);
    }
}
