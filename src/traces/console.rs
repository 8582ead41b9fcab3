//! Traces for a person who develops: each one drawn on standard error as a waterfall, once its last span has ended.
//!
//! A span waits here for the request, call or job that its trace entered this process by. What waits is bounded by
//! count and by time; what is beyond is drawn without the rest of its trace.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::{Finished, Limits, Record, Status};
use crate::context::TraceId;
use crate::export::{Attempt, Delivery, Encoded, Payload, Sent, Transport};
use crate::names::attribute;
use crate::resource::Resource;
use crate::terminal::{self, Bar, CYAN, Waterfall};

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
    writer: Arc<Writer>,
}

/// Writes to standard error.
#[derive(Debug, Default)]
struct Writer {
    /// The write in progress. Standard error may be a terminal that was stopped, and this thread has more to do.
    writing: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

/// The spans of a trace whose entry into this process has not ended.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    spans: Vec<Finished>,
}

/// The console beside another transport, whose answers count.
struct Beside {
    main: Box<dyn Transport<Record>>,
    console: Console,
    /// What was drawn of a batch, until its first request is sent.
    drawn: std::sync::Mutex<String>,
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
        writer: Arc::default(),
    };
    match main {
        None => Box::new(console),
        Some(main) => Box::new(Beside { main, console, drawn: std::sync::Mutex::default() }),
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

    fn drawn(&mut self, batch: &[Record]) -> String {
        let spans = batch.iter().filter_map(|record| Finished::of(record, &self.limits)).collect::<Vec<_>>();
        self.take(spans.into_iter(), Instant::now())
    }
}

impl Writer {
    /// Shows what was drawn. A write that does not end in time goes on, and nothing is begun behind it.
    async fn show(&self, drawn: Bytes, timeout: Duration) -> Delivery {
        let end = tokio::time::Instant::now() + timeout;
        if !self.has_written(end).await {
            return Delivery::Retry { after: None, reason: "standard error is not read".to_owned() };
        }
        if !drawn.is_empty() {
            let write =
                tokio::task::spawn_blocking(move || terminal::duplicate(&io::stderr())?.write_all(&drawn));
            *self.writing.lock().await = Some(write);
        }
        if self.has_written(end).await {
            Delivery::Accepted { rejected: 0, message: None }
        } else {
            Delivery::Unanswered { again: false, reason: "standard error is not read".to_owned() }
        }
    }

    /// Is no write in progress, by then? What becomes of one is not asked: standard error may be closed.
    async fn has_written(&self, end: tokio::time::Instant) -> bool {
        let mut writing = self.writing.lock().await;
        let Some(write) = &mut *writing else { return true };
        let is_done = tokio::time::timeout_at(end, write).await.is_ok();
        if is_done {
            *writing = None;
        }
        is_done
    }
}

impl Transport<Record> for Console {
    fn encode(&mut self, batch: &[Record]) -> Encoded {
        let body = self.drawn(batch).into();
        Encoded {
            payloads: vec![Payload { records: batch.len() as u64, body, ..Payload::default() }],
            ..Encoded::default()
        }
    }

    fn send(&self, payload: Payload, timeout: Duration, _: Sent) -> Attempt {
        let writer = Arc::clone(&self.writer);
        Box::pin(async move { writer.show(payload.body, timeout).await })
    }

    fn end(&mut self) -> Attempt {
        let (drawn, writer) = (self.draw(|_| true), Arc::clone(&self.writer));
        Box::pin(async move { writer.show(drawn.into(), 2 * BESIDE).await })
    }
}

impl Transport<Record> for Beside {
    fn encode(&mut self, batch: &[Record]) -> Encoded {
        let drawn = self.console.drawn(batch);
        self.drawn.get_mut().unwrap_or_else(PoisonError::into_inner).push_str(&drawn);
        self.main.encode(batch)
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        let writer = Arc::clone(&self.console.writer);
        let attempt = self.main.send(payload, timeout, sent);
        Box::pin(async move {
            if !drawn.is_empty() {
                writer.show(drawn.into(), BESIDE.min(timeout)).await;
            }
            attempt.await
        })
    }

    fn end(&mut self) -> Attempt {
        self.console.end()
    }
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
            writer: Arc::default(),
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
        *console.writer.writing.lock().await = Some(tokio::task::spawn_blocking(move || {
            let _ = stopped.recv();
            Ok(())
        }));
        let payload = console.encode(&[a_span()]).payloads.remove(0);
        let stuck = console.send(payload.clone(), Duration::from_millis(1), Sent::default()).await;
        assert!(matches!(stuck, Delivery::Retry { .. }), "{stuck:?}");
        drop(stop);
        let taken = console.send(payload, Duration::from_secs(10), Sent::default()).await;
        assert_eq!(taken, Delivery::Accepted { rejected: 0, message: None });
        assert_eq!(console.traces.len(), 1);
    }
}
