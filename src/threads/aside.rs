//! What blocks is done on a thread of its own.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::sync::oneshot;

/// The threads that are held by what may block for ever: a bounded number of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asides(Arc<AtomicUsize>);

/// One of them is back when this is dropped, by a panic as well.
struct Leaves(Arc<AtomicUsize>);

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
) -> Result<oneshot::Receiver<T>> {
    let (tell, done) = oneshot::channel();
    thread::Builder::new().name("observability".to_owned()).spawn(move || tell.send(work()))?;
    Ok(done)
}

impl Asides {
    /// As [`aside`], while fewer than `most` threads are held.
    ///
    /// # Errors
    ///
    /// So many are, or there can be no further thread.
    pub(crate) fn aside<T: Send + 'static>(
        &self,
        most: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>> {
        let held = self.0.fetch_add(1, Ordering::Relaxed);
        let leaves = Leaves(Arc::clone(&self.0));
        if held >= most {
            let reason = format!("{most} threads wait for an answer already");
            return Err(Error::new(ErrorKind::WouldBlock, reason));
        }
        aside(move || {
            let _leaves = leaves;
            work()
        })
    }
}

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn so_many_threads_are_held_and_one_that_is_back_makes_room() {
        let asides = Asides::default();
        let (go_on, waits) = mpsc::channel::<()>();
        let held = asides.aside(1, move || waits.recv().is_ok()).expect("a thread");
        assert_eq!(asides.aside(1, || ()).expect_err("it is held").kind(), ErrorKind::WouldBlock);
        go_on.send(()).expect("it waits");
        assert_eq!(held.await, Ok(true));
        // What panicked has left as well; the thread that answered is about to.
        let again = || asides.aside(1, || panic!("for the test"));
        let panicked: oneshot::Receiver<()> = loop {
            match again() {
                Ok(panicked) => break panicked,
                Err(_) => thread::yield_now(),
            }
        };
        assert!(panicked.await.is_err());
        while asides.aside(1, || ()).is_err() {
            thread::yield_now();
        }
    }
}
