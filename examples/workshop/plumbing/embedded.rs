//! The embedded database: JSON values by table and key, in redb.

use std::ops::Bound;

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_observability::{Outcome, Query};

use super::Failure;

/// A database in memory: nothing to clean up. `Database::create(path)` would keep it.
pub(crate) struct Embedded(Database);

type Table<'a> = TableDefinition<'a, &'static str, &'static [u8]>;

impl Embedded {
    pub(crate) fn open() -> Result<Self, Failure> {
        Ok(Self(Database::builder().create_with_backend(InMemoryBackend::new()).map_err(redb::Error::from)?))
    }

    /// Writes all these in one transaction.
    pub(crate) fn fill<T: Serialize>(
        &self,
        table: &str,
        rows: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(), Failure> {
        let write = self.0.begin_write().map_err(redb::Error::from)?;
        {
            let mut table = write.open_table(Table::new(table)).map_err(redb::Error::from)?;
            for (key, value) in rows {
                let value = serde_json::to_vec(&value)?;
                table.insert(key.as_str(), value.as_slice()).map_err(redb::Error::from)?;
            }
        }
        Ok(write.commit().map_err(redb::Error::from)?)
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, table: &str, key: &str) -> Result<Option<T>, Failure> {
        let bytes = query("read", table, || self.bytes(table, key))?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// Those whose keys come after this one, so many at most.
    pub(crate) fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        let rows = query("list", table, || self.rows(table, after, limit))?;
        rows.iter().map(|bytes| Ok(serde_json::from_slice(bytes)?)).collect()
    }

    pub(crate) fn write<T: Serialize>(&self, table: &str, key: &str, value: &T) -> Result<(), Failure> {
        query("write", table, || self.change(table, key, |_| Ok(serde_json::to_vec(value)?)))
    }

    /// Reads, changes and writes in one transaction.
    pub(crate) fn update<T: DeserializeOwned + Serialize>(
        &self,
        table: &str,
        key: &str,
        change: impl FnOnce(Option<T>) -> T,
    ) -> Result<T, Failure> {
        let mut after = None;
        query("update", table, || {
            self.change(table, key, |before| {
                let value = change(before.map(serde_json::from_slice).transpose()?);
                let bytes = serde_json::to_vec(&value)?;
                after = Some(value);
                Ok(bytes)
            })
        })?;
        after.ok_or_else(|| Failure::not_found("nothing was written"))
    }

    fn rows(&self, table: &str, after: &str, limit: usize) -> Result<Vec<Vec<u8>>, redb::Error> {
        let table = match self.0.begin_read()?.open_table(Table::new(table)) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let after = (Bound::Excluded(after), Bound::Unbounded);
        let rows = table.range::<&str>(after)?.take(limit);
        rows.map(|row| Ok(row?.1.value().to_vec())).collect()
    }

    fn bytes(&self, table: &str, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
        match self.0.begin_read()?.open_table(Table::new(table)) {
            Ok(table) => Ok(table.get(key)?.map(|value| value.value().to_vec())),
            // Nobody wrote yet.
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn change(
        &self,
        table: &str,
        key: &str,
        change: impl FnOnce(Option<&[u8]>) -> Result<Vec<u8>, Failure>,
    ) -> Result<(), Failure> {
        let write = self.0.begin_write().map_err(redb::Error::from)?;
        {
            let mut table = write.open_table(Table::new(table)).map_err(redb::Error::from)?;
            let before = table.get(key).map_err(redb::Error::from)?.map(|value| value.value().to_vec());
            table.insert(key, change(before.as_deref())?.as_slice()).map_err(redb::Error::from)?;
        }
        Ok(write.commit().map_err(redb::Error::from)?)
    }
}

/// A query of a database that has no driver to be seen by: what it does and to which table, and never a value.
fn query<T, E>(operation: &str, table: &str, run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let mut running = Query::new("redb", &format!("{operation} {table}")).collection(table).begin();
    let result = running.within(run);
    running.finish(if result.is_ok() { Outcome::Ok } else { Outcome::ServerError });
    result
}
