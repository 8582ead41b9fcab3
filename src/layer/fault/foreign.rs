//! The errors of clients and of bodies that are there only by a feature.

pub(super) use axum::of_axum;
pub(super) use reqwest::{is_elapsed, readable, url, word};

#[cfg(feature = "reqwest")]
mod reqwest {
    use std::any::Any;
    use std::error::Error;

    use ::reqwest::Error as Reqwest;

    use crate::names::word;

    pub(in crate::layer::fault) fn readable(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
        error.downcast_ref::<Reqwest>().map(|error| error as _)
    }

    pub(in crate::layer::fault) fn url<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a str> {
        error.downcast_ref().and_then(Reqwest::url).map(|url| url.as_str())
    }

    pub(in crate::layer::fault) fn is_elapsed(error: &(dyn Error + 'static)) -> bool {
        error.downcast_ref().is_some_and(Reqwest::is_timeout)
    }

    pub(in crate::layer::fault) fn word(error: &(dyn Error + 'static)) -> Option<&'static str> {
        let error = error.downcast_ref::<Reqwest>()?;
        if error.is_dns() {
            return Some(word::DNS_ERROR);
        }
        if error.is_builder() {
            return Some(word::INVALID_REQUEST);
        }
        // Before the head, what it decodes is the address of a redirect.
        if error.is_redirect() || error.is_decode() {
            return Some(word::REDIRECT_ERROR);
        }
        None
    }
}

#[cfg(not(feature = "reqwest"))]
mod reqwest {
    use std::any::Any;
    use std::error::Error;

    pub(in crate::layer::fault) fn readable(_: &dyn Any) -> Option<&(dyn Error + 'static)> {
        None
    }

    pub(in crate::layer::fault) fn url<'a>(_: &'a (dyn Error + 'static)) -> Option<&'a str> {
        None
    }

    pub(in crate::layer::fault) fn is_elapsed(_: &(dyn Error + 'static)) -> bool {
        false
    }

    pub(in crate::layer::fault) fn word(_: &(dyn Error + 'static)) -> Option<&'static str> {
        None
    }
}

#[cfg(feature = "axum")]
mod axum {
    use std::any::Any;
    use std::error::Error;

    pub(in crate::layer::fault) fn of_axum(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
        error.downcast_ref::<::axum::Error>().map(|error| error as _)
    }
}

#[cfg(not(feature = "axum"))]
mod axum {
    use std::any::Any;
    use std::error::Error;

    pub(in crate::layer::fault) fn of_axum(_: &dyn Any) -> Option<&(dyn Error + 'static)> {
        None
    }
}
