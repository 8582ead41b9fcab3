//! Who gets alerts: a chat's webhook, a pager, a mail server. Each keeps what came, and when.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;

use super::prometheus::now;

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Message {
    /// Seconds since 1970.
    pub at: f64,
    /// The path, or the mail's receiver.
    pub to: String,
    /// What the sender showed to be let in.
    pub authorization: String,
    pub text: String,
}

/// Everything that came so far.
#[derive(Clone, Debug, Default)]
pub struct Inbox(Arc<Mutex<Vec<Message>>>);

impl Inbox {
    fn keep(&self, to: &str, authorization: &str, text: String) {
        let (to, authorization) = (to.to_owned(), authorization.to_owned());
        let mut inbox = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.push(Message { at: now(), to, authorization, text });
    }

    pub fn so_far(&self) -> Vec<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first message that contains all of these.
    pub fn first(&self, parts: &[&str]) -> Result<Message, String> {
        let all = self.so_far();
        let has_all = |message: &&Message| parts.iter().all(|part| message.text.contains(part));
        all.iter().find(has_all).cloned().ok_or_else(|| format!("no {parts:?} in {all:#?}"))
    }
}

/// Takes what is posted at any path; returns its URL. Runs on the test's runtime, and ends with it.
pub async fn webhook(inbox: &Inbox) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let inbox = inbox.clone();
    let app = Router::new().fallback(async move |request: Request| {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let authorization = head.headers.get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap());
        inbox.keep(head.uri.path(), authorization, String::from_utf8_lossy(&body).into_owned());
        "ok"
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Takes mail (RFC 5321); returns its address. Its threads end with the process.
pub fn mail(inbox: &Inbox) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let inbox = inbox.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let inbox = inbox.clone();
            std::thread::spawn(move || _ = take_mail(stream, &inbox));
        }
    });
    address
}

fn take_mail(mut stream: TcpStream, inbox: &Inbox) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let (mut to, mut authorization, mut text) = (String::new(), String::new(), None::<String>);
    stream.write_all(b"220 sink\r\n")?;
    for line in lines {
        let line = line?;
        if let Some(mail) = &mut text {
            if line != "." {
                *mail += &format!("{line}\n");
                continue;
            }
            inbox.keep(&to, &authorization, text.take().unwrap_or_default());
        }
        let answer: &[u8] = match line.to_uppercase().split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => b"250-sink\r\n250 AUTH PLAIN\r\n",
            "AUTH" => {
                authorization = line;
                b"235 welcome\r\n"
            }
            "RCPT" => {
                to = line;
                b"250 ok\r\n"
            }
            "DATA" => {
                text = Some(String::new());
                b"354 go on\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer)?;
    }
    Ok(())
}
