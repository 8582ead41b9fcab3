//! The floors of an event and of an attribute: what each takes by hand on the thread of a request, with no more than both need.
//!
//! `cargo run --release --locked --bin floors` in this folder prints instructions; it needs valgrind. The event is that of
//! `benches/request`, through tracing-subscriber's registry into a layer that copies its fields, its time and a reference to the
//! request into a queue: it has no levels, no rate limit, no bound, no account, and no trace's id. The attributes are put into a
//! request that another thread lets go of: each name once, by a bit for each name, and nothing is counted or bounded. Without
//! `unsafe`, as the library.
#![allow(dead_code)] // the library's benches use the rest of what is shared

#[path = "../../../support/callgrind.rs"]
mod callgrind;

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::process::Command;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{env, thread};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

const EVENTS: &str = "events";
const ATTRIBUTES: &str = "attributes";
const FEW: u64 = 1_000;
const MANY: u64 = 3_000;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [what, each, requests] = &arguments[..] {
        let (each, requests) = (each.parse().expect("a number"), requests.parse().expect("a number"));
        return if what == EVENTS { events(each, requests) } else { attributes(each, requests) };
    }
    let count = |what: &str, each: usize| {
        let child = |requests: u64| {
            let mut command = Command::new(env::current_exe().expect("this program"));
            command.args([what, &each.to_string(), &requests.to_string()]);
            command
        };
        callgrind::measure_between(FEW, MANY, child).instructions
    };
    let each =
        |what, more: usize, less: usize| (count(what, more) - count(what, less)) / (more - less) as f64;
    println!("an event: {:.0}", each(EVENTS, 11, 1));
    println!("an attribute, of 20: {:.0}", each(ATTRIBUTES, 25, 5));
    println!("an attribute, of 100: {:.0}", each(ATTRIBUTES, 100, 5));
}

/// A request in progress.
#[derive(Default)]
struct Request {
    notes: Mutex<Option<Box<Notes>>>,
}

#[derive(Default)]
struct Notes {
    bytes: Vec<u8>,
    used: [u64; 16],
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Request>>> = const { RefCell::new(None) };
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Text(&'a str),
}

/// So many attributes on each of so many requests, every other one a number.
fn attributes(each: usize, requests: u64) {
    let names: Vec<String> = (0..each).map(|place| format!("booking.part_{place}")).collect();
    let (ends, ended) = sync_channel::<Arc<Request>>(4_096);
    let behind = thread::spawn(move || ended.into_iter().for_each(drop));
    for _ in 0..requests {
        let request = Arc::new(Request::default());
        CURRENT.set(Some(Arc::clone(&request)));
        for (place, name) in names.iter().enumerate() {
            let value = if place % 2 == 0 { Value::Number(place as u64) } else { Value::Text("some text") };
            assert!(add(name, value));
        }
        CURRENT.set(None);
        ends.send(request).expect("it is let go of");
    }
    drop(ends);
    behind.join().expect("no panic");
}

#[inline(never)]
fn add(name: &str, value: Value<'_>) -> bool {
    CURRENT.with_borrow(|request| {
        let Some(request) = request else { return false };
        let mut notes = request.notes.lock().expect("no panic");
        let Notes { bytes, used } = &mut **notes.get_or_insert_default();
        let hash = hash(name.as_bytes());
        let (word, bit) = ((hash >> 6) as usize % 16, 1 << (hash % 64));
        // Here the bytes would be searched.
        let _is_new = used[word] & bit == 0;
        used[word] |= bit;
        if bytes.is_empty() {
            bytes.reserve(512);
        }
        match value {
            Value::Number(number) => push(bytes, 1, name, &number.to_le_bytes()),
            Value::Text(text) => push(bytes, 2, name, text.as_bytes()),
        }
        true
    })
}

fn hash(name: &[u8]) -> u64 {
    let mix = |hash: u64, part: u64| (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, _) = name.as_chunks();
    let hash = words.iter().fold(name.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    name.last_chunk().map_or(hash, |last| mix(hash, u64::from_be_bytes(*last)))
}

#[inline(always)]
fn push(bytes: &mut Vec<u8>, tag: u8, name: &str, value: &[u8]) {
    let mut head = [tag; 9];
    head[1..5].copy_from_slice(&(name.len() as u32).to_le_bytes());
    head[5..].copy_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.reserve(head.len() + name.len() + value.len());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(value);
}

/// An event that waits for its line.
#[allow(dead_code)] // nobody writes it
struct Queued {
    at: Instant,
    level: Level,
    target: &'static str,
    request: Option<Arc<Request>>,
    length: usize,
}

#[derive(Default)]
struct Batch {
    events: Vec<Queued>,
    bytes: Vec<u8>,
}

struct Queue(Arc<Mutex<Batch>>);

/// Copies fields behind one another.
struct Copying<'a>(&'a mut Vec<u8>);

struct Writing<'a>(&'a mut Vec<u8>);

impl fmt::Write for Writing<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl Visit for Copying<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        push(self.0, 1, field.name(), &value.to_le_bytes());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        push(self.0, 2, field.name(), value.as_bytes());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        push(self.0, 3, field.name(), b"");
        let _ = write!(Writing(self.0), "{value:?}");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Queue {
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        if ctx.event_span(event).is_some() {
            return;
        }
        let request = CURRENT.with_borrow(Clone::clone);
        // Not under the lock: the user's code formats.
        let mut bytes = BUFFER.take();
        bytes.clear();
        event.record(&mut Copying(&mut bytes));
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        let mut batch = self.0.lock().expect("no panic");
        batch.bytes.extend_from_slice(&bytes);
        batch.events.push(Queued { at: Instant::now(), level, target, request, length: bytes.len() });
        drop(batch);
        BUFFER.set(bytes);
    }
}

/// So many events in each of so many requests.
fn events(each: usize, requests: u64) {
    let queue = Arc::new(Mutex::new(Batch::default()));
    tracing_subscriber::registry().with(Queue(Arc::clone(&queue))).init();
    for id in 0..requests {
        CURRENT.set(Some(Arc::new(Request::default())));
        (0..each).for_each(|_| tracing::info!(id, table = "users", "read from the database"));
        CURRENT.set(None);
        let mut batch = queue.lock().expect("no panic");
        batch.events.clear();
        batch.bytes.clear();
    }
}
