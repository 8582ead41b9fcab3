//! The words for what kept a call from its answer: a closed set, the values of `error.type` beside a status.
//!
//! The types of most causes are private to their crates. So a cause is recognised by its type where that has a name, by
//! its kind where it is an I/O error, and by its text only where nothing else is left.

use std::error::Error;
use std::io::{self, ErrorKind};

use http::Uri;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use tower::Service;

use super::foreign;
use crate::names::word;

type Cause<'a> = &'a (dyn Error + 'static);

/// The error of hyper-util's connector, whose type has no public name.
type ConnectError = <HttpConnector as Service<Uri>>::Error;

/// The word for a chain of causes, outermost first; `None` if it is none of a call's.
pub(super) fn of(chain: &[Cause<'_>]) -> Option<&'static str> {
    let sent = find(chain, foreign::word).or_else(|| find(chain, never_sent));
    if sent.is_some() {
        return sent;
    }
    let connecting = is_connecting(chain);
    if chain.iter().any(|cause| is_dns(*cause)) {
        return Some(word::DNS_ERROR);
    }
    // Others than TLS say "invalid data" of what they decode; but not while connecting, and not to hyper.
    if (connecting || chain.iter().any(|cause| cause.is::<hyper::Error>()))
        && chain.iter().any(|cause| is_tls(*cause))
    {
        return Some(word::TLS_ERROR);
    }
    find(chain, of_io)
        .or_else(|| connecting.then_some(word::CONNECTION_ERROR))
        .or_else(|| find(chain, of_hyper))
        .or_else(|| find(chain, of_pool))
}

/// The word for a chain of causes that is a timeout.
pub(super) fn of_timeout(chain: &[Cause<'_>]) -> &'static str {
    if is_connecting(chain) { word::CONNECTION_TIMEOUT } else { word::TIMEOUT }
}

pub(super) fn is_elapsed(error: Cause<'_>) -> bool {
    error.is::<tower::timeout::error::Elapsed>()
        || error.is::<tokio::time::error::Elapsed>()
        || error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::TimedOut)
        || error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout)
        || foreign::is_elapsed(error)
}

fn find(chain: &[Cause<'_>], read: fn(Cause<'_>) -> Option<&'static str>) -> Option<&'static str> {
    chain.iter().find_map(|cause| read(*cause))
}

/// Did it happen before there was a connection?
fn is_connecting(chain: &[Cause<'_>]) -> bool {
    chain.iter().any(|cause| {
        cause.is::<ConnectError>() || cause.downcast_ref().is_some_and(legacy::Error::is_connect)
    })
}

/// What is wrong with the request itself, or with its body.
fn never_sent(error: Cause<'_>) -> Option<&'static str> {
    if error.downcast_ref().is_some_and(hyper::Error::is_user) {
        return Some(word::REQUEST_BODY_ERROR);
    }
    let no_address = error.is::<ConnectError>() && error.source().is_none();
    let not_absolute = error.is::<legacy::Error>() && error.to_string().contains("(User");
    (no_address || not_absolute || error.is::<http::Error>()).then_some(word::INVALID_REQUEST)
}

fn is_dns(error: Cause<'_>) -> bool {
    if error.is::<ConnectError>() {
        return error.to_string() == "dns error";
    }
    // The standard library's resolver has no kind of its own.
    error.is::<io::Error>() && error.to_string().starts_with("failed to lookup address")
}

fn is_tls(error: Cause<'_>) -> bool {
    match error.downcast_ref::<io::Error>() {
        // rustls, over tokio-rustls.
        Some(error) if error.kind() == ErrorKind::InvalidData => error.get_ref().is_some(),
        Some(error) if error.kind() == ErrorKind::UnexpectedEof => {
            error.to_string().contains("tls handshake")
        }
        Some(_) => false,
        // OpenSSL, over native-tls or alone.
        None => error.to_string().contains("SSL routines"),
    }
}

fn of_io(error: Cause<'_>) -> Option<&'static str> {
    match error.downcast_ref::<io::Error>()?.kind() {
        ErrorKind::ConnectionRefused => Some(word::CONNECTION_REFUSED),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Some(word::CONNECTION_RESET),
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Some(word::HOST_UNREACHABLE),
        _ => None,
    }
}

fn of_hyper(error: Cause<'_>) -> Option<&'static str> {
    let hyper = error.downcast_ref::<hyper::Error>()?;
    let reset = hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed();
    // HTTP/2 keeps what the socket said to itself.
    let broken = || hyper.source().is_some_and(|source| source.to_string().contains("broken pipe"));
    Some(if reset || broken() { word::CONNECTION_RESET } else { word::PROTOCOL_ERROR })
}

/// The pool gave up without saying why: the connection went away before the request was sent.
fn of_pool(error: Cause<'_>) -> Option<&'static str> {
    error.is::<legacy::Error>().then_some(word::CONNECTION_RESET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(error: Cause<'_>) -> Option<&'static str> {
        let mut chain = vec![error];
        chain.extend(error.source());
        of(&chain)
    }

    #[test]
    fn an_io_error_is_told_by_its_kind() {
        for (kind, expected) in [
            (ErrorKind::ConnectionRefused, Some("connection_refused")),
            (ErrorKind::ConnectionReset, Some("connection_reset")),
            (ErrorKind::BrokenPipe, Some("connection_reset")),
            (ErrorKind::HostUnreachable, Some("host_unreachable")),
            (ErrorKind::NetworkUnreachable, Some("host_unreachable")),
            (ErrorKind::PermissionDenied, None),
        ] {
            assert_eq!(word(&io::Error::from(kind)), expected, "{kind}");
        }
    }

    #[test]
    fn data_that_a_service_could_not_decode_is_no_matter_of_tls() {
        assert_eq!(word(&io::Error::new(ErrorKind::InvalidData, "no JSON")), None);
    }

    #[test]
    fn a_name_that_the_systems_resolver_does_not_know_is_told_without_a_client() {
        let unknown = std::net::ToSocketAddrs::to_socket_addrs("nobody.invalid:80").map(|_| ());
        assert_eq!(word(&unknown.expect_err("reserved by RFC 2606")), Some("dns_error"));
    }
}
