//! Clients that hold what they opened: they send half of a request, or read nothing of its answer.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What each kind sends before it falls silent.
pub const KINDS: [(&str, &str); 8] = [
    ("nothing", ""),
    ("half a line", "GET /liv"),
    ("half a head", "GET /live HTTP/1.1\r\nhost: localhost\r\n"),
    ("no request at all", "\u{16}\u{3}\u{1}\u{2}"),
    ("a scrape that it does not read", "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ("an old scrape that it does not read", "GET /metrics HTTP/1.0\r\n\r\n"),
    ("a level without its end", "PUT /log-level HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nde"),
    ("a request, and keeps the connection", "GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n"),
];

/// So many clients that send this, and then hold their connection.
pub fn hold(address: SocketAddr, clients: usize, sent: &str) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        // One that was closed meanwhile holds nothing.
        let _ = stream.write_all(sent.as_bytes());
        stream
    };
    (0..clients).map(open).collect()
}

/// How long the answer to a probe took, and its first line.
pub fn probe(address: SocketAddr, path: &str) -> (Duration, String) {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    (begin.elapsed(), answer.lines().next().unwrap_or_default().to_owned())
}

/// The memory of this process that is in the machine's, in bytes.
#[cfg(target_os = "linux")]
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    kilobytes.unwrap().trim().parse::<u64>().unwrap() * 1024
}
