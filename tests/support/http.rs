//! A plain GET without a client of any kind.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// The whole answer, head and body.
pub fn get(address: &str, path: &str) -> String {
    ask("GET", address, path)
}

/// The whole answer to a request of this method without a body.
pub fn ask(method: &str, address: &str, path: &str) -> String {
    send(method, address, path, "")
}

/// The whole answer to a request with this body.
pub fn send(method: &str, address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{length}");
    write!(stream, "{head}\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
