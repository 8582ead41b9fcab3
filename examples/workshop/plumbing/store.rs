//! The database: JSON values by table and key, embedded, or in the PostgreSQL of `DATABASE_URL`.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_observability::Observability;

use super::Failure;
use super::embedded::Embedded;
use super::real::Postgres;

/// One service's tables.
pub(crate) enum Store {
    Embedded(Embedded),
    Postgres(Postgres),
}

impl Store {
    /// Opens these tables, empty.
    pub(crate) async fn open(tables: &[&str], observability: &Observability) -> Result<Self, Failure> {
        match std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) {
            Some(url) => Ok(Self::Postgres(Postgres::open(&url, tables, observability).await?)),
            None => Ok(Self::Embedded(Embedded::open(observability)?)),
        }
    }

    /// Writes all these in one transaction.
    pub(crate) async fn fill<T: Serialize>(
        &self,
        table: &str,
        rows: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(), Failure> {
        match self {
            Self::Embedded(store) => store.fill(table, rows),
            Self::Postgres(store) => store.fill(table, rows).await,
        }
    }

    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        table: &str,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        match self {
            Self::Embedded(store) => store.read(table, key).await,
            Self::Postgres(store) => store.read(table, key).await,
        }
    }

    /// Those whose keys come after this one, in the order of their keys, so many at most.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        match self {
            Self::Embedded(store) => store.page(table, after, limit).await,
            Self::Postgres(store) => store.page(table, after, limit).await,
        }
    }

    pub(crate) async fn write<T: Serialize>(&self, table: &str, key: &str, value: &T) -> Result<(), Failure> {
        match self {
            Self::Embedded(store) => store.write(table, key, value).await,
            Self::Postgres(store) => store.write(table, key, value).await,
        }
    }

    /// Reads, changes and writes in one transaction.
    pub(crate) async fn update<T: DeserializeOwned + Serialize>(
        &self,
        table: &str,
        key: &str,
        change: impl FnOnce(Option<T>) -> T,
    ) -> Result<T, Failure> {
        match self {
            Self::Embedded(store) => store.update(table, key, change).await,
            Self::Postgres(store) => store.update(table, key, change).await,
        }
    }

    /// A report of so many seconds that holds a connection, and the writer's place if it `corrects`.
    pub(crate) async fn report(&self, table: &str, corrects: bool, seconds: u64) -> Result<u64, Failure> {
        let lasts = Duration::from_secs(seconds.min(60));
        self.embedded()?.report(table, corrects, lasts).await
    }

    pub(crate) fn end_reports(&self) -> Result<(), Failure> {
        self.embedded().map(Embedded::end_reports)
    }

    /// Breaks and repairs what the database lies on.
    pub(crate) fn set_broken(&self, is_broken: bool) -> Result<(), Failure> {
        self.embedded()?.set_broken(is_broken)
    }

    fn embedded(&self) -> Result<&Embedded, Failure> {
        match self {
            Self::Embedded(store) => Ok(store),
            Self::Postgres(_) => Err(Failure::unavailable("only the embedded database does this")),
        }
    }
}
