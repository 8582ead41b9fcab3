//! The guard: what the user holds from `init` to the end of `main`.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;

use tokio::sync::oneshot;

use super::drain;
use super::report::Report;
use super::running::Running;
use crate::threads::complain;

/// Observability that was started. Keep it until the end of `main`: dropping it ends it.
///
/// ```no_run
/// # #[cfg(feature = "axum")]
/// # async fn run(listener: tokio::net::TcpListener, app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// let observability = tower_observability::init("bookings")?;
/// observability.ready_check("database", || async { true });
/// axum::serve(listener, app).with_graceful_shutdown(observability.shutdown_signal()).await?;
/// println!("{}", observability.shutdown().await);
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it ends observability: bind it to a name until the end of `main`"]
pub struct Observability {
    pub(super) running: &'static Running,
    // `None` once `shutdown` took over: this is what makes the end happen once.
    open: Option<()>,
}

impl Observability {
    pub(super) fn new(running: &'static Running) -> Self {
        Self { running, open: Some(()) }
    }

    /// Adds a question to `GET /ready`: ready only while every check of every name answers true.
    ///
    /// A check of the same name is replaced. It is asked at each request for `/ready`, on the runtime within
    /// which it was added, else on a thread of our own; one that takes longer than a second, or panics, is not ready.
    pub fn ready_check<C, A>(&self, name: impl Into<String>, check: C)
    where
        C: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = bool> + Send + 'static,
    {
        self.running.admin.readiness.add(name, check);
    }

    /// Where `/metrics`, `/live`, `/ready` and `/log-level` are served; `None` if they are not.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.running.admin_address
    }

    /// Resolves when the process shall stop accepting requests, made for `with_graceful_shutdown`.
    ///
    /// On SIGTERM or ctrl-c `/ready` turns 503 at once, and the future resolves after the
    /// [drain delay](crate::Builder::drain_delay), when the balancer has noticed; a second signal makes it
    /// resolve at once. May be called several times, on any runtime. From the first call on, those signals no
    /// longer end the process by themselves; but one that comes after the future resolved does, once the lines are
    /// written: a connection that never closes would otherwise keep the process for good.
    pub fn shutdown_signal(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let drain = self.running.follow_drain();
        async move {
            match drain {
                Some(drain) => drain::over(drain).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Delivers what is queued, spans and log records first and lines last, and tells what became of everything.
    ///
    /// Takes at most the [shutdown timeout](crate::Builder::shutdown_timeout), whatever the collector does.
    /// Never fails: what could not be delivered is counted in the report. Works on any runtime.
    pub async fn shutdown(mut self) -> Report {
        self.open = None;
        let running = self.running;
        let (tell, told) = oneshot::channel();
        // A thread of its own, because neither the user's runtime nor ours can be trusted to be awake.
        let closer = std::thread::Builder::new().name("observability-end".to_owned());
        match closer.spawn(move || drop(tell.send(running.close()))) {
            Ok(_) => told.await.unwrap_or_default(),
            Err(error) => {
                complain(format_args!("no thread for the shutdown, so it blocks: {error}"));
                running.close()
            }
        }
    }
}

impl Drop for Observability {
    fn drop(&mut self) {
        if self.open.take().is_some() {
            self.running.close();
        }
    }
}

impl fmt::Debug for Observability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observability")
            .field("admin_address", &self.running.admin_address)
            .finish_non_exhaustive()
    }
}
