//! Faults on demand: the plate of a vehicle says what goes wrong with it, so that nobody has to wait for a failure.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::sleep;

use super::Failure;

/// Longer than what is slow for whoever keeps slow traces.
const SLOW: Duration = Duration::from_millis(700);

/// Does what the plate asks for.
pub(crate) async fn fault(plate: &str) -> Result<(), Failure> {
    match plate {
        "FAULT-FAIL" => {
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the page of this car is torn"));
        }
        "FAULT-PANIC" => panic!("the page of this car is missing"),
        "FAULT-SLOW" => sleep(SLOW).await,
        "FAULT-EVENT" => {
            let _span = tracing::info_span!("read the page").entered();
            tracing::error!("the page of this car is not readable");
        }
        _ => {}
    }
    Ok(())
}

/// Whoever consumes a message of this plate fails, when it comes for the first time.
pub(crate) fn consumer_fault(plate: &str, delivery: u32) -> Result<(), Failure> {
    match (plate, delivery) {
        ("FAULT-CONSUMER", 1) => {
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the message cannot be read"))
        }
        _ => Ok(()),
    }
}
