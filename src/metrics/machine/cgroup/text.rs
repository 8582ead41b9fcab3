//! The forms that a control group's files have: a number, keys with numbers, a quota, a pressure.

/// No machine has so much memory: version 1 writes "no limit" as the largest number of whole pages.
const UNLIMITED: u64 = 1 << 62;

/// A limit or an amount; `max`, in whatever spelling, is no number.
pub(super) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| *number < UNLIMITED)
}

/// The number behind a key, one pair a line.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    let pair = |line: &str| line.split_once(' ').filter(|(name, _)| *name == key)?.1.trim().parse().ok();
    text.lines().find_map(pair)
}

/// `cpu.max` of version 2: the quota and its period, as processors.
pub(super) fn processors(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    share(quota, period)
}

/// The quota of a period, both in microseconds, as processors; no quota is `max`, or below zero.
pub(super) fn share(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (u64, u64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

/// The microseconds of a pressure's line, which begins with `some` or `full`.
pub(super) fn pressure(text: &str, kind: &str) -> Option<u64> {
    let fields = |line: &str| Some(line.strip_prefix(kind)?.strip_prefix(' ')?.to_owned());
    let fields = text.lines().find_map(fields)?;
    fields.split_ascii_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_a_number_and_no_limit_is_none() {
        assert_eq!(number("536870912\n"), Some(536_870_912));
        for none in ["max\n", "9223372036854771712\n", "-1\n", "", "12 kB"] {
            assert_eq!(number(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_quota_is_so_many_processors() {
        assert_eq!(processors("50000 100000\n"), Some(0.5));
        assert_eq!(share("250000\n", "100000\n"), Some(2.5));
        for none in ["max 100000\n", "100000", "", "1 0", "0 1", "-1 100000"] {
            assert_eq!(processors(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_key_is_found_whole() {
        let text = "nr_periods 7\nnr_throttled 2\nthrottled_usec 1500\n";
        assert_eq!(keyed(text, "nr_throttled"), Some(2));
        assert_eq!((keyed(text, "throttled"), keyed(text, "usec")), (None, None));
    }

    #[test]
    fn a_pressure_has_some_and_maybe_full() {
        let text = "some avg10=0.22 avg60=0.17 avg300=1.11 total=58761459\n\
                    full avg10=0.22 avg60=0.16 avg300=1.08 total=58464525\n";
        assert_eq!(pressure(text, "some"), Some(58_761_459));
        assert_eq!(pressure(text, "full"), Some(58_464_525));
        assert_eq!(pressure("some avg10=0.00 total=5", "full"), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_reader(text in "\\PC*|[a-z_]+ [0-9]+\n[some|full]+ total=[0-9]*") {
            let _ = (number(&text), keyed(&text, "some"), processors(&text), share(&text, &text));
            let _ = (pressure(&text, "some"), pressure(&text, ""), keyed(&text, ""));
        }

        #[test]
        fn what_is_written_is_read(quota in 1..u64::MAX, period in 1..u64::MAX, key in "[a-z_]{1,9}") {
            prop_assert_eq!(processors(&format!("{quota} {period}\n")), Some(quota as f64 / period as f64));
            prop_assert_eq!(keyed(&format!("a.b 1\n{key} {quota}\n"), &key), Some(quota));
            prop_assert_eq!(pressure(&format!("some avg10=0.00 total={quota}\n"), "some"), Some(quota));
        }
    }
}
