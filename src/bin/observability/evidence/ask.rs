//! Questions to the stores over HTTP. What was asked is kept, and so is what nobody answered.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION};
use hyper::{Request, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower_observability::doctor::{authorization, foreign, public, question};

const PATIENCE: Duration = Duration::from_secs(15);
/// A store that was silent so often in a row is not asked further: dozens of questions would take half an hour.
const MOST_SILENCES: usize = 3;
const LONGEST_ANSWER: usize = 64 << 20;
/// So much of an answer that is no good one is shown.
const SHOWN: usize = 200;

/// Where the list is in an answer of Prometheus or Loki.
pub(super) const RESULT: &str = "/data/result";

/// Asks, and remembers.
pub(super) struct Asker {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    patience: Duration,
    /// The store that was asked last, and how often it was silent since it last answered.
    silent: (String, usize),
    /// Every question with an answer.
    pub(super) asked: Vec<String>,
    /// Every question without one, and why.
    pub(super) missing: Vec<String>,
}

impl Asker {
    pub(super) fn new(connector: HttpsConnector<HttpConnector>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let silent = (String::new(), 0);
        Self { client, patience: PATIENCE, silent, asked: Vec::new(), missing: Vec::new() }
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
            Ok(_) => format!("not what was asked for: {}", foreign(text, SHOWN)),
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
        if self.silent.0 != base {
            self.silent = (base.to_owned(), 0);
        }
        if self.silent.1 >= MOST_SILENCES {
            return None;
        }
        let shown =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" & ");
        let asked = format!("{} {shown}", public(&question(base, path, &[])));
        match self.answer(&question(base, path, parameters)).await {
            Ok(text) => {
                self.asked.push(asked);
                Some(text)
            }
            Err(why) => {
                self.missing.push(format!("{asked}: {why}"));
                if self.silent.1 == MOST_SILENCES {
                    let store = public(base);
                    self.missing.push(format!(
                        "{store}: did not answer {MOST_SILENCES} times in a row and is not asked the other questions"
                    ));
                }
                None
            }
        }
    }

    /// A good answer in time.
    async fn answer(&mut self, url: &str) -> Result<String, String> {
        let answer = tokio::time::timeout(self.patience, self.get(url)).await;
        self.silent.1 = if answer.is_err() { self.silent.1 + 1 } else { 0 };
        answer.unwrap_or_else(|_| Err(format!("no answer within {:?}", self.patience)))
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
        let of = format!("the answer to {}", public(&question(base, path, &[])));
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
        // Where nothing is said, a store may compress it.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = self.client.request(request).await.map_err(|error| chain(&error))?;
        let status = response.status();
        let leads = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let leads = leads.map_or_else(String::new, |to| format!(" to {}", foreign(&public(to), SHOWN)));
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => "its answer is longer than 64 MiB and was not read".to_owned(),
            None => chain(&*error),
        })?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        match status {
            status if status.is_success() => Ok(text),
            // Its text has the same address once more.
            status if status.is_redirection() => Err(format!("{status}{leads}")),
            status => Err(format!("{status} {}", foreign(&text, SHOWN))),
        }
    }
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
#[tokio::test]
async fn a_store_that_is_silent_three_times_is_not_asked_a_fourth_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let connector = super::tls::connector(&super::tls::Tls::default()).unwrap();
    let mut asker = Asker { patience: Duration::from_millis(20), ..Asker::new(connector) };
    for _ in 0..10 {
        assert_eq!(asker.text(&silent, "/x", &[]).await, None);
    }
    assert_eq!(asker.missing.len(), MOST_SILENCES + 1, "{:?}", asker.missing);
    assert!(
        asker.missing[MOST_SILENCES].ends_with("is not asked the other questions"),
        "{:?}",
        asker.missing
    );
}
