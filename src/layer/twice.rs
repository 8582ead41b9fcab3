//! Owns the answer to one question: does an outer layer observe this request already?
//!
//! It is read off the thread's stack, because a mark on the request would cost each one an allocation (axum's
//! table of extensions is full when we are called: 510 instructions and 1 allocation, measured). A request is
//! the same if the hop that is current is of the same kind, still runs, and has its method and path; a nested
//! router may have cut the path's front off.

use http::Request;

use crate::scope::{Hop, Http, Kind, Piece, top_hop};
use crate::spans::REDACTED;

/// Is the current hop this very request's?
pub(super) fn is_observed<B>(kind: Kind, request: &Request<B>) -> bool {
    top_hop(|hop| hop.kind == kind && hop.end().is_none() && is_of(hop, request)).unwrap_or(false)
}

fn is_of<B>(hop: &Hop, request: &Request<B>) -> bool {
    let path = request.uri().path();
    hop.http().is_some_and(|http| {
        let known = http.piece(Piece::Path);
        let same = match hop.kind {
            // A client may make calls of its own within a call, such as the one for a token.
            Kind::Client => {
                (path == known || is_hidden(http, path)) && is_at(http.piece(Piece::Host), request)
            }
            _ => known.ends_with(path) || is_hidden(http, path),
        };
        same && http.method == request.method().into()
    })
}

/// Does the known path end like this one, but for what is hidden of it?
fn is_hidden(http: &Http, path: &str) -> bool {
    let mut known = http.piece(Piece::Path).rsplit('/');
    let mut parts = path.strip_prefix('/').unwrap_or(path).rsplit('/');
    http.hides && parts.all(|part| known.next().is_some_and(|known| known == part || known == REDACTED))
}

fn is_at<B>(host: &str, request: &Request<B>) -> bool {
    // An inner layer may have made the address relative; then there is nothing to compare.
    request.uri().host().is_none_or(|asked| asked.eq_ignore_ascii_case(host))
}
