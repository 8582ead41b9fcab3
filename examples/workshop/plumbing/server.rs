//! A service's start and end, and how it finds the others.

use std::fmt::Display;
use std::future::Future;

use axum::Router;
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_observability::Observability;

use super::{BoxError, Calls, Failure};

/// Where a service listens.
#[derive(Deserialize, Serialize)]
pub(crate) struct Addresses {
    pub(crate) url: String,
    /// Empty, if it has no admin listener.
    pub(crate) admin: String,
}

/// Serves on a free port, or on that of `LISTEN`, until the launcher closes our standard input, or SIGTERM comes.
pub(crate) async fn serve(app: Router, observability: Observability) -> Result<(), BoxError> {
    let listener = TcpListener::bind(listen()).await?;
    // Whoever reads that it listens may end it at once.
    let end = first(observability.shutdown_signal(), input_closed());
    let url = format!("http://{}", listener.local_addr()?);
    let admin = observability.admin_address().map(|address| format!("http://{address}")).unwrap_or_default();
    tracing::info!(url, admin, "listening");
    tell_launcher(&Addresses { url, admin }).await?;
    // As tonic's own server has it: else a call over gRPC may wait 40 ms for an acknowledgement of TCP.
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or_default());
    axum::serve(listener, app).with_graceful_shutdown(end).await?;
    observability.shutdown().await;
    Ok(())
}

/// Where to listen; in a container `LISTEN=0.0.0.0:8080` says it.
pub(crate) fn listen() -> String {
    std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:0".to_owned())
}

/// The URL of a path at another service; the launcher puts each service's base into the environment.
pub(crate) fn url_of(service: &str, path: impl Display) -> String {
    let base = std::env::var(variable(service)).unwrap_or_default();
    format!("{base}{path}")
}

/// The variable that holds a service's base URL, such as `BOOKINGS_URL`.
pub(crate) fn variable(service: &str) -> String {
    format!("{}_URL", service.to_uppercase())
}

/// A service that was started by hand has no launcher to report to.
async fn tell_launcher(addresses: &Addresses) -> Result<(), Failure> {
    match url_of("launcher", "") {
        none if none.is_empty() => Ok(()),
        launcher => Calls::unseen().post(launcher, addresses).await,
    }
}

async fn first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::select! { () = one => {}, () = other => {} }
}

/// Resolves when the launcher closed the pipe, or died: no process is left behind, on any system.
pub(crate) async fn input_closed() {
    let (closed, heard) = oneshot::channel();
    // A thread, since tokio's own standard input keeps a runtime from ending until there is input.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = closed.send(());
    });
    let _ = heard.await;
}
