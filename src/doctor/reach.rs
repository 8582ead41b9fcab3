//! The steps to a receiver: its name, a connection, TLS. Each receiver is reached once, however many signals go there.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use http::Uri;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use super::certificate;
use super::finding::{Finding, Verdict};
use crate::export::{Endpoint, HttpClient};

/// How receivers are reached.
pub(super) struct Reach {
    timeout: Duration,
    /// Where was tried to go, for what, and whether it went well.
    known: Vec<(String, &'static str, bool)>,
}

/// The steps to one receiver.
pub(super) struct Steps {
    pub(super) found: Vec<Finding>,
    pub(super) is_reached: bool,
}

/// So many addresses of a name are shown and tried.
const ADDRESSES: usize = 4;

impl Reach {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, known: Vec::new() }
    }

    /// Goes to this endpoint, for this signal.
    pub(super) async fn to(&mut self, about: &'static str, endpoint: &Endpoint) -> Steps {
        let client = match HttpClient::new(endpoint) {
            Ok(client) => client,
            Err(reason) => {
                let fails = Finding::step(about, "client", "none").fails(reason);
                return Steps { found: vec![fails], is_reached: false };
            }
        };
        let Some((host, port)) = place(&endpoint.url) else {
            let fails = Finding::step(about, "address", "none").fails("the endpoint is not a URL");
            return Steps { found: vec![fails], is_reached: false };
        };
        let key = format!("{} {host} {port} {} {:?}", endpoint.is_tls(), endpoint.http2, endpoint.tls);
        if let Some((_, first, is_reached)) = self.known.iter().find(|(known, ..)| *known == key) {
            let same = Finding::step(about, "connection", format!("as for {first}"));
            let verdict = if *is_reached { Verdict::Ok } else { Verdict::Failed };
            return Steps { found: vec![Finding { verdict, ..same }], is_reached: *is_reached };
        }
        let mut found = Vec::new();
        let is_reached = self.walk(about, (&host, port), endpoint, &client, &mut found).await;
        self.known.push((key, about, is_reached));
        Steps { found, is_reached }
    }

    async fn walk(
        &self,
        about: &'static str,
        (host, port): (&str, u16),
        endpoint: &Endpoint,
        client: &HttpClient,
        found: &mut Vec<Finding>,
    ) -> bool {
        let addresses = match self.resolve(about, host, port).await {
            Ok((addresses, row)) => {
                found.extend(row);
                addresses
            }
            Err(fails) => {
                found.push(fails);
                return false;
            }
        };
        let connected = self.connect(about, &addresses).await;
        let is_connected = connected.verdict != Verdict::Failed;
        found.push(connected);
        if !is_connected || !endpoint.is_tls() {
            return is_connected;
        }
        let tls = self.tls(about, client).await;
        let is_safe = tls.verdict != Verdict::Failed;
        found.push(tls);
        is_safe
    }

    /// The addresses of a name; of an address no row is worth a line.
    async fn resolve(
        &self,
        about: &'static str,
        host: &str,
        port: u16,
    ) -> Result<(Vec<SocketAddr>, Option<Finding>), Finding> {
        let step = |answer: String| Finding::step(about, "name", answer);
        let remedy = "is the name right, and known on this machine? In Kubernetes it is service.namespace";
        match timeout(self.timeout, tokio::net::lookup_host((host, port))).await {
            Err(_) => Err(step(host.to_owned()).fails(format!(
                "it does not resolve within {:?}: the name server does not answer",
                self.timeout
            ))),
            Ok(Err(error)) => {
                Err(step(host.to_owned()).fails(format!("it does not resolve ({error}); {remedy}")))
            }
            Ok(Ok(all)) => {
                let all: Vec<_> = all.take(ADDRESSES).collect();
                if all.is_empty() {
                    return Err(step(host.to_owned()).fails(format!("it has no address; {remedy}")));
                }
                let shown: Vec<_> = all.iter().map(|address| address.ip().to_string()).collect();
                let is_name = !shown.iter().any(|shown| shown == host);
                Ok((all, is_name.then(|| step(format!("{host} is {}", shown.join(", "))))))
            }
        }
    }

    /// A connection to the first address that takes one. Those that are left share the time that is left.
    async fn connect(&self, about: &'static str, addresses: &[SocketAddr]) -> Finding {
        let deadline = Instant::now() + self.timeout;
        let mut refused = Vec::new();
        for (tried, address) in addresses.iter().enumerate() {
            let begun = Instant::now();
            let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            let patience = deadline.saturating_duration_since(begun) / left;
            match timeout(patience, TcpStream::connect(address)).await {
                Ok(Ok(_)) => {
                    let took = begun.elapsed().as_secs_f64() * 1e3;
                    return Finding::step(about, "connection", format!("{address}, in {took:.1} ms"));
                }
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                    refused.push(format!(
                        "{address} refuses it: nothing listens there; is the receiver up, and the port right (4318 for \
                         OTLP over HTTP, 4317 for gRPC)?"
                    ));
                }
                Ok(Err(error)) => refused.push(format!("{address}: {error}")),
                Err(_) => refused.push(format!(
                    "{address} does not answer within {:?}: a firewall, a network policy or a wrong address",
                    in_milliseconds(patience)
                )),
            }
        }
        Finding::step(about, "connection", "none").fails(refused.join("; "))
    }

    /// TLS, completed as an export would.
    async fn tls(&self, about: &'static str, client: &HttpClient) -> Finding {
        let now = SystemTime::now();
        let deadline = Instant::now() + self.timeout;
        let completed = timeout_at(deadline, client.connect()).await;
        let late =
            || format!("it was not completed within {:?}: is the endpoint one of http://?", self.timeout);
        match completed.unwrap_or_else(|_| Err(late())) {
            Ok(certificates) => {
                let said = certificates.first().and_then(|first| certificate::read(first, now));
                let Some(said) = said else { return Finding::step(about, "TLS", "completed") };
                let step = Finding::step(about, "TLS", said.text);
                if said.ends_soon { step.warns("the certificate ends within two weeks") } else { step }
            }
            Err(reason) => {
                let shown = timeout_at(deadline, client.shown()).await.ok().flatten();
                let said = shown.and_then(|shown| certificate::read(&shown, now));
                let answer = said.map_or_else(|| "not completed".to_owned(), |said| said.text);
                Finding::step(about, "TLS", answer).fails(reason)
            }
        }
    }
}

/// Without the parts of a millisecond, if there is more.
fn in_milliseconds(time: Duration) -> Duration {
    let whole = Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    if whole.is_zero() { time } else { whole }
}

/// Host and port of a URL.
pub(super) fn place(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    Some((host.to_owned(), uri.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(4);

    /// An address that answers no more, and what keeps it so.
    async fn blackhole() -> (SocketAddr, TcpListener, Vec<tokio::task::JoinHandle<()>>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody accepts them, and no more find room.
        let waiting = (0..4).map(|_| {
            tokio::spawn(async move {
                let _kept = TcpStream::connect(address).await;
                std::future::pending::<()>().await;
            })
        });
        let waiting = waiting.collect();
        tokio::task::yield_now().await;
        (address, listener, waiting)
    }

    #[tokio::test(start_paused = true)]
    async fn all_addresses_of_a_name_share_the_time_of_a_step() {
        let reach = Reach::new(PATIENCE);
        let (silent, _listener, _waiting) = blackhole().await;
        let begun = Instant::now();
        let none = reach.connect("traces", &[silent; ADDRESSES]).await;
        assert_eq!(none.verdict, Verdict::Failed);
        assert_eq!(none.detail.matches("does not answer within").count(), ADDRESSES, "{none:?}");
        assert!(begun.elapsed() < PATIENCE * 2, "{:?}", begun.elapsed());
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let last = [silent, good.local_addr().unwrap()];
        assert_eq!(reach.connect("traces", &last).await.verdict, Verdict::Ok);
    }

    #[cfg(feature = "tls")]
    #[tokio::test(start_paused = true)]
    async fn a_server_that_says_nothing_of_tls_takes_the_time_of_one_step() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", silent.local_addr().unwrap());
        let client = HttpClient::new(&Endpoint::plain(&url)).unwrap();
        let begun = Instant::now();
        let late = Reach::new(Duration::from_secs(2)).tls("traces", &client).await;
        assert!(late.detail.contains("it was not completed within 2s"), "{late:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }

    #[test]
    fn host_and_port_are_found_in_every_url_that_is_served() {
        for (url, host, port) in [
            ("http://c:4318/v1/traces", "c", 4318),
            ("https://ann:s@c/x", "c", 443),
            ("http://[::1]:9/", "::1", 9),
            ("http://c", "c", 80),
        ] {
            assert_eq!(place(url), Some((host.to_owned(), port)), "{url}");
        }
        assert_eq!(place(""), None);
    }
}
