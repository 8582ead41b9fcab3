//! The way to a server that speaks Sentry's protocol: an envelope for each report, and what became of the others.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::content::Writer;
use super::dsn::Dsn;
use super::event::{FEWER, event};
use super::filed::{Filed, Report};
use super::limits::Limits;
use super::options::Reports;
use super::way_out::{LeftOutCounts, post};
use crate::account::{DropReason, FlowReport};
use crate::clock::Moment;
use crate::export::{
    Attempt, Delivery, Encoded, Endpoint, HttpClient, Lost, Payload, Queue, Sent, Transport,
};
use crate::logs::timestamp;
use crate::resource::Resource;
use crate::threads::rest_if_due;

/// What a server takes of one event.
const LARGEST: usize = 1024 * 1024;

const CLIENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The words of Sentry for why reports were discarded.
const REASONS: [&str; 6] =
    ["queue_overflow", "ratelimit_backoff", "network_error", "send_error", "sample_rate", "before_send"];

/// The transport.
struct Sentry {
    http: Arc<HttpClient>,
    headers: HeaderMap,
    writer: Writer,
    limits: Arc<Limits>,
    queue: Arc<Queue<Filed>>,
    left_out: Arc<dyn LeftOutCounts>,
    /// How many of each reason the server was told of, as far as what is under way arrives.
    told: Counts,
    /// What is under way, to be told again if it is lost.
    under_way: Vec<(Counts, Lost)>,
}

/// How many were discarded, in the order of [`REASONS`].
type Counts = [u64; REASONS.len()];

/// Makes the transport.
pub(super) fn transport(
    dsn: &Dsn,
    reports: &Reports,
    resource: &Resource,
    queue: Arc<Queue<Filed>>,
    left_out: Arc<dyn LeftOutCounts>,
) -> Result<Box<dyn Transport<Filed>>, String> {
    let auth = format!("Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={}", dsn.key);
    let auth = HeaderValue::from_str(&auth).map_err(|_| "the key of the DSN is not valid".to_owned())?;
    let kind = HeaderValue::from_static("application/x-sentry-envelope");
    Ok(Box::new(Sentry {
        http: Arc::new(HttpClient::new(&Endpoint::plain(&dsn.endpoint))?),
        headers: HeaderMap::from_iter([
            (CONTENT_TYPE, kind),
            (HeaderName::from_static("x-sentry-auth"), auth),
        ]),
        writer: Writer::new(reports, resource),
        limits: Arc::default(),
        queue,
        left_out,
        told: Counts::default(),
        under_way: Vec::new(),
    }))
}

impl Sentry {
    /// The item of a report; `None` if it is too large without its fields and lines as well.
    fn item(&self, report: &Report) -> Option<(Vec<u8>, bool)> {
        FEWER.iter().enumerate().find_map(|(step, parts)| {
            let event = event(&self.writer, report, *parts).to_string().into_bytes();
            (event.len() <= LARGEST).then_some((event, step > 0))
        })
    }

    /// What was discarded and not told yet, as an item behind the others; whoever holds what is returned says whether it is lost.
    fn add_client_report(&mut self, out: &mut Vec<u8>) -> Option<Lost> {
        self.take_back_lost();
        let counts = counts(&self.queue.report(), &self.limits, &*self.left_out);
        let new: Counts = std::array::from_fn(|reason| counts[reason].saturating_sub(self.told[reason]));
        let discarded: Vec<Value> = (REASONS.iter().zip(new))
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| json!({ "reason": reason, "category": "error", "quantity": count }))
            .collect();
        if discarded.is_empty() {
            return None;
        }
        let report = json!({ "timestamp": timestamp(Moment::now()), "discarded_events": discarded });
        add_item(out, "client_report", report.to_string().as_bytes());
        self.told = counts;
        let lost = Lost::default();
        self.under_way.push((new, lost.clone()));
        Some(lost)
    }

    /// What was told in an envelope that was lost was not told.
    fn take_back_lost(&mut self) {
        let Self { told, under_way, .. } = self;
        under_way.retain(|(counts, lost)| {
            if lost.is_lost() {
                told.iter_mut().zip(counts).for_each(|(told, count)| *told = told.saturating_sub(*count));
            }
            !lost.is_lost() && !lost.is_settled()
        });
    }
}

/// How many were discarded so far.
fn counts(flow: &FlowReport, limits: &Limits, left_out: &dyn LeftOutCounts) -> Counts {
    let of = |reason| flow.dropped.iter().find(|(why, _)| *why == reason).map_or(0, |(_, count)| *count);
    let limited = limits.discarded();
    let network = of(DropReason::Timeout) + of(DropReason::Unreachable) + flow.unconfirmed;
    let refused = (of(DropReason::Rejected) + of(DropReason::TooLarge)).saturating_sub(limited);
    [of(DropReason::QueueFull), limited, network, refused, left_out.sampled(), left_out.limited()]
}

fn add_item(out: &mut Vec<u8>, kind: &str, body: &[u8]) {
    let head = json!({ "type": kind, "length": body.len(), "content_type": "application/json" });
    out.extend_from_slice(head.to_string().as_bytes());
    out.push(b'\n');
    out.extend_from_slice(body);
    out.push(b'\n');
}

/// The first line of an envelope.
fn begin(id: Option<&str>) -> Vec<u8> {
    let sdk = json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
    let mut head = json!({ "sent_at": timestamp(Moment::now()), "sdk": sdk });
    if let Some(id) = id {
        head["event_id"] = id.into();
    }
    let mut out = head.to_string().into_bytes();
    out.push(b'\n');
    out
}

impl Transport<Filed> for Sentry {
    fn encode(&mut self, batch: &[Filed]) -> Encoded {
        let mut encoded = Encoded::default();
        for Filed(report) in batch {
            rest_if_due();
            let Some((item, is_shortened)) = self.item(report) else {
                encoded.too_large += 1;
                continue;
            };
            encoded.shortened += u64::from(is_shortened);
            let mut body = begin(Some(&report.id));
            add_item(&mut body, "event", &item);
            let lost = self.add_client_report(&mut body);
            encoded.payloads.push(Payload { records: 1, body: body.into(), lost });
        }
        encoded
    }

    fn send(&self, payload: Payload, timeout: Duration, sent: Sent) -> Attempt {
        let (http, limits) = (Arc::clone(&self.http), Arc::clone(&self.limits));
        Box::pin(post(http, self.headers.clone(), limits, payload, timeout, sent))
    }

    fn end(&mut self) -> Attempt {
        let mut body = begin(None);
        let begun = body.len();
        self.add_client_report(&mut body);
        if body.len() == begun {
            return Box::pin(std::future::ready(Delivery::Accepted { rejected: 0, message: None }));
        }
        self.send(Payload { body: body.into(), ..Payload::default() }, LAST, Sent::default())
    }
}

/// What the last client report may take.
const LAST: Duration = Duration::from_secs(1);
