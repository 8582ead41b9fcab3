//! What the line and the log record of a finished hop say: their level, target and message.

use std::fmt::{self, Write};

use tracing::Level;

use crate::record::{End, Hop, Http, Kind, Method, Outcome, Piece, Subject, Work};

pub(super) const REQUEST: &str = "tower_observability::request";
pub(super) const CLIENT: &str = "tower_observability::client";
pub(super) const WORK: &str = "tower_observability::work";

/// The level of a finished hop's line. The outcome alone decides, because every signal says the same one.
pub(super) fn level(kind: Kind, outcome: Outcome) -> Level {
    match outcome {
        _ if kind == Kind::Client => Level::WARN,
        Outcome::ServerError | Outcome::Panic | Outcome::BodyError => Level::ERROR,
        Outcome::Timeout | Outcome::Cancelled => Level::WARN,
        Outcome::Ok | Outcome::ClientError | Outcome::Upgraded => Level::INFO,
    }
}

/// The target of a finished hop's line.
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
            let to = hop.route.get().map_or_else(|| http.piece(Piece::Path), |route| route.as_str());
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
