//! The users: an open loop asks on time, whatever became of the requests before; in a closed loop each user asks once he
//! has his answer.
//!
//! In an open loop latency counts from the time at which a request was due. Otherwise a service that stands still for a
//! second would delay the next requests instead of being seen to be slow ("coordinated omission"). In a closed loop that
//! is so by definition: the load is what the service lets through, and a slow service gets less of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::caller::{Ask, Caller};
use super::schedule::Schedule;
use super::tally::Tally;

/// More than this are not under way at once: they would measure the generator, and not the services.
const MOST_UNDER_WAY: usize = 1_000;

/// Has somebody asked for the end?
#[derive(Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new(asked: watch::Receiver<bool>) -> Self {
        Self(asked)
    }

    pub(super) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until then, or until the end is asked for: then `false`.
    async fn wait(&mut self, until: Instant) -> bool {
        let asked = self.0.wait_for(|asked| *asked);
        tokio::select! { () = sleep_until(until) => true, _ = asked => false }
    }
}

/// Sends on time. Ends early when more than a thousand requests are under way, which no service will catch up with.
pub(super) async fn open(
    caller: &Caller,
    schedule: Schedule,
    mut stop: Stop,
    ask: impl Fn(u32) -> Ask,
) -> Tally {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let start = Instant::now();
    let mut under_way = JoinSet::new();
    let mut went_through = true;
    for (number, due) in (0..).zip(schedule.times()) {
        if !stop.wait(start + due).await {
            went_through = false;
            break;
        }
        while under_way.try_join_next().is_some() {}
        if under_way.len() >= MOST_UNDER_WAY {
            lock(&tally).add_unsent();
            went_through = false;
            break;
        }
        let (caller, tally, ask) = (caller.clone(), tally.clone(), ask(number));
        under_way.spawn(async move {
            let late = start.elapsed().saturating_sub(due);
            let failed = caller.ask(ask).await.err();
            lock(&tally).add(due, late, start.elapsed().saturating_sub(due), failed);
        });
    }
    if went_through {
        // The time of the last request belongs to the schedule as well.
        let _ = stop.wait(start + schedule.end()).await;
        lock(&tally).lasted(schedule.end());
    }
    finished(under_way, tally).await
}

/// So many users, each of whom makes so many rounds of these requests, one after the other and without a pause.
pub(super) async fn closed(
    caller: &Caller,
    users: u32,
    rounds: u32,
    most: Duration,
    stop: &Stop,
    round: fn(u32) -> Vec<Ask>,
) -> Tally {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let start = Instant::now();
    let mut under_way = JoinSet::new();
    for user in 0..users {
        let (caller, tally, stop) = (caller.clone(), tally.clone(), stop.clone());
        under_way.spawn(async move {
            for number in 0..rounds {
                for ask in round(user * rounds + number) {
                    if stop.is_asked() || start.elapsed() >= most {
                        return;
                    }
                    let begun = start.elapsed();
                    let failed = caller.ask(ask).await.err();
                    lock(&tally).add(begun, Duration::ZERO, start.elapsed().saturating_sub(begun), failed);
                }
            }
        });
    }
    finished(under_way, tally).await
}

/// Every request has its end, and be it that its user gave up.
async fn finished(mut under_way: JoinSet<()>, tally: Arc<Mutex<Tally>>) -> Tally {
    while under_way.join_next().await.is_some() {}
    std::mem::take(&mut lock(&tally))
}

fn lock(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// It answers after so long, one connection after the other.
    async fn slow_server(pause: Duration) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 1_024]).await;
                tokio::time::sleep(pause).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        });
        address
    }

    fn asked(is_asked: bool) -> (watch::Sender<bool>, Stop) {
        let (ask, asked) = watch::channel(is_asked);
        (ask, Stop::new(asked))
    }

    #[tokio::test]
    async fn who_waits_behind_others_is_slow_in_an_open_loop_and_not_asked_in_a_closed_one() {
        const PAUSE: Duration = Duration::from_millis(50);
        let (_ask, stop) = asked(false);
        let caller = Caller::new(slow_server(PAUSE).await);
        // Due at 0, 10, 20… ms, served at 50, 100, 150…: the tenth waits 410 ms and more, of which 50 are its own.
        let open = open(&caller, Schedule::new(100.0, 0.1), stop.clone(), |_| Ask::customers()).await;
        assert_eq!((open.sent(), open.error_ratio()), (10, 0.0));
        assert!(open.latency(1.0).unwrap() >= 0.4, "{open:?}");
        let closed = closed(&caller, 1, 5, Duration::from_secs(60), &stop, |_| vec![Ask::customers()]).await;
        assert_eq!(closed.sent(), 5);
        assert!(closed.elapsed() >= 0.25, "one after the other: {closed:?}");
    }

    #[tokio::test]
    async fn whoever_asks_for_the_end_gets_what_was() {
        let caller = Caller::new(slow_server(Duration::from_millis(1)).await);
        let (ask, stop) = asked(false);
        let all = open(&caller, Schedule::new(20.0, 3_600.0), stop, |_| Ask::customers());
        let (tally, ()) = tokio::join!(all, async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            ask.send_replace(true);
        });
        assert!((1..100).contains(&tally.sent()), "{tally:?}");
        let (_ask, stop) = asked(true);
        let none = closed(&caller, 3, 500, Duration::from_secs(60), &stop, |_| vec![Ask::customers()]).await;
        assert_eq!(none.sent(), 0);
    }
}
