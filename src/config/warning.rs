//! What is said of a bad variable, and what of a value may be shown.

use std::fmt;

use crate::variable::Refusal;

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
            Refusal::Suspicious(remedy) => format!("{name}={value} is taken, but {remedy}"),
        })
    }

    pub(super) fn not_utf8(name: &str) -> Self {
        Self(format!("{name} is not UTF-8; it is ignored"))
    }

    pub(super) fn not_served(name: &str) -> Self {
        Self(format!("{name} is not served by this version; it is ignored"))
    }

    /// A good value that something else keeps from having an effect; `why` names the remedy.
    pub(super) fn idle(name: &str, value: &str, why: &str) -> Self {
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

/// What may be shown of a value: nothing of a secret, and no password that stands in a URL.
pub(crate) fn masked(value: &str, secret: bool) -> String {
    if secret && !value.is_empty() {
        return "***".to_owned();
    }
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        assert_eq!(masked("http://ann:pa@ss@host:4318/v1", false), "http://***@host:4318/v1");
        assert_eq!(masked("http://host/@", false), "http://host/@");
        assert_eq!(masked("authorization=Bearer x", true), "***");
        assert_eq!(masked("", true), "");
    }
}
