//! What blocks is done on a thread of its own.

use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Has this done on a new thread, which is left alone where nobody waits for it any more. The answer is an error if it
/// panicked.
///
/// Not by tokio's `spawn_blocking`, which panics where there can be no further thread: whatever of ours waits for it would
/// end for good, and where a panic ends the process, so would the service.
///
/// # Errors
///
/// There can be no further thread.
pub(crate) fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (tell, done) = oneshot::channel();
    thread::Builder::new().name("observability".to_owned()).spawn(move || tell.send(work()))?;
    Ok(done)
}
