//! The other services of a trace: who is believed and told that a trace is kept, and how that is said.
//!
//! Retroactive sampling with breadcrumbs, as Hindsight has it (Zhang and others, NSDI 2023): each service knows only its
//! neighbours in a trace, and whoever learns that the trace is kept tells its own.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use crate::context::{AddressRange, TraceId, names_host, within_brackets};

/// An address is no longer than a host name may be, with its port.
const LONGEST_ADDRESS: usize = 253 + 6;

/// At most so much of a message is read.
pub(crate) const LONGEST_MESSAGE: usize = 64 * 1024;

/// Behind the address in a response: the trace is kept.
const KEPT: &str = ";kept";

/// Who is told, and who may tell us.
#[derive(Clone, Default)]
pub(crate) struct PeerRules {
    /// Host names, domains that begin with a dot, addresses and ranges of them.
    pub(crate) trusted: Vec<String>,
    pub(crate) token: Option<String>,
    /// Where others reach our admin listener, if it is not where it listens.
    pub(crate) address: Option<String>,
}

/// The peers in force.
pub(crate) struct Peers {
    names: Vec<String>,
    ranges: Vec<AddressRange>,
    pub(super) token: String,
    /// Known once the admin listener is bound; until then nobody is told of us.
    own: OnceLock<Arc<str>>,
}

/// One thing that peers say to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The trace is kept.
    Keep(TraceId),
    /// The sender took part in the trace, which we have begun: it is to be told if that is kept.
    Joined(TraceId),
}

impl PeerRules {
    /// The peers, if there are both services and a token.
    pub(super) fn peers(&self) -> Option<Peers> {
        let token = self.token.clone().filter(|token| !token.is_empty())?;
        let is_range = |entry: &&String| AddressRange::parse(entry).is_some();
        let (ranges, names): (Vec<_>, Vec<_>) = self.trusted.iter().partition(is_range);
        let ranges: Vec<_> = ranges.into_iter().filter_map(|range| AddressRange::parse(range)).collect();
        let names: Vec<_> = names.into_iter().cloned().collect();
        let own = OnceLock::new();
        (!ranges.is_empty() || !names.is_empty()).then_some(Peers { names, ranges, token, own })
    }
}

impl Peers {
    /// Is this host one of them?
    pub(crate) fn trusts(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(address) => self.ranges.iter().any(|range| range.contains(address.to_canonical())),
            Err(_) => names_host(&self.names, host),
        }
    }

    /// Our admin listener is reached here.
    pub(crate) fn set_own(&self, address: &str) {
        let _ = self.own.set(address.into());
    }

    /// Where we are told, once that is known.
    pub(crate) fn own(&self) -> Option<&Arc<str>> {
        self.own.get()
    }

    /// What a request says of its sender.
    pub(crate) fn read(&self, text: &[u8]) -> Option<Arc<str>> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= LONGEST_ADDRESS)?;
        let (host, port) = text.rsplit_once(':')?;
        let is_port =
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_host = match within_brackets(host) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(is_host),
        };
        (is_port && is_host && self.trusts(host)).then(|| text.into())
    }

    /// What a response says of its sender, and whether that keeps the trace.
    pub(crate) fn read_response(&self, text: &[u8]) -> Option<(Arc<str>, bool)> {
        match text.strip_suffix(KEPT.as_bytes()) {
            Some(address) => self.read(address).map(|address| (address, true)),
            None => self.read(text).map(|address| (address, false)),
        }
    }

    /// What our response says of us.
    pub(crate) fn response(&self, is_kept: bool) -> Option<String> {
        self.own().map(|own| format!("{own}{}", if is_kept { KEPT } else { "" }))
    }

    /// A message to one of them: who says it, then a line for each word.
    pub(super) fn message(&self, words: &[Word]) -> String {
        let mut text = String::with_capacity(40 * (words.len() + 1));
        if let Some(own) = self.own() {
            let _ = writeln!(text, "from {own}");
        }
        for word in words {
            let _ = match word {
                Word::Keep(trace) => writeln!(text, "keep {trace}"),
                Word::Joined(trace) => writeln!(text, "joined {trace}"),
            };
        }
        text
    }

    /// Reads a message; `None` if any of it is no message of a peer.
    pub(super) fn read_message(&self, text: &str) -> Option<(Option<Arc<str>>, Vec<Word>)> {
        let (mut from, mut words) = (None, Vec::new());
        for line in text.lines() {
            match line.split_once(' ')? {
                ("from", address) if from.is_none() && words.is_empty() => {
                    from = Some(self.read(address.as_bytes())?)
                }
                ("keep", trace) => words.push(Word::Keep(trace.parse().ok()?)),
                ("joined", trace) => words.push(Word::Joined(trace.parse().ok()?)),
                _ => return None,
            }
        }
        (!words.is_empty()).then_some((from, words))
    }
}

/// The token must not be shown.
impl fmt::Debug for PeerRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "[secret]");
        let Self { trusted, address, .. } = self;
        f.debug_struct("PeerRules")
            .field("trusted", trusted)
            .field("token", &token)
            .field("address", address)
            .finish()
    }
}

/// The token must not be shown.
impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peers").field("own", &self.own).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peers(trusted: &[&str]) -> Peers {
        let trusted = trusted.iter().map(|entry| (*entry).to_owned()).collect();
        PeerRules { trusted, token: Some("hush".to_owned()), address: None }.peers().unwrap()
    }

    #[test]
    fn only_listed_services_with_a_port_are_peers() {
        let peers = peers(&["10.0.0.0/8", "fd00::/8", ".svc.cluster.local", "localhost"]);
        for good in ["10.1.2.3:9464", "[fd00::1]:80", "pay.svc.cluster.local:9464", "LOCALHOST:1"] {
            assert_eq!(peers.read(good.as_bytes()).as_deref(), Some(good));
        }
        for bad in [
            "11.1.2.3:9464",
            "10.1.2.3",
            "10.1.2.3:0",
            "10.1.2.3:70000",
            "evil.example:9464",
            "10.1.2.3:+1",
            ":9464",
            "user@10.1.2.3:9464",
            "10.1.2.3:9464/x",
            "[fe80::1]:80",
            "[10.1.2.3]:80",
            "a b.svc.cluster.local:1",
            "",
        ] {
            assert_eq!(peers.read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(peers.read_response(b"10.1.2.3:1;kept"), Some(("10.1.2.3:1".into(), true)));
        assert_eq!(peers.read_response(b"10.1.2.3:1"), Some(("10.1.2.3:1".into(), false)));
        assert_eq!(peers.read_response(b"10.1.2.3:1;kepT"), None);
    }

    #[test]
    fn without_services_or_a_token_there_are_no_peers() {
        let rules = |trusted: &[&str], token: &str| PeerRules {
            trusted: trusted.iter().map(|entry| (*entry).to_owned()).collect(),
            token: Some(token.to_owned()),
            address: None,
        };
        assert!(rules(&[], "hush").peers().is_none());
        assert!(rules(&["10.0.0.0/8"], "").peers().is_none());
        let shown = format!("{:?} {:?}", rules(&["pay"], "hush"), rules(&["pay"], "hush").peers());
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn a_message_is_read_as_it_was_written_and_what_is_none_is_refused_whole() {
        let peers = peers(&["10.0.0.0/8"]);
        peers.set_own("10.0.0.1:9464");
        let words = vec![Word::Keep(TraceId::random()), Word::Joined(TraceId::random())];
        let text = peers.message(&words);
        assert_eq!(peers.read_message(&text), Some((Some("10.0.0.1:9464".into()), words)));
        for bad in ["", "keep", "keep 1", "from 11.0.0.1:1\n", "hello there", "\n"] {
            assert_eq!(peers.read_message(bad), None, "{bad:?}");
            assert_eq!(peers.read_message(&format!("{text}{bad}x y\n")), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_stranger_sends_panics_and_only_trusted_hosts_are_read(text in "\\PC{0,60}", line in "[a-z0-9 .:\\n]{0,80}") {
            let peers = peers(&["10.0.0.0/8", "pay"]);
            for text in [&text, &line] {
                let _ = (peers.read_response(text.as_bytes()), peers.read_message(text));
                if let Some(address) = peers.read(text.as_bytes()) {
                    prop_assert!(address.starts_with("10.") || address.to_ascii_lowercase().starts_with("pay"));
                }
            }
        }
    }
}
