//! Promise: a journey says by its exit code how it went, and takes away what it booked, however it went.

use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::support::program::program;
use crate::support::server::Server;

fn program_of_the_journey() -> Command {
    let journey = format!("journey{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(program().with_file_name("examples").join(journey));
    command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0");
    command
}

/// A journey through a service that answers the reading so, and what the service was asked.
async fn journey(read: (StatusCode, &'static str)) -> (Output, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let remembered = asked.clone();
    let answers = async move |request: Request| {
        remembered.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        match *request.method() {
            Method::POST => (StatusCode::CREATED, json!({ "booking_id": "7" }).to_string()),
            Method::GET => (read.0, read.1.to_owned()),
            _ => (StatusCode::NO_CONTENT, String::new()),
        }
    };
    let server = Server::start(Router::new().fallback(answers)).await;
    let mut command = program_of_the_journey();
    command.arg(server.url(""));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let asked = asked.lock().unwrap().clone();
    (output, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_booked_is_cancelled_however_the_journey_went() {
    let asked = ["POST /bookings", "GET /bookings/7", "DELETE /bookings/7"];
    for (read, code, why) in [
        ((StatusCode::OK, "{\"booking_id\":\"7\"}"), 0, ""),
        ((StatusCode::INTERNAL_SERVER_ERROR, "no"), 1, "read: 500"),
        ((StatusCode::OK, "{\"booking_id\":\"8\"}"), 1, "asked for 7, got"),
    ] {
        let (output, steps) = journey(read).await;
        assert_eq!((output.status.code(), &steps[..]), (Some(code), &asked.map(str::to_owned)[..]));
        let lines = String::from_utf8_lossy(&output.stdout);
        assert!(lines.contains(why), "{lines}");
    }
}

#[test]
fn a_file_of_metrics_that_cannot_be_written_is_named() {
    let mut command = program_of_the_journey();
    let output =
        command.args(["http://127.0.0.1:9", "--textfile", "/nowhere/journey.prom"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("journey: /nowhere/journey.prom: "), "{errors}");
}
