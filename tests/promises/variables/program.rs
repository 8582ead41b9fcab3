//! What the processes do: something of each kind that a variable changes. What they saw themselves they print,
//! in one piece, to standard error.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::{Observability, ObservabilityLayer, Outcome, Trust, Work, request};

use crate::support::child::signal;
/// What a process does between `init` and its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Program {
    /// Nothing.
    Started,
    /// Requests of each kind, then a look at its own page.
    #[default]
    Serves,
    /// The same, and it looks at the page until something was exported, or given up.
    Waits,
    /// Two hundred spans and lines at once.
    Hurries,
    /// Is told to end.
    Drains,
    /// A job fails.
    Fails,
}

/// How long it looks at most: less than the five seconds after which spans leave by default.
const PATIENCE: Duration = Duration::from_secs(4);

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

impl Program {
    pub(super) const ALL: [Self; 6] =
        [Self::Started, Self::Serves, Self::Waits, Self::Hurries, Self::Drains, Self::Fails];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Serves => "serves",
            Self::Waits => "waits",
            Self::Hurries => "hurries",
            Self::Drains => "drains",
            Self::Fails => "fails",
        }
    }

    pub(super) fn function(self) -> fn() {
        match self {
            Self::Started => || {
                let _observability = tower_observability::init("configured").unwrap();
                // A guard that is dropped at once is warned of.
                std::thread::sleep(Duration::from_millis(5));
            },
            Self::Serves => || run(Self::Serves),
            Self::Waits => || run(Self::Waits),
            Self::Hurries => || run(Self::Hurries),
            Self::Drains => || run(Self::Drains),
            Self::Fails => || run(Self::Fails),
        }
    }
}

fn run(program: Program) {
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = runtime.block_on(async {
        let observability = tower_observability::init("configured").unwrap();
        let mut said = String::new();
        match program {
            Program::Started => {}
            Program::Fails => fail().await,
            Program::Hurries => hurry().await,
            Program::Drains => drain(&observability, &mut said).await,
            Program::Serves | Program::Waits => serve(&mut said).await,
        }
        if matches!(program, Program::Waits) {
            wait(&observability, begin).await;
            writeln!(said, "waited: {}", begin.elapsed().as_millis()).unwrap();
        }
        look(&observability, &mut said);
        let closing = Instant::now();
        let report = observability.shutdown().await;
        writeln!(said, "closed: {}", closing.elapsed().as_millis()).unwrap();
        writeln!(said, "spans: {}\nrecords: {}", report.spans, report.records).unwrap();
        said
    });
    std::io::stderr().write_all(said.as_bytes()).unwrap();
}

async fn fail() {
    Work::internal("fails")
        .run(async {
            request::outcome(Outcome::ServerError);
        })
        .await;
}

/// A caller who samples, one who does not, none, and a stranger at a public edge.
async fn serve(said: &mut String) {
    let inside = ObservabilityLayer::new();
    ask(&inside, Method::GET, "/sampled", Some("-01"), said).await;
    ask(&inside, Method::GET, "/unsampled", Some("-00"), said).await;
    ask(&inside, Method::GET, "/root", None, said).await;
    ask(&inside, Method::from_bytes(b"BREW").unwrap(), "/brewed", Some("-01"), said).await;
    ask(&ObservabilityLayer::new().trust(Trust::Link), Method::GET, "/linked", Some("-01"), said).await;
    ordered().await;
    Work::consumer("process votes").system("kafka").destination("votes").offset(7).run(async {}).await;
    tracing::debug!("in detail");
    // As sqlx does it: at the level of INFO it must be told that somebody is interested.
    if tracing::enabled!(target: "sqlx::query", tracing::Level::DEBUG) {
        tracing::debug!(target: "sqlx::query", summary = "SELECT 1", elapsed_secs = 0.01);
    }
}

/// A call of gRPC, whose one header is captured.
async fn ordered() {
    let handler = service_fn(|_: Request<String>| async {
        let answer =
            Response::builder().header("content-type", "application/grpc").header("grpc-status", "5");
        Ok::<_, Infallible>(answer.body(String::new()).unwrap())
    });
    let layer = ObservabilityLayer::new().capture_request_headers(["x-tenant"]);
    let request = Request::post("/shop.Orders/Find").version(http::Version::HTTP_2);
    let request = request.header("content-type", "application/grpc").header("x-tenant", "blue");
    drop(layer.layer(handler).oneshot(request.body(String::new()).unwrap()).await.unwrap());
}

async fn ask(
    layer: &ObservabilityLayer,
    method: Method,
    path: &'static str,
    flags: Option<&str>,
    said: &mut String,
) {
    let handler = service_fn(move |_: Request<String>| async move {
        request::route(path);
        request::add("order", "a text of some length");
        tracing::info!(one = 1_u64, two = "a text of some length", three = 3_u64, four = 4_u64, "at work");
        let sent = call().await;
        Ok::<_, Infallible>(Response::new(sent))
    });
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("baggage", "team=workshop")
        .header("user-agent", "curl/8")
        .header("content-length", "17")
        .header("x-forwarded-for", "192.0.2.1, 192.0.2.2")
        .header("x-forwarded-proto", "https")
        .extension(SocketAddr::from(([10, 0, 0, 7], 1)));
    if let Some(flags) = flags {
        request = request.header("traceparent", format!("{CALLER}{flags}"));
    }
    let answer = layer.layer(handler).oneshot(request.body(String::new()).unwrap()).await.unwrap();
    let sent = text(answer).await;
    if path == "/sampled" {
        said.push_str(&sent);
    }
}

/// The headers with which the next service is called.
async fn call() -> String {
    let remote = service_fn(|request: Request<String>| async move {
        let mut sent = String::new();
        for (name, value) in request.headers() {
            writeln!(sent, "sent {name}: {}", value.to_str().unwrap()).unwrap();
        }
        Ok::<_, Infallible>(Response::new(sent))
    });
    let mut client = ObservabilityLayer::client().baggage_to([".internal"]).layer(remote);
    let request = Request::get("http://pay.internal/pay").body(String::new()).unwrap();
    text(client.ready().await.unwrap().call(request).await.unwrap()).await
}

async fn text<B: Body<Error = Infallible>>(answer: Response<B>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

async fn hurry() {
    for number in 0..200_u64 {
        Work::internal("job").run(async { tracing::info!(number, "one of many") }).await;
    }
}

/// Sends itself the signal with which a container ends.
async fn drain(observability: &Observability, said: &mut String) {
    let ended = observability.shutdown_signal();
    let begin = Instant::now();
    signal(std::process::id(), "-TERM");
    ended.await;
    writeln!(said, "drained: {}", begin.elapsed().as_millis()).unwrap();
}

/// Until something left the process or was given up.
async fn wait(observability: &Observability, begin: Instant) {
    let address = observability.admin_address().unwrap().to_string();
    let has_left = |line: &str| {
        line.contains("_exported_total{") && line.contains("batching_") && !line.ends_with(" 0")
            || line.contains("_exported_total{") && line.contains("_http_") && !line.ends_with(" 0")
    };
    while begin.elapsed() < PATIENCE && !ask_admin(&address, "GET", "/metrics", "").lines().any(has_left) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn look(observability: &Observability, said: &mut String) {
    let Some(address) = observability.admin_address() else { return };
    writeln!(said, "admin: {address}").unwrap();
    let address = address.to_string();
    let page =
        ask_admin(&address, "GET", "/metrics", "accept: application/openmetrics-text; version=1.0.0\r\n");
    page.lines().for_each(|line| writeln!(said, "page: {line}").unwrap());
    // As if it came from another machine, through a proxy.
    let with_token = "x-forwarded-for: 192.0.2.1\r\nauthorization: Bearer hush\r\n";
    let answer = ask_admin(&address, "PUT", "/log-level", with_token);
    writeln!(said, "level: {}", answer.split(' ').nth(1).unwrap()).unwrap();
}

fn ask_admin(address: &str, method: &str, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address.replace("0.0.0.0", "127.0.0.1")).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}");
    write!(stream, "{head}content-length: 4\r\n\r\ninfo").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
