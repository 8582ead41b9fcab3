//! A collector that takes every batch and keeps nothing: threads of their own, loopback, any free port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Starts it; it ends with the process.
#[allow(dead_code)]
pub(crate) fn start() -> SocketAddr {
    start_away(Duration::ZERO)
}

/// The same, so far away that an answer takes so long.
pub(crate) fn start_away(away: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || serve(connection, away));
        }
    });
    address
}

/// Answers requests until one cannot be read, which is how a connection ends.
fn serve(connection: TcpStream, away: Duration) -> std::io::Result<()> {
    let mut answers = connection.try_clone()?;
    let mut requests = BufReader::new(connection);
    loop {
        let length = head(&mut requests)?;
        std::io::copy(&mut requests.by_ref().take(length), &mut std::io::sink())?;
        if !away.is_zero() {
            thread::sleep(away);
        }
        // An empty body is an empty `ExportTraceServiceResponse`: all accepted.
        answers.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        )?;
    }
}

/// Reads a request's head, and tells how long the body is.
fn head(requests: &mut BufReader<TcpStream>) -> std::io::Result<u64> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if requests.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Ok(length);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
}
