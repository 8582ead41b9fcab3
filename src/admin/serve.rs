//! The listener: few connections, short patience, so that no client can hold it.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::{Admin, AdminState, Origin, respond};
use crate::threads::Phase;

const MOST_CONNECTIONS: usize = 64;
const MOST_HEADERS: usize = 64;
const MOST_HEAD_BYTES: usize = 16 * 1024;
/// For a request's head, and between two requests of one connection.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For a connection's whole life; a scraper opens another.
const CONNECTION_TIME: Duration = Duration::from_secs(300);
/// For what is under way when that is over.
const LAST_ANSWER_TIME: Duration = Duration::from_secs(10);
/// Where the process has no more descriptors, a pause instead of a loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds the address of the options.
///
/// # Errors
///
/// As the operating system says: most often, the port is taken.
pub(crate) fn bind(admin: &Admin) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((admin.host.as_str(), admin.port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until the phase is [`Phase::Closing`] or nobody can say so any more. Not ready as soon as it is
/// [`Phase::Draining`].
pub(crate) async fn serve(listener: TcpListener, state: Arc<AdminState>, mut phase: watch::Receiver<Phase>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accepting = async {
        // Never closed.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let state = Arc::clone(&state);
                    tokio::spawn(async move {
                        connection(stream, peer, state).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    // Not `select!`: it is a feature of tokio that nothing else here needs.
    let (mut accepting, mut closing) = (pin!(accepting), pin!(closing(&mut phase, &state)));
    std::future::poll_fn(|context| {
        let ended = closing.as_mut().poll(context).is_ready() || accepting.as_mut().poll(context).is_ready();
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn closing(phase: &mut watch::Receiver<Phase>, state: &AdminState) {
    loop {
        match *phase.borrow_and_update() {
            Phase::Running => {}
            Phase::Draining => state.readiness.set_draining(),
            Phase::Closing(_) => return state.readiness.set_draining(),
        }
        if phase.changed().await.is_err() {
            return;
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, state: Arc<AdminState>) {
    let answer = service_fn(|request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(respond(&state, request, Origin::Listener(peer)).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    http.max_headers(MOST_HEADERS).max_buf_size(MOST_HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    // What a client does wrong is its own business: the errors are not ours to report.
    if tokio::time::timeout(CONNECTION_TIME, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(LAST_ANSWER_TIME, connection).await;
    }
}

#[cfg(test)]
mod tests;
