//! The reading of an inner service's error: which outcome, which word, which chain of causes.
//!
//! The error itself passes through untouched. Its type is the user's, so that it can only be looked at where
//! it is one that we know, or a box of such.

mod foreign;
mod word;

use std::any::Any;
use std::error::Error;
use std::io;

use crate::error::masked_urls;
use crate::record::{Outcome, causes, formatted, guarded};
use crate::signals::Observation;

type Boxed = Box<dyn Error + Send + Sync>;

/// What an error says.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) outcome: Outcome,
    /// The value of `error.type`.
    pub(super) word: Option<&'static str>,
    /// Its text and its causes', outermost first; `None` for a type that we cannot read.
    pub(super) chain: Option<Vec<String>>,
}

impl Fault {
    pub(super) fn of(error: &dyn Any) -> Self {
        let opaque = || Self { outcome: Outcome::ServerError, word: None, chain: None };
        let Some(error) = readable(error) else { return opaque() };
        // `Display` of the causes is the user's code; if it panics there, they are left out.
        guarded(|| Self::read(error)).unwrap_or_else(opaque)
    }

    /// Notes its texts on the hop, unless the service has recorded an error itself.
    pub(super) fn note(&mut self, observation: &Observation) {
        if let (Some(hop), Some(chain)) = (observation.hop(), self.chain.take()) {
            hop.notes().get_or_insert_default().error.get_or_insert(chain);
        }
    }

    fn read(error: &(dyn Error + 'static)) -> Self {
        let causes: Vec<_> = causes(|| Some(error), cause).collect();
        let mut texts: Vec<String> = causes.iter().map(|error| text(*error)).collect();
        texts.dedup();
        let chain = Some(texts);
        if causes.iter().any(|error| word::is_elapsed(*error)) {
            return Self { outcome: Outcome::Timeout, word: Some(word::of_timeout(&causes)), chain };
        }
        Self { outcome: Outcome::ServerError, word: word::of(&causes), chain }
    }
}

/// An error's text without the URL that reqwest appends, whose query may hold secrets.
fn text(error: &(dyn Error + 'static)) -> String {
    let mut text = formatted(format_args!("{error}"));
    if let Some(url) = foreign::url(error).map(|url| formatted(format_args!(" for url ({url})"))) {
        text.truncate(text.strip_suffix(&*url).map_or(text.len(), str::len));
    }
    masked_urls(&text).into_owned()
}

fn readable(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    fn known<E: Error + 'static>(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
        error.downcast_ref::<E>().map(|error| error as _)
    }
    let boxed = error.downcast_ref::<Boxed>().map(|error| &**error as &(dyn Error + 'static));
    boxed
        .or_else(|| error.downcast_ref::<Box<dyn Error>>().map(|error| &**error as _))
        .or_else(|| known::<io::Error>(error))
        .or_else(|| known::<hyper::Error>(error))
        .or_else(|| known::<http::Error>(error))
        .or_else(|| known::<tower::timeout::error::Elapsed>(error))
        .or_else(|| known::<tokio::time::error::Elapsed>(error))
        .or_else(|| known::<hyper_util::client::legacy::Error>(error))
        .or_else(|| foreign::readable(error))
        .or_else(|| foreign::of_axum(error))
}

/// The next cause; an I/O error shows what it carries only by a method of its own.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    carried.map(|carried| carried as _).or_else(|| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: &dyn Any) -> (Outcome, Option<&'static str>) {
        let fault = Fault::of(error);
        (fault.outcome, fault.word)
    }

    #[test]
    fn an_elapsed_type_is_a_timeout_wherever_it_stands_in_the_chain() {
        let elapsed = tower::timeout::error::Elapsed::new();
        assert_eq!(said(&elapsed), (Outcome::Timeout, Some("timeout")));
        let boxed: Boxed = Box::new(io::Error::other(elapsed));
        assert_eq!(said(&boxed), (Outcome::Timeout, Some("timeout")));
        assert_eq!(said(&io::Error::from(io::ErrorKind::TimedOut)).0, Outcome::Timeout);
    }

    #[test]
    fn what_we_cannot_read_is_an_error_all_the_same() {
        struct Opaque;
        assert_eq!(said(&Opaque), (Outcome::ServerError, None));
        assert!(Fault::of(&Opaque).chain.is_none());
    }

    #[test]
    fn an_error_that_panics_when_it_is_read_is_an_error_all_the_same() {
        #[derive(Debug)]
        struct Rude;
        impl std::fmt::Display for Rude {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("rude")
            }
        }
        impl Error for Rude {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                panic!("nobody asks me")
            }
        }
        let boxed: Boxed = Box::new(Rude);
        assert_eq!(said(&boxed), (Outcome::ServerError, None));
    }

    #[test]
    fn a_refused_connection_has_its_own_word() {
        let boxed: Boxed = Box::new(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(said(&boxed), (Outcome::ServerError, Some("connection_refused")));
    }
}
