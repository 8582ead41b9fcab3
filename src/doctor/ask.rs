//! Questions over HTTP: to receivers, to the admin listener, to the stores. One GET, within a bounded time.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::finding::Finding;
use crate::export::{Answer, Body, Delivery, Endpoint, HttpClient, in_short, join};

/// Why nothing is known of what was asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Nobody answers, or not this.
    Failed(String),
    /// There is an answer, which could not be read to its end: nobody can be accused of what it may say.
    Unread(String),
}

impl Unknown {
    pub(super) fn reason(self) -> String {
        match self {
            Self::Failed(reason) | Self::Unread(reason) => reason,
        }
    }

    /// What this means for the step.
    pub(super) fn of(self, step: Finding) -> Finding {
        match self {
            Self::Failed(reason) => step.fails(reason),
            Self::Unread(reason) => step.warns(reason),
        }
    }
}

/// The header `authorization` for the name and the password in a store's URL, as `curl` sends them; a client sends none.
#[must_use]
pub fn authorization(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let (credentials, _) = uri.authority()?.as_str().rsplit_once('@')?;
    let (name, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let decoded = [name, ":", password].into_iter().flat_map(percent_decode_str);
    Some(format!("Basic {}", STANDARD.encode(decoded.collect::<Vec<u8>>())))
}

/// The URL of a question to a store: the path below its base, the parameters behind those that the base has.
#[must_use]
pub fn question(base: &str, path: &str, parameters: &[(&str, &str)]) -> String {
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let mut url = join(base, path);
    for (name, value) in parameters {
        let mark = if url.contains('?') { '&' } else { '?' };
        url.extend([mark.to_string(), format!("{}={}", escaped(name), escaped(value))]);
    }
    url
}

/// The answer of this URL.
///
/// # Errors
///
/// There is none; says why, without a secret.
pub(super) async fn answer(endpoint: &Endpoint, timeout: Duration) -> Result<Answer, String> {
    let client = HttpClient::new(endpoint)?;
    client.ask(timeout).await.map_err(reason)
}

/// The JSON of a good answer to this question of Prometheus' or Loki's API. JSON without their word for success is somebody
/// else's, a login's for example: what is not in it is not missing.
///
/// # Errors
///
/// There is none; says why.
pub(super) async fn json(
    base: &str,
    path: &str,
    parameters: &[(&str, &str)],
    timeout: Duration,
) -> Result<Value, Unknown> {
    let mut endpoint = Endpoint::plain(&question(base, path, parameters));
    endpoint.headers.extend(authorization(base).map(|header| ("authorization".to_owned(), header)));
    let answer = answer(&endpoint, timeout).await.map_err(Unknown::Failed)?;
    let other = || Unknown::Failed(format!("{path} was answered by {}", in_short(&answer)));
    if !answer.status.is_success() {
        return Err(other());
    }
    let body = whole(&answer).map_err(|how| Unknown::Unread(format!("the answer to {path} {how}")))?;
    let json: Option<Value> = serde_json::from_slice(body).ok();
    json.filter(|json| json["status"] == "success").ok_or_else(other)
}

/// The body of an answer.
///
/// # Errors
///
/// It is not whole; says how.
pub(super) fn whole(answer: &Answer) -> Result<&[u8], &'static str> {
    match &answer.body {
        Body::Whole(body) => Ok(body),
        Body::TooLong => Err("is longer than 64 MiB and was not read"),
        Body::BrokenOff => Err("broke off"),
    }
}

/// Why there was no answer. It need not be a collector.
fn reason(delivery: Delivery) -> String {
    let reason = match delivery {
        Delivery::Accepted { message, .. } => message.unwrap_or_default(),
        Delivery::Refused { reason }
        | Delivery::Retry { reason, .. }
        | Delivery::Unreachable { reason }
        | Delivery::Unanswered { reason, .. } => reason,
    };
    reason.replace("the collector", "the server")
}

#[cfg(test)]
pub(super) mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::doctor::Verdict;

    pub(in crate::doctor) const PATIENCE: Duration = Duration::from_secs(20);

    /// A server, which answers each path so: the head's beginning, and the body; without an answer it says nothing. It
    /// runs as long as its test.
    pub(in crate::doctor) async fn server<F>(answers: F) -> u16
    where
        F: Fn(&str) -> Option<(&'static str, Vec<u8>)> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.is_ok_and(|n| n > 0) {}
                let head = String::from_utf8(head).unwrap();
                match answers(head.split(' ').nth(1).unwrap_or_default()) {
                    Some((begin, body)) => {
                        let head = format!("HTTP/1.1 {begin}\r\nconnection: close\r\n\r\n");
                        // Who reads no further hangs up.
                        let _ = stream.write_all(head.as_bytes()).await;
                        let _ = stream.write_all(&body).await;
                    }
                    None => silent.push(stream),
                }
            }
        });
        port
    }

    async fn asked(begin: &'static str, body: Vec<u8>) -> Result<Value, Unknown> {
        let port = server(move |_| Some((begin, body.clone()))).await;
        json(&format!("http://127.0.0.1:{port}"), "/x", &[], PATIENCE).await
    }

    #[test]
    fn a_name_and_a_password_in_a_url_are_basic_authentication() {
        for (url, sent) in [
            ("http://ann:s3cret@logs:3100", Some("ann:s3cret")),
            ("https://ann%40shop:a%3Ab@logs/loki", Some("ann@shop:a:b")),
            ("http://token@logs", Some("token:")),
            ("http://logs:3100/a@b", None),
        ] {
            let sent = sent.map(|sent| format!("Basic {}", STANDARD.encode(sent)));
            assert_eq!(authorization(url), sent, "{url}");
        }
    }

    #[test]
    fn a_question_stands_behind_what_the_address_has() {
        let asked = |base: &str| question(base, "/api/v1/query", &[("query", "up + 1"), ("time", "7")]);
        for (base, url) in [
            ("http://p:9090", "http://p:9090/api/v1/query?query=up%20%2B%201&time=7"),
            ("http://p/x/", "http://p/x/api/v1/query?query=up%20%2B%201&time=7"),
            ("http://p/x?token=K", "http://p/x/api/v1/query?token=K&query=up%20%2B%201&time=7"),
        ] {
            assert_eq!(asked(base), url);
        }
        assert_eq!(question("http://p/#f", "/labels", &[]), "http://p/labels");
    }

    #[tokio::test]
    async fn a_long_answer_is_read_and_one_that_is_not_whole_is_no_failure_of_who_answers() {
        let text = |mebibytes: usize| {
            format!("{{\"status\":\"success\",\"data\":\"{}\"}}", "x".repeat(mebibytes << 20)).into_bytes()
        };
        assert!(asked("200 OK", text(6)).await.is_ok_and(|value| value["data"].is_string()));
        let unread = |how: &str| Err(Unknown::Unread(format!("the answer to /x {how}")));
        assert_eq!(asked("200 OK", text(65)).await, unread("is longer than 64 MiB and was not read"));
        assert_eq!(asked("200 OK\r\ncontent-length: 9", b"{}".to_vec()).await, unread("broke off"));
        assert!(matches!(asked("200 OK", b"no".to_vec()).await, Err(Unknown::Failed(_))));
        let login = br#"{"error":"log in first"}"#.to_vec();
        let says_so =
            |why: &str| why.starts_with("/x was answered by 200 OK") && why.contains("log in first");
        let of_another = asked("200 OK", login).await;
        assert!(matches!(&of_another, Err(Unknown::Failed(why)) if says_so(why)), "{of_another:?}");
        let told = Unknown::Unread(String::new()).of(Finding::step("loki", "labels", "not known"));
        assert_eq!(told.verdict, Verdict::Warning);
        let moved = asked("302 Found\r\nlocation: https://login/?state=s3cr3t", Vec::new()).await;
        let leads = |why: &str| why.ends_with("302 Found to https://login/?REDACTED");
        assert!(matches!(&moved, Err(Unknown::Failed(why)) if leads(why)), "{moved:?}");
        let broken = "500 Internal Server Error\r\ncontent-length: 9";
        assert!(matches!(asked(broken, b"{}".to_vec()).await, Err(Unknown::Failed(_))));
    }
}
