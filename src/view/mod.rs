//! Receives OTLP from any service, keeps it in bounded memory and shows it on one page, on loopback.
//!
//! ```text
//! OTLP ─► server ─► receive ─► decode ─► store ─► query ─► the page's questions
//!    └──► grpc ──────┘                      └───► live ─► the page asks again
//! ```

mod assets;
mod decode;
mod grpc;
mod guard;
mod live;
mod messages;
mod model;
mod query;
mod receive;
mod samples;
mod server;
mod shared;
mod store;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use self::shared::Shared;
use self::store::{Change, Store};

/// Less memory holds no useful number of traces.
const LEAST_MEMORY: usize = 1 << 20;

/// A page that shows what services send over OTLP, for development. See the [guide](crate::guide::view).
///
/// It is what `observability view` starts; a launcher of several services, or a test, starts it within itself:
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> std::io::Result<()> {
/// use tower_observability::View;
///
/// let viewer = View::new().address(([127, 0, 0, 1], 0)).memory(64 << 20).start().await?;
/// // What a service needs, whatever its language:
/// let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", viewer.url()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")];
/// println!("open {}", viewer.url());
/// # assert!(viewer.url().starts_with("http://127.0.0.1:"));
/// # drop(environment);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct View {
    address: SocketAddr,
    grpc: Option<SocketAddr>,
    memory: usize,
}

/// A [`View`] that runs. Dropping it ends it, and with it what it holds.
#[derive(Debug)]
pub struct Viewer {
    address: SocketAddr,
    grpc: Option<SocketAddr>,
    url: String,
    store: Arc<Store>,
}

impl View {
    /// At `127.0.0.1:4318`, where services look for a collector by default, with 256 MiB.
    pub fn new() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 4318).into(), grpc: None, memory: 256 << 20 }
    }

    /// Where the page is and OTLP over HTTP is received. Loopback only; port 0 is a free one.
    pub fn address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// A port of its own for OTLP over gRPC, without TLS; usually 4317. Loopback only. By default there is none, and gRPC is
    /// received at the page's address alone.
    #[cfg(feature = "otlp-grpc")]
    pub fn grpc(mut self, address: impl Into<SocketAddr>) -> Self {
        self.grpc = Some(address.into());
        self
    }

    /// How many bytes of spans, lines and metrics are kept, from 1 MiB; 256 MiB by default. Beyond that the oldest goes.
    /// A program of its own needs some 20 MiB beside them, and what the requests take that are being read.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Listens, and serves on this runtime of tokio until the [`Viewer`] is dropped.
    ///
    /// # Errors
    ///
    /// If an address is not one of loopback or is in use, or if the memory is less than 1 MiB.
    pub async fn start(self) -> io::Result<Viewer> {
        let invalid = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if self.memory < LEAST_MEMORY {
            return invalid(format!("{} bytes of memory are less than 1 MiB", self.memory));
        }
        let mut addresses = std::iter::once(self.address).chain(self.grpc);
        if let Some(other) = addresses.find(|address| !address.ip().is_loopback()) {
            return invalid(format!(
                "{other} is no address of loopback, and what is shown is for this machine only"
            ));
        }
        let listener = bind(self.address).await?;
        let grpc = match self.grpc {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let address = listener.local_addr()?;
        let url = format!("http://{address}");
        let store = Arc::new(Store::new(self.memory));
        let shared = Shared::new(store.clone(), &url);
        serve(listener, server::router(shared.clone()).merge(grpc::beside(shared.clone())), &store);
        let grpc_address = grpc.as_ref().map(TcpListener::local_addr).transpose()?;
        if let Some(listener) = grpc {
            serve(listener, grpc::router(shared), &store);
        }
        Ok(Viewer { address, grpc: grpc_address, url, store })
    }
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

impl Viewer {
    /// Where the page is and OTLP over HTTP is received.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where OTLP over gRPC has a port of its own, if it has one.
    #[must_use]
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// The URL of the page, which is the endpoint for OTLP as well: `http://127.0.0.1:4318`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.store.end();
    }
}

/// An error names the address.
async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{address} is not to be had: {error}"));
    TcpListener::bind(address).await.map_err(named)
}

fn serve(listener: TcpListener, router: Router, store: &Store) {
    let mut changes = store.changes();
    let end = async move { _ = changes.wait_for(|change| *change == Change::End).await };
    tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(end).await });
}
