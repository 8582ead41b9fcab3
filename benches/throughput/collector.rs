//! The collector: it takes every batch and keeps nothing, on the callers' own runtime.
//!
//! A thread beside theirs would hold up whichever caller is just answered, which looks like a slow server.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An empty body is an empty `ExportTraceServiceResponse`: all accepted.
const ACCEPTED: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// What is read at once, so that no caller waits for long.
const PIECE: usize = 32 * 1024;

/// Starts it; it ends with the runtime.
pub(crate) async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    address
}

/// Answers requests until one cannot be read, which is how a connection ends.
async fn serve(mut connection: TcpStream) -> io::Result<()> {
    let mut read = vec![0; PIECE];
    let mut held = 0;
    loop {
        let head = loop {
            if let Some(at) = read[..held].windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD) {
                break at + END_OF_HEAD.len();
            }
            held += more(&mut connection, &mut read[held..]).await?;
        };
        let length = body_length(&read[..head]);
        let mut missing = (head + length).saturating_sub(held);
        read.copy_within((head + length).min(held)..held, 0);
        held = held.saturating_sub(head + length);
        while missing > 0 {
            let most = missing.min(PIECE);
            missing -= more(&mut connection, &mut read[..most]).await?;
        }
        connection.write_all(ACCEPTED).await?;
    }
}

async fn more(connection: &mut TcpStream, room: &mut [u8]) -> io::Result<usize> {
    match connection.read(room).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}

fn body_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
}
