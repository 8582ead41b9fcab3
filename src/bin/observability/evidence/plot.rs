//! Drawings for the page: a waterfall and charts, as SVG inside of it.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::collect::{Chart, Span};

const WIDTH: f64 = 960.0;
const ROW: f64 = 18.0;
const NAMES: f64 = 360.0;
const HEIGHT: f64 = 160.0;
const MOST_ROWS: usize = 500;
const COLOURS: [&str; 8] =
    ["#2471a3", "#ca6f1e", "#1e8449", "#7d3c98", "#b03a2e", "#117a65", "#7b7d7d", "#b7950b"];

/// Text within HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The spans below their parents, as long as they took.
pub(super) fn waterfall(spans: &[Span]) -> String {
    let start = spans.iter().map(|span| span.start).fold(f64::INFINITY, f64::min);
    let end = spans.iter().map(|span| span.start + span.seconds).fold(f64::NEG_INFINITY, f64::max);
    let rows = rows(spans);
    let scale = (WIDTH - NAMES) / (end - start).max(1e-6);
    let mut svg = opening(rows.len() as f64 * ROW + 4.0);
    for (row, (depth, span)) in rows.iter().enumerate() {
        let (y, x) = (row as f64 * ROW + 13.0, NAMES + (span.start - start) * scale);
        let colour = if span.error.is_some() { "#b03a2e" } else { "#2471a3" };
        let (indent, width) = (*depth as f64 * 8.0 + 2.0, (span.seconds * scale).max(1.5));
        let label = escaped(&format!("{} {}", span.service, span.name));
        let error = span.error.as_deref().map(|error| format!("  {}", escaped(error))).unwrap_or_default();
        _ = write!(
            svg,
            "<text x=\"{indent}\" y=\"{y}\">{label}</text><rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"12\" \
             fill=\"{colour}\"><title>{label}: {:.1} ms{error}</title></rect>",
            y - 10.0,
            span.seconds * 1e3,
        );
    }
    svg += "</svg>";
    if rows.len() < spans.len() {
        _ = write!(svg, "<p>{} of {} spans are drawn.</p>", rows.len(), spans.len());
    }
    svg
}

/// Depth and span, each parent before its children.
fn rows(spans: &[Span]) -> Vec<(usize, &Span)> {
    // By look-up: a nightly job has tens of thousands.
    let ids: HashSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    let mut below: HashMap<&str, Vec<&Span>> = HashMap::new();
    for span in spans.iter().filter(|span| span.parent != span.id) {
        below.entry(&span.parent).or_default().push(span);
    }
    let is_root = |span: &&Span| !ids.contains(span.parent.as_str());
    let mut open: Vec<(usize, &Span)> = spans.iter().filter(is_root).map(|span| (0, span)).collect();
    open.reverse();
    let mut rows = Vec::new();
    while let Some((depth, span)) = open.pop() {
        // A span that is its own ancestor would never end.
        if rows.len() >= MOST_ROWS.min(spans.len()) {
            break;
        }
        rows.push((depth, span));
        let children = below.get(span.id.as_str()).into_iter().flatten();
        open.extend(children.rev().map(|child| (depth + 1, *child)));
    }
    rows
}

/// One line for each series.
pub(super) fn chart(chart: &Chart, from: f64, to: f64) -> String {
    let points = chart.series.iter().flat_map(|(_, points)| points);
    let most = points.map(|(_, value)| *value).fold(0.0, f64::max);
    let place = |(at, value): &(f64, f64)| {
        let x = 40.0 + (at - from) / (to - from).max(1.0) * (WIDTH - 50.0);
        format!("{x:.1},{:.1}", HEIGHT - 10.0 - value / most.max(1e-9) * (HEIGHT - 30.0))
    };
    let mut svg = opening(HEIGHT + ROW * chart.series.len() as f64);
    _ = write!(
        svg,
        "<text x=\"2\" y=\"18\">{most:.2}</text><text x=\"2\" y=\"{:.0}\">0</text>",
        HEIGHT - 6.0
    );
    _ = write!(svg, "<path d=\"M40 {0:.0}H{WIDTH:.0}\" stroke=\"#aaa\"/>", HEIGHT - 10.0);
    for (number, (name, points)) in chart.series.iter().enumerate() {
        let colour = COLOURS.iter().cycle().nth(number).unwrap_or(&"#000");
        let line = points.iter().map(place).collect::<Vec<_>>().join(" ");
        let y = HEIGHT + ROW * number as f64 + 12.0;
        _ = write!(
            svg,
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\
             <text x=\"40\" y=\"{y:.0}\" fill=\"{colour}\">{}</text>",
            escaped(name),
        );
    }
    svg + "</svg>"
}

fn opening(height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH:.0}\" height=\"{height:.0}\" font-size=\"11\">"
    )
}

#[cfg(test)]
#[test]
fn spans_that_are_each_others_parents_end_the_drawing() {
    let span = |id: &str, parent: &str| Span {
        id: id.to_owned(),
        parent: parent.to_owned(),
        service: "s".to_owned(),
        name: "<n>".to_owned(),
        start: 1.0,
        seconds: 0.1,
        error: None,
    };
    let spans =
        [span("a", ""), span("b", "a"), span("c", "b"), span("x", "y"), span("y", "x"), span("z", "z")];
    let drawn: Vec<_> = rows(&spans).iter().map(|(depth, span)| (*depth, span.id.clone())).collect();
    assert_eq!(drawn, [(0, "a".to_owned()), (1, "b".to_owned()), (2, "c".to_owned())]);
    let drawing = waterfall(&spans);
    assert!(
        drawing.contains("&lt;n&gt;") && drawing.ends_with("<p>3 of 6 spans are drawn.</p>"),
        "{drawing}"
    );
    assert!(waterfall(&spans[..3]).ends_with("</svg>") && waterfall(&[]).ends_with("</svg>"));

    // Each compared with each other would take minutes.
    let many: Vec<_> = (0..50_000).map(|n| span(&format!("t/{n}"), "t/elsewhere")).collect();
    let begun = std::time::Instant::now();
    assert!(waterfall(&many).ends_with("<p>500 of 50000 spans are drawn.</p>"));
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
