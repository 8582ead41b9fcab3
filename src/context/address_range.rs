//! Ranges of addresses, by which proxies and peers are named.

use std::fmt;
use std::net::IpAddr;

/// A range of addresses: those that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRange {
    first: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Reads an address, or a range such as `10.0.0.0/8`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (first, bits) = match text.trim().split_once('/') {
            Some((first, bits)) => (first, Some(bits.parse().ok()?)),
            None => (text.trim(), None),
        };
        let first: IpAddr = first.parse().ok()?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.unwrap_or(most);
        // An address of version 4, as sockets of version 6 show it, is compared as what it is.
        let mapped = if let IpAddr::V6(first) = first { first.to_ipv4_mapped() } else { None };
        match mapped {
            Some(first) => {
                let bits = bits.checked_sub(128 - 32).filter(|bits| *bits <= 32)?;
                Some(Self { first: first.into(), bits })
            }
            None => (bits <= most).then_some(Self { first, bits }),
        }
    }

    /// Is the address in it?
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (first.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (first.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.first.is_ipv4() { 32 } else { 128 };
        if self.bits == whole { self.first.fmt(f) } else { write!(f, "{}/{}", self.first, self.bits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_version_4_is_in_its_range_however_either_is_written() {
        for (range, shown, inside, outside) in [
            ("10.0.0.0/8", "10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8", "10.1.2.3", "11.0.0.1"),
            ("::ffff:10.0.0.7", "10.0.0.7", "10.0.0.7", "10.0.0.8"),
            ("::ffff:0.0.0.0/96", "0.0.0.0/0", "192.0.2.1", "::1"),
            ("2001:db8::/96", "2001:db8::/96", "2001:db8::7", "10.0.0.1"),
            ("::/0", "::/0", "2001:db8::7", "10.0.0.1"),
        ] {
            let parsed = AddressRange::parse(range).expect(range);
            assert_eq!(parsed.to_string(), shown);
            let contains = |address: &str| parsed.contains(address.parse().expect("an address"));
            assert_eq!((contains(inside), contains(outside)), (true, false), "{range}");
            if !inside.contains(':') {
                assert!(contains(&format!("::ffff:{inside}")), "{range}");
            }
        }
        for none in
            ["::ffff:10.0.0.0/129", "::ffff:10.0.0.0/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", ""]
        {
            assert_eq!(AddressRange::parse(none), None, "{none}");
        }
    }
}
