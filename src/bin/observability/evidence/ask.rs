//! Questions to the stores over HTTP. What was asked is kept, and so is what nobody answered.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tower_observability::doctor::authorization;

const PATIENCE: Duration = Duration::from_secs(15);
const LONGEST_ANSWER: usize = 64 << 20;

/// Where the list is in an answer of Prometheus or Loki.
pub(super) const RESULT: &str = "/data/result";

/// Asks, and remembers.
pub(super) struct Asker {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    /// Every question with an answer.
    pub(super) asked: Vec<String>,
    /// Every question without one, and why.
    pub(super) missing: Vec<String>,
}

impl Asker {
    pub(super) fn new(connector: HttpsConnector<HttpConnector>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, asked: Vec::new(), missing: Vec::new() }
    }

    /// What a file has as JSON with a list at this place; null where it has none.
    pub(super) fn file_json(&mut self, path: &str, list: &str) -> Value {
        let text = self.file(path);
        text.map_or(Value::Null, |text| self.with_list(&format!("file {path}"), &text, list))
    }

    /// JSON that has a list at this place; null for any other, which may be a page to log in, or an error behind a good status.
    fn with_list(&mut self, of: &str, text: &str, list: &str) -> Value {
        let why = match serde_json::from_str::<Value>(text) {
            Ok(found) if found.pointer(list).is_some_and(Value::is_array) => return found,
            Ok(_) => format!("not what was asked for: {}", text.chars().take(200).collect::<String>()),
            Err(error) => format!("no JSON: {error}"),
        };
        self.missing.push(format!("{of}: it is {why}"));
        Value::Null
    }

    /// The text of a file.
    pub(super) fn file(&mut self, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                self.asked.push(format!("file {path}"));
                Some(text)
            }
            Err(why) => {
                self.missing.push(format!("file {path}: {why}"));
                None
            }
        }
    }

    /// The text of a good answer.
    pub(super) async fn text(
        &mut self,
        base: &str,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Option<String> {
        let base = base.trim_end_matches('/');
        let shown =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" & ");
        let question = format!("{}{path} {shown}", public(base));
        let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let parameters =
            parameters.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
        let url = format!("{base}{path}?{}", parameters.collect::<Vec<_>>().join("&"));
        let answer = tokio::time::timeout(PATIENCE, self.get(&url)).await;
        match answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}"))) {
            Ok(text) => {
                self.asked.push(question);
                Some(text)
            }
            Err(why) => {
                self.missing.push(format!("{question}: {why}"));
                None
            }
        }
    }

    /// A good answer that has a list at this place; null for any other.
    pub(super) async fn json(
        &mut self,
        base: &str,
        path: &str,
        parameters: &[(&str, &str)],
        list: &str,
    ) -> Value {
        let text = self.text(base, path, parameters).await;
        let of = format!("the answer to {}{path}", public(base));
        text.map_or(Value::Null, |text| self.with_list(&of, &text, list))
    }

    async fn get(&self, url: &str) -> Result<String, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
        let mut request = Request::new(Empty::new());
        if let Some(header) = authorization(url) {
            let mut value = HeaderValue::try_from(header).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        *request.uri_mut() = uri;
        let response = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        if status.is_success() {
            Ok(text)
        } else {
            Err(format!("{status} {}", text.chars().take(200).collect::<String>()))
        }
    }
}

/// An address without the user and the password that it may hold: the page is handed on.
pub(super) fn public(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    rest.get(authority.rfind('@').map_or(0, |at| at + 1)..)
        .map_or_else(String::new, |rest| format!("{scheme}://{rest}"))
}

/// A text as it is, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
#[test]
fn an_address_is_shown_without_its_password() {
    for (url, shown) in [
        ("http://reader:p@ss@logs:3100/loki", "http://logs:3100/loki"),
        ("https://token@logs/", "https://logs/"),
        ("http://logs:3100/a@b", "http://logs:3100/a@b"),
        ("file:lines.json", "file:lines.json"),
    ] {
        assert_eq!(public(url), shown);
    }
}
