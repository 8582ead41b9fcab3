//! The database: JSON values by table and key, embedded, or in the PostgreSQL of `DATABASE_URL`.

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
            None => Ok(Self::Embedded(Embedded::open()?)),
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
            Self::Embedded(store) => store.read(table, key),
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
            Self::Embedded(store) => store.page(table, after, limit),
            Self::Postgres(store) => store.page(table, after, limit).await,
        }
    }

    pub(crate) async fn write<T: Serialize>(&self, table: &str, key: &str, value: &T) -> Result<(), Failure> {
        match self {
            Self::Embedded(store) => store.write(table, key, value),
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
            Self::Embedded(store) => store.update(table, key, change),
            Self::Postgres(store) => store.update(table, key, change).await,
        }
    }
}
