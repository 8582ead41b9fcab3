//! Services that fail: once in each way, floods of one, and one beside a server that is dead or slow.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_observability::{ObservabilityLayer, Outcome, Query, Reports, Work, request};

/// Situation, transaction, and how many reports.
pub const EXPECTED: &[(&str, &str, usize)] = &[
    ("the same error twice", "GET /bookings/{id}", 2),
    ("a panic", "GET /panics", 1),
    ("a timeout", "GET /slow", 1),
    ("a 503 of which nobody said why", "GET /silent", 1),
    ("an ERROR event, and a 500", "GET /said", 1),
    ("an issue of the service's choice", "GET /chosen", 1),
    ("a success", "GET /fine", 0),
    ("a success with an ERROR event", "GET /handled", 0),
    ("the client's mistake", "GET /missing", 0),
    ("a job that failed", "nightly", 1),
    ("a message that failed", "process booking", 1),
    ("a job within a request that failed in its turn", "part", 0),
    ("that request", "GET /whole", 1),
    ("an ERROR event outside, and a panic", "", 2),
];

#[derive(Debug)]
struct Booking {
    id: u64,
    source: std::io::Error,
}

impl fmt::Display for Booking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "booking {} was not stored", self.id)
    }
}

impl Error for Booking {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

fn run<F: Future<Output = ()>>(work: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        work().await;
        println!("report: {}", observability.shutdown().await.reports);
    });
}

async fn ask<F: Future<Output = u16>>(path: &str, route: &'static str, handle: impl Fn() -> F + Clone) {
    let handler = service_fn(move |_: Request<String>| {
        let handled = handle();
        async move {
            request::route(route);
            let status = handled.await;
            Ok::<_, Infallible>(Response::builder().status(status).body(String::new()).unwrap())
        }
    });
    let layer = ObservabilityLayer::new().capture_request_headers(["x-tenant"]);
    let request = Request::get(format!("http://api.example{path}?token=s3cr3t")).header("x-tenant", "blue");
    let answer = layer.layer(handler).oneshot(request.body(String::new()).unwrap());
    // As a server does around each request.
    drop(AssertUnwindSafe(answer).catch_unwind().await);
}

async fn pay() {
    let remote = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::builder().status(503).body(String::new()).unwrap())
    });
    let mut client = ObservabilityLayer::client().layer(remote);
    let request = Request::get("http://me:s3cr3t@pay.example/pay?sig=s3cr3t").body(String::new()).unwrap();
    drop(client.ready().await.unwrap().call(request).await.unwrap());
}

async fn book(id: u64) -> u16 {
    println!("user: {}", request::user("customer-4711"));
    request::add("seats", 2);
    tracing::info!(id, "looking into the book");
    pay().await;
    Query::sql("postgresql", "SELECT * FROM seats WHERE token = 's3cr3t'").run(async {}).await;
    tracing::warn!("giving up");
    request::error(&Booking { id, source: std::io::Error::other("the disk is full") });
    500
}

fn panics() -> u16 {
    panic!("no seats at all");
}

/// One of each kind.
pub fn story() {
    run(|| async {
        ask("/bookings/7", "/bookings/{id}", || book(7)).await;
        ask("/bookings/8", "/bookings/{id}", || book(8)).await;
        ask("/panics", "/panics", || async { panics() }).await;
        ask("/slow", "/slow", || async { 504 }).await;
        ask("/silent", "/silent", || async { 503 }).await;
        ask("/said", "/said", || async {
            tracing::error!(error = "out of paper", "the ticket was not printed");
            500
        })
        .await;
        ask("/chosen", "/chosen", || async {
            request::fingerprint("payment provider");
            500
        })
        .await;
        ask("/fine", "/fine", || async { 200 }).await;
        ask("/handled", "/handled", || async {
            tracing::error!("tried again, and it was well");
            200
        })
        .await;
        ask("/missing", "/missing", || async { 404 }).await;
        ask("/whole", "/whole", || async {
            let part =
                Work::internal("part").run_result(async { Err::<(), _>("a part of it failed".into()) });
            if part.await.is_err() { 500 } else { 200 }
        })
        .await;
        let failed = Work::internal("nightly").run_result(async {
            std::fs::remove_dir("/does/not/exist")?;
            Ok(())
        });
        assert!(failed.await.is_err());
        Work::consumer("process booking")
            .run(async {
                request::outcome(Outcome::ServerError);
            })
            .await;
        tracing::error!("nobody's error");
        drop(std::thread::spawn(|| panic!("a thread of its own")).join());
    });
}

/// The same error a thousand times, and another one once.
pub fn flood() {
    run(|| async {
        for _ in 0..1_000 {
            ask("/bookings/7", "/bookings/{id}", || async {
                request::error(&std::io::Error::other("the disk is full"));
                500
            })
            .await;
        }
        ask("/other", "/other", || async { 500 }).await;
    });
}

/// Five errors, one after the other is accounted for.
pub fn limited() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        for route in ["/a", "/b", "/c", "/d", "/e"] {
            ask(route, route, || async { 500 }).await;
            observability.flush(Duration::from_secs(20)).await;
        }
        println!("report: {}", observability.shutdown().await.reports);
    });
}

/// Fails until a limit of one second is over, and once more.
pub fn patient() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("bookings").unwrap();
        let fail = async |number: u32| {
            let answer = move || async move {
                request::fingerprint(number.to_string());
                500
            };
            ask("/fails", "/fails", answer).await;
            observability.flush(Duration::from_secs(20)).await;
        };
        fail(0).await;
        let limited = Instant::now();
        for number in 1..=3 {
            fail(number).await;
        }
        tokio::time::sleep_until((limited + Duration::from_millis(1_100)).into()).await;
        fail(4).await;
        println!("report: {}", observability.shutdown().await.reports);
    });
}

/// Two hundred failing requests, each with a cause of its own, and the longest that one of them took.
pub fn harmless() {
    run(|| async {
        let mut longest = Duration::ZERO;
        let mut harmed = 0;
        for number in 0..200_u32 {
            let begin = Instant::now();
            ask("/fails", "/fails", || async move {
                request::fingerprint(number.to_string());
                500
            })
            .await;
            longest = longest.max(begin.elapsed());
            // Whoever waited for a server that is slow waited a minute; a machine that is busy may take a second.
            harmed += usize::from(begin.elapsed() > Duration::from_secs(5));
        }
        println!("longest: {longest:?}");
        println!("harmed: {harmed}");
    });
}

/// Jobs each of which starts the next one, as a service that lives for long has them.
pub fn chain() {
    fn job(left: u32, over: tokio::sync::oneshot::Sender<()>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Work::internal("tick").run(async move {
            if left == 0 {
                let _ = over.send(());
            } else {
                tower_observability::spawn(job(left - 1, over));
            }
        }))
    }
    run(|| async {
        let (over, is_over) = tokio::sync::oneshot::channel();
        job(30_000, over).await;
        is_over.await.unwrap();
        println!("ended");
    });
}

/// Ids whose conversion runs code that says something of the request, or panics.
pub fn talkative() {
    struct Customer(bool);

    impl From<Customer> for String {
        fn from(customer: Customer) -> Self {
            tracing::info!("a customer");
            assert!(!customer.0, "an id that cannot be shown");
            "4711".to_owned()
        }
    }

    run(|| async {
        ask("/customers", "/customers", || async {
            assert!(request::user(Customer(false)) && request::fingerprint(Customer(false)));
            500
        })
        .await;
        ask("/panics", "/panics", || async {
            request::user(Customer(true));
            200
        })
        .await;
    });
}

/// Code alone says where reports go, and of what they are.
pub fn alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = |name| std::env::var(name).unwrap();
        let reports = Reports::new()
            .sentry(address("CODE_DSN"))
            .rollbar("t0k3n")
            .rollbar_endpoint(address("CODE_ROLLBAR"))
            .release("bookings@7")
            .environment("stage");
        let observability = tower_observability::builder("bookings").reports(reports).init().unwrap();
        ask("/bookings/7", "/bookings/{id}", || book(7)).await;
        ask("/silent", "/silent", || async { 503 }).await;
        println!("report: {}", observability.shutdown().await.reports);
    });
}

/// A panic that ends the process: what unwinds drops the guard, and nothing else has a word.
pub fn ends() {
    let _observability = tower_observability::init("bookings").unwrap();
    panic!("the last word");
}
