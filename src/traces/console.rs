//! Traces for a person who develops: each one drawn on standard error as a waterfall, once its last span has ended.
//!
//! A span waits here for the request, call or job that its trace entered this process by. What waits is bounded by
//! count and by time; what is beyond is drawn without the rest of its trace.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::{Finished, Limits, Record, Status};
use crate::context::TraceId;
use crate::export::{Attempt, Delivery, Transport};
use crate::names::attribute;
use crate::resource::Resource;
use crate::terminal::{Bar, CYAN, Waterfall};

/// How many spans may wait for the rest of their traces, and how long.
const MOST: usize = 2_048;
const LONGEST: Duration = Duration::from_secs(10);
/// What the console may take of an attempt that another receiver is waited for, too.
const BESIDE: Duration = Duration::from_millis(100);

/// The transport to standard error.
#[derive(Debug)]
struct Console {
    service: String,
    limits: Limits,
    is_colored: bool,
    traces: BTreeMap<TraceId, Waiting>,
    /// The write in progress. Standard error may be a terminal that was stopped, and this thread has more to do.
    writing: Option<JoinHandle<io::Result<()>>>,
}

/// The spans of a trace whose entry into this process has not ended.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    spans: Vec<Finished>,
}

/// The console beside another way out, whose answers count.
struct Beside {
    main: Box<dyn Transport<Record>>,
    console: Console,
    is_shown: bool,
}

/// A transport that draws, beside another one if there is one.
pub(super) fn transport(
    limits: &Limits,
    resource: &Resource,
    no_color: bool,
    main: Option<Box<dyn Transport<Record>>>,
) -> Box<dyn Transport<Record>> {
    let console = Console {
        service: resource.get(attribute::SERVICE_NAME).to_owned(),
        limits: *limits,
        is_colored: !no_color && io::stderr().is_terminal(),
        traces: BTreeMap::new(),
        writing: None,
    };
    match main {
        None => Box::new(console),
        Some(main) => Box::new(Beside { main, console, is_shown: false }),
    }
}

impl Console {
    /// Takes the spans, and returns the drawings of the traces that are complete, or have waited enough.
    fn take(&mut self, spans: impl Iterator<Item = Finished>, now: Instant) -> String {
        for span in spans {
            let waiting = || Waiting { since: now, spans: Vec::new() };
            self.traces.entry(span.trace.trace_id).or_insert_with(waiting).spans.push(span);
        }
        let mut drawn = self.draw(|waiting| {
            waiting.spans.iter().any(|span| span.parent.is_none() || span.parent_is_remote)
                || now.duration_since(waiting.since) >= LONGEST
        });
        while self.traces.values().map(|waiting| waiting.spans.len()).sum::<usize>() > MOST {
            let oldest = self.traces.values().map(|waiting| waiting.since).min();
            drawn += &self.draw(|waiting| Some(waiting.since) == oldest);
        }
        drawn
    }

    /// Draws those traces, the earliest first, and lets go of them.
    fn draw(&mut self, is_due: impl Fn(&Waiting) -> bool) -> String {
        let ids: Vec<_> =
            self.traces.iter().filter(|(_, waiting)| is_due(waiting)).map(|(id, _)| *id).collect();
        let mut due: Vec<_> = ids.into_iter().filter_map(|id| self.traces.remove_entry(&id)).collect();
        due.sort_by_key(|(_, waiting)| waiting.spans.iter().map(|span| span.start).min());
        due.iter().fold(String::new(), |mut drawn, (id, waiting)| {
            let bars = waiting.spans.iter().map(|span| self.bar(span)).collect();
            let waterfall = Waterfall::new(id.to_string(), bars).colored(self.is_colored);
            // Writing to a string does not fail.
            let _ = writeln!(drawn, "{waterfall}");
            drawn
        })
    }

    fn bar(&self, span: &Finished) -> Bar {
        let attribute = |key: &str| {
            let found = span.attributes.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.to_string())
        };
        Bar {
            service: self.service.clone(),
            id: span.trace.span_id.to_string(),
            parent: span.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            kind: format!("{:?}", span.kind).to_lowercase(),
            is_failed: matches!(span.status, Status::Error(_)),
            start: Duration::from_nanos(span.start.unix_nanos()),
            duration: span.end.since(span.start),
            color: CYAN,
            ..Bar::new(&span.name, attribute)
        }
    }

    /// Shows a batch. A write that does not end in time goes on, and nothing is begun behind it.
    async fn show(&mut self, batch: &[Record], timeout: Duration) -> Delivery {
        let end = tokio::time::Instant::now() + timeout;
        if !self.has_written(end).await {
            return Delivery::Retry { after: None, reason: "standard error is not read".to_owned() };
        }
        let spans = batch.iter().filter_map(|record| Finished::of(record, &self.limits)).collect::<Vec<_>>();
        self.write(spans);
        if self.has_written(end).await {
            Delivery::Accepted { rejected: 0, message: None }
        } else {
            Delivery::Unanswered { again: false, reason: "standard error is not read".to_owned() }
        }
    }

    fn write(&mut self, spans: Vec<Finished>) {
        let drawn = self.take(spans.into_iter(), Instant::now());
        self.begin_write(drawn);
    }

    fn begin_write(&mut self, drawn: String) {
        if !drawn.is_empty() {
            self.writing = Some(tokio::task::spawn_blocking(move || stderr()?.write_all(drawn.as_bytes())));
        }
    }

    /// Is no write in progress, by then? What becomes of one is not asked: standard error may be closed.
    async fn has_written(&mut self, end: tokio::time::Instant) -> bool {
        let Some(writing) = &mut self.writing else { return true };
        let is_done = tokio::time::timeout_at(end, writing).await.is_ok();
        if is_done {
            self.writing = None;
        }
        is_done
    }
}

impl Transport<Record> for Console {
    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(self.show(batch, timeout))
    }

    fn has_left(&self) -> bool {
        self.writing.is_some()
    }

    fn end(&mut self) -> Attempt<'_> {
        Box::pin(async move {
            let now = tokio::time::Instant::now();
            if self.has_written(now + BESIDE).await {
                let drawn = self.draw(|_| true);
                self.begin_write(drawn);
                self.has_written(now + 2 * BESIDE).await;
            }
            Delivery::Accepted { rejected: 0, message: None }
        })
    }
}

impl Transport<Record> for Beside {
    fn begin(&mut self) {
        self.is_shown = false;
        self.main.begin();
    }

    fn send<'a>(&'a mut self, batch: &'a [Record], timeout: Duration) -> Attempt<'a> {
        Box::pin(async move {
            if !std::mem::replace(&mut self.is_shown, true) {
                self.console.show(batch, BESIDE.min(timeout)).await;
            }
            self.main.send(batch, timeout).await
        })
    }

    fn has_left(&self) -> bool {
        self.main.has_left()
    }

    fn end(&mut self) -> Attempt<'_> {
        self.console.end()
    }
}

/// A descriptor of our own: a write that hangs must not hold the standard library's lock.
#[cfg(unix)]
fn stderr() -> io::Result<File> {
    use std::os::fd::AsFd as _;
    Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn stderr() -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    Ok(File::from(io::stderr().as_handle().try_clone_to_owned()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::record::tests::a_span;

    fn console() -> Console {
        Console {
            service: "shop".to_owned(),
            limits: Limits::default(),
            is_colored: false,
            traces: BTreeMap::new(),
            writing: None,
        }
    }

    fn span() -> Finished {
        Finished::of(&a_span(), &Limits::default()).unwrap()
    }

    #[test]
    fn a_trace_is_drawn_once_its_entry_has_ended() {
        let (mut console, now) = (console(), Instant::now());
        let (mut root, mut child) = (span(), span());
        root.parent = None;
        (child.trace.trace_id, child.parent) = (root.trace.trace_id, Some(root.trace.span_id));
        assert_eq!(console.take([child].into_iter(), now), "");
        let drawn = console.take([root.clone()].into_iter(), now);
        assert!(drawn.starts_with(&format!("trace {} · shop · 2 spans · ", root.trace.trace_id)), "{drawn}");
        assert!(drawn.contains("\nwork") && drawn.contains("\n  work"), "{drawn}");
        assert!(console.traces.is_empty());
    }

    #[test]
    fn what_waits_is_bounded_by_time_and_by_count() {
        let (mut console, now) = (console(), Instant::now());
        assert_eq!(console.take([span()].into_iter(), now), "");
        let drawn = console.take([span()].into_iter(), now + LONGEST);
        assert_eq!((drawn.matches("trace ").count(), console.traces.len()), (1, 1));
        let drawn = console.take((0..=MOST).map(|_| span()), now + LONGEST);
        assert!(drawn.matches("trace ").count() >= 2, "{}", drawn.len());
        assert!(console.traces.len() <= MOST);
    }

    #[tokio::test]
    async fn a_write_that_does_not_end_takes_no_further_batch() {
        let mut console = console();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        console.writing = Some(tokio::task::spawn_blocking(move || {
            let _ = stopped.recv();
            Ok(())
        }));
        let stuck = console.send(&[a_span()], Duration::from_millis(1)).await;
        assert!(matches!(stuck, Delivery::Retry { .. }), "{stuck:?}");
        assert!(console.traces.is_empty(), "the batch comes again, so its spans may not wait here");
        drop(stop);
        let taken = console.send(&[a_span()], Duration::from_secs(10)).await;
        assert_eq!(taken, Delivery::Accepted { rejected: 0, message: None });
        assert_eq!(console.traces.len(), 1);
    }
}
