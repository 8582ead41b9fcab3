//! Which names a PromQL expression uses. Whether it is valid, promtool says; this only has to tell metrics from labels.

use std::collections::BTreeSet;

/// What an expression refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    pub(super) metrics: BTreeSet<String>,
    pub(super) labels: BTreeSet<String>,
    /// Label, operator, text of each matcher.
    pub(super) matchers: BTreeSet<(String, String, String)>,
}

const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 8] = ["and", "or", "unless", "offset", "bool", "start", "end", "inf"];

impl Used {
    pub(super) fn of(promql: &str) -> Self {
        let (tokens, mut used) = (tokens(promql), Self::default());
        let mut rest = tokens.iter().map(String::as_str).peekable();
        while let Some(token) = rest.next() {
            match token {
                "{" => used.selector(&mut rest),
                "[" => while rest.next().is_some_and(|token| token != "]") {},
                word if GROUPINGS.contains(&word) => {
                    if rest.next_if_eq(&"(").is_some() {
                        let list = rest.by_ref().take_while(|token| *token != ")");
                        used.labels.extend(list.filter(|token| is_name(token)).map(str::to_owned));
                    }
                }
                word if !is_name(word) || WORDS.contains(&word.to_lowercase().as_str()) => {}
                // A function or an aggregation, whose grouping may come first.
                _ if rest.peek().is_some_and(|next| *next == "(" || ["by", "without"].contains(next)) => {}
                metric => _ = used.metrics.insert(metric.to_owned()),
            }
        }
        used
    }

    fn selector<'a>(&mut self, rest: &mut impl Iterator<Item = &'a str>) {
        let inside: Vec<_> = rest.take_while(|token| *token != "}").filter(|token| *token != ",").collect();
        for matcher in inside.chunks(3) {
            let [label, operator, text] = matcher else { panic!("{inside:?}") };
            let text = text.trim_matches('"');
            if *label == "__name__" {
                // What is excluded need not be.
                let named = (!operator.starts_with('!')).then(|| text.split('|').map(str::to_owned));
                self.metrics.extend(named.into_iter().flatten());
            } else {
                self.labels.insert((*label).to_owned());
                self.matchers.insert(((*label).to_owned(), (*operator).to_owned(), text.to_owned()));
            }
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
}

/// Names, texts with their quotes, operators of matchers, and every other sign by itself; no comments, no numbers.
fn tokens(promql: &str) -> Vec<String> {
    let (mut tokens, mut rest) = (Vec::new(), promql);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => rest[1..].find('"').expect("the text ends") + 2,
            _ if is_name(&rest[..first.len_utf8()]) => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c))).unwrap_or(rest.len())
            }
            '0'..='9' => rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len()),
            _ if ["=~", "!~", "!="].iter().any(|operator| rest.starts_with(operator)) => 2,
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        rest = behind;
        if !(first.is_whitespace() || first == '#' || first.is_ascii_digit()) {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

#[test]
fn metrics_labels_and_matchers_are_told_apart() {
    let used = Used::of(
        "# A comment, with words.\nsum by (job, le) (rate(a_bucket{x=\"1\", y!~\"|4..\"}[5m] offset 1d)) / on (z) \
         group_left (s) (b:c:rate5m > bool 0.5e3)\nor {__name__=~\"d|e\", __name__!~\"g|h\", w=\"\"} unless count without (v) (f[1d:5m])",
    );
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(used.metrics, texts(&["a_bucket", "b:c:rate5m", "d", "e", "f"]));
    assert_eq!(used.labels, texts(&["job", "le", "s", "v", "w", "x", "y", "z"]));
    let matcher = |label: &str, operator: &str, text: &str| {
        used.matchers.contains(&(label.to_owned(), operator.to_owned(), text.to_owned()))
    };
    assert!(matcher("x", "=", "1") && matcher("y", "!~", "|4..") && matcher("w", "=", ""), "{used:?}");
    assert_eq!(used.matchers.len(), 3);
}
