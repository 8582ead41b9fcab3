//! A customer's journey, tried from outside: books, reads back, cancels. Each run is one trace, its outcome three metrics.
//!
//! ```text
//! cargo run -p examples --example journey -- http://127.0.0.1:3000                  once; the exit code is its outcome
//! cargo run -p examples --example journey -- http://127.0.0.1:3000 --every 60       each minute, with /metrics
//! cargo run -p examples --example journey -- http://127.0.0.1:3000 --textfile FILE  once, metrics for the node exporter
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::{Layer, Service, ServiceExt};
use tower_observability::{ObservabilityLayer, Observed, Work, request, side};

const USAGE: &str = "Usage: journey URL [--every SECONDS | --textfile FILE]";
const STEP_MAY_TAKE: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: usize = 1 << 20;
/// The customer of the journey; nobody else has this number.
const CUSTOMER: u64 = 4999;

type BoxError = Box<dyn Error + Send + Sync>;

struct Options {
    url: String,
    every: Option<Duration>,
    textfile: Option<String>,
}

/// How one run went.
#[derive(Default)]
struct Run {
    steps: Vec<(&'static str, Duration)>,
    failed: Option<BoxError>,
}

struct Customer {
    url: String,
    client: Observed<Client<HttpConnector, Full<bytes::Bytes>>, side::Client>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = Options::of(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match journeys(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("journey: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs once, or until SIGTERM; did the last one succeed?
async fn journeys(options: Options) -> Result<bool, Box<dyn Error>> {
    let observability = tower_observability::init("journey")?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut customer = Customer { url: options.url, client: ObservabilityLayer::client().layer(client) };
    let mut end = std::pin::pin!(observability.shutdown_signal());
    let succeeded = loop {
        let run = customer.journey().await;
        run.record();
        if let Some(file) = &options.textfile {
            run.write(Path::new(file)).map_err(|error| format!("{file}: {error}"))?;
        }
        let Some(every) = options.every else { break run.failed.is_none() };
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = &mut end => break run.failed.is_none(),
        }
    };
    observability.shutdown().await;
    Ok(succeeded)
}

impl Options {
    fn of(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let url = arguments.next().filter(|url| url.starts_with("http://"))?;
        let mut options = Self { url: url.trim_end_matches('/').to_owned(), every: None, textfile: None };
        while let Some(argument) = arguments.next() {
            let value = arguments.next()?;
            match argument.as_str() {
                "--every" => {
                    options.every = Some(Duration::from_secs(value.parse().ok().filter(|n| *n > 0)?))
                }
                "--textfile" => options.textfile = Some(value),
                _ => return None,
            }
        }
        (options.every.is_none() || options.textfile.is_none()).then_some(options)
    }
}

impl Customer {
    async fn journey(&mut self) -> Run {
        let mut run = Run::default();
        let work = Work::internal("journey booking").try_run(async {
            let done = self.steps(&mut run).await;
            if let Err(error) = &done {
                tracing::error!(error = %error, "the journey failed");
            }
            done
        });
        let done = work.await;
        run.failed = done.err();
        run
    }

    async fn steps(&mut self, run: &mut Run) -> Result<(), BoxError> {
        let order = json!({ "customer_id": CUSTOMER, "plate": "B-WS-1", "part": "oil-filter" });
        let booked = self.step(run, "book", Method::POST, "/bookings", order).await?;
        let id = booked["booking_id"].as_str().ok_or("the answer to a booking has no booking_id")?;
        request::add("booking_id", id);
        let path = format!("/bookings/{id}");
        let read = self.step(run, "read", Method::GET, &path, Value::Null).await;
        // Whatever became of it: a journey that fails each minute must not leave a booking each minute.
        let cancelled = self.step(run, "cancel", Method::DELETE, &path, Value::Null).await;
        let read = read?;
        if read["booking_id"] != booked["booking_id"] {
            return Err(format!("asked for {id}, got {}", read["booking_id"]).into());
        }
        cancelled.map(drop)
    }

    async fn step(
        &mut self,
        run: &mut Run,
        name: &'static str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Value, BoxError> {
        let begun = Instant::now();
        let answer = timeout(STEP_MAY_TAKE, self.ask(method, path, body)).await;
        run.steps.push((name, begun.elapsed()));
        let (status, body) = answer.map_err(|_| format!("{name}: no answer within {STEP_MAY_TAKE:?}"))??;
        if !status.is_success() {
            return Err(format!("{name}: {status}").into());
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<(StatusCode, bytes::Bytes), BoxError> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let asked = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let asked = asked.header("content-type", "application/json").body(Full::from(text))?;
        let (head, body) = self.client.ready().await?.call(asked).await?.into_parts();
        Ok((head.status, Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes()))
    }
}

impl Run {
    fn success(&self) -> f64 {
        f64::from(u8::from(self.failed.is_none()))
    }

    /// Says on `/metrics` how it went.
    fn record(&self) {
        for (step, took) in &self.steps {
            metrics::gauge!("journey_step_duration_seconds", "journey" => "booking", "step" => *step)
                .set(took.as_secs_f64());
        }
        metrics::gauge!("journey_success", "journey" => "booking").set(self.success());
        metrics::gauge!("journey_last_run_timestamp_seconds", "journey" => "booking").set(now());
    }

    /// Says the same in a file for the node exporter's textfile collector, which reads only whole files.
    fn write(&self, file: &Path) -> std::io::Result<()> {
        let mut text = String::new();
        for (step, took) in &self.steps {
            let took = took.as_secs_f64();
            text += &format!("journey_step_duration_seconds{{journey=\"booking\",step=\"{step}\"}} {took}\n");
        }
        text += &format!("journey_success{{journey=\"booking\"}} {}\n", self.success());
        text += &format!("journey_last_run_timestamp_seconds{{journey=\"booking\"}} {}\n", now());
        let beside = file.with_extension("part");
        std::fs::write(&beside, text)?;
        std::fs::rename(beside, file)
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
