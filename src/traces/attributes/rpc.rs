//! What the span of a gRPC call says, on either side.

use super::network::{client_address, destination, peer};
use crate::names::{Conventions, attribute as name};
use crate::record::{Hop, Http, Kind, Piece, Rpc};
use crate::traces::span_writer::{Attributes, SpanWriter};

const SYSTEM: &str = "grpc";

/// The method, else the system's name (RPC spans, "name").
pub(in crate::traces) fn span_name(rpc: Rpc) -> &'static str {
    rpc.method.map_or(SYSTEM, |method| method.as_str())
}

pub(super) fn call(attributes: &mut Attributes<'_, impl SpanWriter>, hop: &Hop, http: &Http, rpc: Rpc) {
    attributes.text(name::RPC_SYSTEM_NAME, SYSTEM);
    attributes.text(name::RPC_METHOD, rpc.method());
    if rpc.method.is_none() {
        let asked = http.piece(Piece::Path);
        attributes.known(name::RPC_METHOD_ORIGINAL, asked.strip_prefix('/').unwrap_or(asked));
    }
    attributes
        .text(Conventions::of_rpc(name::RPC_STATUS_CODE, name::RPC_RESPONSE_STATUS_CODE), rpc.code.as_str());
    destination(attributes, http);
    if hop.kind == Kind::Server {
        client_address(attributes, http, peer(http).as_ref());
    }
    attributes.known(name::USER_AGENT_ORIGINAL, http.text(Piece::UserAgent));
    attributes.text(name::NETWORK_PROTOCOL_NAME, "http");
}
