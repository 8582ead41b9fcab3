//! The environment as a carrier: a trace that goes on in a child process.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use super::propagators::keys;
use super::{Carrier, Propagators, Remote};

/// The variables that this process was started with.
struct Environment(Vec<(&'static str, OsString)>);

/// What the process that started this one handed on in the environment: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, and
/// `X_REQUEST_ID`; with other formats theirs, such as `B3`.
///
/// The other side is [`inject`](super::inject) onto a [`Command`].
///
/// ```
/// use std::process::Command;
/// use tower_observability::{Work, propagation};
///
/// // In the program that starts the child:
/// fn start(mut command: Command) -> std::io::Result<std::process::Child> {
///     propagation::inject(&mut command); // tokio's: `command.as_std_mut()`
///     command.spawn()
/// }
///
/// // In the child:
/// async fn back_up() {
///     Work::internal("back up").parent(propagation::from_environment()).run(async { /* … */ }).await;
/// }
/// # let _ = (start as fn(_) -> _, back_up);
/// # let _: propagation::Remote = propagation::from_environment();
/// ```
#[must_use]
pub fn from_environment() -> Remote {
    let found = keys().filter_map(|key| Some((key, std::env::var_os(variable(key))?)));
    Propagators::of_process().read(&Environment(found.collect()))
}

/// The environment of a child process. Keys become names of variables: `traceparent` is `TRACEPARENT`.
///
/// A variable that the child would inherit from this process counts as an empty value here: it is not ours to read, and
/// [`remove`](Carrier::remove) keeps it from the child.
///
/// ```
/// use tower_observability::propagation::Carrier;
///
/// let mut command = std::process::Command::new("true");
/// command.put("traceparent", "00-…".to_owned());
/// let set: Vec<_> = command.get_envs().collect();
/// assert_eq!(set, [("TRACEPARENT".as_ref(), Some("00-…".as_ref()))]);
/// assert_eq!(command.values_of("traceparent"), ["00-…".as_bytes()]);
/// ```
impl Carrier for Command {
    fn values_of(&self, key: &str) -> Vec<&[u8]> {
        let name = variable(key);
        match self.get_envs().find(|(set, _)| *set == name.as_str()) {
            Some((_, value)) => value.map(OsStr::as_encoded_bytes).into_iter().collect(),
            None => std::env::var_os(name).map(|_| &b""[..]).into_iter().collect(),
        }
    }

    /// A value with a zero byte, which no variable can have, is left out.
    fn put(&mut self, key: &'static str, value: String) {
        if !value.contains('\0') {
            self.env(variable(key), value);
        }
    }

    fn remove(&mut self, key: &'static str) {
        self.env_remove(variable(key));
    }
}

impl Carrier for Environment {
    fn values_of(&self, key: &str) -> Vec<&[u8]> {
        self.0.iter().filter(|(found, _)| *found == key).map(|(_, value)| value.as_encoded_bytes()).collect()
    }

    fn put(&mut self, _: &'static str, _: String) {}
}

/// The name of the variable for a key: upper case, and `_` for what a name cannot have.
fn variable(key: &str) -> String {
    let name = key.chars().map(|letter| match letter.to_ascii_uppercase() {
        letter @ ('A'..='Z' | '0'..='9') => letter,
        _ => '_',
    });
    let digit = key.starts_with(|first: char| first.is_ascii_digit());
    digit.then_some('_').into_iter().chain(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_becomes_a_variables_name() {
        for (key, name) in [
            ("traceparent", "TRACEPARENT"),
            ("x-request-id", "X_REQUEST_ID"),
            ("b3", "B3"),
            ("3b.é", "_3B__"),
            ("", ""),
        ] {
            assert_eq!(variable(key), name);
        }
    }

    #[test]
    fn what_a_child_would_inherit_is_empty_and_can_be_kept_from_it() {
        let mut command = Command::new("true");
        assert_eq!(command.values_of("path"), [b""]);
        Carrier::remove(&mut command, "path");
        assert!(command.values_of("path").is_empty());
        assert_eq!(command.get_envs().collect::<Vec<_>>(), [("PATH".as_ref(), None)]);
    }

    #[test]
    fn a_value_with_a_zero_byte_leaves_the_command_as_it_was() {
        let mut command = Command::new("true");
        command.put("baggage", "a=\0".to_owned());
        assert_eq!(command.get_envs().count(), 0);
    }
}
