//! OTLP over gRPC, where it is built in.

use std::net::SocketAddr;

use tower_observability::View;

/// The page, with gRPC received at this address as well; None if it is not built in.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn with(page: View, address: SocketAddr) -> Option<View> {
    Some(page.grpc(address))
}
