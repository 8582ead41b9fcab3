//! A server of error reports in this process, as Sentry and Rollbar are: it keeps what is posted, and answers as told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use serde_json::Value;
use tokio::net::TcpListener;

/// What was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Told {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub after: Duration,
    pub body: &'static str,
}

#[derive(Clone, Default)]
struct Kept {
    posted: Arc<Mutex<Vec<Posted>>>,
    next: Arc<Mutex<VecDeque<Told>>>,
    always: Arc<Mutex<Option<Told>>>,
}

/// The server. Its thread ends with the test run.
pub struct Receiver {
    address: SocketAddr,
    kept: Kept,
}

impl Told {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), after: Duration::ZERO, body: "{}" }
    }

    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Answers with this body.
    #[allow(dead_code)] // not every test binary asks for it
    pub fn saying(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    /// Answers after this time only.
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

impl Receiver {
    pub fn start() -> Self {
        let (told, address) = std::sync::mpsc::channel();
        let kept = Kept::default();
        let serves = kept.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, Router::new().fallback(take).with_state(serves)).await.unwrap();
            });
        });
        Self { address: address.recv().unwrap(), kept }
    }

    /// The DSN of project 1.
    pub fn dsn(&self) -> String {
        format!("http://k3y@{}/1", self.address)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the next requests are answered; 200 the others.
    pub fn next(&self, answers: impl IntoIterator<Item = Told>) {
        lock(&self.kept.next).extend(answers);
    }

    /// What every request is answered from now on.
    pub fn always(&self, answer: Told) {
        *lock(&self.kept.always) = Some(answer);
    }

    pub fn posted(&self) -> Vec<Posted> {
        lock(&self.kept.posted).clone()
    }

    /// The events of all envelopes.
    pub fn events(&self) -> Vec<Value> {
        let envelopes = self.posted().into_iter().filter(|posted| posted.path.ends_with("/envelope/"));
        envelopes.flat_map(|posted| posted.items("event")).collect()
    }

    /// How many reports of this reason were told to be discarded.
    pub fn discarded(&self, reason: &str) -> u64 {
        let reports = self.posted().into_iter().flat_map(|posted| posted.items("client_report"));
        let counts = reports.flat_map(|report| report["discarded_events"].as_array().unwrap().clone());
        let counts = counts.filter(|count| count["reason"] == reason && count["category"] == "error");
        counts.map(|count| count["quantity"].as_u64().unwrap()).sum()
    }
}

impl Posted {
    /// The items of this type of an envelope, each as long as its head says.
    pub fn items(&self, kind: &str) -> Vec<Value> {
        let mut lines = self.body.splitn(2, |byte| *byte == b'\n');
        let head: Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
        assert!(head["sent_at"].as_str().unwrap().ends_with('Z'), "{head}");
        let (mut rest, mut items) = (lines.next().unwrap(), Vec::new());
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let item: Value = serde_json::from_slice(&rest[..end]).unwrap();
            let length = item["length"].as_u64().unwrap() as usize;
            let body = &rest[end + 1..end + 1 + length];
            assert_eq!(rest[end + 1 + length], b'\n');
            rest = &rest[end + 2 + length..];
            if item["type"] == kind {
                items.push(serde_json::from_slice(body).unwrap());
            }
        }
        items
    }
}

async fn take(State(kept): State<Kept>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    let path = parts.uri.path().to_owned();
    lock(&kept.posted).push(Posted { path, headers: parts.headers, body });
    let next = lock(&kept.next).pop_front();
    let told = next.or_else(|| lock(&kept.always).clone()).unwrap_or_else(|| Told::status(200));
    tokio::time::sleep(told.after).await;
    let mut answer = Response::builder().status(told.status);
    for (name, value) in told.headers {
        answer = answer.header(name, value);
    }
    answer.body(Body::from(told.body)).unwrap()
}

fn lock<T>(what: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
