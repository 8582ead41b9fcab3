//! Owns the answer to one question: does an outer layer observe this request already?
//!
//! It is read off the thread's stack, because a mark on the request would cost each one an allocation (axum's
//! table of extensions is full when we are called: 510 instructions and 1 allocation, measured). A request is
//! the same if the hop that is current is of the same kind, still runs, and has its method and path; a nested
//! router may have cut the path's front off.

use http::Request;

use crate::scope::{Hop, Kind, Piece, top_hop};

/// Is the current hop this very request's?
pub(super) fn is_observed<B>(kind: Kind, request: &Request<B>) -> bool {
    top_hop(|hop| hop.kind == kind && hop.end().is_none() && is_of(hop, request)).unwrap_or(false)
}

fn is_of<B>(hop: &Hop, request: &Request<B>) -> bool {
    hop.http().is_some_and(|http| {
        http.method == request.method().into() && http.piece(Piece::Path).ends_with(request.uri().path())
    })
}
