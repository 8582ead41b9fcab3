//! Colour: only on a terminal, and not where `NO_COLOR` asks for none.

use crate::screen::show;
use std::io::IsTerminal;
use std::sync::LazyLock;

static WANTED: LazyLock<bool> =
    LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());

const PALETTE: [u8; 8] = [36, 33, 32, 35, 34, 96, 93, 95];

fn paint(code: u8, text: &str) -> String {
    if *WANTED { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

pub(super) fn bold(text: &str) -> String {
    paint(1, text)
}

pub(super) fn faint(text: &str) -> String {
    paint(2, text)
}

pub(super) fn red(text: &str) -> String {
    paint(31, text)
}

/// Each service keeps its colour.
pub(super) fn service(name: &str, text: &str) -> String {
    paint(color_of(name), text)
}

/// The colour of a service; that of all text for a name that is none of the eight.
pub(super) fn color_of(service: &str) -> u8 {
    let place = crate::services::NAMES.iter().position(|known| *known == service);
    place.and_then(|place| PALETTE.get(place)).copied().unwrap_or(39)
}

pub(super) fn is_wanted() -> bool {
    *WANTED
}

/// A table with columns as wide as their contents; a painter may colour a padded cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let is_number = |column: usize| rows.iter().all(|row| row.get(column).is_none_or(|cell| is_number(cell)));
    let numbers: Vec<_> = (0..head.len()).map(is_number).collect();
    let padded = |cells: Vec<&str>| {
        let cells =
            cells.iter().zip(widths.iter().zip(&numbers)).map(|(cell, (width, is_number))| match is_number {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    show!("  {}", faint(&padded(head.to_vec())));
    for row in rows {
        show!("  {}", padded(row.iter().map(String::as_str).collect()));
    }
}

/// `7`, `24.1/s`, `2.5 ms`; but no time of day and no id.
fn is_number(cell: &str) -> bool {
    let first = cell.split([' ', '/']).next().unwrap_or_default();
    first == "–" || first.parse::<f64>().is_ok()
}
