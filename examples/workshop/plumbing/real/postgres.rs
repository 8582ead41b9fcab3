//! PostgreSQL through sqlx, whose queries need no code to be seen: only the pool and the transactions say what they do.

use axum::http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use tower_observability::work::transaction;
use tower_observability::{Observability, PoolState, acquire};

use crate::plumbing::Failure;

/// A pool of connections, and the tables of one service in their database.
pub(crate) struct Postgres {
    pool: PgPool,
}

const CONNECTIONS: u32 = 5;

impl Postgres {
    pub(crate) async fn open(
        url: &str,
        tables: &[&str],
        observability: &Observability,
    ) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
        for table in tables {
            let columns = "key TEXT PRIMARY KEY, value TEXT NOT NULL";
            pool.execute(AssertSqlSafe(format!("CREATE TABLE IF NOT EXISTS workshop_{table} ({columns})")))
                .await?;
            // A demonstration begins anew each time, as the embedded database does.
            pool.execute(AssertSqlSafe(format!("TRUNCATE workshop_{table}"))).await?;
        }
        let observed = pool.clone();
        observability.pool("postgres", move || PoolState {
            used: Some((observed.size() as usize).saturating_sub(observed.num_idle())),
            idle: Some(observed.num_idle()),
            max: Some(CONNECTIONS as usize),
            ..PoolState::default()
        });
        Ok(Self { pool })
    }

    pub(crate) async fn fill<T: Serialize>(
        &self,
        table: &str,
        rows: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(), Failure> {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(key, value)| Ok((key, serde_json::to_string(&value)?)))
            .collect::<Result<_, Failure>>()?;
        let (keys, values): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let insert = format!("INSERT INTO workshop_{table} SELECT * FROM unnest($1::text[], $2::text[])");
        sqlx::query(AssertSqlSafe(&*insert)).bind(keys).bind(values).execute(&self.pool).await?;
        Ok(())
    }

    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        table: &str,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        let mut connection = acquire("postgres", self.pool.acquire()).await?;
        let select = format!("SELECT value FROM workshop_{table} WHERE key = $1");
        let row = sqlx::query(AssertSqlSafe(&*select)).bind(key).fetch_optional(&mut *connection).await?;
        row.map(|row| value(&row.get::<String, _>(0))).transpose()
    }

    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        let mut connection = acquire("postgres", self.pool.acquire()).await?;
        let select = format!("SELECT value FROM workshop_{table} WHERE key > $1 ORDER BY key LIMIT $2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = sqlx::query(AssertSqlSafe(&*select)).bind(after).bind(limit);
        let rows = rows.fetch_all(&mut *connection).await?;
        rows.iter().map(|row| value(&row.get::<String, _>(0))).collect()
    }

    pub(crate) async fn write<T: Serialize>(&self, table: &str, key: &str, value: &T) -> Result<(), Failure> {
        let mut connection = acquire("postgres", self.pool.acquire()).await?;
        let value = serde_json::to_string(value)?;
        sqlx::query(AssertSqlSafe(upsert(table))).bind(key).bind(value).execute(&mut *connection).await?;
        Ok(())
    }

    pub(crate) async fn update<T: DeserializeOwned + Serialize>(
        &self,
        table: &str,
        key: &str,
        change: impl FnOnce(Option<T>) -> T,
    ) -> Result<T, Failure> {
        transaction("postgresql", async {
            let mut open = acquire("postgres", self.pool.begin()).await?;
            let select = format!("SELECT value FROM workshop_{table} WHERE key = $1 FOR UPDATE");
            let row = sqlx::query(AssertSqlSafe(&*select)).bind(key).fetch_optional(&mut *open).await?;
            let before = row.map(|row| value(&row.get::<String, _>(0))).transpose()?;
            let after = change(before);
            let text = serde_json::to_string(&after)?;
            sqlx::query(AssertSqlSafe(upsert(table))).bind(key).bind(text).execute(&mut *open).await?;
            open.commit().await?;
            Ok(after)
        })
        .await
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::unavailable("the database has no connection left"),
            error => Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

fn upsert(table: &str) -> String {
    format!(
        "INSERT INTO workshop_{table} (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
}

fn value<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    Ok(T::deserialize(serde_json::from_str::<Value>(text)?)?)
}
