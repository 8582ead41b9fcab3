//! A second incident: logins time out, because a report holds what they write. Five whys, each answered by a question to a
//! store: two by Prometheus, two by Jaeger, the last by the log store.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::Executor as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::sync::watch::{Sender, channel};
use tower_observability::{
    Observability, ObservabilityLayer, PoolState, Priority, Query, Work, acquire, request,
};

use super::watch::{Customers, MAY_TAKE, Watch};
use crate::shared::child::{Child, Running, run};
use crate::support::database;
use crate::support::http::query;
use crate::support::jaeger::{Span, Trace, text};
use crate::support::prometheus::now;
use crate::support::stack::Folder;
use crate::support::systems::{JAEGER, JAEGER_OTLP, VICTORIA_LOGS};
use crate::support::victoria_logs::{OTLP, find};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::ask;

/// From the first failed login to the message.
const TOLD_WITHIN: f64 = 180.0;

const CONNECTIONS: u32 = 5;

/// A login may wait for so many milliseconds for its statement.
const PATIENCE: &str = "1000";

const LOGIN: &str = "UPDATE accounts SET logins = logins + 1 WHERE name = $1";

/// Counts, and keeps every account from being changed until it is done: a report that wants a picture that nobody moves in.
/// The time stands for what it computes, without the machine that other tests need.
const REPORT: &str =
    "SELECT count(*), pg_sleep(10) FROM (SELECT name, logins FROM accounts FOR UPDATE) AS counted";

/// Connections whose statements may take so many milliseconds; 0 is for ever.
async fn pool(patience: &str) -> PgPool {
    let options: PgConnectOptions = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    let options = options.options([("statement_timeout", patience)]);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(Duration::from_secs(1));
    pool.connect_with(options).await.unwrap()
}

#[test]
fn program() {
    run(&[("login", login), ("reports", reports)]);
}

/// A service that serves this app until it is asked to end.
fn serve(name: &str, app: impl AsyncFnOnce(&Observability) -> Router) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init(name).unwrap();
        let app = app(&observability).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, admin) = (listener.local_addr().unwrap(), observability.admin_address().unwrap());
        eprintln!("listens: http://{url} {admin}");
        axum::serve(listener, app).with_graceful_shutdown(observability.shutdown_signal()).await.unwrap();
        observability.shutdown().await;
    });
}

fn login() {
    serve("login", async |observability| {
        let pool = pool(PATIENCE).await;
        let observed = pool.clone();
        observability.pool("accounts", move || PoolState {
            used: Some(observed.size() as usize - observed.num_idle()),
            idle: Some(observed.num_idle()),
            max: Some(CONNECTIONS as usize),
            ..PoolState::default()
        });
        Router::new()
            .route("/login/{name}", post(log_in))
            .with_state(pool)
            .layer(ObservabilityLayer::new().priority("/login/{name}", Priority::High))
    });
}

async fn log_in(State(pool): State<PgPool>, Path(name): Path<String>) -> StatusCode {
    let done = async {
        let mut connection = acquire("accounts", pool.acquire()).await?;
        let update = sqlx::query(LOGIN).bind(name).execute(&mut *connection);
        Query::sql("postgresql", LOGIN).try_run_with(update, |error| error.as_database_error()?.code()).await
    };
    match done.await {
        Ok(_) => StatusCode::OK,
        Err(error) => {
            request::error(&error);
            StatusCode::GATEWAY_TIMEOUT
        }
    }
}

fn reports() {
    serve("reports", async |_| {
        let running = Arc::new(channel(false).0);
        Router::new()
            .route("/reports/accounts", post(begin).delete(end))
            .with_state((pool("0").await, running))
            .layer(ObservabilityLayer::new())
    });
}

type Reports = (PgPool, Arc<Sender<bool>>);

/// Counts again and again, for each branch of the house, until it is told to end.
async fn begin(State((pool, running)): State<Reports>, headers: HeaderMap) -> Json<Value> {
    let asked_by = headers.get("x-asked-by").map_or("", |value| value.to_str().unwrap()).to_owned();
    running.send_replace(true);
    tracing::info!(asked_by, report = "accounts", "report begins");
    let mut goes_on = running.subscribe();
    tokio::spawn(async move {
        while *goes_on.borrow_and_update() {
            let branch = Work::internal("report accounts").try_run(async {
                let mut connection = acquire("accounts", pool.acquire()).await?;
                sqlx::query(REPORT).execute(&mut *connection).await
            });
            branch.await.unwrap();
        }
    });
    Json(json!("begun"))
}

async fn end(State((_, running)): State<Reports>) -> Json<Value> {
    running.send_replace(false);
    tracing::info!(report = "accounts", "report ends");
    Json(json!("ended"))
}

/// One of the two services, with the addresses that it told.
struct Service {
    _process: Running,
    url: String,
    admin: String,
}

impl Service {
    fn start(name: &str, database: &str) -> Self {
        let child = Child::new("at_length::report", name)
            .env("DATABASE_URL", database)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", JAEGER_OTLP.value())
            .env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", VICTORIA_LOGS.url(OTLP))
            .env("OTEL_LOGS_EXPORTER", "otlp")
            .env("OTEL_BSP_SCHEDULE_DELAY", "500")
            .env("OTEL_BLRP_SCHEDULE_DELAY", "500");
        let mut process = child.start();
        let said = process.line("listens: ");
        let mut words = said.rsplit(' ').map(str::to_owned);
        let (admin, url) = (words.next().unwrap(), words.next().unwrap());
        Self { _process: process, url, admin }
    }
}

/// A database with the accounts of a hundred customers.
async fn accounts() -> String {
    let url = database::fresh("report").await;
    let pool = PgPool::connect(&url).await.unwrap();
    pool.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, logins INT)").await.unwrap();
    let customers = "INSERT INTO accounts SELECT 'customer-' || n, 0 FROM generate_series(0, 99) AS n";
    pool.execute(customers).await.unwrap();
    url
}

/// The files of Prometheus with these two in the place of two of the workshop's, and without what does not run here.
fn configured(folder: &Folder, alertmanager: &str, login: &Service, reports: &Service) -> PathBuf {
    let replace = [
        ("alertmanager:9093", alertmanager),
        ("gateway:9464", &login.admin),
        ("job: gateway", "job: login"),
        ("bookings:9464", &reports.admin),
        ("job: bookings", "job: reports"),
    ];
    let path = folder.copy("prometheus", &replace);
    let file = path.join("prometheus.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let services = text.split("  # Whether each says").next().unwrap();
    let runs = services.lines().filter(|line| !line.contains(":9464"));
    std::fs::write(&file, runs.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    path
}

/// The spans of a service's last traces that have a query.
async fn queries_of(service: &str) -> Vec<Span> {
    let url = JAEGER.url("/api/traces");
    let found = query(&url, &[("service", service), ("limit", "20"), ("lookback", "1h")]).await.json();
    let mut spans = Vec::new();
    for trace in found["data"].as_array().unwrap() {
        let trace = Trace::so_far(&text(&trace["traceID"])).await;
        spans.extend(
            trace
                .0
                .into_iter()
                .filter(|span| span.service == service && !span.tag("db.query.text").is_empty()),
        );
    }
    spans
}

/// Why did logins fail? Each answer leads to the next question.
async fn five_whys(watch: &Watch, told: &mut String) -> String {
    // 1. Why do customers complain?
    watch
        .once("job_route:request_errors:ratio_rate1m{job=\"login\", http_route=\"/login/{name}\"} > 0.05")
        .await;
    let kinds = "topk(1, sum by (error_type) (rate(http_server_request_duration_seconds_count{job=\"login\", error_type!=\"\"}[1m])))";
    let kind = text(&watch.once(kinds).await[0]["metric"]["error_type"]);
    assert_eq!(kind, "504");
    _ = writeln!(told, "1. why do customers complain? logins fail, with {kind} (Prometheus)");

    // 2. Why do logins time out?
    let promql = "http_server_request_duration_seconds_bucket{job=\"login\", error_type=\"504\"}";
    let (trace_id, trace) = watch.exemplar(promql, |trace| !trace.0.is_empty()).await;
    let waits = trace
        .0
        .iter()
        .filter(|span| !span.tag("db.system.name").is_empty() || span.name.starts_with("acquire"));
    let longest = waits.max_by_key(|span| span.duration).unwrap_or_else(|| panic!("{trace:?}"));
    assert!(longest.duration >= 900_000, "{trace:?}");
    let (name, ms, status) =
        (&longest.name, longest.duration / 1_000, longest.tag("db.response.status_code"));
    _ = writeln!(told, "2. why do they time out? of {trace_id}, {name} took {ms} ms {status} (Jaeger)");

    // 3. Why is that slow? Somebody else uses the database.
    let mean = "topk(1, sum by (job, db_query_summary) (rate(db_client_operation_duration_seconds_sum[2m])) \
                / sum by (job, db_query_summary) (rate(db_client_operation_duration_seconds_count[2m])))";
    let found = watch.once(mean).await;
    let (job, summary) = (text(&found[0]["metric"]["job"]), text(&found[0]["metric"]["db_query_summary"]));
    let seconds: f64 = text(&found[0]["value"][1]).parse().unwrap();
    assert!(job == "reports" && seconds > 5.0, "{found:#?}");
    _ = writeln!(
        told,
        "3. why does the database wait? {job} has {summary}, {seconds:.0} s each (Prometheus)"
    );

    // 4. Why does that hold up a login?
    let overlaps = |span: &Span| {
        span.start < longest.start + longest.duration && span.start + span.duration > longest.start
    };
    let statement = eventually(SOON, "the report's statement at that time", async || {
        let spans = queries_of("reports").await;
        let held = spans.iter().find(|span| overlaps(span)).map(|span| span.tag("db.query.text"));
        held.ok_or_else(|| format!("{spans:#?}"))
    })
    .await;
    assert!(statement.contains("accounts FOR UPDATE"), "{statement}");
    _ = writeln!(told, "4. why does that hold up logins? it locks what they write: {statement} (Jaeger)");

    // 5. Why at this time?
    let since = (now() * 1e9) as i64;
    let line = eventually(SOON, "the line that says who asked for it", async || {
        let found =
            find("\"report begins\" report:=\"accounts\"", since - 900_000_000_000..since + 60_000_000_000)
                .await;
        found.last().map(|line| line.field("asked_by").to_owned()).ok_or_else(|| "none".to_owned())
    })
    .await;
    assert_eq!(line, "cron 0 9 * * *");
    _ = writeln!(told, "5. why now? {line} asked for it (log store)");
    trace_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_that_time_out_because_of_a_report_are_explained_by_five_questions() {
    let database = accounts().await;
    let (login, reports) = (Service::start("login", &database), Service::start("reports", &database));
    let watch = Watch::start("report", |folder, at| configured(folder, at, &login, &reports)).await;
    let url = login.url.clone();
    let customers = Customers::start(move |number| {
        ask("POST", &format!("{url}/login/customer-{}", number % 100), &[], None)
    });
    watch.once("job_route:requests:rate1m{job=\"login\"} > 0").await;
    watch.once("job_route:severity:info{job=\"login\", severity=\"critical\"}").await;

    let report = format!("{}/reports/accounts", reports.url);
    assert_eq!(ask("POST", &report, &[("x-asked-by", "cron 0 9 * * *")], None).status, 200);
    let begun = customers.first_failure().await;
    let mut timeline = String::from("0.0 s: the first login fails\n");
    let names = ["RequestErrors", "login"];
    for (who, inbox) in [("the chat", &watch.chat), ("the pager", &watch.pager)] {
        let told = eventually(MAY_TAKE, who, async || inbox.first(&names)).await;
        let after = told.at - begun;
        _ = writeln!(timeline, "{after:.1} s: {who} is told of RequestErrors of login");
        assert!(after < TOLD_WITHIN, "{timeline}");
    }
    let trace_id = five_whys(&watch, &mut timeline).await;
    _ = writeln!(timeline, "{:.1} s: the fifth why has its answer", now() - begun);
    watch.evidence(&trace_id, &["login: POST /login/{name}", "RequestErrors"]).await;

    assert_eq!(ask("DELETE", &report, &[], None).status, 200);
    let mended = now();
    let over = ["RequestErrors", "login", "until"];
    let resolved = eventually(MAY_TAKE, "resolved", async || watch.chat.first(&over)).await;
    _ = writeln!(
        timeline,
        "{:.1} s after the report was ended: the chat is told that it is over",
        resolved.at - mended
    );
    println!("{timeline}");
}
