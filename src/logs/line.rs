//! What our own lines say: which level, target and message a finished hop's line has.

use std::fmt::{self, Write};

use tracing::Level;

use super::escape::{Checked, text_of};
use super::number::{integer, status_digits};
use crate::context::TraceContext;
use crate::record::{End, Hop, Http, Kind, Method, Outcome, Piece, Subject, Value, Work};

pub(super) const REQUEST: &str = "tower_observability::request";
pub(super) const CLIENT: &str = "tower_observability::client";
pub(super) const WORK: &str = "tower_observability::work";

/// Where in the code something happened.
pub(super) type Origin<'a> = Option<(&'a str, u32)>;

/// A line of our own.
#[derive(Debug)]
pub(super) struct Own<'a> {
    pub(super) level: &'static str,
    pub(super) target: &'a str,
    pub(super) message: &'a str,
    pub(super) fields: &'a [(&'a str, Value)],
    pub(super) trace: Option<TraceContext>,
    pub(super) hop: Option<&'a Hop>,
    pub(super) origin: Origin<'a>,
    /// The thread, where it matters: that of a panic.
    pub(super) thread: Option<&'a str>,
}

/// The level of a finished hop's line. The outcome alone decides, because every signal says the same one.
pub(super) fn level(kind: Kind, outcome: Outcome) -> Level {
    match outcome {
        _ if kind == Kind::Client => Level::WARN,
        Outcome::ServerError | Outcome::Panic | Outcome::BodyError => Level::ERROR,
        Outcome::Timeout | Outcome::Cancelled => Level::WARN,
        Outcome::Ok | Outcome::ClientError | Outcome::Upgraded => Level::INFO,
    }
}

/// Who speaks in a finished hop's line.
pub(super) fn target(kind: Kind) -> &'static str {
    match kind {
        Kind::Server => REQUEST,
        Kind::Client => CLIENT,
        Kind::Producer | Kind::Consumer | Kind::Internal => WORK,
    }
}

/// The method as sent.
pub(super) fn method(http: &Http) -> &str {
    if http.method != Method::Other {
        return http.method.as_str();
    }
    match http.piece(Piece::Method) {
        "" => http.method.as_str(),
        sent => sent,
    }
}

/// Writes the method as sent, as the bytes of JSON text, and what stands behind it: those of the conventions are plain.
#[inline(always)]
pub(super) fn method_of(out: &mut Vec<u8>, http: &Http, behind: u8) {
    match http.method {
        // Most lines are of this one: bytes that are known need no copy of so many as there are.
        Method::Get => return out.extend_from_slice(&[b'G', b'E', b'T', behind]),
        Method::Other | Method::Own(_) => text_of(out, method(http)),
        known => out.extend_from_slice(known.as_str().as_bytes()),
    }
    out.push(behind);
}

/// Writes the message of a finished hop: what, and how it ended: `GET /users/{id} 200`.
pub(super) fn message(out: &mut impl Write, hop: &Hop, end: &End) -> fmt::Result {
    subject(out, hop)?;
    ending(out, end)
}

/// Writes how a hop ended, behind its subject.
pub(super) fn ending(out: &mut impl Write, end: &End) -> fmt::Result {
    if let Some(status) = end.status {
        out.write_char(' ')?;
        out.write_str(itoa::Buffer::new().format(status))?;
    }
    if let Some(rpc) = end.rpc {
        out.write_char(' ')?;
        out.write_str(rpc.code.as_str())?;
    }
    if !is_said(end) {
        out.write_char(' ')?;
        out.write_str(end.outcome.as_str())?;
    }
    Ok(())
}

/// The same for an HTTP hop, as the bytes of JSON text: this is written for every request. Said is its route, or its
/// path where it has none.
#[inline(always)]
pub(super) fn http_message(out: &mut Vec<u8>, hop: &Hop, http: &Http, to: Checked<'_>, end: &End) {
    method_of(out, http, b' ');
    if hop.kind == Kind::Client {
        text_of(out, http.piece(Piece::Host));
        if let Some(port) = http.port {
            out.push(b':');
            integer(out, port);
        }
    }
    to.write(out);
    if let Some(status) = end.status {
        match status_digits(status) {
            Some([hundreds, tens, ones]) => out.extend_from_slice(&[b' ', hundreds, tens, ones]),
            None => {
                out.push(b' ');
                integer(out, status);
            }
        }
    }
    if let Some(rpc) = end.rpc {
        out.push(b' ');
        out.extend_from_slice(rpc.code.as_str().as_bytes());
    }
    if !is_said(end) {
        out.push(b' ');
        out.extend_from_slice(end.outcome.as_str().as_bytes());
    }
}

/// Does the status say the outcome already?
fn is_said(end: &End) -> bool {
    let of_status = || end.status.map(Outcome::of_status);
    end.rpc.map(|rpc| rpc.code.outcome()).or_else(of_status) == Some(end.outcome)
}

/// Writes what the hop does: `GET /users/{id}`, `POST payments:8080/charge`, `process booking`.
pub(super) fn subject(out: &mut impl Write, hop: &Hop) -> fmt::Result {
    match &hop.subject {
        Subject::Work(Work { name, .. }) => out.write_str(name),
        Subject::Http(http) => {
            let to = hop.route.get().map_or(http.piece(Piece::Path), |route| route.as_str());
            subject_of_http(out, hop.kind, http, to)
        }
    }
}

/// Writes the method, whom it asks if it is a call, and for what.
pub(super) fn subject_of_http(out: &mut impl Write, kind: Kind, http: &Http, to: &str) -> fmt::Result {
    out.write_str(method(http))?;
    out.write_char(' ')?;
    if kind == Kind::Client {
        out.write_str(http.piece(Piece::Host))?;
        if let Some(port) = http.port {
            out.write_char(':')?;
            out.write_str(itoa::Buffer::new().format(port))?;
        }
    }
    out.write_str(to)
}

impl<'a> Own<'a> {
    pub(super) fn new(level: &'static str, target: &'a str, message: &'a str) -> Self {
        Self { level, target, message, fields: &[], trace: None, hop: None, origin: None, thread: None }
    }
}
