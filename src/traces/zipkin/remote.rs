//! The other side of a call, as Zipkin wants it: without one, a call is no edge of its dependency graph.

use std::borrow::Cow;
use std::net::IpAddr;

use super::json::{text, write};
use super::tags::as_text;
use crate::names::attribute;
use crate::record::Kind;
use crate::traces::Finished;

/// Who was called.
#[derive(Debug, Default)]
pub(super) struct Remote<'a> {
    name: Option<Cow<'a, str>>,
    ip: Option<IpAddr>,
    port: Option<u16>,
}

/// An attribute that names the other side.
enum Candidate {
    /// A name; an address may stand there as well.
    Name(&'static str),
    /// A name with the port beside it.
    Host(&'static str, &'static str),
    /// A socket's address with its port: no name if it is an IP address.
    Socket(&'static str, &'static str),
}

/// By rank: the specification's list, old names included, because users set them on spans of their own. Before
/// it stands the name that replaced `peer.service`, behind it what replaced `db.name`, and the broker of a
/// message, which Zipkin's own libraries give as well.
const RANKS: [Candidate; 15] = [
    Candidate::Name("service.peer.name"),
    Candidate::Name("peer.service"),
    Candidate::Host(attribute::SERVER_ADDRESS, attribute::SERVER_PORT),
    Candidate::Name("net.peer.name"),
    Candidate::Socket(attribute::NETWORK_PEER_ADDRESS, attribute::NETWORK_PEER_PORT),
    Candidate::Name("server.socket.domain"),
    Candidate::Socket("server.socket.address", "server.socket.port"),
    Candidate::Name("net.sock.peer.name"),
    Candidate::Socket("net.sock.peer.addr", "net.sock.peer.port"),
    Candidate::Name("peer.hostname"),
    Candidate::Name("peer.address"),
    Candidate::Name("db.name"),
    Candidate::Name("db.namespace"),
    Candidate::Name(attribute::MESSAGING_SYSTEM_NAME),
    Candidate::Name(attribute::MESSAGING_SYSTEM),
];

impl<'a> Remote<'a> {
    /// Of the kinds that have another side which is not another span's parent.
    pub(super) fn of(span: &'a Finished) -> Option<Self> {
        match span.kind {
            Kind::Client | Kind::Producer | Kind::Consumer => {
                RANKS.iter().find_map(|candidate| candidate.of(span))
            }
            Kind::Server | Kind::Internal => None,
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut separator = "{";
        let mut begin = |out: &mut Vec<u8>, key: &str| {
            write(out, format_args!(r#"{separator}"{key}":"#));
            separator = ",";
        };
        if let Some(name) = &self.name {
            begin(out, "serviceName");
            text(out, name);
        }
        if let Some(ip) = self.ip {
            begin(out, if ip.is_ipv4() { "ipv4" } else { "ipv6" });
            write(out, format_args!(r#""{ip}""#));
        }
        if let Some(port) = self.port {
            begin(out, "port");
            write(out, format_args!("{port}"));
        }
        out.push(b'}');
    }
}

impl Candidate {
    fn of<'a>(&self, span: &'a Finished) -> Option<Remote<'a>> {
        let (Self::Name(key) | Self::Host(key, _) | Self::Socket(key, _)) = self;
        let named = value(span, key).filter(|named| !named.is_empty())?;
        let ip = named.parse().ok();
        let port = match self {
            Self::Name(_) => None,
            Self::Host(_, port) | Self::Socket(_, port) => {
                value(span, port).and_then(|port| port.parse().ok())
            }
        };
        let is_name = ip.is_none() || !matches!(self, Self::Socket(..));
        Some(Remote { name: is_name.then_some(named), ip, port })
    }
}

fn value<'a>(span: &'a Finished, key: &str) -> Option<Cow<'a, str>> {
    span.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| as_text(value))
}
