//! Hostile clients of the admin routes.

use std::time::{Duration, Instant};

use super::Measured;
use super::service::Service;
use crate::support::collector::Collector;
use crate::support::hostile::{KINDS, hold, probe};

/// An orchestrator's patience by default.
const PATIENCE: Duration = Duration::from_secs(1);
const CLIENTS: usize = 256 / KINDS.len();

pub(super) fn held_connections() -> Measured {
    let collector = Collector::start();
    let child = Service::child().env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    let mut service = Service::of(child.start());
    let admin = service.admin.parse().unwrap();
    let held: Vec<_> = KINDS.iter().flat_map(|(_, sent)| hold(admin, CLIENTS, sent)).collect();
    service.ask(0);
    let (lasted, answer) = probe(admin, "/live");
    assert!(answer == "HTTP/1.1 200 OK" && lasted < PATIENCE, "{answer} after {lasted:?}");
    let end = Instant::now();
    drop(held);
    assert_eq!(probe(admin, "/metrics").1, "HTTP/1.1 200 OK");
    let recovery = Some(end.elapsed());
    service.ask(0);
    let harmed = service.harmed();
    Measured { columns: format!("{harmed} | {}", service.end().said("spans: ")), recovery }
}
