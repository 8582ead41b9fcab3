//! What a span says of the way to it: who was asked for, who asked, by which version of HTTP.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::names::attribute as name;
use crate::record::{Client, Http, address};
use crate::traces::span_writer::{Attributes, SpanWriter};

/// An address as text; that of version 4 fits without an allocation.
pub(super) type IpText = SmallVec<[u8; 16]>;

/// What was asked for: host and port.
#[inline]
pub(super) fn destination(attributes: &mut Attributes<'_, impl SpanWriter>, http: &Http) {
    let (host, port) = http.destination();
    let host = address(host);
    attributes.known(name::SERVER_ADDRESS, host);
    if let (Some(port), false) = (port, host.is_empty()) {
        attributes.number(name::SERVER_PORT, port);
    }
}

/// Who asked; the peer, whose text is at hand, where no proxy says otherwise.
#[inline]
pub(super) fn client_address(
    attributes: &mut Attributes<'_, impl SpanWriter>,
    http: &Http,
    peer: Option<&(IpText, u16)>,
) {
    match (http.client, peer) {
        (Client::Peer, Some((peer, _))) => attributes.text(name::CLIENT_ADDRESS, peer),
        (Client::Known(client), _) => attributes.text(name::CLIENT_ADDRESS, ip_text(client)),
        (Client::Peer, None) | (Client::Unknown, _) => {}
    }
}

#[inline]
pub(super) fn network(
    attributes: &mut Attributes<'_, impl SpanWriter>,
    http: &Http,
    peer: Option<(IpText, u16)>,
) {
    attributes.text(name::NETWORK_PROTOCOL_VERSION, http.spoken_version().as_str());
    if let Some((ip, port)) = peer {
        attributes.text(name::NETWORK_PEER_ADDRESS, ip);
        attributes.number(name::NETWORK_PEER_PORT, port);
    }
}

/// The peer's address, formatted once, and its port.
#[inline]
pub(super) fn peer(http: &Http) -> Option<(IpText, u16)> {
    http.peer.map(|peer| (ip_text(peer.ip()), peer.port()))
}

fn ip_text(ip: IpAddr) -> IpText {
    let IpAddr::V4(ip) = ip else { return ip.to_string().into_bytes().into() };
    let mut text = IpText::new();
    for (place, octet) in ip.octets().into_iter().enumerate() {
        if place > 0 {
            text.push(b'.');
        }
        text.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
    }
    text
}
