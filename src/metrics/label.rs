//! Names and labels as both formats allow them: made valid once, when a series is first seen.
//!
//! What makes a name valid is `metrics-exporter-prometheus`: its two functions are the rules by which every other service
//! that exports the `metrics` facade to Prometheus has its names, so that one that moves here keeps them. The rest of that
//! crate is not used: its recorder has no exemplars and no limit of series, its histograms need upkeep, and its page is
//! made as one text.

use metrics_exporter_prometheus::formatting::{sanitize_label_key, sanitize_metric_name};

/// What the series beyond a family's limit are gathered under.
pub(super) const OVERFLOW: &str = "otel_metric_overflow=\"true\"";

/// A metric's name with only the characters that both formats allow; never empty.
pub(super) fn metric_name(raw: &str) -> String {
    let name = sanitize_metric_name(raw);
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Labels as between the braces of a sample: valid, sorted, each name once, empty values absent.
///
/// Two names that become one keep both values, joined by `;` in the order of the original names, as
/// OpenTelemetry's rules for Prometheus say. An own `le` would break a histogram: it becomes `exported_le`,
/// the name that Prometheus itself gives to a label that is in the way.
pub(super) fn label_text<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    // An empty value is the same series as no label at all.
    let mut labels: Vec<_> = labels
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (label_name(key), key, value))
        .collect();
    labels.sort_unstable();
    let mut text = String::new();
    for (place, (name, _, value)) in labels.iter().enumerate() {
        if place > 0 && labels.get(place - 1).is_some_and(|(before, ..)| before == name) {
            text.pop();
            text.push(';');
        } else {
            if place > 0 {
                text.push(',');
            }
            text.push_str(name);
            text.push_str("=\"");
        }
        push_escaped(&mut text, value, true);
        text.push('"');
    }
    text
}

/// The names and the values of such a text.
#[cfg(feature = "otlp")]
pub(super) fn labels_of(mut text: &str) -> impl Iterator<Item = (&str, String)> {
    std::iter::from_fn(move || {
        let (name, behind) = text.trim_start_matches(',').split_once("=\"")?;
        let mut value = String::new();
        let mut characters = behind.char_indices();
        let end = loop {
            match characters.next()? {
                (end, '"') => break end,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    escaped => escaped,
                }),
                (_, plain) => value.push(plain),
            }
        };
        text = behind.get(end + 1..).unwrap_or_default();
        Some((name, value))
    })
}

/// The name of a label as it is on the page.
pub(super) fn label_name(raw: &str) -> String {
    let name = sanitize_label_key(raw);
    match name.as_str() {
        "" => "_".to_owned(),
        "le" => "exported_le".to_owned(),
        // Prometheus keeps names with two underscores in front for itself.
        reserved if reserved.starts_with("__") => format!("_{}", reserved.trim_start_matches('_')),
        _ => name,
    }
}

/// Text with backslash and line feed escaped, and the double quote where it would end the text.
///
/// Not the exporter's own function: that one takes a doubled backslash for an escaped one, so that two
/// different values would become one series.
pub(super) fn push_escaped(text: &mut String, raw: &str, quotes: bool) {
    let special = |c: char| matches!(c, '\\' | '\n' | '"' | '\0');
    let mut rest = raw;
    while let Some(place) = rest.find(special) {
        let (plain, from) = rest.split_at(place);
        text.push_str(plain);
        match from.as_bytes().first() {
            Some(b'\\') => text.push_str("\\\\"),
            Some(b'\n') => text.push_str("\\n"),
            Some(b'"') if quotes => text.push_str("\\\""),
            Some(b'"') => text.push('"'),
            // Prometheus's parser takes a zero byte for the end of the page.
            _ => text.push('\u{fffd}'),
        }
        rest = from.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(labels: &[(&str, &str)]) -> String {
        label_text(labels.iter().copied())
    }

    #[test]
    fn labels_are_sorted_and_escaped_and_empty_ones_absent() {
        assert_eq!(text(&[("b", "1"), ("a", "x\"y\\z\n"), ("c", "")]), r#"a="x\"y\\z\n",b="1""#);
        assert_eq!(text(&[]), "");
    }

    #[cfg(feature = "otlp")]
    proptest::proptest! {
        #[test]
        fn labels_are_read_back_as_they_were(
            labels in proptest::collection::btree_map("[a-z]{1,3}", "[\\PC\n\"\\\\,=]{1,8}", 0..4),
        ) {
            let labels: Vec<_> = labels.into_iter().collect();
            let text = label_text(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let read: Vec<_> = labels_of(&text).map(|(name, value)| (name.to_owned(), value)).collect();
            // One of the names may be `le`, which has another one on the page.
            let mut written: Vec<_> =
                labels.into_iter().map(|(name, value)| (label_name(&name), value)).collect();
            written.sort_unstable();
            proptest::prop_assert_eq!(read, written);
        }
    }

    #[test]
    fn values_that_differ_by_a_backslash_stay_different() {
        assert_ne!(text(&[("a", "\\")]), text(&[("a", "\\\\")]));
    }

    #[test]
    fn names_that_become_one_keep_both_values() {
        assert_eq!(text(&[("a_b", "2"), ("a.b", "1"), ("z", "3")]), r#"a_b="1;2",z="3""#);
    }

    #[test]
    fn reserved_and_unusable_names_become_usable() {
        assert_eq!(
            text(&[("le", "1"), ("__name__", "x"), ("", "e"), ("1a", "f")]),
            r#"_="e",_a="f",_name__="x",exported_le="1""#
        );
        assert_eq!(metric_name(""), "_");
        assert_eq!(metric_name("1 größe"), "__gr__e");
    }
}
