//! Built without the clients of real systems there is no PostgreSQL.

use serde::Serialize;
use tower_observability::Observability;

use super::Failure;

/// None.
pub(crate) enum Postgres {}

impl Postgres {
    pub(crate) async fn open(_: &str, _: &[&str], _: &Observability) -> Result<Self, Failure> {
        Err(Failure::unavailable("DATABASE_URL is set, but this was built without --features real-systems"))
    }

    pub(crate) async fn fill<T: Serialize>(
        &self,
        _: &str,
        _: impl IntoIterator<Item = (String, T)>,
    ) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) async fn read<T>(&self, _: &str, _: &str) -> Result<Option<T>, Failure> {
        match *self {}
    }

    pub(crate) async fn write<T>(&self, _: &str, _: &str, _: &T) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) async fn update<T>(
        &self,
        _: &str,
        _: &str,
        _: impl FnOnce(Option<T>) -> T,
    ) -> Result<T, Failure> {
        match *self {}
    }
}
