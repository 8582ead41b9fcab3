//! The list of the eight services.

mod bookings;
mod customers;
mod gateway;
mod inventory;
mod notifications;
mod payments;
mod vehicles;
mod worker;

use crate::plumbing::BoxError;

/// All eight, in an order in which each finds those that it calls already started.
pub(crate) const NAMES: [&str; 8] =
    ["notifications", "worker", "customers", "vehicles", "inventory", "payments", "bookings", "gateway"];

/// Is this process's whole life when it was started with a service's name.
pub(crate) async fn run(name: &str) -> Result<(), BoxError> {
    match name {
        "gateway" => gateway::run().await,
        "bookings" => bookings::run().await,
        "customers" => customers::run().await,
        "vehicles" => vehicles::run().await,
        "inventory" => inventory::run().await,
        "payments" => payments::run().await,
        "worker" => worker::run().await,
        "notifications" => notifications::run().await,
        other => Err(format!("no service or option is called {other:?}; try --help").into()),
    }
}
