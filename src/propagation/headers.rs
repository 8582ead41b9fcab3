//! HTTP headers as a carrier, without an allocation on the common path.

use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::carrier::KEYS;
use super::formats;
use crate::context::Tracestate;
use crate::names::header::TRACESTATE;

/// The headers that a hop reads, found in one pass: looking each of them up would hash each name.
#[derive(Debug, Default)]
pub(crate) struct KnownHeaders<'a> {
    pub(super) traceparent: Single<'a>,
    pub(super) tracestate: bool,
    pub(super) baggage: bool,
    pub(super) request_id: Single<'a>,
    pub(crate) host: Single<'a>,
    pub(crate) user_agent: Single<'a>,
    pub(crate) content_type: Option<&'a HeaderValue>,
}

/// A header that is used only if there is exactly one: of two, neither can be preferred.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Single<'a> {
    #[default]
    Absent,
    Once(&'a HeaderValue),
    Repeated,
}

impl<'a> KnownHeaders<'a> {
    #[inline]
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut known = Self::default();
        for (name, value) in headers {
            match name.as_str() {
                "traceparent" => known.traceparent.meet(value),
                "tracestate" => known.tracestate = true,
                "baggage" => known.baggage = true,
                "x-request-id" => known.request_id.meet(value),
                "host" => known.host.meet(value),
                "user-agent" => known.user_agent.meet(value),
                "content-type" => known.content_type = Some(value),
                _ => {}
            }
        }
        known
    }
}

impl<'a> Single<'a> {
    fn meet(&mut self, value: &'a HeaderValue) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }

    pub(crate) fn only(self) -> Option<&'a [u8]> {
        match self {
            Self::Once(value) => Some(value.as_bytes()),
            Self::Absent | Self::Repeated => None,
        }
    }
}

pub(super) fn all(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    headers.get_all(name).into_iter().map(HeaderValue::as_bytes)
}

/// The value of a header that is there exactly once.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
}

pub(super) fn set(headers: &mut HeaderMap, name: &'static str, value: Option<&[u8]>) {
    match value.map(HeaderValue::from_bytes) {
        Some(Ok(value)) => {
            let _ = headers.try_insert(name, value);
        }
        _ => {
            headers.remove(name);
        }
    }
}

/// Takes away every header that any format writes.
pub(crate) fn clear_headers(headers: &mut HeaderMap) {
    for name in KEYS.iter().chain(&formats::KEYS) {
        headers.remove(*name);
    }
}

pub(super) fn write_tracestate(headers: &mut HeaderMap, tracestate: &Tracestate) {
    let list = Some(tracestate.as_str()).filter(|list| !list.is_empty()).map(HeaderValue::from_str);
    match list {
        Some(Ok(list)) => insert(headers, TRACESTATE, Ok(list)),
        _ => remove(headers, TRACESTATE),
    }
}

pub(super) fn remove(headers: &mut HeaderMap, name: HeaderName) {
    if !headers.is_empty() {
        headers.remove(name);
    }
}

#[inline]
pub(super) fn insert(
    headers: &mut HeaderMap,
    name: HeaderName,
    value: Result<HeaderValue, InvalidHeaderValue>,
) {
    if let Ok(value) = value {
        let _ = headers.try_insert(name, value);
    }
}
