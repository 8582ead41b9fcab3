//! The proxies in front of a service: which of them are believed, and what they say of the request that the client made.

use std::fmt;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName};

use super::forwarded::{Element, FromRight, host, node, scheme};
use crate::context::AddressRange;
use crate::names::header::{FORWARDED, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::record::{Client, Scheme};
use crate::threads::{Once, complain};
use crate::variable::Refusal;

/// The variable's word for the header of the RFC.
const BY_RFC: &str = "forwarded";

/// No chain of proxies is longer.
const MOST_HOPS: usize = 16;

/// What a word of the variable would have to be.
const RIGHT: &str = "`none`, or a list of address ranges such as `10.0.0.0/8`, `hops=` and a number from 1 to 16, and \
                     `forwarded`";

static NO_RANGE: Once = Once::new();
static NO_PEER: Once = Once::new();

/// The proxies in front of a service that are believed about the original request: its scheme, its host, and the address
/// of its client.
///
/// Each proxy appends the address that it was called from. The list is read from the right, from the proxy that called us,
/// and ends at the first address that is no trusted proxy: that is the client. Everything further left is what the client
/// invented, and is not read.
///
/// Two rules decide who is trusted, and both may be set: by address ([`Proxies::at`]), which needs the address of the peer,
/// and by number ([`Proxies::hops`]), for proxies whose addresses are not known, or on a Unix socket. By number alone,
/// a caller that reaches the service without the proxies can invent all of it.
///
/// Read are `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, or, with [`Proxies::forwarded`], `Forwarded`
/// (RFC 7239). Never both, because most proxies write one of them and pass on what the client wrote into the other. For the
/// same reason the proxy must set or remove each of the three.
///
/// ```
/// use tower_observability::{ObservabilityLayer, propagation::Proxies};
///
/// let layer = ObservabilityLayer::new().trusted_proxies(Proxies::at(["10.0.0.0/8", "fd00::/8"]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "hand it to `ObservabilityLayer::trusted_proxies`"]
pub struct Proxies {
    /// `None`: whatever their address is.
    at: Option<Vec<AddressRange>>,
    most: usize,
    forwarded: bool,
}

/// What the proxies say of the original request; what is `None` they do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Original<'a> {
    pub(crate) client: Client,
    pub(crate) scheme: Option<Scheme>,
    /// As in a `Host` header.
    pub(crate) host: Option<&'a [u8]>,
}

impl Proxies {
    /// Trusts proxies at these addresses: single ones, or ranges such as `10.0.0.0/8`. What is neither is reported on
    /// standard error, and not trusted.
    pub fn at<R: AsRef<str>>(ranges: impl IntoIterator<Item = R>) -> Self {
        let mut at = Vec::new();
        for text in ranges {
            match AddressRange::parse(text.as_ref()) {
                Some(range) => at.push(range),
                None if NO_RANGE.first() => complain(format_args!(
                    "{:?} is neither an address nor a range such as 10.0.0.0/8, so it makes no proxy trusted",
                    text.as_ref()
                )),
                None => {}
            }
        }
        Self { at: Some(at), most: MOST_HOPS, forwarded: false }
    }

    /// Trusts this many proxies, from 1 to 16, whatever their addresses are. A number outside is clamped.
    pub fn hops(proxies: usize) -> Self {
        Self { at: None, most: proxies.clamp(1, MOST_HOPS), forwarded: false }
    }

    /// Trusts no more proxies than these of those at the trusted addresses, from 1 to 16. A number outside is clamped.
    ///
    /// ```
    /// use tower_observability::propagation::Proxies;
    ///
    /// // A load balancer, in a network where others may call it as well.
    /// let proxies = Proxies::at(["10.0.0.0/8"]).at_most(1);
    /// # drop(proxies);
    /// ```
    pub fn at_most(mut self, proxies: usize) -> Self {
        self.most = proxies.clamp(1, MOST_HOPS);
        self
    }

    /// Reads `Forwarded` (RFC 7239) instead of `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    pub fn forwarded(mut self) -> Self {
        self.forwarded = true;
        self
    }

    /// Reads the variable's list.
    pub(crate) fn from_list(list: &str) -> Result<Self, Refusal> {
        let refused = || Refusal::expected(RIGHT);
        let (mut at, mut hops, mut forwarded) = (Vec::new(), None, false);
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if word.eq_ignore_ascii_case("none") {
                // It is the only word of the list.
                return if list.trim() == word { Ok(Self::at([""; 0])) } else { Err(refused()) };
            } else if word.eq_ignore_ascii_case(BY_RFC) {
                forwarded = true;
            } else if let Some(number) = word.strip_prefix("hops=") {
                let number = number.parse().ok().filter(|number| (1..=MOST_HOPS).contains(number));
                hops = Some(number.ok_or_else(refused)?);
            } else {
                at.push(AddressRange::parse(word).ok_or_else(refused)?);
            }
        }
        match (at.is_empty(), hops) {
            (true, None) => Err(refused()),
            (no_address, hops) => {
                let at = (!no_address).then_some(at);
                Ok(Self { at, most: hops.unwrap_or(MOST_HOPS), forwarded })
            }
        }
    }

    /// What they say of this request, which came from this peer; `None` if the peer is not one of them.
    // Few services have proxies to trust; the others pay a branch.
    #[cold]
    pub(crate) fn original<'a>(&self, peer: Option<IpAddr>, headers: &'a HeaderMap) -> Option<Original<'a>> {
        if self.at.as_ref().is_some_and(|ranges| !ranges.is_empty()) && peer.is_none() && NO_PEER.first() {
            complain(format_args!(
                "proxies are trusted by address, but a request has no peer address, so none of its forwarding headers is believed; serve \
                 with `into_make_service_with_connect_info::<SocketAddr>()`, or trust by number"
            ));
        }
        if !self.trusts(peer.map(|peer| peer.to_canonical())) {
            return None;
        }
        Some(if self.forwarded { self.by_forwarded(headers) } else { self.by_x_forwarded(headers) })
    }

    /// Was the entry to the left of this address written by a trusted proxy?
    fn trusts(&self, address: Option<IpAddr>) -> bool {
        match &self.at {
            Some(ranges) => address.is_some_and(|address| ranges.iter().any(|range| range.contains(address))),
            None => true,
        }
    }

    /// Which entry of a list, from the right, was written by the outermost trusted proxy, and which client it names.
    fn client(&self, nodes: impl Iterator<Item = Option<IpAddr>>) -> Option<(usize, Client)> {
        let mut found = None;
        for (place, node) in nodes.take(self.most).enumerate() {
            found = Some((place, node.map_or(Client::Unknown, Client::Known)));
            if !self.trusts(node) {
                break;
            }
        }
        found
    }

    fn by_forwarded<'a>(&self, headers: &'a HeaderMap) -> Original<'a> {
        let elements = || FromRight::of(headers, &FORWARDED).map(Element::parse);
        let Some((place, client)) = self.client(elements().map(|element| element.node)) else {
            return Original::default();
        };
        let element = elements().nth(place).unwrap_or_default();
        Original { client, scheme: element.scheme, host: element.host }
    }

    fn by_x_forwarded<'a>(&self, headers: &'a HeaderMap) -> Original<'a> {
        let entries = || FromRight::of(headers, &X_FORWARDED_FOR);
        let (place, client) = self.client(entries().map(node)).unwrap_or_default();
        let beside = |name: &HeaderName| {
            let mut said = FromRight::of(headers, name);
            // What the proxy that called us wrote is always the last; of those before it each must have appended its own,
            // or one alone have written.
            match said.next() {
                Some(last) if place == 0 => Some(last),
                Some(last) => match FromRight::of(headers, name).count() {
                    1 => Some(last),
                    count if count == entries().count() => FromRight::of(headers, name).nth(place),
                    _ => None,
                },
                None => None,
            }
        };
        Original {
            client,
            scheme: beside(&X_FORWARDED_PROTO).and_then(scheme),
            host: beside(&X_FORWARDED_HOST).and_then(host),
        }
    }
}

/// As in the variable.
impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.at.iter().flatten().map(ToString::to_string);
        let hops = (self.at.is_none() || self.most != MOST_HOPS).then(|| format!("hops={}", self.most));
        let words: Vec<_> = ranges.chain(hops).chain(self.forwarded.then(|| BY_RFC.to_owned())).collect();
        f.write_str(if words.is_empty() { "none" } else { "" })?;
        f.write_str(&words.join(","))
    }
}

#[cfg(test)]
#[path = "proxies/tests.rs"]
mod tests;
