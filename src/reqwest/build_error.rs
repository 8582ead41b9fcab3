//! Why no client could be made.

use std::error::Error;
use std::fmt;

/// Why [`ObservabilityLayer::reqwest`](crate::ObservabilityLayer::reqwest) made no client.
///
/// ```
/// use tower_observability::ObservabilityLayer;
///
/// let layer = ObservabilityLayer::client().baggage_to([".internal"]);
/// let refused = layer.reqwest(reqwest::Client::builder()).unwrap_err();
/// assert!(refused.is_policy_missing());
/// ```
#[derive(Debug)]
pub struct BuildError {
    // `None` where the redirect policy is not known.
    source: Option<::reqwest::Error>,
}

impl BuildError {
    pub(super) fn policy_missing() -> Self {
        Self { source: None }
    }

    /// The layer has a list of hosts, and the redirect policy was not given to
    /// [`reqwest_with`](crate::ObservabilityLayer::reqwest_with).
    #[must_use]
    pub fn is_policy_missing(&self) -> bool {
        self.source.is_none()
    }
}

impl From<::reqwest::Error> for BuildError {
    fn from(source: ::reqwest::Error) -> Self {
        Self { source: Some(source) }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            Some(_) => "the client could not be built",
            None => {
                "this layer has a list of hosts (`baggage_to`, `no_context_to`), which redirects must obey too, and \
                 reqwest does not say which redirect policy a builder has; give it here: \
                 `.reqwest_with(builder, reqwest::redirect::Policy::default())`"
            }
        })
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
