//! How the launcher learns where a service listens: the service tells it, at an address of its own.
//!
//! A log line would be simpler, but where lines go and how they look is the user's choice.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::plumbing::{Addresses, BoxError};

/// Where the services knock.
pub(super) struct Arrivals {
    address: SocketAddr,
    heard: Receiver<(String, Addresses)>,
}

impl Arrivals {
    /// Starts to listen, on a free port.
    pub(super) async fn start() -> Result<Self, BoxError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (tell, heard) = channel(1);
        let app = Router::new().route("/listening/{service}", post(arrive)).with_state(Arc::new(tell));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, heard })
    }

    /// Where this service tells its addresses.
    pub(super) fn url_for(&self, service: &str) -> String {
        format!("http://{}/listening/{service}", self.address)
    }

    /// Resolves when this service has told them.
    pub(super) async fn of(&mut self, service: &str) -> Option<Addresses> {
        loop {
            let (arrived, addresses) = self.heard.recv().await?;
            if arrived == service {
                return Some(addresses);
            }
        }
    }
}

async fn arrive(
    State(tell): State<Arc<Sender<(String, Addresses)>>>,
    Path(service): Path<String>,
    Json(addresses): Json<Addresses>,
) -> Json<()> {
    let _ = tell.send((service, addresses)).await;
    Json(())
}
