//! The snapshot of the environment, taken once at the start.

use std::ffi::OsString;
use std::fmt;

/// The environment at one moment. Empty variables are unset, as the specification says.
#[derive(Default)]
pub(crate) struct Env {
    // `None`: the value is not UTF-8. Sorted by name.
    variables: Vec<(String, Option<String>)>,
}

impl Env {
    pub(crate) fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The value of a variable; `Some(None)` if it is not UTF-8.
    pub(crate) fn value(&self, name: &str) -> Option<Option<&str>> {
        let place = self.variables.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.variables.get(place).map(|(_, value)| value.as_deref())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut variables: Vec<_> = variables
            .into_iter()
            // All names that are read are ASCII.
            .filter_map(|(name, value)| {
                Some((name.into().into_string().ok()?, value.into().into_string().ok()))
            })
            // Values out of a mounted secret often end in a line break.
            .map(|(name, value)| (name, value.map(|value| value.trim().to_owned())))
            .filter(|(_, value)| value.as_deref() != Some(""))
            .collect();
        variables.sort();
        Self { variables }
    }
}

// The environment is full of other people's secrets.
impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env({} variables)", self.variables.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_unset() {
        let env = Env::from_iter([("A", ""), ("B", "  "), ("C", "x\n")]);
        assert_eq!([env.value("A"), env.value("B")], [None, None]);
        assert_eq!(env.value("C"), Some(Some("x")));
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", Env::from_iter([("TOKEN", "hunter2")])), "Env(1 variables)");
    }
}
