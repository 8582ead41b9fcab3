//! The reading of a `/metrics` page: each sample a row of its labels, `service`, `name` and `value`.

use super::evidence::Row;

/// All samples of a service's page.
pub(super) fn read(service: &str, page: &str) -> Vec<Row> {
    page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| sample(service, line)).collect()
}

fn sample(service: &str, line: &str) -> Option<Row> {
    let mut row = Row::default();
    row.set("service", service);
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    row.set("name", name);
    if let Some(labels) = rest.strip_prefix('{') {
        rest = labels;
        while !rest.starts_with('}') {
            let (label, value) = rest.split_once("=\"")?;
            let (text, after) = quoted(value)?;
            row.set(label, text);
            rest = after.trim_start_matches(',');
        }
        rest = &rest[1..];
    }
    row.set("value", rest.split_whitespace().next()?);
    Some(row)
}

/// A text up to its closing quote, and what follows.
fn quoted(input: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = input.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, &input[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => text.push('\n'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}
