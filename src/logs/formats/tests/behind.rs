//! The proof that a line made behind the request is the line that would have been made within it.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::logs::test_pipe::Pipe;

/// Has each event's line made at once, and behind.
struct Both {
    here: Lines,
    behind: Lines,
    hop: Option<Arc<Hop>>,
    span: Fields,
}

impl<S: tracing::Subscriber> Layer<S> for Both {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let at = Moment::now();
        let spans = |show: &mut dyn FnMut(&Fields)| show(&self.span);
        let trace = self.hop.as_ref().map(|hop| hop.trace);
        for lines in [&self.here, &self.behind] {
            Snapshot::lend(event, at, (trace, self.hop.clone()), spans, |event| lines.event(event));
        }
        // What becomes known later is on no line of before.
        if let Some(hop) = &self.hop {
            let _ = hop.route.set(Route::of("/late/{id}"));
        }
    }
}

fn say() {
    let error = crate::error::Error::thread("lines", io::Error::other("ro\"ot"));
    let error: &(dyn std::error::Error + 'static) = &error;
    tracing::info!(user = 7, active = true, share = 0.5, who = "A\"da\u{85}", list = ?["x\n"], "found {}", 1);
    tracing::error!(error, trace_id = 1, seats = u64::MAX, big = i128::MIN, "lost");
    tracing::warn!(active = false);
    tracing::debug!(message = 7, r#type = "a", user = "own", "second");
    tracing::info!(giant = "\u{1}".repeat(100_000), "cut within the request");
    tracing::info!(long = "\u{1}".repeat(50_000), "cut behind it");
    log::warn!(target: "payments::bank", "a record of the log crate");
}

fn written(format: &str, hop: Option<Arc<Hop>>) -> (String, String, u64) {
    let (here, seen) = lines(format);
    let pipe = Pipe::default();
    let behind = behind(format, pipe.clone());
    let (sender, receiver) = mpsc::channel();
    let mut span = Fields::default();
    span.set("table", "users");
    span.set("user", "outer");
    std::thread::Builder::new()
        .name("a-thread".to_owned())
        .spawn(move || {
            let both = Both { here, behind, hop, span };
            let subscriber = tracing_subscriber::registry().with(both);
            let dispatch = tracing::Dispatch::new(subscriber);
            tracing::dispatcher::with_default(&dispatch, say);
            let both = dispatch.downcast_ref::<Both>().expect("our layer");
            let report = both.behind.close(Duration::from_secs(10), |_| None);
            assert_eq!((report.created, report.dropped_total()), (report.delivered, 0), "{report}");
            let _ = sender.send(both.behind.shortened());
        })
        .expect("a thread");
    let shortened = receiver.recv().expect("no panic");
    let behind = pipe.text();
    (seen.all().join("\n") + "\n", behind, shortened)
}

#[test]
fn a_line_is_byte_for_byte_the_same_wherever_it_is_made() {
    for (format, _) in ALL {
        for hop in [None, Some(some_work()), Some(an_unrouted_request())] {
            let (here, behind, shortened) = written(format, hop.map(Arc::new));
            let differs = here.lines().zip(behind.lines()).find(|(here, behind)| here != behind);
            assert!(differs.is_none() && here.len() == behind.len(), "{format}: {differs:?}");
            assert!(here.lines().count() >= 6, "{format}");
            assert_eq!(shortened, 2, "{format}");
        }
    }
}

fn an_unrouted_request() -> Hop {
    let mut http = Http::new(Method::Get, Scheme::Http, HttpVersion::V11);
    http.set([b"/users/7", b"", b"", b"", b""]);
    a_hop(Kind::Server, Subject::Http(http))
}
