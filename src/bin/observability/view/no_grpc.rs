//! OTLP over gRPC, where it is not built in.

use std::net::SocketAddr;

use tower_observability::View;

/// The page, with gRPC received at this address as well; None if it is not built in.
pub(super) fn with(_: View, _: SocketAddr) -> Option<View> {
    None
}
