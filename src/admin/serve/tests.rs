//! The proofs of the listener, on a real socket.

use std::time::Instant;

use ::metrics::{histogram, with_local_recorder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::state::tests::state;
use super::*;

struct Started {
    address: SocketAddr,
    state: Arc<AdminState>,
    phase: watch::Sender<Phase>,
    serving: tokio::task::JoinHandle<()>,
}

fn start() -> Started {
    start_with(state())
}

fn start_with(state: AdminState) -> Started {
    let listener = bind(&Admin::new().port(0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (phase, receiver) = watch::channel(Phase::Running);
    let state = Arc::new(state);
    let serving = tokio::spawn(serve(listener, Arc::clone(&state), receiver));
    Started { address, state, phase, serving }
}

impl Started {
    /// The whole answer, head in lower case.
    async fn ask(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).await.expect("listening");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_lowercase(), body.to_owned())
    }

    async fn get(&self, path: &str, headers: &str) -> (String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"))
            .await
    }

    async fn put_level(&self, body: &str, headers: &str) -> (String, String) {
        self.send("PUT", "/log-level", body, headers).await
    }

    async fn send(&self, method: &str, path: &str, body: &str, headers: &str) -> (String, String) {
        let length = body.len();
        self.ask(&format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        ))
        .await
    }
}

#[tokio::test]
async fn the_page_comes_in_the_format_that_was_asked_for() {
    let started = start();
    let (head, body) = started.get("/metrics", "").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(head.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(body.contains("\norders_total 1\n"));
    let (head, body) = started.get("/metrics", "accept: application/openmetrics-text\r\n").await;
    assert!(
        head.contains("\r\ncontent-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"));
    let (head, body) =
        started.ask("HEAD /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    assert!(head.starts_with("http/1.1 200 ") && head.contains("content-length: "), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn ready_names_what_is_not_and_draining_is_not_ready_at_once() {
    let started = start();
    assert_eq!(started.get("/live", "").await.1, "live\n");
    assert!(started.get("/ready", "").await.0.starts_with("http/1.1 200 "));
    started.state.readiness.add("database", || async { false });
    let (head, body) = started.get("/ready", "").await;
    assert!(head.starts_with("http/1.1 503 "), "{head}");
    assert_eq!(body, "{\"failing\":[\"database\"],\"ready\":false}\n");
    started.phase.send(Phase::Draining).expect("serving");
    let deadline = Instant::now() + Duration::from_secs(10);
    while started.get("/ready", "").await.1 != "{\"draining\":true,\"ready\":false}\n" {
        assert!(Instant::now() < deadline, "still not draining");
    }
    assert!(started.get("/live", "").await.0.starts_with("http/1.1 200 "));
}

#[tokio::test]
async fn the_level_is_changed_from_this_machine_and_a_wrong_one_is_answered_with_what_is_right() {
    let started = start();
    assert_eq!(started.get("/log-level", "").await.1, "info\n");
    let (head, body) = started.put_level("nonsense", "").await;
    assert!(head.starts_with("http/1.1 400 "), "{head}");
    assert_eq!(body, "nothing was changed: expected in `log_level` a level\n");
    assert!(started.put_level(" \n", "").await.0.starts_with("http/1.1 400 "));
    assert_eq!(started.put_level("debug\n", "").await.1, "debug\n");
    assert_eq!(started.get("/log-level", "").await.1, "debug\n");
    assert_eq!(started.send("DELETE", "/log-level", "", "").await.1, "info\n");
}

#[tokio::test]
async fn what_a_proxy_asks_in_its_older_version_changes_nothing() {
    let started = start();
    for (method, path, body) in
        [("PUT", "/log-level", "debug"), ("PUT", "/switches", "log_level=debug"), ("DELETE", "/switches", "")]
    {
        let length = body.len();
        let asked = format!(
            "{method} {path} HTTP/1.0\r\nhost: {}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}",
            started.address
        );
        let (head, said) = started.ask(&asked).await;
        assert!(
            head.starts_with("http/1.0 403 ") && said.contains("OBSERVABILITY_ADMIN_TOKEN"),
            "{head} {said}"
        );
    }
    assert_eq!(started.get("/log-level", "").await.1, "info\n");
}

#[tokio::test]
async fn switches_are_shown_turned_and_turned_back_from_this_machine() {
    let started = start();
    let now = |body: &str| {
        let shown: serde_json::Value = serde_json::from_str(body).expect("JSON");
        [shown["log_level"]["now"].clone(), shown["traces"]["now"].clone()]
    };
    let (head, body) = started.send("PUT", "/switches", "log_level=debug&traces=1&for=1h", "").await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert_eq!(now(&body), ["debug", "1"]);
    let (head, body) = started.send("PUT", "/switches", "traces=2&level=debug", "").await;
    assert!(head.starts_with("http/1.1 400 "), "{head}");
    assert_eq!(body, "nothing was changed: expected a switch of log_level, traces, not `level`\n");
    let (head, _) = started.send("DELETE", "/switches", "", "x-forwarded-for: 10.0.0.1\r\n").await;
    assert!(head.starts_with("http/1.1 403 "), "{head}");
    assert_eq!(now(&started.get("/switches", "").await.1), ["debug", "1"]);
    assert_eq!(now(&started.send("DELETE", "/switches", "", "").await.1), ["info", "info"]);
}

#[tokio::test]
async fn a_caller_behind_a_proxy_needs_the_token_and_where_there_is_one_everybody() {
    let (headers, bearer) = ("x-forwarded-for: 10.0.0.1\r\n", "authorization: Bearer hush\r\n");
    let without = start();
    for headers in [headers.to_owned(), format!("{headers}{bearer}")] {
        let (head, said) = without.put_level("debug", &headers).await;
        assert!(head.starts_with("http/1.1 403 ") && said.contains("from this machine"), "{head} {said}");
    }
    let with = start_with(AdminState { token: Some("hush".to_owned()), ..state() });
    for headers in [headers, ""] {
        let (head, said) = with.put_level("debug", headers).await;
        assert!(head.starts_with("http/1.1 403 ") && said.contains("token"), "{head} {said}");
        let (head, _) = with.put_level("debug", &format!("{headers}{bearer}")).await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
    }
}

#[tokio::test]
async fn other_paths_are_not_found_and_other_methods_not_allowed() {
    let started = start();
    for path in ["/", "/metrics/", "/Metrics", "*"] {
        assert!(started.get(path, "").await.0.starts_with("http/1.1 404 "), "{path}");
    }
    for (path, allow) in
        [("/metrics", "get, head"), ("/ready", "get, head"), ("/switches", "get, head, put, delete")]
    {
        let (head, _) = started
            .ask(&format!("PATCH {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
            .await;
        assert!(head.starts_with("http/1.1 405 "), "{head}");
        assert!(head.contains(&format!("\r\nallow: {allow}")), "{head}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let started = start();
    let (head, _) = started.put_level(&"x".repeat(20_000), "").await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
    let (head, _) = started.get("/metrics", &format!("accept: {}\r\n", "x".repeat(20_000))).await;
    assert!(head.starts_with("http/1.1 431 "), "{head}");
}

/// The default timeout of an orchestrator's probe.
const PROBE: Duration = Duration::from_secs(1);

impl Started {
    /// Asks as an orchestrator does, again and again, while others hold what they opened.
    async fn probes_are_answered(&self, what: &str) {
        for path in ["/live", "/ready", "/live", "/ready"] {
            let answer = tokio::time::timeout(PROBE, self.get(path, "")).await;
            let (head, _) = answer.unwrap_or_else(|_| panic!("{what}: {path} is not answered"));
            assert!(head.starts_with("http/1.1 200 "), "{what}: {head}");
        }
    }
}

#[tokio::test]
async fn a_probe_is_answered_whatever_256_others_hold() {
    let started = start();
    started.long_page();
    let kinds = [
        ("nothing sent", ""),
        ("half a head", "GET /live HTTP/1.1\r\nhost: loc"),
        ("a head without its end", "GET /metrics HTTP/1.1\r\nhost: localhost\r\n"),
        ("a scrape that is not read", "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        ("an old scrape that is not read", "GET /metrics HTTP/1.0\r\n\r\n"),
        (
            "a body that does not come",
            "PUT /log-level HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nde",
        ),
        ("an answered request", "GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n"),
    ];
    let mut held = Vec::new();
    for (what, sent) in kinds {
        for _ in 0..256 {
            let mut stream = TcpStream::connect(started.address).await.expect("listening");
            // One that was pushed out meanwhile is the attacker's loss.
            let _ = stream.write_all(sent.as_bytes()).await;
            held.push(stream);
            if held.len() % 64 == 0 {
                started.probes_are_answered(what).await;
            }
        }
        held.drain(..held.len().saturating_sub(128));
    }
    started.probes_are_answered("all of them").await;
}

#[tokio::test]
async fn a_client_that_waits_for_a_check_is_not_pushed_out_by_others_that_do_nothing() {
    let started = start();
    let (answer, checked) = tokio::sync::watch::channel(false);
    started.state.readiness.add("database", move || {
        let mut checked = checked.clone();
        async move { checked.wait_for(|ready| *ready).await.is_ok() }
    });
    let probe = started.get("/ready", "");
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut silent = Vec::new();
        for _ in 0..2 * MOST_CONNECTIONS {
            silent.push(TcpStream::connect(started.address).await.expect("listening"));
        }
        // The last of them was accepted behind all others.
        started.get("/live", "").await;
        answer.send(true).expect("asked");
        silent
    };
    let ((head, _), _) = tokio::join!(probe, others);
    assert!(head.starts_with("http/1.1 200 "), "{head}");
}

#[tokio::test]
async fn what_does_not_progress_ends() {
    let started = start();
    started.long_page();
    for sent in ["GET /live HT", "GET /metrics HTTP/1.0\r\n\r\n", "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(started.address).await.expect("listening");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::time::pause();
        tokio::time::sleep(HEAD_TIME + IDLE_TIME).await;
        tokio::time::resume();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "{sent:?} is still open");
    }
}

#[tokio::test]
async fn on_this_machine_only_its_own_names_are_answered() {
    let started = start();
    for path in ["/metrics", "/live", "/ready", "/log-level", "/switches"] {
        let ask = |host: &str| format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let (head, body) = started.ask(&ask("evil.example:9464")).await;
        assert!(head.starts_with("http/1.1 421 "), "{head}");
        assert!(body.contains("OTEL_EXPORTER_PROMETHEUS_HOST"), "{body}");
        assert!(started.ask(&ask("bookings.test")).await.0.starts_with("http/1.1 200 "));
    }
}

#[tokio::test]
async fn an_occupied_port_is_an_error_and_closing_frees_it() {
    let started = start();
    let admin = Admin::new().port(started.address.port());
    assert_eq!(bind(&admin).map(|_| ()).map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse));
    started.phase.send(Phase::Closing(Instant::now())).expect("serving");
    started.serving.await.expect("ended");
    assert!(bind(&admin).is_ok());
}

/// How many series the long page has, of about ten kilobytes each: more than sockets hold.
const LONG: usize = 1_900;

impl Started {
    fn observe(&self, n: &str) {
        let recorder = self.state.recorder.expect("metrics");
        let long = "x".repeat(500);
        with_local_recorder(recorder, || {
            histogram!("wait_seconds", "a" => long, "n" => n.to_owned()).record(0.1)
        });
    }

    fn long_page(&self) {
        (0..LONG).for_each(|n| self.observe(&n.to_string()));
    }

    /// A scrape of a long page that was begun, and of which only the first bytes are read.
    async fn begin_to_scrape(&self, version: &str) -> (TcpStream, Vec<u8>) {
        self.long_page();
        let mut stream = TcpStream::connect(self.address).await.expect("listening");
        let accept = "accept: application/openmetrics-text\r\n";
        let request =
            format!("GET /metrics HTTP/{version}\r\nhost: localhost\r\nconnection: close\r\n{accept}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut read = vec![0; 1_000];
        let length = stream.read(&mut read).await.expect("begun");
        read.truncate(length);
        (stream, read)
    }
}

fn counted(page: &[u8]) -> usize {
    String::from_utf8_lossy(page).matches("wait_seconds_sum{").count()
}

#[tokio::test]
async fn a_page_is_written_no_faster_than_it_is_read() {
    let started = start();
    let (mut stream, mut page) = started.begin_to_scrape("1.1").await;
    assert!(page.starts_with(b"HTTP/1.1 200 ") && page.windows(7).any(|part| part == b"chunked"));
    started.observe("z");
    stream.read_to_end(&mut page).await.expect("the page");
    assert!(page.ends_with(b"# EOF\n\r\n0\r\n\r\n"));
    assert!(String::from_utf8_lossy(&page).contains("n=\"z\""), "what came meanwhile is at the end");
}

#[tokio::test]
async fn a_page_that_was_cut_does_not_look_whole() {
    for version in ["1.1", "1.0"] {
        let started = start();
        let (mut stream, mut page) = started.begin_to_scrape(version).await;
        // Nothing is read until the patience with it is over.
        tokio::time::pause();
        tokio::time::sleep(2 * IDLE_TIME).await;
        tokio::time::resume();
        let end = stream.read_to_end(&mut page).await;
        assert!(counted(&page) < LONG, "HTTP/{version}");
        assert!(end.is_err(), "HTTP/{version}: a plain end would look like that of a whole page");
        assert!(!page.ends_with(b"0\r\n\r\n") && !page.windows(5).any(|part| part == b"# EOF"));
    }
}

#[tokio::test]
async fn an_old_client_has_the_whole_page_in_pieces_as_well() {
    let started = start();
    let (mut stream, mut answer) = started.begin_to_scrape("1.0").await;
    started.observe("z");
    stream.read_to_end(&mut answer).await.expect("the page");
    let head = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
    let (head, page) = answer.split_at(head + 4);
    let head = String::from_utf8_lossy(head).to_lowercase();
    assert!(!head.contains("content-length") && !head.contains("chunked"), "{head}");
    assert!(page.ends_with(b"# EOF\n"));
    assert_eq!(counted(page), LONG + 1, "what came meanwhile is at the end");
}
