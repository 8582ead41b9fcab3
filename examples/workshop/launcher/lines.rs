//! `--lines`: the workshop as a machine wants it, lines out and nothing else.

use serde_json::{Map, Value, json};

use super::children::Workshop;
use super::environment::Environment;
use super::output::Output;
use crate::plumbing::{BoxError, input_closed};
use crate::screen::without_reader;

/// Starts the eight and passes their lines on, until our input is closed, a signal comes, or they are not read any more.
pub(crate) async fn lines() -> Result<(), BoxError> {
    Workshop::run(Environment::Unchanged, Output::passed_on(), async |workshop| {
        eprintln!("{}", opening(workshop));
        end().await
    })
    .await?;
    Ok(())
}

/// What a program needs to know that wants to talk to the eight; one line, so that it can be waited for.
fn opening(workshop: &Workshop) -> Value {
    let addresses = workshop.addresses();
    let services: Map<String, Value> =
        addresses.map(|(name, at)| (name.to_owned(), json!({ "url": at.url, "admin": at.admin }))).collect();
    json!({ "message": "workshop is open", "gateway": workshop.gateway(""), "services": services })
}

async fn end() -> Result<(), BoxError> {
    tokio::select! {
        () = input_closed() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        terminated = terminated() => Ok(terminated?),
        () = without_reader() => Ok(()),
    }
}

#[cfg(unix)]
async fn terminated() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
fn terminated() -> impl std::future::Future<Output = std::io::Result<()>> {
    std::future::pending()
}
