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
        // Whoever reads that it is open may end it at once.
        let signals = signals()?;
        eprintln!("{}", opening(workshop));
        tokio::select! {
            () = input_closed() => {}
            () = signals => {}
            () = without_reader() => {}
        }
        Ok(())
    })
    .await?;
    Ok(())
}

/// What a program needs to know that wants to talk to the eight; one line, so that it can be waited for.
fn opening(workshop: &Workshop) -> Value {
    let addresses = workshop.addresses();
    let services: Map<String, Value> =
        addresses.map(|(name, at)| (name.to_owned(), json!({ "url": at.url, "admin": at.admin }))).collect();
    let (gateway, provider) = (workshop.gateway(""), workshop.provider());
    json!({ "message": "workshop is open", "gateway": gateway, "provider": provider, "services": services })
}

/// Waits for SIGTERM or ctrl-c; from the call on they end nothing by themselves.
#[cfg(unix)]
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(windows)]
fn signals() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
