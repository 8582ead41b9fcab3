//! A listener between a service and what it depends on, which can be told to be slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Runs on the test's runtime, and ends with it.
#[derive(Debug)]
pub struct Delay {
    port: u16,
    /// For how long an answer is held, in milliseconds.
    hold: Arc<AtomicU64>,
}

impl Delay {
    /// Listens on a free loopback port and hands everything on to this one. Where nobody listens there, it hangs up.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, hold) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
        let holds = Arc::clone(&hold);
        tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                let hold = Arc::clone(&holds);
                tokio::spawn(async move {
                    let Ok(system) = TcpStream::connect(("127.0.0.1", to)).await else { return };
                    let ((from_service, to_service), (from_system, to_system)) =
                        (service.into_split(), system.into_split());
                    let none = AtomicU64::new(0);
                    // The end of either is that of both.
                    tokio::select! {
                        () = hand_on(from_service, to_system, &none) => {}
                        () = hand_on(from_system, to_service, &hold) => {}
                    }
                });
            }
        });
        Self { port, hold }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on each piece of an answer comes so much later.
    pub fn hold(&self, by: Duration) {
        self.hold.store(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

async fn hand_on(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, hold: &AtomicU64) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        tokio::time::sleep(Duration::from_millis(hold.load(Ordering::Relaxed))).await;
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}
