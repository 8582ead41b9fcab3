//! Owns what the span of a gRPC call says, on either side.

use std::borrow::Cow;

use crate::names::attribute as name;
use crate::scope::{Hop, Http, Kind, Piece, Rpc, address};
use crate::spans::finished::Attributes;

const SYSTEM: &str = "grpc";

/// The method, else the system's name (RPC spans, "name").
pub(super) fn span_name(rpc: Rpc) -> Cow<'static, str> {
    Cow::Borrowed(rpc.method.map_or(SYSTEM, |method| method.as_str()))
}

pub(super) fn call(attributes: &mut Attributes, hop: &Hop, http: &Http, rpc: Rpc) {
    attributes.set(name::RPC_SYSTEM_NAME, SYSTEM);
    attributes.set(name::RPC_METHOD, rpc.method());
    if rpc.method.is_none() {
        let asked = http.piece(Piece::Path);
        attributes.text(name::RPC_METHOD_ORIGINAL, asked.strip_prefix('/').unwrap_or(asked));
    }
    attributes.set(name::RPC_RESPONSE_STATUS_CODE, rpc.code.as_str());
    let (host, port) = http.destination();
    let host = address(host);
    attributes.text(name::SERVER_ADDRESS, host);
    if let (Some(port), false) = (port, host.is_empty()) {
        attributes.set(name::SERVER_PORT, port);
    }
    if let (Some(peer), Kind::Server) = (http.peer, hop.kind) {
        attributes.set(name::CLIENT_ADDRESS, peer.ip().to_string());
    }
    attributes.text(name::USER_AGENT_ORIGINAL, http.piece(Piece::UserAgent));
    attributes.set(name::NETWORK_PROTOCOL_NAME, "http");
}
