//! The callers: a few connections, each of which asks again as soon as it is answered.
//!
//! They speak only as much HTTP as the answers need, so that one processor of callers outruns one of the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::service::BODY;
use crate::tables;

/// Which processor is theirs, and the collector's.
pub(crate) const PROCESSOR: usize = 1;
pub(crate) const CONNECTIONS: usize = 16;

const REQUEST: &[u8] = b"GET /users/4711 HTTP/1.1\r\n\
    host: localhost:8080\r\n\
    user-agent: bench/1.0\r\n\
    accept: */*\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
const SCRAPE: &[u8] = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// The end of a page in chunks.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";
/// An answer that takes longer is none.
const DEADLINE: Duration = Duration::from_secs(10);
/// The slowest are looked for in windows this long, and the median of the windows counts: now and then a machine stops
/// altogether, for longer than any request takes, and a server that is stopped more often than the other is not slower.
const WINDOW: Duration = Duration::from_millis(50);

/// When a caller asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asking {
    /// As soon as it is answered: the server is never without work.
    AtOnce,
    /// So often a second, all callers together, at times that do not depend on the answers.
    PerSecond(f64),
}

/// What one round of calls saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
    /// Microseconds, as the next: the median of its windows.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Microseconds, of the whole round, with whatever stopped the machine.
    pub(crate) p999: f64,
    /// Pages that were read meanwhile.
    pub(crate) scrapes: f64,
    /// Seconds that the server's thread for exports took of the processor.
    pub(crate) exporting: f64,
}

/// Calls for so long, and fetches the page meanwhile if there is one to scrape.
pub(crate) async fn call(
    server: SocketAddr,
    scraped: Option<SocketAddr>,
    asking: Asking,
    time: Duration,
) -> Round {
    let start = Instant::now();
    let scraper = scraped.map(|page| tokio::spawn(scrape_again_and_again(page, start + time)));
    let caller = |number| tokio::spawn(call_again_and_again(server, Due::new(asking, number), start + time));
    let callers: Vec<_> = (0..CONNECTIONS).map(caller).collect();
    let mut answered = Vec::new();
    for caller in callers {
        answered.extend(caller.await.expect("a caller"));
    }
    let scrapes = match scraper {
        Some(scraper) => scraper.await.expect("a scraper"),
        None => 0,
    };
    let seconds = start.elapsed().as_secs_f64();
    answered.sort_unstable();
    let window = |answered: &Answered| (answered.asked - start).as_nanos() / WINDOW.as_nanos();
    // The last one ends where the round does, within it.
    let whole = answered.chunk_by(|one, next| window(one) == window(next)).rev().skip(1);
    let windows: Vec<_> = whole.map(times).collect();
    let typical = |share| tables::median(windows.iter().map(|times| at(times, share)));
    Round {
        requests: answered.len() as f64,
        per_second: answered.len() as f64 / seconds,
        p50: typical(0.5),
        p99: typical(0.99),
        p999: at(&times(&answered), 0.999),
        scrapes: scrapes as f64 / seconds,
        exporting: 0.0,
    }
}

impl Round {
    /// Requests a second if exporting took no time, as with an exporter that throws spans away.
    pub(crate) fn per_second_of_a_sink(&self) -> f64 {
        self.requests / (self.requests / self.per_second - self.exporting)
    }
}

/// How long each took, the longest last.
fn times(answered: &[Answered]) -> Vec<Duration> {
    let mut times: Vec<_> = answered.iter().map(|answered| answered.took).collect();
    times.sort_unstable();
    times
}

/// In microseconds, what this share of them did not exceed.
fn at(times: &[Duration], share: f64) -> f64 {
    times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6
}

/// A request that was answered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Answered {
    asked: Instant,
    took: Duration,
}

/// When one caller's next request is due.
struct Due {
    asking: Asking,
    next: Instant,
    random: u64,
}

impl Due {
    fn new(asking: Asking, caller: usize) -> Self {
        // The same times for each server.
        Self { asking, next: Instant::now(), random: 0x9e37_79b9_7f4a_7c15 ^ (caller as u64 + 1) }
    }

    /// Waits for it. What was due while the caller still waited for an answer is due since then: a server that is
    /// slow does not make its requests fewer.
    async fn wait(&mut self) -> Instant {
        let Asking::PerSecond(rate) = self.asking else { return Instant::now() };
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let uniform = ((self.random >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        self.next += Duration::from_secs_f64(-uniform.ln() * CONNECTIONS as f64 / rate);
        // The runtime's own timers are good to a millisecond.
        while Instant::now() < self.next {
            tokio::task::yield_now().await;
        }
        self.next
    }
}

async fn call_again_and_again(server: SocketAddr, mut due: Due, end: Instant) -> Vec<Answered> {
    let mut connection = TcpStream::connect(server).await.expect("the server");
    connection.set_nodelay(true).expect("a socket");
    let mut answer = [0; 2_048];
    let mut answered = Vec::new();
    loop {
        let start = due.wait().await;
        if start >= end {
            return answered;
        }
        connection.write_all(REQUEST).await.expect("a request");
        let mut length = 0;
        while !is_whole(&answer[..length]) {
            let read = timeout(DEADLINE, connection.read(&mut answer[length..])).await;
            let read = read.expect("an answer in time").expect("an answer");
            assert!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&answer[..length]));
            length += read;
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
        answered.push(Answered { asked: start, took: start.elapsed() });
    }
}

/// The page of a server, in one piece.
pub(crate) async fn page(address: SocketAddr) -> String {
    let mut connection = TcpStream::connect(address).await.expect("the page");
    connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await.expect("a scrape");
    let mut page = String::new();
    connection.read_to_string(&mut page).await.expect("a page");
    page
}

/// On the callers' own runtime: a thread beside theirs would hold them up and not the server.
async fn scrape_again_and_again(page: SocketAddr, end: Instant) -> usize {
    let mut connection = TcpStream::connect(page).await.expect("the page");
    // What it read last is in front, so that an end in two parts is seen.
    let mut read = vec![0; LAST_CHUNK.len() + 64 * 1024];
    let mut scrapes = 0;
    while Instant::now() < end {
        connection.write_all(SCRAPE).await.expect("a scrape");
        read.fill(0);
        while !read.starts_with(LAST_CHUNK) {
            let length = timeout(DEADLINE, connection.read(&mut read[LAST_CHUNK.len()..])).await;
            let length = length.expect("a piece in time").expect("a piece");
            assert!(length > 0, "the server hung up within a page");
            read.copy_within(length..length + LAST_CHUNK.len(), 0);
        }
        scrapes += 1;
    }
    scrapes
}

fn is_whole(answer: &[u8]) -> bool {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.len().checked_sub(BODY.len()) else { return false };
    answer[..end].ends_with(END_OF_HEAD)
}
