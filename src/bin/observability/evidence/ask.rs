//! Questions to the stores over HTTP. What was asked is kept, and so is what nobody answered.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower_observability::doctor::{authorization, foreign, public, question};

const PATIENCE: Duration = Duration::from_secs(15);
/// A store that was silent so often in a row is not asked further: dozens of questions would take half an hour.
const MOST_SILENCES: usize = 3;
/// One that answers, but slowly, is asked for so long: somebody waits for the page.
const LONGEST: Duration = Duration::from_secs(180);
/// A store that wants a longer pause before the same question is not asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: usize = 64 << 20;
/// So much of an answer that is no good one is shown.
const SHOWN: usize = 200;

/// Where the list is in an answer of Prometheus or Loki.
pub(super) const RESULT: &str = "/data/result";

/// The store that was asked last.
#[derive(Default)]
struct Store {
    base: String,
    /// How often it was silent since it last answered.
    silences: usize,
    /// How long it let us wait, over all questions.
    took: Duration,
    /// It is not asked any more.
    given_up: bool,
}

/// No good answer: why, and after which pause the store wants to be asked again.
struct Refused {
    why: String,
    pause: Option<Duration>,
}

/// Asks, and remembers.
pub(super) struct Asker {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    patience: Duration,
    longest: Duration,
    store: Store,
    /// Every question with an answer.
    pub(super) asked: Vec<String>,
    /// Every question without one, and why.
    pub(super) missing: Vec<String>,
}

impl Asker {
    pub(super) fn new(connector: HttpsConnector<HttpConnector>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let (asked, missing) = (Vec::new(), Vec::new());
        Self { client, patience: PATIENCE, longest: LONGEST, store: Store::default(), asked, missing }
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
        if self.store.base != base {
            self.store = Store { base: base.to_owned(), ..Store::default() };
        }
        if self.store.given_up {
            return None;
        }
        let shown =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" & ");
        let asked = format!("{} {shown}", public(&question(base, path, &[])));
        let answer = self.answer(&question(base, path, parameters)).await;
        let given = match answer {
            Ok(text) => {
                self.asked.push(asked);
                Some(text)
            }
            Err(why) => {
                self.missing.push(format!("{asked}: {why}"));
                None
            }
        };
        self.consider();
        given
    }

    /// Is the store worth another question?
    fn consider(&mut self) {
        let why = if self.store.silences >= MOST_SILENCES {
            format!("did not answer {MOST_SILENCES} times in a row")
        } else if self.store.took > self.longest {
            format!("took longer than {:?} for its answers", self.longest)
        } else {
            return;
        };
        self.store.given_up = true;
        let store = public(&self.store.base);
        self.missing.push(format!("{store}: {why} and is not asked the other questions"));
    }

    /// A good answer in time; where the store asks for a short pause, after it.
    async fn answer(&mut self, url: &str) -> Result<String, String> {
        let begun = Instant::now();
        let mut answer = self.once(url).await;
        if let Err(Refused { pause: Some(pause), .. }) = answer {
            tokio::time::sleep(pause).await;
            answer = self.once(url).await;
        }
        self.store.took += begun.elapsed();
        answer.map_err(|refused| refused.why)
    }

    /// A good answer in time.
    async fn once(&mut self, url: &str) -> Result<String, Refused> {
        let answer = tokio::time::timeout(self.patience, self.get(url)).await;
        self.store.silences = if answer.is_err() { self.store.silences + 1 } else { 0 };
        answer.unwrap_or_else(|_| Err(Refused::of(format!("no answer within {:?}", self.patience))))
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
        let answer = text.map_or(Value::Null, |text| self.with_list(&of, &text, list));
        // A store of several parts answers with what it has where one of them is away.
        for name in ["warnings", "errors"] {
            let said = answer.get(name).filter(|said| said.as_array().is_some_and(|said| !said.is_empty()));
            let said = said.map(|said| format!("{of} has {name}: {}", foreign(&said.to_string(), SHOWN)));
            // Each question is answered so.
            let new = said.filter(|said| !self.missing.contains(said));
            self.missing.extend(new);
        }
        answer
    }

    async fn get(&self, url: &str) -> Result<String, Refused> {
        let uri: Uri = url.parse().map_err(Refused::of)?;
        let mut request = Request::new(Empty::new());
        if let Some(header) = authorization(url) {
            let mut value = HeaderValue::try_from(header).map_err(Refused::of)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        *request.uri_mut() = uri;
        // Where nothing is said, a store may compress it.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = self.client.request(request).await.map_err(|error| Refused::of(chain(&error)))?;
        let status = response.status();
        let pause = pause(status, response.headers());
        let leads = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
        let leads = leads.map_or_else(String::new, |to| format!(" to {}", foreign(&public(to), SHOWN)));
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => Refused::of("its answer is longer than 64 MiB and was not read"),
            None => Refused::of(chain(&*error)),
        })?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        match status {
            status if status.is_success() => Ok(text),
            // Its text has the same address once more.
            status if status.is_redirection() => Err(Refused::of(format!("{status}{leads}"))),
            status => Err(Refused { why: format!("{status} {}", foreign(&text, SHOWN)), pause }),
        }
    }
}

impl Refused {
    fn of(why: impl ToString) -> Self {
        Self { why: why.to_string(), pause: None }
    }
}

/// After which pause a store that has too much to do wants to be asked again; a date is not waited for.
fn pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let is_busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|pause| is_busy && *pause <= LONGEST_PAUSE)
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
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn asker() -> Asker {
        Asker::new(super::super::tls::connector(&super::super::tls::Tls::default()).unwrap())
    }

    /// A store that answers so, one connection after the other, the last answer ever after.
    async fn store(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let last = answers.iter().skip(answers.len() - 1).cycle();
            for answer in answers.iter().take(answers.len() - 1).chain(last) {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
                let answer = format!("HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        url
    }

    #[tokio::test]
    async fn a_store_that_is_silent_three_times_is_not_asked_a_fourth_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}", listener.local_addr().unwrap());
        let mut asker = Asker { patience: Duration::from_millis(20), ..asker() };
        for _ in 0..10 {
            assert_eq!(asker.text(&silent, "/x", &[]).await, None);
        }
        assert_eq!(asker.missing.len(), MOST_SILENCES + 1, "{:?}", asker.missing);
        let last = &asker.missing[MOST_SILENCES];
        assert!(last.ends_with("in a row and is not asked the other questions"), "{last}");
    }

    #[tokio::test]
    async fn a_store_that_is_slow_is_not_asked_for_ever() {
        let slow = store(&["200 OK"]).await;
        let mut asker = Asker { longest: Duration::ZERO, ..asker() };
        assert_eq!(asker.text(&slow, "/x", &[]).await.as_deref(), Some(""));
        assert_eq!(asker.text(&slow, "/x", &[]).await, None);
        let [why] = &asker.missing[..] else { panic!("{:?}", asker.missing) };
        assert!(
            why.ends_with("took longer than 0ns for its answers and is not asked the other questions"),
            "{why}"
        );
        // Another one is.
        assert!(asker.text(&store(&["200 OK"]).await, "/x", &[]).await.is_some());
    }

    #[tokio::test]
    async fn a_store_with_too_much_to_do_is_asked_once_more_after_a_short_pause() {
        let busy = ["429 Too Many Requests\r\nretry-after: 0", "503 Service Unavailable\r\nretry-after: 0"];
        for answer in busy {
            let answers = Box::leak(Box::new([answer, "200 OK"]));
            assert!(asker().text(&store(answers).await, "/x", &[]).await.is_some(), "{answer}");
            let answers = Box::leak(Box::new([answer, answer, "200 OK"]));
            assert_eq!(asker().text(&store(answers).await, "/x", &[]).await, None, "{answer}");
        }
        for answer in ["503 Service Unavailable\r\nretry-after: 3600", "500 No\r\nretry-after: 0", "429 No"] {
            let answers = Box::leak(Box::new([answer, "200 OK"]));
            assert_eq!(asker().text(&store(answers).await, "/x", &[]).await, None, "{answer}");
        }
    }
}
