//! How a gRPC call ended: its status, what follows from it, and the method under which it is counted.

use std::num::NonZeroU8;

use super::{ErrorType, Outcome, Route};
use crate::names::status::NAMES;

/// A status of gRPC, as its number and one more: a request of HTTP carries no byte for the one that it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Code(NonZeroU8);

/// What is known of a gRPC call before its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Call {
    /// The status that the service said.
    pub(crate) code: Option<Code>,
    /// What answered speaks gRPC.
    pub(crate) is_answered: bool,
    /// Only an implementation of the method can have said what was said so far.
    pub(crate) is_implemented: bool,
    /// The status that stands in the response's head.
    pub(crate) in_head: Option<Code>,
}

/// How a gRPC call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rpc {
    pub(crate) code: Code,
    /// `pkg.Service/Method`; `None` where no answer has shown that the method exists.
    pub(crate) method: Option<Route>,
}

/// Stands for a method of which no answer has shown that it exists.
const OTHER: &str = "_OTHER";

impl Code {
    pub(crate) const OK: Self = Self::of(0);
    pub(crate) const CANCELLED: Self = Self::of(1);
    pub(crate) const UNKNOWN: Self = Self::of(2);
    pub(crate) const INVALID_ARGUMENT: Self = Self::of(3);
    pub(crate) const DEADLINE_EXCEEDED: Self = Self::of(4);
    pub(crate) const NOT_FOUND: Self = Self::of(5);
    pub(crate) const PERMISSION_DENIED: Self = Self::of(7);
    pub(crate) const RESOURCE_EXHAUSTED: Self = Self::of(8);
    pub(crate) const UNIMPLEMENTED: Self = Self::of(12);
    pub(crate) const INTERNAL: Self = Self::of(13);
    pub(crate) const UNAVAILABLE: Self = Self::of(14);
    pub(crate) const DATA_LOSS: Self = Self::of(15);
    pub(crate) const UNAUTHENTICATED: Self = Self::of(16);

    const fn of(number: u8) -> Self {
        Self(NonZeroU8::MIN.saturating_add(number))
    }

    /// What `grpc-status` says; what is no status is UNKNOWN, as every client takes it.
    pub(crate) fn read(digits: &[u8]) -> Self {
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        number.filter(|number| usize::from(*number) < NAMES.len()).map_or(Self::UNKNOWN, Self::of)
    }

    /// What the HTTP status of an answer says that is none of gRPC's (gRPC, "HTTP to gRPC status code mapping").
    pub(crate) const fn of_http(status: u16) -> Self {
        match status {
            400 => Self::INTERNAL,
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502..=504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// What a gRPC library reports of a call that was not answered.
    const fn of_end(is_client: bool, reached: Outcome) -> Self {
        match (reached, is_client) {
            (Outcome::Cancelled, _) => Self::CANCELLED,
            (Outcome::Timeout, _) => Self::DEADLINE_EXCEEDED,
            (Outcome::ServerError | Outcome::BodyError, true) => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// The status as the conventions write it.
    pub(crate) fn as_str(self) -> &'static str {
        NAMES.get(usize::from(self.number())).copied().unwrap_or("UNKNOWN")
    }

    /// The status as a number.
    pub(crate) const fn number(self) -> u8 {
        self.0.get() - 1
    }

    /// The outcome that this status alone says.
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::OK => Outcome::Ok,
            Self::CANCELLED => Outcome::Cancelled,
            Self::DEADLINE_EXCEEDED => Outcome::Timeout,
            _ if self.is_fault() => Outcome::ServerError,
            _ => Outcome::ClientError,
        }
    }

    /// Is it an error of the server (gRPC spans, `rpc.response.status_code`)?
    const fn is_fault(self) -> bool {
        matches!(
            self,
            Self::UNKNOWN
                | Self::DEADLINE_EXCEEDED
                | Self::UNIMPLEMENTED
                | Self::INTERNAL
                | Self::UNAVAILABLE
                | Self::DATA_LOSS
        )
    }

    /// Does whatever stands before the services say it of any method: that there is none, that the caller may
    /// not ask, or asks too often?
    pub(crate) const fn is_of_any_method(self) -> bool {
        matches!(
            self,
            Self::UNIMPLEMENTED | Self::UNAUTHENTICATED | Self::PERMISSION_DENIED | Self::RESOURCE_EXHAUSTED
        )
    }
}

impl Call {
    /// How it ended, when this was reached; `path` is what was asked for.
    pub(crate) fn end(self, is_client: bool, path: &str, reached: Outcome) -> Rpc {
        let code = self.code.unwrap_or_else(|| Code::of_end(is_client, reached));
        Rpc { code, method: self.method(is_client, path) }
    }

    /// A name becomes known once its method is implemented, so that callers cannot add names.
    fn method(self, is_client: bool, path: &str) -> Option<Route> {
        // What we ask for ourselves stands in our own code.
        let is_real = is_client || self.is_implemented;
        let known = if is_real { Some(Route::of(method_name(path)?)) } else { known_method(path) };
        known.filter(|route| *route != Route::OTHER)
    }

    /// The value of `error.type`; `word` says an error more precisely than the status.
    pub(crate) fn error_type(
        self,
        is_client: bool,
        code: Code,
        outcome: Outcome,
        word: Option<&'static str>,
    ) -> ErrorType {
        let is_error = if is_client { code != Code::OK } else { code.is_fault() };
        match outcome {
            Outcome::Ok | Outcome::Upgraded => ErrorType::None,
            // A call that its own caller cancelled is not an error.
            Outcome::Cancelled if is_client && self.code.is_none() => ErrorType::None,
            // What ended without a status is said by its own word.
            Outcome::Panic | Outcome::BodyError => ErrorType::Word(outcome.as_str()),
            _ if is_error => ErrorType::Word(word.unwrap_or(code.as_str())),
            Outcome::ClientError | Outcome::Cancelled if !is_client => ErrorType::None,
            _ => ErrorType::Word(word.unwrap_or(outcome.as_str())),
        }
    }
}

/// `pkg.Service/Method`, as a path has it.
fn method_name(path: &str) -> Option<&str> {
    path.strip_prefix('/').filter(|name| name.contains('/'))
}

/// The method that this path asks for, if it has answered before.
pub(crate) fn known_method(path: &str) -> Option<Route> {
    Route::known(method_name(path)?)
}

impl Rpc {
    /// The method as a value of `rpc.method`.
    pub(crate) fn method(self) -> &'static str {
        self.method.map_or(OTHER, Route::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_by_its_number_and_any_other_is_unknown() {
        for (number, name) in NAMES.iter().enumerate() {
            assert_eq!(Code::read(number.to_string().as_bytes()).as_str(), *name);
        }
        for odd in ["17", "255", "256", "-1", "", "OK", "0x1", "é"] {
            assert_eq!(Code::read(odd.as_bytes()), Code::UNKNOWN, "{odd}");
        }
    }

    #[test]
    fn every_status_has_the_outcome_that_the_conventions_give_it() {
        let said: Vec<_> = (0..17).map(|number| Code::of(number).outcome().as_str()).collect();
        let (caller, service) = ("client_error", "server_error");
        assert_eq!(
            said,
            [
                "ok",
                "cancelled",
                service,
                caller,
                "timeout",
                caller,
                caller,
                caller,
                caller,
                caller,
                caller,
                caller,
                service,
                service,
                service,
                service,
                caller
            ]
        );
    }

    #[test]
    fn a_server_errs_with_six_of_them_and_a_client_with_all_but_ok() {
        let errors = |is_client| {
            let call = |code| Call { code: Some(code), is_implemented: true, ..Call::default() };
            let is_error =
                |code: Code| !call(code).error_type(is_client, code, code.outcome(), None).is_none();
            (0..17).map(Code::of).filter(|code| is_error(*code)).map(Code::as_str).collect::<Vec<_>>()
        };
        assert_eq!(
            errors(false),
            ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]
        );
        assert_eq!(errors(true), NAMES[1..]);
    }

    #[test]
    fn an_http_status_stands_for_the_missing_one() {
        let said = [200, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504].map(|s| Code::of_http(s).as_str());
        let (denied, gone) = ("PERMISSION_DENIED", "UNAVAILABLE");
        assert_eq!(
            said,
            [
                "UNKNOWN",
                "INTERNAL",
                "UNAUTHENTICATED",
                denied,
                "UNIMPLEMENTED",
                "UNKNOWN",
                gone,
                "UNKNOWN",
                gone,
                gone,
                gone
            ]
        );
    }
}
