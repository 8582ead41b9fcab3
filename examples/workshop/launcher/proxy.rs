//! A proxy for TCP that can be cut: what a network does to a service that is healthy itself.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::ports;
use crate::plumbing::BoxError;

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open,
    /// Nobody listens, and connections that were there are closed.
    Refused,
    /// They stand, and nothing arrives.
    Silent,
}

/// Before one service.
pub(super) struct Proxy {
    way: watch::Sender<Way>,
}

impl Default for Proxy {
    fn default() -> Self {
        Self { way: watch::Sender::new(Way::Open) }
    }
}

impl Proxy {
    /// Listens on a free port, and forwards to the host and port of this URL. Returns its own URL.
    pub(super) async fn start(&self, url: &str) -> Result<String, BoxError> {
        let target: SocketAddr = url.trim_start_matches("http://").parse()?;
        let listener = TcpListener::bind(("127.0.0.1", ports::free()?)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(forward(listener, address, target, self.way.subscribe()));
        Ok(format!("http://{address}"))
    }

    pub(super) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

async fn forward(first: TcpListener, at: SocketAddr, target: SocketAddr, mut way: watch::Receiver<Way>) {
    let (mut listener, mut connections) = (Some(first), JoinSet::new());
    loop {
        if *way.borrow_and_update() == Way::Refused {
            listener = None;
            if way.wait_for(|way| *way != Way::Refused).await.is_err() {
                return;
            }
        }
        let Some(open) = &listener else {
            // Its port is free again in a moment, should somebody have it.
            listener = TcpListener::bind(at).await.ok();
            sleep(Duration::from_millis(if listener.is_some() { 0 } else { 50 })).await;
            continue;
        };
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((caller, _)) => {
                    connections.spawn(connect(caller, target, way.clone()));
                }
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            changed = way.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Forwards while the way is open. A connection that has seen another way is closed once that is over.
async fn connect(mut caller: TcpStream, target: SocketAddr, mut way: watch::Receiver<Way>) {
    let forwards = async {
        if let Ok(mut callee) = TcpStream::connect(target).await {
            let _ = (caller.set_nodelay(true), callee.set_nodelay(true));
            let _ = copy_bidirectional(&mut caller, &mut callee).await;
        }
    };
    if *way.borrow_and_update() == Way::Open {
        tokio::select! {
            () = forwards => return,
            _ = way.wait_for(|way| *way != Way::Open) => {}
        }
    }
    let _ = way.wait_for(|way| *way != Way::Silent).await;
}
