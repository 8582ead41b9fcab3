//! A trace drawn as a waterfall: which span called which, when, and for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::{BOLD, PLAIN, RED, visible};
use crate::names::attribute;

/// How many characters the time of the whole trace has.
const WIDTH: usize = 30;

/// The spans of one trace, drawn over its time. Spans whose parent is missing begin at the left.
///
/// `OTEL_TRACES_EXPORTER=console` prints one for each trace of the process. A viewer of your own that receives the spans
/// of several services can draw them in the same way.
///
/// ```
/// use std::time::Duration;
/// use tower_observability::testing::{Bar, Waterfall};
///
/// let ms = Duration::from_millis;
/// let mut root = Bar::new("GET /bookings/{id}", |key| (key == "http.response.status_code").then(|| "200".into()));
/// (root.id, root.kind, root.duration) = ("1".into(), "server".into(), ms(10));
/// let mut child = Bar::new("query", |_| None);
/// (child.id, child.parent, child.kind) = ("2".into(), "1".into(), "internal".into());
/// (child.start, child.duration) = (ms(5), ms(5));
/// let drawn = Waterfall::new("4bf92f3577b34da6a3ce929d0e0e4736", vec![root, child]).to_string();
/// assert_eq!(
///     drawn,
///     "\
/// trace 4bf92f3577b34da6a3ce929d0e0e4736 · 2 spans · 10.0 ms
/// GET /bookings/{id}  server    200     10.0 ms  ██████████████████████████████
///   query             internal           5.0 ms  ···············███████████████
/// "
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Waterfall {
    trace: String,
    bars: Vec<Bar>,
    is_colored: bool,
}

/// One span of a [`Waterfall`].
///
/// [`Bar::new`] fills the name and the ending; the rest is the caller's to set. A program that draws one is at
/// [`Waterfall`].
///
/// ```
/// use tower_observability::testing::Bar;
///
/// let bar = Bar::new("GET", |key| (key == "url.full").then(|| "http://parts:8080/wiper".into()));
/// assert_eq!(bar.name, "GET /wiper");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bar {
    /// The service; shown where a waterfall has more than one.
    pub service: String,
    /// The span's id, by which its children name it.
    pub id: String,
    /// The id of its parent; empty if it has none.
    pub parent: String,
    /// What is shown of its name.
    pub name: String,
    /// `server`, `client`, `internal`, `producer` or `consumer`.
    pub kind: String,
    /// The status, or what went wrong instead.
    pub ending: String,
    /// Did it fail? Then its ending is red.
    pub is_failed: bool,
    /// When it began, since a moment that all spans of the waterfall share.
    pub start: Duration,
    /// How long it took.
    pub duration: Duration,
    /// The colour of its bar, a number of ANSI such as 36; 0 is none.
    pub color: u8,
}

impl Bar {
    /// A span of this name. `attribute` looks up its attributes by name: a call's path is shown beside its method, and
    /// which attempt it was.
    pub fn new(name: &str, attribute: impl Fn(&str) -> Option<String>) -> Self {
        let mut shown = name.to_owned();
        let url = attribute(attribute::URL_FULL).unwrap_or_default();
        if let Some(path) = url.splitn(4, '/').nth(3) {
            shown += &format!(" /{path}");
        }
        if let Some(resent) =
            attribute(attribute::HTTP_REQUEST_RESEND_COUNT).and_then(|count| count.parse().ok())
        {
            shown += &format!(" (attempt {})", u64::saturating_add(resent, 1));
        }
        let endings = [
            attribute::HTTP_RESPONSE_STATUS_CODE,
            attribute::RPC_RESPONSE_STATUS_CODE,
            attribute::RPC_STATUS_CODE,
            attribute::ERROR_TYPE,
        ];
        let ending = endings.into_iter().find_map(|key| attribute(key).filter(|text| !text.is_empty()));
        Self { name: shown, ending: ending.unwrap_or_default(), ..Self::default() }
    }

    /// A span of `tracing` that an ERROR event marked as failed says no more than that.
    fn shown_ending(&self) -> &str {
        if self.is_failed && self.ending.is_empty() { "error" } else { &self.ending }
    }
}

impl Waterfall {
    /// The waterfall of the trace with this id.
    pub fn new(trace_id: impl Into<String>, mut bars: Vec<Bar>) -> Self {
        bars.sort_by_key(|bar| bar.start);
        Self { trace: trace_id.into(), bars, is_colored: false }
    }

    /// Is it drawn with the colours of a terminal? Default: no.
    #[must_use]
    pub fn colored(mut self, is_colored: bool) -> Self {
        self.is_colored = is_colored;
        self
    }

    /// Each span with its depth, in the order in which they are drawn.
    fn rows(&self) -> Vec<(usize, &Bar)> {
        let known: BTreeSet<&str> = self.bars.iter().map(|bar| &*bar.id).collect();
        let mut below: BTreeMap<&str, Vec<&Bar>> = BTreeMap::new();
        // The latest first, so that the earliest is the first to be taken off the stack.
        for bar in self.bars.iter().rev() {
            let is_root = bar.parent == bar.id || !known.contains(&*bar.parent);
            below.entry(if is_root { "" } else { &bar.parent }).or_default().push(bar);
        }
        let mut rows = Vec::with_capacity(self.bars.len());
        let mut stack: Vec<_> =
            below.remove("").unwrap_or_default().into_iter().map(|bar| (0, bar)).collect();
        while let Some((depth, bar)) = stack.pop() {
            rows.push((depth, bar));
            let children = below.remove(&*bar.id).unwrap_or_default();
            stack.extend(children.into_iter().map(|child| (depth + 1, child)));
        }
        rows
    }

    fn begin(&self) -> Duration {
        self.bars.first().map_or(Duration::ZERO, |bar| bar.start)
    }

    fn length(&self) -> Duration {
        let end = self.bars.iter().map(|bar| bar.start.saturating_add(bar.duration)).max();
        end.unwrap_or_default().saturating_sub(self.begin())
    }

    /// The span's part of the trace's time.
    fn line(&self, bar: &Bar) -> String {
        let whole = self.length().as_nanos().max(1);
        let column = |at: Duration| (at.as_nanos() * WIDTH as u128 / whole) as usize;
        let start = bar.start.saturating_sub(self.begin());
        let from = column(start).min(WIDTH - 1);
        let to = column(start.saturating_add(bar.duration)).clamp(from + 1, WIDTH);
        format!("{}{}{}", "·".repeat(from), "█".repeat(to - from), "·".repeat(WIDTH - to))
    }

    fn style<'a>(&self, code: &'a str) -> &'a str {
        if self.is_colored { code } else { "" }
    }
}

/// Each row ends with a line break.
impl fmt::Display for Waterfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: BTreeSet<&str> = self.bars.iter().map(|bar| &*bar.service).collect();
        let (bold, red, plain) = (self.style(BOLD), self.style(RED), self.style(PLAIN));
        write!(f, "trace {bold}{}{plain}", self.trace)?;
        match (services.len(), services.first()) {
            (1, Some(service)) if !service.is_empty() => write!(f, " · {}", visible(service))?,
            (0 | 1, _) => {}
            (count, _) => write!(f, " · {count} services")?,
        }
        let spans = if self.bars.len() == 1 { "span" } else { "spans" };
        writeln!(f, " · {} {spans} · {} ms", self.bars.len(), millis(self.length()))?;
        let rows: Vec<_> = self
            .rows()
            .into_iter()
            .map(|(depth, bar)| (format!("{:indent$}{}", "", visible(&bar.name), indent = 2 * depth), bar))
            .collect();
        let widest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        let width = |of: fn(&Bar) -> &str| self.bars.iter().map(|bar| visible(of(bar)).chars().count()).max();
        let width = |of| width(of).unwrap_or_default();
        let (service_width, kind_width, ending_width) =
            (width(|bar| &bar.service), width(|bar| &bar.kind), width(Bar::shown_ending));
        for (name, bar) in &rows {
            if services.len() > 1 {
                write!(f, "{:service_width$}  ", visible(&bar.service))?;
            }
            let ending = format!("{:>ending_width$}", visible(bar.shown_ending()));
            let (red, after) = if bar.is_failed { (red, plain) } else { ("", "") };
            write!(
                f,
                "{name:widest$}  {:kind_width$}  {red}{ending}{after}  {:>7} ms  ",
                visible(&bar.kind),
                millis(bar.duration)
            )?;
            let line = self.line(bar);
            match bar.color {
                code @ 1.. if self.is_colored => writeln!(f, "\x1b[{code}m{line}{plain}")?,
                _ => writeln!(f, "{line}")?,
            }
        }
        Ok(())
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(service: &str, id: &str, parent: &str, start: u64, duration: u64) -> Bar {
        let (start, duration) = (Duration::from_millis(start), Duration::from_millis(duration));
        let [service, id, parent] = [service, id, parent].map(str::to_owned);
        Bar {
            service,
            id: id.clone(),
            parent,
            name: id,
            kind: "client".into(),
            start,
            duration,
            ..Bar::default()
        }
    }

    fn names(drawn: &str) -> Vec<&str> {
        drawn.lines().skip(1).map(|line| line.split("  client").next().unwrap().trim_end()).collect()
    }

    #[test]
    fn children_stand_below_their_parent_in_the_order_of_their_start() {
        let bars = vec![
            bar("", "c", "a", 7, 1),
            bar("", "d", "b", 3, 1),
            bar("", "b", "a", 2, 4),
            bar("", "a", "gone", 0, 9),
        ];
        assert_eq!(names(&Waterfall::new("t", bars).to_string()), ["a", "  b", "    d", "  c"]);
    }

    #[test]
    fn several_services_are_named_and_a_single_one_is_in_the_head() {
        let one = Waterfall::new("t", vec![bar("shop", "a", "", 0, 1)]).to_string();
        assert!(one.starts_with("trace t · shop · 1 span · 1.0 ms\na"), "{one}");
        let two =
            Waterfall::new("t", vec![bar("shop", "a", "", 0, 2), bar("stock", "b", "a", 0, 1)]).to_string();
        assert!(
            two.contains("· 2 services ·") && two.contains("\nshop   a") && two.contains("\nstock    b"),
            "{two}"
        );
    }

    #[test]
    fn what_failed_is_red_and_nothing_steers_the_terminal() {
        let failed = Bar {
            ending: "500".into(),
            is_failed: true,
            name: "a\x1b[2J\n".into(),
            ..bar("", "a", "", 0, 1)
        };
        let plain = Waterfall::new("t", vec![failed.clone()]).to_string();
        assert!(!plain.contains('\x1b') && plain.lines().count() == 2, "{plain:?}");
        let colored = Waterfall::new("t", vec![failed]).colored(true).to_string();
        assert!(colored.contains("\x1b[31m500\x1b[0m"), "{colored:?}");
        let of_tracing = Bar { is_failed: true, ..bar("", "a", "", 0, 1) };
        let drawn = Waterfall::new("t", vec![of_tracing]).to_string();
        assert!(drawn.contains("  client  error  "), "{drawn:?}");
    }

    #[test]
    fn strange_times_and_parents_are_drawn_without_a_panic() {
        let mut endless = bar("", "a", "a", 0, 0);
        endless.duration = Duration::MAX;
        let bars = vec![endless, bar("", "b", "c", 5, 1), bar("", "c", "b", 6, 0), bar("", "", "", 1, 1)];
        assert_eq!(names(&Waterfall::new("t", bars).to_string()), ["a", ""]);
        assert_eq!(Waterfall::new("t", Vec::new()).to_string(), "trace t · 0 spans · 0.0 ms\n");
    }
}
