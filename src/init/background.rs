//! Our one background thread: a runtime of its own that exports, serves the admin routes and waits for
//! signals, so that nothing of ours needs, or slows, the user's runtime.

use std::future::Future;
use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;

use crate::clock;
use crate::threads::{quiet_thread, work_in_pieces};

/// The running thread. Dropping it ends the thread, with whatever still runs on it.
#[derive(Debug)]
pub(crate) struct Background {
    handle: Handle,
    /// Was there no global `tracing` subscriber when the thread started?
    pub(super) subscriber_is_free: bool,
    // Dropped, it ends the thread.
    _alive: oneshot::Sender<()>,
}

const NAME: &str = "observability";
const RESYNC: Duration = Duration::from_secs(1);

/// The wall clock may be stepped, or stand still while the machine sleeps, also where no line is written.
async fn follow_the_clock() {
    loop {
        tokio::time::sleep(RESYNC).await;
        clock::resync();
    }
}

impl Background {
    pub(super) fn start() -> io::Result<Self> {
        // Built here, so that `init` can say why it failed.
        let runtime = Builder::new_current_thread().enable_all().thread_name(NAME).build()?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel::<()>();
        let (free, is_free) = std::sync::mpsc::sync_channel(1);
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            // This thread has no subscriber of its own yet, so what it sees is the global one.
            let _ = free.send(dispatcher::get_default(|current| current.is::<NoSubscriber>()));
            // What we do for telemetry is no telemetry: an export must not cause spans to export.
            quiet_thread();
            work_in_pieces();
            drop(runtime.spawn(follow_the_clock()));
            let _ = runtime.block_on(ended);
            // Name resolution may hang on a thread of its own; the process's end does not wait for it.
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, subscriber_is_free: is_free.recv().unwrap_or(false), _alive: alive })
    }

    /// Runs a task of ours.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(task));
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}
