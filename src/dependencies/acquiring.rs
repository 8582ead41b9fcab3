//! The wait for a connection of a pool, which no driver shows.

use std::borrow::Cow;
use std::future::Future;

use crate::clock::Moment;
use crate::context::{SpanId, TraceContext};
use crate::current::{current, request};
use crate::metrics::Count;
use crate::names::attribute;
use crate::record::{Fields, Interned, Kind};
use crate::signals::{Signals, global};
use crate::traces::SpanRecord;

/// A wait in progress. Dropped before its end, it ended without a connection.
struct Waiting {
    signals: Option<&'static Signals>,
    pool: Interned,
    start: Moment,
    has_one: bool,
}

/// A shorter wait is on the metric only.
const NOTICEABLE: u64 = 1_000_000;

/// Waits for a connection of the pool of this name, and records for how long.
///
/// Each wait is in `db_client_connection_wait_time_seconds{db_client_connection_pool_name}`. One that ended without a
/// connection, by an error or because the caller gave up, is in `db_client_connection_timeouts_total`, and the request or
/// work that waited has the field `observability.connection_missing`, with the pool's name. From one millisecond on it has the field
/// `observability.connection_wait_ms`, and the trace a span `acquire <pool>`. The name becomes a metric label, so keep the
/// names few; it is the one given to [`Observability::pool`](crate::Observability::pool).
///
/// ```
/// # struct Pool; impl Pool { async fn acquire(&self) -> Result<u8, std::io::Error> { Ok(7) } }
/// async fn booking(pool: &Pool) -> Result<(), std::io::Error> {
///     let connection = tower_observability::acquire("bookings", pool.acquire()).await?;
/// #   drop(connection);
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// The future's own.
pub async fn acquire<T, E>(pool: &str, acquire: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let mut waiting = Waiting::begin(pool);
    let acquired = acquire.await;
    waiting.has_one = acquired.is_ok();
    acquired
}

impl Waiting {
    fn begin(pool: &str) -> Self {
        let pool = Interned::of(pool);
        let signals = global();
        if let Some(signals) = signals {
            signals.red.count(pool, Count::PoolTimeout, 0);
        }
        Self { signals, pool, start: Moment::now(), has_one: false }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(signals) = self.signals else { return };
        let end = Moment::now();
        let here = current();
        let waited = end.nanos_since(self.start);
        signals.red.waited(self.pool, waited, here.as_ref().map(|here| here.trace), end);
        if !self.has_one {
            signals.red.count(self.pool, Count::PoolTimeout, 1);
            request::add(attribute::CONNECTION_MISSING, self.pool.as_str());
        }
        if self.has_one && waited < NOTICEABLE {
            return;
        }
        request::add(attribute::CONNECTION_WAIT_MS, waited as f64 / 1e6);
        let Some(here) = here else { return };
        let trace = here.trace_now();
        if signals.spans.records(trace.flags) {
            signals.spans.span(Box::new(SpanRecord {
                trace: TraceContext { span_id: SpanId::random(), ..trace },
                tracestate: here.tracestate_now().into_owned(),
                parent: Some(trace.span_id),
                kind: Kind::Internal,
                name: Cow::Owned(["acquire ", self.pool.as_str()].concat()),
                target: "tower_observability::acquire",
                start: self.start,
                end,
                fields: Fields::default(),
                fields_dropped: 0,
                links: Vec::new(),
                links_dropped: 0,
                failed: !self.has_one,
                is_ok: false,
                status_message: None,
                kept: None,
            }));
        }
    }
}
