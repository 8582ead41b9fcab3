//! The headers of every export, as the variable writes them: the baggage format, without properties.

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use crate::variable::Refusal;

/// Reads `key=value,key=value`, values percent-decoded. One wrong pair refuses the whole list.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    // The pair itself is a secret: what is wrong is said without it.
    pairs.map(|pair| pair_of(pair).ok_or_else(expected)).collect()
}

/// The names, with the values masked.
pub(super) fn names(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, _)| format!("{name}=***")).collect::<Vec<_>>().join(",")
}

fn pair_of(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if value.contains(';') {
        return None;
    }
    let value = percent_decode_str(value).decode_utf8().ok()?;
    HeaderName::try_from(name).ok()?;
    HeaderValue::try_from(&*value).ok()?;
    Some((name.to_owned(), value.into_owned()))
}

fn expected() -> Refusal {
    Refusal::Expected("name=value pairs with commas between, values percent-encoded, without `;`".to_owned())
}
