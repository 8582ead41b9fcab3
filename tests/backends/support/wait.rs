//! Waiting for what another system will know sooner or later.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How long most systems may take until they show what they were sent.
pub const SOON: Duration = Duration::from_secs(30);

const BETWEEN: Duration = Duration::from_millis(100);

/// Asks until the answer is `Ok`.
///
/// ```ignore
/// let trace = eventually(SOON, "the whole trace", async || {
///     let trace = http::get(&url).await.json();
///     if trace["spans"].as_array().is_some_and(|spans| spans.len() == 22) { Ok(trace) } else { Err(trace.to_string()) }
/// })
/// .await;
/// ```
///
/// # Panics
///
/// With the last answer seen, when the time is over.
pub async fn eventually<T>(
    within: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + within;
    let mut last = "no answer at all".to_owned();
    loop {
        match timeout_at(deadline, ask()).await {
            Ok(Ok(answer)) => return answer,
            Ok(Err(seen)) => last = seen,
            Err(_) => {}
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}; last seen: {last}");
        sleep(BETWEEN).await;
    }
}
