//! PostgreSQL through sqlx: its queries without code, its pool, and the request that gets no connection.

use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{Acquire as _, AssertSqlSafe, Executor as _, Row as _};
use tower_observability::testing::Instance;
use tower_observability::work::transaction;
use tower_observability::{Kind, PoolState, Query, Work, acquire, request};

use super::{named, unique};
use crate::support::systems::POSTGRES;

/// How long a request waits for a connection; the first one must be made within it on a busy machine as well.
const WAIT: Duration = Duration::from_secs(5);

async fn pool(most: u32) -> PgPool {
    pool_of(&POSTGRES.value(), most).await
}

async fn pool_of(url: &str, most: u32) -> PgPool {
    let options = PgPoolOptions::new().max_connections(most).acquire_timeout(WAIT);
    options.connect(url).await.unwrap()
}

/// An empty table of this run.
async fn table(pool: &PgPool) -> String {
    let table = unique("bookings");
    pool.execute(AssertSqlSafe(format!("CREATE TABLE {table} (id INT PRIMARY KEY, name TEXT)")))
        .await
        .unwrap();
    table
}

#[tokio::test]
async fn each_query_of_sqlx_is_a_span_of_its_request_without_a_line_of_code() {
    let (seen, pool) = (Instance::new(), pool(2).await);
    let table = table(&pool).await;
    let _subscriber = seen.subscribe();
    let insert = format!("INSERT INTO {table} (id, name) VALUES ($1, 'secret')");
    let select = format!("SELECT name FROM {table} WHERE id = $1");
    Work::internal("book")
        .run(async {
            sqlx::query(AssertSqlSafe(&*insert)).bind(4711).execute(&pool).await.unwrap();
            let row = sqlx::query(AssertSqlSafe(&*select)).bind(4711).fetch_one(&pool).await.unwrap();
            assert_eq!(row.get::<String, _>(0), "secret");
        })
        .await;
    let job = seen.request("book").span().clone();
    let (insert, select) =
        (named(&seen, &format!("INSERT {table}")), named(&seen, &format!("SELECT {table}")));
    for span in [&insert, &select] {
        assert!(span.kind == Kind::Client && span.is_child_of(&job), "{seen}");
        assert_eq!(span.attribute("db.system.name"), "postgresql");
        assert_eq!(span.attribute("db.collection.name"), &*table);
        assert!(span.start >= job.start && span.end <= job.end, "{span:?}");
    }
    assert_eq!(insert.attribute("db.query.text"), &*format!("INSERT INTO {table} (id, name) VALUES ($1, ?)"));
    assert_eq!(select.attribute("db.response.returned_rows"), 1);
    let labels = [("db_collection_name", &*table), ("db_operation_name", "SELECT")];
    assert_eq!(seen.metric("db_client_operation_duration_seconds_count", &labels), 1.0);
}

#[tokio::test]
async fn a_slow_query_of_the_real_database_is_named_on_the_line_of_its_request() {
    let (seen, pool) = (Instance::new(), pool(1).await);
    let table = table(&pool).await;
    let _subscriber = seen.subscribe();
    let slow = format!("SELECT pg_sleep(1.1), count(*) FROM {table}");
    Work::internal("report")
        .run(async { sqlx::query(AssertSqlSafe(&*slow)).fetch_all(&pool).await.unwrap() })
        .await;
    let job = seen.request("report");
    assert_eq!(job.closing_line()["observability.slow_query"], format!("SELECT {table}"));
    assert!(job.closing_line()["observability.slow_query_ms"].as_f64() >= Some(1_100.0));
    let text = named(&seen, &format!("SELECT {table}")).attribute("db.query.text").to_string();
    assert!(text.starts_with("SELECT pg_sleep(?)"), "{text}");
}

#[tokio::test]
async fn the_sqlstate_is_the_error_of_the_query_and_sqlx_reports_it_no_second_time() {
    let (seen, pool) = (Instance::new(), pool(1).await);
    let table = table(&pool).await;
    let _subscriber = seen.subscribe();
    let insert = format!("INSERT INTO {table} (id) VALUES ($1)");
    sqlx::query(AssertSqlSafe(&*insert)).bind(1).execute(&pool).await.unwrap();
    Work::internal("book twice")
        .run(async {
            let again = sqlx::query(AssertSqlSafe(&*insert)).bind(1).execute(&pool);
            let query = Query::sql("postgresql", &insert);
            query.try_run_with(again, |error| error.as_database_error()?.code()).await.unwrap_err();
        })
        .await;
    let span = named(&seen, &format!("INSERT {table}"));
    assert_eq!(span.attribute("error.type"), "23505");
    assert_eq!(span.attribute("db.response.status_code"), "23505");
    let text = span.attribute("exception.message").to_string();
    assert!(text.contains("duplicate key value violates unique constraint ?"), "{text}");
}

#[tokio::test]
async fn a_transaction_shows_how_long_its_connection_was_held_and_that_it_was_rolled_back() {
    let (seen, pool) = (Instance::new(), pool(1).await);
    let table = table(&pool).await;
    let _subscriber = seen.subscribe();
    let insert = format!("INSERT INTO {table} (id) VALUES ($1)");
    let booked = transaction("postgresql", async {
        let mut connection = acquire("bookings", pool.acquire()).await?;
        let mut open = connection.begin().await?;
        sqlx::query(AssertSqlSafe(&*insert)).bind(1).execute(&mut *open).await?;
        sqlx::query(AssertSqlSafe(&*insert)).bind(1).execute(&mut *open).await?;
        open.commit().await
    });
    Work::internal("book").try_run(booked).await.unwrap_err();
    let around = named(&seen, "TRANSACTION");
    let inserted = seen.spans().into_iter().filter(|span| span.name == format!("INSERT {table}"));
    assert!(inserted.inspect(|span| assert!(span.is_child_of(&around), "{seen}")).count() >= 1);
    assert_eq!(seen.request("book").closing_line()["observability.rolled_back"], true);
    let count = format!("SELECT count(*) FROM {table}");
    assert_eq!(sqlx::query(AssertSqlSafe(&*count)).fetch_one(&pool).await.unwrap().get::<i64, _>(0), 0);
}

#[tokio::test]
async fn a_request_that_gets_no_connection_says_so_on_span_line_and_metric() {
    let (seen, pool) = (Instance::new(), pool(1).await);
    let _subscriber = seen.subscribe();
    let observed = pool.clone();
    seen.pool("bookings", move || PoolState {
        used: Some(observed.size() as usize - observed.num_idle()),
        idle: Some(observed.num_idle()),
        max: Some(observed.options().get_max_connections() as usize),
        ..PoolState::default()
    });
    let held = acquire("bookings", pool.acquire()).await.unwrap();
    let of = ("db_client_connection_pool_name", "bookings");
    assert_eq!(seen.metric("db_client_connection_count", &[of, ("db_client_connection_state", "used")]), 1.0);
    assert_eq!(seen.metric("db_client_connection_max", &[of]), 1.0);
    let waits = async {
        acquire("bookings", pool.acquire()).await.inspect_err(|error| {
            request::error(error);
        })
    };
    Work::internal("book").try_run(waits).await.unwrap_err();
    drop(held);
    let job = seen.request("book");
    assert_eq!(job.closing_line()["observability.connection_missing"], "bookings");
    assert!(
        job.closing_line()["observability.connection_wait_ms"].as_f64() >= Some(WAIT.as_secs_f64() * 1e3)
    );
    assert!(job.child("acquire bookings").is_error());
    assert_eq!(seen.metric("db_client_connection_timeouts_total", &[of]), 1.0);
    assert_eq!(seen.metric("db_client_connection_wait_time_seconds_count", &[of]), 2.0);
}

#[tokio::test]
async fn the_databases_own_limit_of_connections_is_seen_as_well() {
    let (seen, admin) = (Instance::new(), pool(1).await);
    let role = unique("limited");
    admin.execute(AssertSqlSafe(format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 1"))).await.unwrap();
    let _subscriber = seen.subscribe();
    let url = POSTGRES.value().replace("bookings@", &format!("{role}@"));
    let pool = pool_of(&url, 5).await;
    let held = pool.acquire().await.unwrap();
    // The pool has room for more, the database does not.
    Work::internal("book").try_run(acquire("limited", pool.acquire())).await.unwrap_err();
    drop(held);
    let job = seen.request("book");
    assert_eq!(job.closing_line()["observability.connection_missing"], "limited");
    assert!(job.child("acquire limited").is_error(), "{seen}");
    assert!(job.closing_line()["error"].is_string());
}
