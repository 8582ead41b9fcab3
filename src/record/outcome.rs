//! The one word that says how a hop ended, and the `error.type` that follows from it.

use std::fmt;

/// How a hop ended: one word of a closed set, the same in span and log line.
///
/// ```
/// use tower_observability::Outcome;
///
/// assert_eq!(Outcome::of_status(404), Outcome::ClientError);
/// assert_eq!(Outcome::BodyError.as_str(), "body_error");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Answered, below 400.
    Ok,
    /// Answered, 400 to 499.
    ClientError,
    /// Answered, 500 or above; or the inner service returned an error.
    ServerError,
    /// Dropped before its end: the peer hung up, or an outer service gave up.
    Cancelled,
    /// 504, an elapsed deadline, or a timeout error.
    Timeout,
    /// The service or its body panicked.
    Panic,
    /// The response's body failed after its head.
    BodyError,
    /// The connection became another protocol (101, or a CONNECT's 2xx).
    Upgraded,
}

/// The value of `error.type`, from a closed set so that it may be a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ErrorType {
    None,
    /// The status code itself.
    Status(u16),
    Word(&'static str),
}

impl Outcome {
    /// The outcome of a response with this status. 504 is [`Outcome::Timeout`].
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            101 => Self::Upgraded,
            504 => Self::Timeout,
            400..=499 => Self::ClientError,
            // What serves HTTP answers 500 in the place of a last status that promises another one.
            500.. | 100 | 102..=199 => Self::ServerError,
            _ => Self::Ok,
        }
    }

    /// The word as written in spans and log lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Panic => "panic",
            Self::BodyError => "body_error",
            Self::Upgraded => "upgraded",
        }
    }

    /// Did it end as the caller hoped?
    #[must_use]
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Ok | Self::Upgraded)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ErrorType {
    pub(crate) fn is_none(self) -> bool {
        self == Self::None
    }

    /// The text of a word; a status is written by its reader, as a number.
    pub(crate) fn with_str<T>(self, read: impl FnOnce(&str) -> T) -> Option<T> {
        match self {
            Self::None => None,
            Self::Status(status) => Some(read(itoa::Buffer::new().format(status))),
            Self::Word(word) => Some(read(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_alone_decides_unless_something_worse_happened() {
        let said: Vec<_> = [101, 200, 304, 404, 499, 500, 504, 599, 999, 100, 103]
            .map(|s| Outcome::of_status(s).as_str())
            .into();
        assert_eq!(
            said,
            [
                "upgraded",
                "ok",
                "ok",
                "client_error",
                "client_error",
                "server_error",
                "timeout",
                "server_error",
                "server_error",
                "server_error",
                "server_error"
            ]
        );
    }
}
