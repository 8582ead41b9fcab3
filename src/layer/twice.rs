//! The answer to one question: does an outer layer observe this request already?
//!
//! It is read off the thread's stack, because a mark on the request would cost each one an allocation (axum's
//! table of extensions is full when we are called: 510 instructions and 1 allocation, measured). A request is
//! the same if the hop that is current is of the same kind, still runs, and has its method and path; a nested
//! router may have cut the path's front off.

use http::{Method, Request};

use crate::current::top_hop;
use crate::record::{Hop, Http, Kind, Piece, host_and_port_of};
use crate::traces::REDACTED;

/// Is the current hop this very request's?
#[inline]
pub(super) fn is_observed<B>(kind: Kind, request: &Request<B>) -> bool {
    top_hop(|hop| is_this(hop, kind, request)).unwrap_or(false)
}

/// Is the hop this very request's?
#[inline]
pub(super) fn is_this<B>(hop: &Hop, kind: Kind, request: &Request<B>) -> bool {
    // An inner layer may have made the address relative; then there is no host to compare.
    is_running(hop, kind) && {
        let uri = request.uri();
        is_of(hop, request.method(), uri.path(), || uri.authority().map(host_and_port_of))
    }
}

/// Is it one of this kind, and not over?
#[inline]
pub(crate) fn is_running(hop: &Hop, kind: Kind) -> bool {
    hop.kind == kind && hop.end().is_none()
}

/// Is it this request's, which need not be in `http`'s words?
// Rarely asked: a request that we serve begins in no other, and a call in one of another kind.
#[inline(never)]
pub(crate) fn is_of<'a>(
    hop: &Hop,
    method: &Method,
    path: &str,
    place: impl FnOnce() -> Option<(&'a str, Option<u16>)>,
) -> bool {
    hop.http().is_some_and(|http| {
        let known = http.piece(Piece::Path);
        let same = match hop.kind {
            // A client may make calls of its own within a call, such as the one for a token.
            Kind::Client => {
                let asked = |(host, port): (&str, Option<u16>)| {
                    let [port, asked] =
                        [port, http.port].map(|port| port.unwrap_or(http.scheme.default_port()));
                    host.eq_ignore_ascii_case(http.piece(Piece::Host)) && port == asked
                };
                (path == known || is_hidden(http, path)) && place().is_none_or(asked)
            }
            _ => known.ends_with(path) || is_hidden(http, path),
        };
        same && http.method == method.into()
    })
}

/// Does the known path end like this one, but for what is hidden of it?
fn is_hidden(http: &Http, path: &str) -> bool {
    let mut known = http.piece(Piece::Path).rsplit('/');
    let mut parts = path.strip_prefix('/').unwrap_or(path).rsplit('/');
    http.hides && parts.all(|part| known.next().is_some_and(|known| known == part || known == REDACTED))
}
