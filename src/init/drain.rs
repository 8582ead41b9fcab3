//! The end's beginning: a termination signal, the drain delay, and who waits for both.

use std::io;
#[cfg(unix)]
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::background::Background;

/// How far the drain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Drain {
    /// No signal came.
    None,
    /// The signal came; requests still arrive until the balancer has noticed.
    Delayed,
    /// The delay is over, or somebody was impatient.
    Over,
}

/// SIGTERM and ctrl-c, from the time when somebody first asks for them.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    term: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Takes the signals over from the system's default, which ends the process at once.
    fn listen(on: &Handle) -> io::Result<Self> {
        let _runtime = on.enter();
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { term: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) -> &'static str {
        std::future::poll_fn(|context| {
            if self.term.poll_recv(context).is_ready() {
                Poll::Ready("SIGTERM")
            } else {
                self.interrupt.poll_recv(context).map(|_| "SIGINT")
            }
        })
        .await
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "ctrl-c",
            Err(_) => std::future::pending().await,
        }
    }
}

/// Begins to listen; the receiver follows the drain. `begun` is called once, when the first signal is there, and
/// `insisted` when one comes after the drain: somebody wants the process to end, and it does not.
pub(super) fn begin(
    on: &Background,
    delay: Duration,
    begun: impl FnOnce(&'static str) + Send + 'static,
    insisted: impl FnOnce(&'static str) + Send + 'static,
) -> io::Result<watch::Receiver<Drain>> {
    let mut signals = Signals::listen(on.handle())?;
    let (drain, follow) = watch::channel(Drain::None);
    on.spawn(async move {
        let signal = signals.next().await;
        // Before anything else, so that whoever asks `/ready` after this sees it.
        begun(signal);
        drain.send_replace(Drain::Delayed);
        // Whoever signals twice does not want to wait.
        let _ = tokio::time::timeout(delay, signals.next()).await;
        drain.send_replace(Drain::Over);
        insisted(signals.next().await);
        // A receiver that subscribes later reads the last value, as long as the sender lives.
        std::future::pending::<()>().await;
    });
    Ok(follow)
}

/// Resolves when the drain is over. Needs no runtime of a certain kind.
pub(super) async fn over(mut drain: watch::Receiver<Drain>) {
    if drain.wait_for(|drain| *drain == Drain::Over).await.is_err() {
        // Nobody listens any more, so no signal will come.
        std::future::pending::<()>().await;
    }
}
