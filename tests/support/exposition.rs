//! A strict reader of both page formats, written from their grammars: what it accepts, a scraper accepts.
#![allow(dead_code)] // each test binary uses its own part

use std::collections::{BTreeMap, BTreeSet};

/// One family as read.
#[derive(Debug, Default, Clone)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    pub(crate) exemplar: Option<Exemplar>,
}

/// What stands behind a `#` on a sample's line.
#[derive(Debug, Clone)]
pub(crate) struct Exemplar {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
    pub(crate) timestamp: f64,
}

type Read<T> = Result<T, String>;

/// Reads a page, or says which line breaks which rule.
pub(crate) fn read(page: &str, openmetrics: bool) -> Read<Vec<Family>> {
    let body = match (openmetrics, page.strip_suffix("# EOF\n")) {
        (true, Some(body)) => body,
        (true, None) => return Err("no # EOF at the end".into()),
        (false, _) => page,
    };
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("the last line has no line feed".into());
    }
    let mut families: Vec<Family> = Vec::new();
    for line in body.split_terminator('\n') {
        match line.strip_prefix("# ") {
            Some(rest) => descriptor(rest, &mut families, openmetrics),
            None => sample_line(line, &mut families, openmetrics),
        }
        .map_err(|broken| format!("{broken}: {line}"))?;
    }
    let mut taken = BTreeSet::new();
    for family in &families {
        check(family, openmetrics).map_err(|broken| format!("{broken} in {}", family.name))?;
        for suffix in suffixes(&family.kind, openmetrics) {
            if !taken.insert(format!("{}{suffix}", family.name)) {
                return Err(format!("two families own {}{suffix}", family.name));
            }
        }
    }
    Ok(families)
}

fn ensure(holds: bool, broken: &str) -> Read<()> {
    if holds { Ok(()) } else { Err(broken.to_owned()) }
}

fn suffixes(kind: &str, openmetrics: bool) -> &'static [&'static str] {
    match (kind, openmetrics) {
        ("counter", true) => &["_total", "_created"],
        ("histogram", true) => &["_bucket", "_sum", "_count", "_created"],
        ("histogram", false) => &["_bucket", "_sum", "_count"],
        ("info", true) => &["_info"],
        _ => &[""],
    }
}

fn is_name(name: &str, colons: bool) -> bool {
    let ok = |c: char| c.is_ascii_alphabetic() || c == '_' || (colons && c == ':');
    name.starts_with(ok) && name.chars().all(|c| ok(c) || c.is_ascii_digit())
}

fn descriptor(rest: &str, families: &mut Vec<Family>, openmetrics: bool) -> Read<()> {
    let mut parts = rest.splitn(3, ' ');
    let (word, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let text = parts.next().ok_or("no text")?;
    ensure(is_name(name, true), "not a metric name")?;
    if families.last().is_none_or(|family| family.name != name) {
        ensure(families.iter().all(|family| family.name != name), "the family comes twice")?;
        families.push(Family { name: name.to_owned(), ..Family::default() });
    }
    let family = families.last_mut().ok_or("no family")?;
    ensure(family.samples.is_empty(), "a descriptor after samples")?;
    match word {
        "HELP" if family.help.is_none() => family.help = Some(unescape(text, openmetrics)?),
        "TYPE" if family.kind.is_empty() => {
            let kinds: &[_] = if openmetrics {
                &["counter", "gauge", "histogram", "info"]
            } else {
                &["counter", "gauge", "histogram"]
            };
            ensure(kinds.contains(&text), "not a type")?;
            family.kind = text.to_owned();
        }
        "UNIT" if openmetrics && family.unit.is_none() => {
            ensure(
                name.ends_with(&format!("_{text}")) && is_name(text, true),
                "the name does not end with the unit",
            )?;
            family.unit = Some(text.to_owned());
        }
        _ => return Err("not a descriptor, or one that comes twice".into()),
    }
    Ok(())
}

fn unescape(text: &str, quotes: bool) -> Read<String> {
    let (mut plain, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\\') => plain.push('\\'),
                Some('n') => plain.push('\n'),
                Some('"') if quotes => plain.push('"'),
                _ => return Err("an escape that does not exist".into()),
            },
            '"' if quotes => return Err("a bare quote".into()),
            c => plain.push(c),
        }
    }
    Ok(plain)
}

fn sample_line(line: &str, families: &mut [Family], openmetrics: bool) -> Read<()> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    ensure(is_name(name, true), "not a metric name")?;
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => label_set(inside)?,
        None => (Vec::new(), rest),
    };
    let rest = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let (value, exemplar) = match rest.split_once(" # ") {
        Some((value, exemplar)) => {
            ensure(openmetrics && name.ends_with("_bucket"), "an exemplar where none may be")?;
            (value, Some(exemplar_of(exemplar)?))
        }
        None => (rest, None),
    };
    let family = families.last_mut().ok_or("a sample before its family")?;
    let suffix = name.strip_prefix(family.name.as_str()).ok_or("a sample of another family")?;
    ensure(suffixes(&family.kind, openmetrics).contains(&suffix), "a name that the type does not have")?;
    family.samples.push(Sample { name: name.to_owned(), labels, value: number(value)?, exemplar });
    Ok(())
}

/// Labels up to the closing brace, and what follows it.
fn label_set(mut rest: &str) -> Read<(Vec<(String, String)>, &str)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        ensure(is_name(name, false), "not a label name")?;
        ensure(labels.iter().all(|(known, _)| known != name), "a label comes twice")?;
        let mut escaped = false;
        let end = after.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let (end, _) = end.ok_or("a value without an end")?;
        ensure(end > 0, "an empty value is no label")?;
        labels.push((name.to_owned(), unescape(&after[..end], true)?));
        match after[end + 1..].split_at_checked(1) {
            Some((",", more)) => rest = more,
            Some(("}", after)) => return Ok((labels, after)),
            _ => return Err("labels without an end".into()),
        }
    }
}

fn exemplar_of(text: &str) -> Read<Exemplar> {
    let (labels, rest) = label_set(text.strip_prefix('{').ok_or("no labels")?)?;
    let runes: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    ensure(runes <= 128, "an exemplar above 128 code points")?;
    let (value, timestamp) =
        rest.strip_prefix(' ').and_then(|rest| rest.split_once(' ')).ok_or("no value or no time")?;
    Ok(Exemplar { labels, value: number(value)?, timestamp: number(timestamp)? })
}

fn number(text: &str) -> Read<f64> {
    if let "NaN" | "+Inf" | "-Inf" = text {
        return text.parse().map_err(|_| "not a number".to_owned());
    }
    let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-' | '+');
    ensure(!text.is_empty() && text.chars().all(digits), "not a number")?;
    ensure(text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()), "not a number")?;
    text.parse().map_err(|_| "not a number".to_owned())
}

fn check(family: &Family, openmetrics: bool) -> Read<()> {
    ensure(family.help.as_ref().is_some_and(|help| !help.is_empty()), "no HELP")?;
    ensure(!family.kind.is_empty(), "no TYPE")?;
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        labels.sort();
        ensure(seen.insert((sample.name.clone(), labels)), "a series comes twice")?;
        if family.kind != "gauge" && sample.name != format!("{}_sum", family.name) {
            ensure(sample.value >= 0.0, "a count below zero")?;
        }
        if family.kind == "info" {
            ensure(sample.value == 1.0, "an info that is not 1")?;
        }
    }
    if family.kind == "histogram" { check_histogram(family, openmetrics) } else { Ok(()) }
}

fn check_histogram(family: &Family, openmetrics: bool) -> Read<()> {
    let mut series: BTreeMap<Vec<(String, String)>, Vec<&Sample>> = BTreeMap::new();
    let mut order = Vec::new();
    for sample in &family.samples {
        let labels: Vec<_> = sample.labels.iter().filter(|(name, _)| name != "le").cloned().collect();
        if order.last() != Some(&labels) {
            ensure(!order.contains(&labels), "a series is torn apart")?;
            order.push(labels.clone());
        }
        series.entry(labels).or_default().push(sample);
    }
    for samples in series.values() {
        let (mut bound, mut total, mut lowest) = (f64::NEG_INFINITY, 0.0, f64::INFINITY);
        for bucket in samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
            let le = bucket.labels.iter().find(|(name, _)| name == "le").ok_or("a bucket without le")?;
            let le = number(&le.1)?;
            ensure(le > bound && bucket.value >= total, "buckets that are not cumulative")?;
            lowest = lowest.min(le);
            if let Some(exemplar) = &bucket.exemplar {
                ensure(exemplar.value > bound && exemplar.value <= le, "an exemplar of another bucket")?;
            }
            (bound, total) = (le, bucket.value);
        }
        ensure(bound == f64::INFINITY, "no bucket to infinity")?;
        let ends = |suffix| samples.iter().find(|sample| sample.name.ends_with(suffix));
        match (ends("_sum"), ends("_count")) {
            (Some(sum), Some(count)) => {
                ensure(count.value == total, "count is not the last bucket")?;
                ensure(!openmetrics || (lowest >= 0.0 && sum.value >= 0.0), "a sum that can fall")?;
            }
            (None, None) => ensure(openmetrics, "neither sum nor count")?,
            _ => return Err("one of sum and count".into()),
        }
    }
    Ok(())
}
