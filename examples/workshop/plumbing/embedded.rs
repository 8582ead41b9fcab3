//! The embedded database: JSON values by table and key, in redb, behind a pool of connections as a database in the network
//! would have it.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition, TableError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::block_in_place;
use tokio::time::timeout;
use tower_observability::{Observability, PoolState, Query, acquire};

use super::Failure;

/// As many as work in it at once.
const CONNECTIONS: usize = 5;
const MAY_WAIT: Duration = Duration::from_secs(1);
/// How long a report that corrects holds the one writer's place before it lets others in.
const HOLDS: Duration = Duration::from_millis(1_400);
const LETS_IN: Duration = Duration::from_millis(150);

/// A database in memory: nothing to clean up. `Database::create(path)` would keep it.
pub(crate) struct Embedded {
    /// None while it is opened again.
    database: RwLock<Option<Database>>,
    disk: Disk,
    pool: Arc<Pool>,
    are_reports_wanted: AtomicBool,
}

/// What it lies on, which may stop to answer.
#[derive(Clone, Debug)]
struct Disk {
    memory: Arc<InMemoryBackend>,
    is_broken: Arc<AtomicBool>,
}

struct Pool {
    connections: Semaphore,
    waiting: AtomicUsize,
}

/// Somebody who waits for a connection.
struct Waits<'a>(&'a AtomicUsize);

type Table<'a> = TableDefinition<'a, &'static str, &'static [u8]>;

impl Embedded {
    pub(crate) fn open(observability: &Observability) -> Result<Self, Failure> {
        let pool = Arc::new(Pool { connections: Semaphore::new(CONNECTIONS), waiting: AtomicUsize::new(0) });
        let observed = pool.clone();
        observability.pool("redb", move || {
            let idle = observed.connections.available_permits();
            PoolState {
                used: Some(CONNECTIONS - idle.min(CONNECTIONS)),
                idle: Some(idle),
                max: Some(CONNECTIONS),
                waiting: Some(observed.waiting.load(Ordering::Relaxed)),
            }
        });
        let disk = Disk { memory: Arc::default(), is_broken: Arc::default() };
        let database = RwLock::new(Some(disk.open()?));
        Ok(Self { database, disk, pool, are_reports_wanted: AtomicBool::new(true) })
    }

    /// Its disk answers no more; or does so again, and the database is opened anew, with what it had.
    pub(crate) fn set_broken(&self, is_broken: bool) -> Result<(), Failure> {
        self.disk.is_broken.store(is_broken, Ordering::Relaxed);
        if !is_broken {
            let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
            // The old one first: at its end it writes where the new one is to read.
            drop(database.take());
            *database = Some(self.disk.open()?);
        }
        Ok(())
    }

    /// Writes all these in one transaction.
    pub(crate) fn fill<T: Serialize>(
        &self,
        table: &str,
        rows: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(), Failure> {
        self.with(|database| {
            let write = database.begin_write().map_err(redb::Error::from)?;
            {
                let mut table = write.open_table(Table::new(table)).map_err(redb::Error::from)?;
                for (key, value) in rows {
                    let value = serde_json::to_vec(&value)?;
                    table.insert(key.as_str(), value.as_slice()).map_err(redb::Error::from)?;
                }
            }
            Ok(write.commit().map_err(redb::Error::from)?)
        })
    }

    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        table: &str,
        key: &str,
    ) -> Result<Option<T>, Failure> {
        let bytes = self.ask("read", table, |database| Ok(bytes(database, table, key)?)).await?;
        bytes.map(|bytes| Ok(serde_json::from_slice(&bytes)?)).transpose()
    }

    /// Those whose keys come after this one, so many at most.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<T>, Failure> {
        let rows = self.ask("list", table, |database| Ok(rows(database, table, after, limit)?)).await?;
        rows.iter().map(|bytes| Ok(serde_json::from_slice(bytes)?)).collect()
    }

    pub(crate) async fn write<T: Serialize>(&self, table: &str, key: &str, value: &T) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(value)?;
        self.ask("write", table, |database| change(database, table, key, |_| Ok(bytes))).await
    }

    /// Reads, changes and writes in one transaction.
    pub(crate) async fn update<T: DeserializeOwned + Serialize>(
        &self,
        table: &str,
        key: &str,
        next: impl FnOnce(Option<T>) -> T,
    ) -> Result<T, Failure> {
        let mut after = None;
        let update = |database: &Database| {
            change(database, table, key, |before| {
                let value = next(before.map(serde_json::from_slice).transpose()?);
                let bytes = serde_json::to_vec(&value)?;
                after = Some(value);
                Ok(bytes)
            })
        };
        self.ask("update", table, update).await?;
        after.ok_or_else(|| Failure::not_found("nothing was written"))
    }

    /// Goes through a table row by row, a millisecond each, again and again for so long, and holds a connection meanwhile; one
    /// that `corrects` holds the one writer's place as well, most of the time. Returns how many rows it saw.
    pub(crate) async fn report(&self, table: &str, corrects: bool, lasts: Duration) -> Result<u64, Failure> {
        self.are_reports_wanted.store(true, Ordering::Relaxed);
        let until = Instant::now() + lasts;
        let operation = if corrects { "correct" } else { "list" };
        self.ask(operation, table, |database| {
            let mut seen = 0;
            while Instant::now() < until && self.are_reports_wanted.load(Ordering::Relaxed) {
                let ends = if corrects { until.min(Instant::now() + HOLDS) } else { until };
                let place =
                    corrects.then(|| database.begin_write()).transpose().map_err(redb::Error::from)?;
                seen += self.look_at_all(database, table, ends)?;
                if let Some(place) = place {
                    place.commit().map_err(redb::Error::from)?;
                    std::thread::sleep(LETS_IN);
                }
            }
            Ok(seen)
        })
        .await
    }

    /// All reports end now.
    pub(crate) fn end_reports(&self) {
        self.are_reports_wanted.store(false, Ordering::Relaxed);
    }

    fn look_at_all(&self, database: &Database, table: &str, until: Instant) -> Result<u64, redb::Error> {
        let read = database.begin_read()?.open_table(Table::new(table))?;
        let mut seen = 0;
        while Instant::now() < until && self.are_reports_wanted.load(Ordering::Relaxed) {
            for row in read.iter()? {
                let (_, value) = row?;
                seen += u64::from(serde_json::from_slice::<Value>(value.value()).is_ok());
                std::thread::sleep(Duration::from_millis(1));
                if Instant::now() >= until || !self.are_reports_wanted.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
        Ok(seen)
    }

    /// Waits for a connection, and does this with it.
    async fn ask<T>(
        &self,
        operation: &str,
        table: &str,
        act: impl FnOnce(&Database) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let _connection = acquire("redb", self.pool.connection()).await?;
        let query = Query::new("redb", &format!("{operation} {table}")).collection(table);
        // It blocks its thread; the runtime gets another one meanwhile.
        query.try_run(async { block_in_place(|| self.with(act)) }).await
    }

    fn with<T>(&self, act: impl FnOnce(&Database) -> Result<T, Failure>) -> Result<T, Failure> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        act(database.as_ref().ok_or_else(|| Failure::unavailable("the database is not open"))?)
    }
}

impl Pool {
    async fn connection(&self) -> Result<SemaphorePermit<'_>, Failure> {
        let _waits = Waits::count(&self.waiting);
        match timeout(MAY_WAIT, self.connections.acquire()).await {
            Ok(Ok(connection)) => Ok(connection),
            _ => Err(Failure::unavailable("the database has no connection left")),
        }
    }
}

impl<'a> Waits<'a> {
    fn count(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Disk {
    /// Without a cache: what is read comes from here.
    fn open(&self) -> Result<Database, Failure> {
        let mut builder = Database::builder();
        builder.set_cache_size(0);
        Ok(builder.create_with_backend(self.clone()).map_err(redb::Error::from)?)
    }

    fn sound(&self) -> io::Result<&InMemoryBackend> {
        match self.is_broken.load(Ordering::Relaxed) {
            true => Err(io::Error::other("the disk of the database does not answer")),
            false => Ok(&self.memory),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.sound()?.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.sound()?.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.sound()?.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sound()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.sound()?.write(offset, data)
    }
}

fn bytes(database: &Database, table: &str, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    match database.begin_read()?.open_table(Table::new(table)) {
        Ok(table) => Ok(table.get(key)?.map(|value| value.value().to_vec())),
        // Nobody wrote yet.
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn rows(database: &Database, table: &str, after: &str, limit: usize) -> Result<Vec<Vec<u8>>, redb::Error> {
    let table = match database.begin_read()?.open_table(Table::new(table)) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let after = (Bound::Excluded(after), Bound::Unbounded);
    let rows = table.range::<&str>(after)?.take(limit);
    rows.map(|row| Ok(row?.1.value().to_vec())).collect()
}

fn change(
    database: &Database,
    table: &str,
    key: &str,
    next: impl FnOnce(Option<&[u8]>) -> Result<Vec<u8>, Failure>,
) -> Result<(), Failure> {
    let write = database.begin_write().map_err(redb::Error::from)?;
    {
        let mut table = write.open_table(Table::new(table)).map_err(redb::Error::from)?;
        let before = table.get(key).map_err(redb::Error::from)?.map(|value| value.value().to_vec());
        table.insert(key, next(before.as_deref())?.as_slice()).map_err(redb::Error::from)?;
    }
    Ok(write.commit().map_err(redb::Error::from)?)
}
