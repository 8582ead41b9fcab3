//! Questions to a system's API over HTTP, and its answers.

use std::time::Duration;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// How long a system may think about one question.
const PATIENCE: Duration = Duration::from_secs(30);

/// Status and body.
#[derive(Debug)]
pub struct Answer {
    pub url: String,
    pub status: StatusCode,
    pub content_type: String,
    pub body: String,
}

impl Answer {
    /// The same answer.
    ///
    /// # Panics
    ///
    /// Unless it is a 2xx.
    #[track_caller]
    pub fn good(self) -> Self {
        assert!(self.status.is_success(), "{} answered {}: {}", self.url, self.status, self.body);
        self
    }

    /// The body of a 2xx, which is JSON.
    ///
    /// # Panics
    ///
    /// Unless it is both.
    #[track_caller]
    pub fn json(self) -> Value {
        let answer = self.good();
        serde_json::from_str(&answer.body)
            .unwrap_or_else(|error| panic!("{} answered no JSON, {error}: {}", answer.url, answer.body))
    }
}

/// Asks for this URL.
///
/// # Panics
///
/// If nobody answers, as all of these functions do.
pub async fn get(url: &str) -> Answer {
    ask(Method::GET, url, &[], Bytes::new()).await
}

/// Asks for this URL with parameters, which are escaped here.
pub async fn query(url: &str, parameters: &[(&str, &str)]) -> Answer {
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let parameters = parameters.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    get(&format!("{url}?{}", parameters.collect::<Vec<_>>().join("&"))).await
}

/// Sends JSON.
pub async fn post(url: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json")];
    ask(Method::POST, url, &headers, serde_json::to_vec(body).unwrap()).await
}

/// Sends whatever it is.
pub async fn ask(method: Method, url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let exchange = async {
        let response = Client::builder(TokioExecutor::new()).build_http().request(request).await;
        let (head, body) = response.unwrap_or_else(|error| panic!("{url}: {error:?}")).into_parts();
        let body = body.collect().await.unwrap_or_else(|error| panic!("{url}: {error:?}")).to_bytes();
        let content_type =
            head.headers.get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        let (url, body) = (url.to_owned(), String::from_utf8_lossy(&body).into_owned());
        Answer { url, status: head.status, content_type, body }
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| panic!("{url}: no answer within {PATIENCE:?}"))
}
