//! The recipes of the guide's page on drivers, as they stand there: each runs, against the real system where it has one.

mod diesel;
mod failsafe;
mod moka;
mod nats;
pub(super) mod rskafka;
mod sea_orm;
mod sqs;
mod tower_retry;
