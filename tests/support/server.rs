//! A real HTTP server on loopback (1.0, 1.1 and 2 on one port), ended when dropped; and a condition to wait on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long a test waits for what must happen.
pub const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(async move {
                    let mut builder = Builder::new(TokioExecutor::new());
                    // WebSockets over HTTP/2, as axum's own server allows them.
                    builder.http2().enable_connect_protocol();
                    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
                    // A client that hangs up is what many of these tests are about.
                    let _ = connection.await;
                });
            }
        });
        Self { address, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks until there is an answer, or fails with what was awaited.
pub async fn until<T>(awaited: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {awaited}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
