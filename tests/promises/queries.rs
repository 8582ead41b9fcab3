//! Promise: a query of a database is a call of the request, on span, metric and line, and no value of a statement leaves.

use std::borrow::Cow;

use tower_observability::testing::{Instance, Span};
use tower_observability::work::transaction;
use tower_observability::{Kind, Outcome, Query, Work};

const DURATION: &str = "db_client_operation_duration_seconds_count";

fn named(seen: &Instance, name: &str) -> Span {
    seen.spans().into_iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name:?}: {seen}"))
}

/// What sqlx reports of a query when it is over.
fn reported(statement: &str, seconds: f64) {
    let summary: String = statement.split_ascii_whitespace().take(4).collect::<Vec<_>>().join(" ");
    let full = if summary == statement { "" } else { statement };
    tracing::debug!(
        target: "sqlx::query",
        summary,
        db.statement = full,
        rows_affected = 0_u64,
        rows_returned = 3_u64,
        elapsed = ?std::time::Duration::from_secs_f64(seconds),
        elapsed_secs = seconds,
    );
}

#[tokio::test]
async fn a_query_is_a_span_below_the_request_by_the_database_conventions() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let sql = "SELECT seats FROM shop.bookings WHERE id = 4711 AND name = 'secret'";
    let query = || Query::sql("postgresql", sql).namespace("shop").server("db.internal", Some(5433)).batch(2);
    Work::internal("book").run(async { query().run(async {}).await }).await;
    let (job, span) = (seen.request("book"), named(&seen, "SELECT shop.bookings"));
    assert!(span.kind == Kind::Client && span.is_child_of(job.span()), "{seen}");
    for (name, value) in [
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.query.summary", "SELECT shop.bookings"),
        ("db.operation.name", "SELECT"),
        ("db.collection.name", "shop.bookings"),
        ("db.query.text", "SELECT seats FROM shop.bookings WHERE id = ? AND name = ?"),
        ("server.address", "db.internal"),
    ] {
        assert_eq!(span.attribute(name), value);
    }
    assert_eq!(span.attribute("server.port"), 5433);
    assert_eq!(span.attribute("db.operation.batch.size"), 2);
    let labels = [
        ("db_system_name", "postgresql"),
        ("db_namespace", "shop"),
        ("db_query_summary", "SELECT shop.bookings"),
        ("db_operation_name", "SELECT"),
        ("db_collection_name", "shop.bookings"),
        ("server_port", "5433"),
    ];
    assert_eq!(seen.metric(DURATION, &labels), 1.0);
    let page = seen.scrape();
    assert!(page.contains("db_client_operation_duration_seconds_bucket{") && page.contains("le=\"0.001\""));
    // A query that ended well and in time has no line.
    assert_eq!(seen.lines().len(), 1);
    assert!(!format!("{seen}").contains("secret"));
}

#[tokio::test]
async fn a_query_that_fails_has_its_code_and_its_text_without_values() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let failing = async { Err::<(), _>("duplicate key \"secret@example.org\" in 4711") };
    let query = Query::sql("postgresql", "INSERT INTO users (mail) VALUES ($1)");
    Work::internal("sign up")
        .run(async { query.try_run_with(failing, |_| Some(Cow::Borrowed("23505"))).await.unwrap_err() })
        .await;
    let span = named(&seen, "INSERT users");
    assert!(span.is_error());
    assert_eq!(span.attribute("db.response.status_code"), "23505");
    assert_eq!(span.attribute("error.type"), "23505");
    assert_eq!(span.attribute("exception.message"), "duplicate key ? in ?");
    assert_eq!(seen.metric(DURATION, &[("db_response_status_code", "23505"), ("error_type", "23505")]), 1.0);
    let line = &seen.lines()[0];
    assert_eq!((&line["level"], &line["work_name"]), (&"WARN".into(), &"INSERT users".into()), "{line:#}");
    assert_eq!(
        (&line["error_type"], &line["error"]),
        (&"23505".into(), &"duplicate key ? in ?".into()),
        "{line:#}"
    );
    assert!(!format!("{seen}").contains("secret"));
}

#[tokio::test]
async fn a_query_that_is_given_up_is_recorded_and_one_by_hand_too() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let mut running = Work::internal("job").begin();
    running.within(|| {
        drop(Query::new("redis", "GET").begin());
        Query::new("mongodb", "find bookings").begin().finish(Outcome::Ok);
    });
    running.finish(Outcome::Ok);
    assert_eq!(named(&seen, "GET").attribute("observability.outcome"), "cancelled");
    assert_eq!(named(&seen, "find bookings").attribute("db.collection.name"), "bookings");
    assert_eq!(seen.metric(DURATION, &[("db_system_name", "redis"), ("db_operation_name", "GET")]), 1.0);
}

#[tokio::test]
async fn outside_of_a_request_a_query_begins_no_trace_and_is_counted() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    Query::sql("postgresql", "SELECT polled FROM jobs").run(async {}).await;
    reported("SELECT polled FROM jobs WHERE a = $1", 0.01);
    assert!(seen.spans().is_empty(), "{seen}");
    assert_eq!(seen.metric(DURATION, &[("db_query_summary", "SELECT jobs")]), 2.0);
}

#[tokio::test]
async fn what_sqlx_reports_becomes_a_span_that_began_when_the_query_did() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    Work::internal("book")
        .run(async { reported("SELECT seats FROM bookings WHERE id = $1 AND name = 'secret'", 0.25) })
        .await;
    let (job, span) = (seen.request("book"), named(&seen, "SELECT bookings"));
    assert!(span.kind == Kind::Client && span.is_child_of(job.span()), "{seen}");
    let took = span.end.duration_since(span.start).unwrap().as_secs_f64();
    assert!((0.25..0.35).contains(&took), "{took}");
    assert_eq!(span.attribute("db.system.name"), "postgresql");
    assert_eq!(span.attribute("db.query.text"), "SELECT seats FROM bookings WHERE id = $1 AND name = ?");
    assert_eq!(span.attribute("db.response.returned_rows"), 3);
    assert_eq!(seen.metric(DURATION, &[("db_collection_name", "bookings")]), 1.0);
}

#[tokio::test]
async fn a_query_is_recorded_once_whoever_reports_it() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let text = "SELECT once FROM t WHERE a = $1";
    Work::internal("by hand")
        .run(async { Query::sql("postgresql", text).run(async { reported(text, 0.01) }).await })
        .await;
    Work::internal("by the driver")
        .run(async {
            let span = tracing::info_span!("db.query", otel.kind = "client", db.system.name = "postgresql");
            span.in_scope(|| reported(text, 0.01));
        })
        .await;
    assert_eq!(seen.metric(DURATION, &[("db_query_summary", "SELECT t")]), 1.0);
    assert_eq!(seen.spans().iter().filter(|span| span.kind == Kind::Client).count(), 2, "{seen}");
}

#[tokio::test]
async fn a_slow_query_has_a_line_and_is_named_on_the_line_of_its_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    Work::internal("report")
        .run(async {
            reported("SELECT fast FROM a WHERE b = $1", 0.01);
            reported("SELECT slow FROM sales WHERE b = $1", 1.2);
            reported("SELECT slower FROM costs WHERE b = $1", 2.5);
            reported("SELECT slow FROM sales WHERE b = $1", 1.3);
        })
        .await;
    let lines = seen.lines();
    let slow: Vec<_> = lines.iter().filter(|line| line["target"] == "tower_observability::client").collect();
    let messages: Vec<_> = slow.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["SELECT sales ok", "SELECT costs ok", "SELECT sales ok"]);
    assert!(slow.iter().all(|line| line["level"] == "WARN"));
    let job = seen.request("report");
    assert_eq!(job.closing_line()["observability.slow_query"], "SELECT costs");
    let took = job.closing_line()["observability.slow_query_ms"].as_f64().unwrap();
    assert!((2_500.0..2_700.0).contains(&took), "{took}");
    assert_eq!(job.span().attribute("observability.slow_query"), "SELECT costs");
}

#[tokio::test]
async fn a_transaction_is_a_span_around_its_queries_and_says_that_it_was_rolled_back() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let booked = async {
        reported("INSERT INTO bookings (id) VALUES ($1)", 0.01);
        Err::<(), _>("no seats")
    };
    Work::internal("book").run(async { transaction("postgresql", booked).await.unwrap_err() }).await;
    Work::internal("read")
        .run(async { transaction("postgresql", async { Ok::<_, String>(7) }).await.unwrap() })
        .await;
    let around = seen.spans().into_iter().find(|span| span.name == "TRANSACTION" && span.is_error()).unwrap();
    assert!(named(&seen, "INSERT bookings").is_child_of(&around), "{seen}");
    assert_eq!(seen.request("book").closing_line()["observability.rolled_back"], true);
    assert!(!seen.request("read").span().attributes.contains_key("observability.rolled_back"));
    assert_eq!(seen.metric(DURATION, &[("db_query_summary", "TRANSACTION")]), 2.0);
}
