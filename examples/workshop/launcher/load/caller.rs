//! A request as a user makes it, and the class of what goes wrong with it.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::plumbing::BoxError;

/// After so long a user gives up.
pub(super) const MAY_TAKE: Duration = Duration::from_secs(5);

/// What a user asks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    body: Bytes,
}

/// Asks the gateway, outside of any trace. Clones share their connections.
#[derive(Clone)]
pub(super) struct Caller {
    http: Client<HttpConnector, Full<Bytes>>,
    gateway: String,
}

impl Ask {
    /// A vehicle's history; fifty of them, so that some are in the cache and some are not.
    pub(super) fn vehicle(number: u32) -> Self {
        Self { method: Method::GET, path: format!("/vehicles/B-WS-{}", number % 50), body: Bytes::new() }
    }

    /// A new customer.
    pub(super) fn new_customer(number: u32) -> Self {
        let body = format!("{{\"phone\":\"+49 30 {number}\"}}");
        Self { method: Method::POST, path: "/customers".to_owned(), body: body.into() }
    }

    /// The first page of the customers.
    pub(super) fn customers() -> Self {
        Self { method: Method::GET, path: "/customers".to_owned(), body: Bytes::new() }
    }
}

impl Caller {
    pub(super) fn new(gateway: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { http: Client::builder(TokioExecutor::new()).build(connector), gateway }
    }

    /// Asks and reads the whole answer.
    ///
    /// # Errors
    ///
    /// The class of the failure, as the services' own `error_type` calls it.
    pub(super) async fn ask(&self, ask: Ask) -> Result<(), String> {
        match timeout(MAY_TAKE, self.answer(ask)).await {
            Ok(Ok(status)) if (200..300).contains(&status) => Ok(()),
            Ok(Ok(status)) => Err(status.to_string()),
            Ok(Err(error)) => Err(class(&*error).to_owned()),
            Err(_) => Err("timeout".to_owned()),
        }
    }

    async fn answer(&self, ask: Ask) -> Result<u16, BoxError> {
        let request = Request::builder().method(ask.method).uri(format!("{}{}", self.gateway, ask.path));
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(ask.body))?;
        let response = self.http.request(request).await?;
        let status = response.status().as_u16();
        response.into_body().collect().await?;
        Ok(status)
    }
}

/// The innermost error that says what it is.
fn class(error: &(dyn Error + 'static)) -> &'static str {
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => return "connection_refused",
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => return "connection_reset",
            _ => next = error.source(),
        }
    }
    "connection_error"
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn each_failure_has_its_class() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            for status in ["200 OK", "503 Service Unavailable", "404 Not Found"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1_024]).await.unwrap();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let caller = Caller::new(address);
        assert_eq!(caller.ask(Ask::customers()).await, Ok(()));
        assert_eq!(caller.ask(Ask::new_customer(1)).await, Err("503".to_owned()));
        assert_eq!(caller.ask(Ask::vehicle(1)).await, Err("404".to_owned()));
        server.await.unwrap();
        assert_eq!(caller.ask(Ask::customers()).await, Err("connection_refused".to_owned()));
    }
}
