//! What a server's certificate says: for whom it is, who signed it, until when it holds.

use std::time::{Duration, SystemTime};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use crate::terminal::steers;

/// A certificate that ends this soon is worth a word.
const SOON: Duration = Duration::from_secs(14 * 24 * 3600);
/// So many names of one are shown.
const NAMES: usize = 4;

/// What a certificate says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    /// Does it end within two weeks?
    pub(super) ends_soon: bool,
}

/// Reads a certificate; `None` if it cannot be read.
pub(super) fn read(der: &[u8], now: SystemTime) -> Option<Said> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<_> = names.iter().flat_map(|names| &names.value.general_names).filter_map(host).collect();
    let whom = match names.as_slice() {
        [] => name(certificate.subject()),
        [first @ .., _] if first.len() >= NAMES => format!("{} and more", first[..NAMES].join(", ")),
        names => names.join(", "),
    };
    let end = u64::try_from(certificate.validity().not_after.timestamp()).ok()?;
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end))?;
    let text = format!(
        "certificate for {whom}, signed by {}, until {}",
        name(certificate.issuer()),
        date(end).unwrap_or_else(|| "a day far away".to_owned())
    );
    Some(Said { text, ends_soon: end.duration_since(now).unwrap_or_default() < SOON })
}

/// `Fri, 24 Sep 2027`; `None` for a year that HTTP cannot write.
fn date(at: SystemTime) -> Option<String> {
    // As far as the format's years go.
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    (at <= last).then(|| httpdate::fmt_http_date(at).chars().take("Fri, 24 Sep 2027".len()).collect())
}

fn name(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|name| name.as_str().ok());
    let text = common.map_or_else(|| name.to_string(), str::to_owned);
    let plain: String = text.chars().filter(|c| !steers(*c)).take(80).collect();
    if plain.is_empty() { "nobody".to_owned() } else { plain }
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.chars().filter(|c| !steers(*c)).take(80).collect()),
        GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
        GeneralName::IPAddress(bytes) => {
            <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, SystemTime::now());
        }
    }

    #[test]
    fn a_year_beyond_the_calendar_has_no_date() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert_eq!(date(last).as_deref(), Some("Fri, 31 Dec 9999"));
        assert_eq!(date(last + Duration::from_secs(1)), None);
    }
}
