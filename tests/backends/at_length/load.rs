//! What is asked of the workshop, and what goes wrong with it.

use std::sync::Mutex;
use std::thread;

use serde_json::json;

use crate::support::workshop::{Workshop, ask};

/// Requests of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) kind: &'static str,
    /// What goes wrong with it; the workshop's `fault.rs` reads it.
    plate: &'static str,
    /// Through all eight, or through two of them.
    books: bool,
    pub(super) requests: u64,
}

/// A request, and what was to go wrong with it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) kind: &'static str,
    pub(super) request_id: String,
    pub(super) status: u16,
}

pub(super) const FINE: &str = "nothing";

/// 2,000 requests. What goes wrong with a plain booking is the payment provider's plan: calls time out, and calls fail.
pub(super) const LOAD: [Load; 7] = [
    Load { kind: FINE, plate: "B-WS-7", books: false, requests: 1_500 },
    Load { kind: FINE, plate: "B-WS-8", books: true, requests: 380 },
    Load { kind: "5xx", plate: "FAULT-FAIL", books: false, requests: 20 },
    Load { kind: "panic", plate: "FAULT-PANIC", books: false, requests: 20 },
    Load { kind: "slow", plate: "FAULT-SLOW", books: false, requests: 20 },
    Load { kind: "ERROR event", plate: "FAULT-EVENT", books: false, requests: 20 },
    Load { kind: "consumer fails at once", plate: "FAULT-CONSUMER", books: true, requests: 40 },
];

/// Bookings whose message cannot be read at its first delivery.
pub(super) const fn unreadable(kind: &'static str, requests: u64) -> Load {
    Load { kind, plate: "FAULT-CONSUMER", books: true, requests }
}

/// Requests with which nothing goes wrong.
pub(super) const fn fine(requests: u64) -> Load {
    Load { kind: FINE, plate: "B-WS-9", books: false, requests }
}

const CALLERS: usize = 8;

/// Asks for all of these, spread evenly, eight at a time.
pub(super) fn load(workshop: &Workshop, loads: &[Load]) -> Vec<Asked> {
    let mut order: Vec<(u64, Load)> = Vec::new();
    for load in loads {
        order.extend((0..load.requests).map(|number| (number * 1_000_000 / load.requests, *load)));
    }
    order.sort_by_key(|(place, _)| *place);
    let order = Mutex::new(order.into_iter().enumerate());
    let asked = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let next = order.lock().unwrap().next();
                    let Some((number, (_, load))) = next else { break };
                    let done = load.ask(workshop, number as u64);
                    asked.lock().unwrap().push(done);
                }
            });
        }
    });
    asked.into_inner().unwrap()
}

impl Load {
    fn ask(self, workshop: &Workshop, number: u64) -> Asked {
        let Self { kind, plate, books, .. } = self;
        let gateway = workshop.gateway();
        let answer = if books {
            let order =
                json!({ "customer_id": 4_000 + number % 1_000, "plate": plate, "part": "oil-filter" });
            ask("POST", &format!("{gateway}/bookings"), &[], Some(&order))
        } else {
            ask("GET", &format!("{gateway}/vehicles/{plate}"), &[], None)
        };
        Asked { kind, request_id: answer.headers["x-request-id"].clone(), status: answer.status }
    }
}
