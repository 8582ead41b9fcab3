//! The page: one HTML file that needs nothing else.

use std::collections::HashSet;
use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::collect::{Found, Span};
use super::plot::{self, escaped};

const STYLE: &str = "body{font:14px sans-serif;max-width:980px;margin:2em auto}td,th{text-align:left;padding:2px 8px;\
vertical-align:top}table{border-collapse:collapse}td:first-child{white-space:nowrap}tr:nth-child(even){background:#f4f6f7}.bad{color:#b03a2e}\
code{font-size:12px;word-break:break-all}";

/// Our levels, and what other programs call theirs.
const LOUD: [&str; 5] = ["WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"];

/// What a report about the cause still needs from people.
const WHYS: &str = "<h2>Five whys</h2><ol><li>Why did customers notice? …</li><li>Why did that happen? …</li><li>Why? …</li>\
<li>Why? …</li><li>Why was it possible? …</li></ol><h2>Report</h2><ul><li>Impact (who, how many, how long): …</li>\
<li>Detected by, after: …</li><li>Mitigated by, after: …</li><li>Cause: …</li><li>What went well: …</li>\
<li>Actions (owner, until when): …</li></ul>";

/// The page of what was found.
pub(super) fn page(found: &Found) -> String {
    let title = escaped(&found.title);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Evidence: {title}</title>\
         <style>{STYLE}</style></head><body><h1>Evidence: {title}</h1><p>{} to {}</p>",
        time(found.from),
        time(found.to),
    );
    summary(&mut page, found);
    timeline(&mut page, found);
    if !found.spans.is_empty() {
        _ = write!(page, "<h2>Waterfall</h2>{}", plot::waterfall(&found.spans));
    }
    lines(&mut page, found);
    figures(&mut page, found);
    for chart in found.charts.iter().filter(|chart| !chart.series.is_empty()) {
        _ = write!(page, "<h2>{}</h2>{}", chart.name, plot::chart(chart, found.from, found.to));
    }
    page += WHYS;
    list(&mut page, "What could not be had", &found.missing);
    list(&mut page, "What was asked", &found.asked);
    page + "</body></html>\n"
}

/// The deepest failed spans: those of which no failed span is the child.
fn deepest(spans: &[Span]) -> impl Iterator<Item = &Span> {
    let failed = || spans.iter().filter(|span| span.error.is_some());
    let above: HashSet<&str> = failed().map(|span| span.parent.as_str()).collect();
    failed().filter(move |span| !above.contains(span.id.as_str()))
}

fn summary(page: &mut String, found: &Found) {
    *page += "<h2>Where it failed</h2><ul>";
    for span in deepest(&found.spans) {
        let (service, name) = (escaped(&span.service), escaped(&span.name));
        let error = escaped(span.error.as_deref().unwrap_or_default());
        _ = write!(
            page,
            "<li class=\"bad\">{service}: {name}: {error} (after {:.1} ms)</li>",
            span.seconds * 1e3
        );
    }
    if found.spans.is_empty() {
        *page += "<li>No span is known.</li>";
    } else if deepest(&found.spans).next().is_none() {
        *page += "<li>No span failed.</li>";
    }
    *page += "</ul>";
}

fn timeline(page: &mut String, found: &Found) {
    let mut events: Vec<(f64, String)> =
        found.events.iter().map(|event| (event.at, event.what.clone())).collect();
    let is_loud = |level: &str| LOUD.iter().any(|loud| loud.eq_ignore_ascii_case(level));
    let loud = found.lines.iter().filter(|line| is_loud(&line.level));
    events.extend(loud.map(|line| (line.at, format!("{} {}: {}", line.level, line.service, line.text))));
    if let Some(first) = found.spans.first() {
        events.push((first.start, format!("the trace begins: {} {}", first.service, first.name)));
    }
    events.sort_by(|one, other| one.0.total_cmp(&other.0));
    *page += "<h2>Timeline</h2>";
    let rows = events.iter().map(|(at, what)| vec![time(*at), escaped(what)]);
    table(page, &["when", "what"], rows);
}

fn lines(page: &mut String, found: &Found) {
    *page += "<h2>Lines</h2>";
    let rows = found.lines.iter().map(|line| {
        let [level, service, text] = [&line.level, &line.service, &line.text].map(|text| escaped(text));
        vec![time(line.at), level, service, text]
    });
    table(page, &["when", "level", "service", "what"], rows);
}

fn figures(page: &mut String, found: &Found) {
    *page += "<h2>Figures</h2>";
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let rows = found.figures.iter().map(|figure| {
        vec![escaped(&figure.service), figure.name.to_owned(), shown(figure.during), shown(figure.before)]
    });
    table(page, &["service", "of what", "within the window", "the hour before"], rows);
}

fn table(page: &mut String, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let cells = |kind: &str, cells: &[String]| {
        cells.iter().map(|cell| format!("<{kind}>{cell}</{kind}>")).collect::<String>()
    };
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    _ = write!(page, "<table><tr>{}</tr>", cells("th", &heads));
    rows.for_each(|row| _ = write!(page, "<tr>{}</tr>", cells("td", &row)));
    *page += "</table>";
}

fn list(page: &mut String, title: &str, items: &[impl Display]) {
    _ = write!(page, "<h2>{title}</h2><ul>");
    items.iter().for_each(|item| _ = write!(page, "<li><code>{}</code></li>", escaped(&item.to_string())));
    *page += if items.is_empty() { "<li>nothing</li></ul>" } else { "</ul>" };
}

fn time(at: f64) -> String {
    Timestamp::from_millisecond((at * 1e3) as i64).map_or_else(|_| at.to_string(), |at| format!("{at:.3}"))
}
