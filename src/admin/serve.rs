//! The listener. A connection is always accepted: where there are too many, the one that has been idle for longest is
//! closed, so that no number of clients that send or read nothing keeps a probe waiting.

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
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::connection::{Activity, Stream};
use super::{Admin, AdminState, Origin, respond};
use crate::threads::Phase;

const MOST_CONNECTIONS: usize = 64;
const MOST_HEADERS: usize = 64;
const MOST_HEAD_BYTES: usize = 16 * 1024;
/// For a request's head, and between two requests of one connection.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// For a read or a write that does not progress.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// For a connection's whole life; a scraper opens another.
const CONNECTION_TIME: Duration = Duration::from_secs(300);
/// For what is under way when that is over.
const LAST_ANSWER_TIME: Duration = Duration::from_secs(10);
/// Where the process has no more descriptors, a pause instead of a loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The connections that are open.
#[derive(Default)]
struct Connections(Vec<(Arc<Activity>, AbortHandle)>);

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

/// Answers until the phase is [`Phase::Closing`] or its sender is gone. Not ready as soon as it is
/// [`Phase::Draining`].
pub(crate) async fn serve(listener: TcpListener, state: Arc<AdminState>, mut phase: watch::Receiver<Phase>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut connections = Connections::default();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => connections.open(stream, peer, &state),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    first_of(closing(&mut phase, &state), accepting).await;
}

/// Runs both until one of them ends.
// Not `select!`: it is a feature of tokio that nothing else here needs.
async fn first_of(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    std::future::poll_fn(|context| {
        let ended = one.as_mut().poll(context).is_ready() || other.as_mut().poll(context).is_ready();
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Connections {
    fn open(&mut self, stream: TcpStream, peer: SocketAddr, state: &Arc<AdminState>) {
        self.0.retain(|(_, task)| !task.is_finished());
        if self.0.len() >= MOST_CONNECTIONS {
            self.close_one();
        }
        let activity = Arc::new(Activity::new());
        let task = tokio::spawn(connection(stream, peer, Arc::clone(state), Arc::clone(&activity)));
        self.0.push((activity, task.abort_handle()));
    }

    fn close_one(&mut self) {
        let places = 0..self.0.len();
        if let Some(place) =
            places.min_by_key(|place| self.0.get(*place).map(|(activity, _)| activity.claim()))
        {
            self.0.swap_remove(place).1.abort();
        }
    }
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

async fn connection(stream: TcpStream, peer: SocketAddr, state: Arc<AdminState>, activity: Arc<Activity>) {
    let stream = Stream::new(stream, Arc::clone(&activity));
    let answer = service_fn(|request| {
        let (state, activity) = (Arc::clone(&state), Arc::clone(&activity));
        async move {
            activity.waits_for_checks(request.uri().path() == "/ready");
            let answer = respond(&state, request, Origin::Listener(peer)).await;
            activity.waits_for_checks(false);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    http.max_headers(MOST_HEADERS).max_buf_size(MOST_HEAD_BYTES);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    // What a client does wrong is its own business: the errors are not ours to report.
    let all = async {
        if tokio::time::timeout(CONNECTION_TIME, connection.as_mut()).await.is_err() {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(LAST_ANSWER_TIME, connection).await;
        }
    };
    first_of(all, activity.stalls(IDLE_TIME)).await;
}

#[cfg(test)]
mod tests;
