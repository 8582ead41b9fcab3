//! `/api/state`: who this is, what is held and what was not kept.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::store::{Dropped, Held, Store};

#[derive(Serialize)]
pub(crate) struct State<'a> {
    version: u64,
    name: &'static str,
    address: &'a str,
    started: i64,
    held: Sizes,
    dropped: &'a Dropped,
    services: Vec<Service>,
}

#[derive(Serialize)]
struct Sizes {
    spans: usize,
    traces: usize,
    lines: usize,
    points: usize,
    bytes: usize,
    limit: usize,
}

#[derive(Serialize)]
struct Service {
    service: String,
    instances: usize,
    last: i64,
}

/// The state of a view at this address, since then.
pub(crate) fn state<'a>(store: &Store, held: &'a Held, address: &'a str, started: i64) -> State<'a> {
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    for (resource, last) in store.resources.all() {
        let service = services.entry(resource.service.to_string()).or_insert_with_key(|name| Service {
            service: name.clone(),
            instances: 0,
            last,
        });
        service.instances += 1;
        service.last = service.last.max(last);
    }
    State {
        version: held.version,
        name: "observability view",
        address,
        started,
        held: Sizes {
            spans: held.spans(),
            traces: held.traces.len(),
            lines: held.lines.len(),
            points: held.points(),
            bytes: store.bytes(held),
            limit: store.limit,
        },
        dropped: &held.dropped,
        services: services.into_values().collect(),
    }
}
