//! Collectors that a test needs no answer's content of: one that answers, one that never does, none.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A collector that says yes to everything and counts the posts.
pub struct Yes {
    pub url: String,
    posts: Arc<AtomicUsize>,
}

impl Yes {
    pub fn listen() -> Self {
        let posts = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&posts);
        let url = listen(move |stream| {
            let count = Arc::clone(&count);
            std::thread::spawn(move || {
                let _ = answer(stream, &count);
            });
        });
        Self { url, posts }
    }

    pub fn posts(&self) -> usize {
        self.posts.load(Ordering::SeqCst)
    }
}

/// The address of a collector that accepts and reads, and never answers.
pub fn hanging() -> String {
    listen(|mut stream| {
        std::thread::spawn(move || {
            let mut sink = [0; 4096];
            while stream.read(&mut sink).is_ok_and(|read| read > 0) {}
        });
    })
}

/// An address where nobody listens.
pub fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn listen(each: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(each));
    url
}

/// Answers every request of one connection with an empty 200, which in protobuf is "all stored".
fn answer(mut stream: TcpStream, posts: &AtomicUsize) -> std::io::Result<()> {
    let mut held = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Some(request) = whole_request(&held) {
            held.drain(..request);
            posts.fetch_add(1, Ordering::SeqCst);
            stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
            )?;
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            read => held.extend_from_slice(&chunk[..read]),
        }
    }
}

/// The length of the first request, if all of it is there.
fn whole_request(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&held[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |n| n.trim().parse().unwrap());
    (held.len() >= head + length).then_some(head + length)
}
