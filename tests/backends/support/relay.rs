//! A listener between a service and a real system: it hands everything on, and keeps what passed.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use hyper::body::Bytes;

use super::http;

/// What passed on its way to the system.
#[derive(Clone, Debug)]
pub struct Passed {
    pub path: String,
    pub body: Bytes,
    /// The system's answer.
    pub status: StatusCode,
}

/// Runs on the test's runtime, and ends with it.
#[derive(Clone, Debug)]
pub struct Relay {
    url: String,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Relay {
    /// Listens on a free loopback port and hands on to this base URL.
    pub async fn start(to: String) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let relay = Self { url, passed: Arc::default() };
        let keeper = relay.clone();
        let app = Router::new().fallback(move |request: Request| {
            let (keeper, to) = (keeper.clone(), to.clone());
            async move { keeper.pass(&to, request).await }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        relay
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that passed at this path so far.
    pub fn passed(&self, path: &str) -> Vec<Passed> {
        let passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.iter().filter(|passed| passed.path == path).cloned().collect()
    }

    async fn pass(&self, to: &str, request: Request) -> impl IntoResponse + use<> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let path = head.uri.path().to_owned();
        let names = ["content-type", "content-encoding"];
        let headers =
            names.map(|name| (name, head.headers.get(name).map_or("", |value| value.to_str().unwrap())));
        let headers: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let answer = http::ask(head.method, &format!("{to}{path}"), &headers, body.clone()).await;
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.push(Passed { path, body, status: answer.status });
        // What answers says by its type that it is a receiver of OTLP.
        (answer.status, [(CONTENT_TYPE, answer.content_type)], answer.body)
    }
}
