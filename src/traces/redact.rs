//! What must not leave in a URL: query values.

/// Replaces hidden values.
pub(crate) const REDACTED: &str = "REDACTED";

/// A query up to this length may grow by what stands for its values; a longer one stays at most as long as it was.
const MAY_GROW_TO: usize = 2048;
/// Stands for the pairs that have no room.
const CUT: &str = "&…";

/// The query with its keys and without its values, but for the keys whose values may be shown.
///
/// Without a value the key is hidden as well, unless it may be shown: `/reset?SECRET` and `/reset?U0VDUkVU=` have no
/// other place for it.
pub(crate) fn query(query: &str, shows: impl Fn(&str) -> bool) -> String {
    let mut text = String::with_capacity(query.len());
    for (place, pair) in query.split('&').enumerate() {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        // Some servers take a semicolon for a separator, and some clients a second question mark: what stands behind
        // is another key's.
        let is_one = |text: &str| !text.contains([';', '?']);
        let shown = if pair.is_empty() || shows(key) && is_one(pair) {
            [pair, "", ""]
        } else if is_one(key) && !value.trim_matches('=').is_empty() {
            [key, "=", REDACTED]
        } else {
            [REDACTED, "", ""]
        };
        if place > 0 {
            text.push('&');
        }
        text.extend(shown);
    }
    let most = query.len().max(MAY_GROW_TO);
    if text.len() > most {
        let room = text.as_bytes().get(..most - CUT.len()).unwrap_or_default();
        let kept = room.iter().rposition(|byte| *byte == b'&');
        text.truncate(kept.unwrap_or(0));
        text.push_str(CUT);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_stay_and_values_go() {
        assert_eq!(
            query("a=1&token=s3cr3t&x=1=2&&b=2&", |_| false),
            "a=REDACTED&token=REDACTED&x=REDACTED&&b=REDACTED&"
        );
    }

    #[test]
    fn a_key_without_a_value_may_be_the_secret_itself() {
        let shows = |key: &str| key == "flag" || key == "empty";
        assert_eq!(query("SECRET", shows), "REDACTED");
        assert_eq!(query("U0VDUkVU=&U0VDUkVUUw==&a=1", shows), "REDACTED&REDACTED&a=REDACTED");
        assert_eq!(query("SECRET;a=1&SECRET?a=1", shows), "REDACTED&REDACTED");
        assert_eq!(query("flag&empty=&flag=", shows), "flag&empty=&flag=");
    }

    #[test]
    fn a_listed_keys_value_stays_unless_another_key_hides_in_it() {
        let shows = |key: &str| key == "page";
        assert_eq!(
            query("page=2&Page=2&page=3;token=s&page=1?token=S&p%61ge=2", shows),
            "page=2&Page=REDACTED&page=REDACTED&page=REDACTED&p%61ge=REDACTED"
        );
    }

    #[test]
    fn a_long_query_does_not_grow() {
        for pair in ["a=1", "a=", "a", "&", "é=é"] {
            for length in [MAY_GROW_TO, 60_000] {
                let long = vec![pair; length].join("&");
                let written = query(&long, |_| false);
                assert!(written.len() <= long.len(), "{pair}: {} of {}", written.len(), long.len());
                // What stands for nothing but separators is no longer than they are.
                assert_eq!(written.ends_with(CUT), pair != "&", "{pair}");
            }
        }
        assert_eq!(query(&"a=1&".repeat(100), |_| false).len(), "a=REDACTED&".len() * 100, "a short one may");
    }

    proptest! {
        #[test]
        fn no_value_survives(pairs in proptest::collection::vec(("[a-z]{1,8}", "[0-9]{3,9}"), 1..9)) {
            let sent: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let written = query(&sent.join("&"), |_| false);
            prop_assert!(!written.contains(|c: char| c.is_ascii_digit()), "{}", written);
            prop_assert_eq!(written.matches("REDACTED").count(), pairs.len());
        }
    }
}
