//! The samples of the metrics' page, as a test asks for them.

use std::fmt;

/// One line of the page with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

/// How many names a failure shows.
const CLOSEST: usize = 8;

/// All samples of a page in the text format.
pub(super) fn samples(page: &str) -> Vec<Sample> {
    page.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

/// The sum of the samples of this name that `fit`; or what there is instead.
pub(super) fn sum(samples: &[Sample], name: &str, fit: impl Fn(&Sample) -> bool) -> Result<f64, String> {
    let named: Vec<_> = samples.iter().filter(|sample| sample.name == name).collect();
    let fitting: Vec<_> = named.iter().filter(|sample| fit(sample)).collect();
    match (named.is_empty(), fitting.is_empty()) {
        (_, false) => Ok(fitting.iter().map(|sample| sample.value).sum()),
        (true, _) => Err(format!("no metric {name:?}; the closest names are:{}", closest(samples, name))),
        _ => {
            let shown: String = named.iter().map(|sample| format!("\n  {sample}")).collect();
            Err(format!("no series of {name:?} has these labels; it has:{shown}"))
        }
    }
}

fn closest(samples: &[Sample], name: &str) -> String {
    let parts: Vec<_> = name.split('_').collect();
    let shared = |known: &str| known.split('_').filter(|part| parts.contains(part)).count();
    let mut names: Vec<_> = samples.iter().map(|sample| sample.name.as_str()).collect();
    names.dedup();
    names.sort_by_key(|known| std::cmp::Reverse(shared(known)));
    names.iter().take(CLOSEST).map(|known| format!("\n  {known}")).collect()
}

impl Sample {
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Is it worth its place in a picture? Not what is zero, nor a histogram's parts beside its count.
    pub(super) fn is_worth_showing(&self) -> bool {
        self.value != 0.0 && self.label("le").is_none() && !self.name.ends_with("_sum")
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let mut before = "{";
        for (name, value) in &self.labels {
            write!(f, "{before}{name}={value:?}")?;
            before = ",";
        }
        write!(f, "{} {}", if self.labels.is_empty() { "" } else { "}" }, self.value)
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (name, rest) = line.split_at(line.find(['{', ' '])?);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    Some(Sample { name: name.to_owned(), labels, value: value.trim().parse().ok()? })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        let (name, after) = rest.trim_start_matches(',').split_once("=\"")?;
        let (mut value, mut chars) = (String::new(), after.chars());
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(chars.next().map(|c| if c == 'n' { '\n' } else { c })?),
                c => value.push(c),
            }
        }
        labels.push((name.to_owned(), value));
        rest = chars.as_str();
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_with_its_escapes() {
        let page = "# HELP a b\na_total{x=\"1\",y=\"a\\\"b\\\\c\\nd}\"} 3\nb 0.5\n";
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let a = Sample {
            name: "a_total".into(),
            labels: vec![label("x", "1"), label("y", "a\"b\\c\nd}")],
            value: 3.0,
        };
        assert_eq!(samples(page), [a, Sample { name: "b".into(), labels: Vec::new(), value: 0.5 }]);
    }

    #[test]
    fn what_is_not_there_is_answered_with_the_closest_that_is() {
        let read = samples("orders_total{kind=\"new\"} 1\norders_total{kind=\"old\"} 2\nqueue_depth 7\n");
        assert_eq!(sum(&read, "orders_total", |_| true), Ok(3.0));
        assert_eq!(sum(&read, "orders_total", |sample| sample.label("kind") == Some("old")), Ok(2.0));
        let other = sum(&read, "orders_total", |_| false).expect_err("no series fits");
        assert!(other.contains("it has:\n  orders_total{kind=\"new\"} 1\n"), "{other}");
        let unknown = sum(&read, "depth_of_queue", |_| true).expect_err("no such metric");
        assert!(unknown.contains("are:\n  queue_depth\n  orders_total"), "{unknown}");
    }
}
