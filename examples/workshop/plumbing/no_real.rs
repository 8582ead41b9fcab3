//! Built without the clients of real systems there are none.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tower_observability::Observability;

use super::{Failure, Message};

/// None.
pub(crate) enum Postgres {}

/// None.
#[derive(Clone)]
pub(crate) enum RealQueue {}

/// None.
pub(crate) enum RealBroker {}

/// None.
pub(crate) enum RealCache {}

/// Somebody wants one, and is told so.
fn none_of(variables: &[&str]) -> Result<(), Failure> {
    let is_set = |name: &&&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    match variables.iter().find(is_set) {
        None => Ok(()),
        Some(name) => {
            let what = format!("{name} is set, but this was built without --features real-systems");
            Err(Failure::unavailable(&what))
        }
    }
}

impl Postgres {
    pub(crate) async fn open(_: &str, _: &[&str], _: &Observability) -> Result<Self, Failure> {
        none_of(&["DATABASE_URL"])?;
        Err(Failure::unavailable("no DATABASE_URL"))
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

    pub(crate) async fn page<T>(&self, _: &str, _: &str, _: usize) -> Result<Vec<T>, Failure> {
        match *self {}
    }

    pub(crate) async fn write<T>(&self, _: &str, _: &str, _: &T) -> Result<(), Failure> {
        match *self {}
    }

    pub(crate) async fn update<T: DeserializeOwned>(
        &self,
        _: &str,
        _: &str,
        _: impl FnOnce(Option<T>) -> T,
    ) -> Result<T, Failure> {
        match *self {}
    }
}

impl RealQueue {
    pub(crate) async fn open() -> Result<Option<Self>, Failure> {
        none_of(&["KAFKA_BROKERS", "AMQP_URL", "REDIS_URL"]).map(|()| None)
    }

    pub(crate) fn system(&self) -> &'static str {
        match *self {}
    }

    pub(crate) async fn send(&self, _: &'static str, _: &Message) -> Result<(), Failure> {
        match *self {}
    }
}

impl RealBroker {
    pub(crate) async fn open(_: &Observability) -> Result<Option<Self>, Failure> {
        none_of(&["KAFKA_BROKERS", "AMQP_URL", "REDIS_URL"]).map(|()| None)
    }

    pub(crate) fn system(&self) -> &'static str {
        match *self {}
    }

    pub(crate) async fn receive(&self, _: &'static str) -> Message {
        match *self {}
    }

    pub(crate) async fn acknowledge(&self, _: &'static str, _: &Message) {
        match *self {}
    }

    pub(crate) fn comes_again(&self, _: &'static str, _: Message) {
        match *self {}
    }
}

impl RealCache {
    pub(crate) async fn open(_: &'static str) -> Result<Option<Self>, Failure> {
        none_of(&["REDIS_URL"]).map(|()| None)
    }

    pub(crate) async fn get(&self, _: &str) -> Option<String> {
        match *self {}
    }

    pub(crate) async fn put(&self, _: &str, _: &str) {
        match *self {}
    }
}
