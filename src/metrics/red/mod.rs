//! Rate, errors and duration: handles of the `metrics` facade, resolved once per label set.

mod counts;
mod facade;
mod installed;
mod key;
mod messages;
mod series;

use std::fmt;
use std::sync::OnceLock;

use ::metrics::{Counter, Label, Unit};

pub(crate) use counts::Count;

use counts::Counts;
use facade::{Active, Durations, Keeper};
use installed::Installed;
use key::{ClientKey, PoolKey, QueryKey, RpcKey, SCHEMES, ServerKey, WorkKey};
use messages::Messages;
use series::RedSeries;

use super::Recorder;
use crate::clock::Moment;
use crate::context::TraceContext;
use crate::names::{label, metric};
use crate::record::{Detail, End, Hop, Http, Interned, Kind, Method, Route, Rpc, Scheme, Subject};

/// The handle that the request's thread uses. The default one is off and costs a branch.
#[derive(Default)]
pub(crate) struct Red {
    inner: Option<Box<Inner>>,
}

struct Inner {
    keeper: Keeper,
    server: RedSeries<ServerKey>,
    client: RedSeries<ClientKey>,
    rpc_server: RedSeries<RpcKey>,
    rpc_client: RedSeries<RpcKey>,
    work: RedSeries<WorkKey>,
    waits: RedSeries<PoolKey>,
    queries: RedSeries<QueryKey>,
    messages: Messages,
    active: [OnceLock<Active>; Method::COUNT * SCHEMES.len()],
    client_body_errors: OnceLock<Counter>,
    counts: Counts,
}

impl Red {
    /// Records with our recorder.
    pub(crate) fn new(recorder: &'static Recorder) -> Self {
        Self::with(Keeper::Own(recorder))
    }

    /// Records with whatever recorder the process has installed when the first request comes.
    pub(crate) fn of_process() -> Self {
        Self::with(Keeper::Any(Box::leak(Box::new(Installed::new(describe)))))
    }

    fn with(keeper: Keeper) -> Self {
        let inner = Inner {
            keeper,
            server: RedSeries::new(metric::HTTP_SERVER_REQUEST_DURATION),
            client: RedSeries::new(metric::HTTP_CLIENT_REQUEST_DURATION),
            rpc_server: RedSeries::new(metric::RPC_SERVER_CALL_DURATION),
            rpc_client: RedSeries::new(metric::RPC_CLIENT_CALL_DURATION),
            work: RedSeries::new(metric::WORK_DURATION),
            waits: RedSeries::new(metric::DB_CLIENT_CONNECTION_WAIT_TIME),
            queries: RedSeries::new(metric::DB_CLIENT_OPERATION_DURATION),
            messages: Messages::new(),
            active: [const { OnceLock::new() }; Method::COUNT * SCHEMES.len()],
            client_body_errors: OnceLock::new(),
            counts: Counts::new(),
        };
        describe(keeper.recorder());
        Self { inner: Some(Box::new(inner)) }
    }

    /// Is anything recorded?
    pub(crate) fn is_on(&self) -> bool {
        self.inner.is_some()
    }

    /// A hop begins: one more request in flight, if it is one that we serve.
    #[inline]
    pub(crate) fn begins(&self, hop: &Hop) {
        if let Some(active) = self.in_flight(hop) {
            active.enter();
        }
    }

    /// A hop is over, reported or not: takes back exactly what [`Self::begins`] did.
    #[inline]
    pub(crate) fn leaves(&self, hop: &Hop) {
        if let Some(active) = self.in_flight(hop) {
            active.leave();
        }
    }

    #[inline]
    fn in_flight(&self, hop: &Hop) -> Option<&Active> {
        let inner = self.inner.as_ref()?;
        let http = hop.http().filter(|_| hop.kind == Kind::Server)?;
        inner.active(http.method, http.scheme)
    }

    /// A hop ends: its duration is recorded, with the hop's trace as exemplar if it is sampled or
    /// kept.
    #[inline]
    pub(crate) fn hop(&self, hop: &Hop, end: &End) {
        let Some(inner) = &self.inner else { return };
        let seconds = end.at.nanos_since(hop.start) as f64 / 1e9;
        let durations = match &hop.subject {
            Subject::Http(http) => match (end.rpc, hop.kind) {
                (Some(rpc), kind) => inner.rpc(kind, http, rpc, end),
                (None, Kind::Client) => inner.client.of(ClientKey::new(http, end), inner.keeper),
                (None, _) => inner.server.of(ServerKey::new(http, hop.route.get(), end), inner.keeper),
            },
            Subject::Work(work) => match &work.detail {
                Detail::Query(query) => inner.queries.of(QueryKey::new(work, query, end), inner.keeper),
                detail => {
                    if let Detail::Message(message) = detail {
                        inner.messages.record((work, message), seconds, (hop, end), inner.keeper);
                    }
                    inner.work.of(WorkKey::new(hop.kind, &work.name, end), inner.keeper)
                }
            },
        };
        durations.record(seconds, hop.trace_now(), end.at);
    }

    /// Shows the priority of a route, or of a gRPC method, as a series of its own.
    pub(crate) fn priority(&self, route: Route, priority: &'static str) {
        let Some(inner) = &self.inner else { return };
        inner.keeper.active(metric::OBSERVABILITY_ROUTE_PRIORITY, key::priority(route, priority)).exists();
    }

    /// The body of a call's answer failed after its head.
    pub(crate) fn client_body_failed(&self) {
        let Some(inner) = &self.inner else { return };
        let register = || inner.keeper.counter(metric::HTTP_CLIENT_BODY_ERRORS, Vec::new());
        inner.client_body_errors.get_or_init(register).increment(1);
    }

    /// Something happened to a cache, a pool, a circuit breaker or a retry of this name; or, `by` zero, it exists. Says
    /// whether it is seen for the first time.
    pub(crate) fn count(&self, of: Interned, count: Count, by: u64) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.counts.add(of, count, by, inner.keeper))
    }

    /// A wait for a connection of this pool ended at `at`, in this trace.
    pub(crate) fn waited(&self, pool: Interned, nanos: u64, trace: Option<TraceContext>, at: Moment) {
        if let Some(inner) = &self.inner {
            let waits = inner.waits.of(PoolKey(pool), inner.keeper);
            waits.record(nanos as f64 / 1e9, trace.unwrap_or(TraceContext::BLANK), at);
        }
    }

    /// The circuit breaker of this name is in this state now.
    pub(crate) fn breaker(&self, of: Interned, state: &'static str, states: [&'static str; 3]) {
        let Some(inner) = &self.inner else { return };
        for one in states {
            let labels = [(label::BREAKER, of.as_str()), (label::STATE, one)];
            let labels = labels.map(|(name, value)| Label::from_static_parts(name, value));
            inner.keeper.set(metric::BREAKER_STATE, labels.into(), f64::from(u8::from(one == state)));
        }
    }
}

/// The families of the handles above, as the recorder is told of them.
const FAMILIES: [&str; 24] = [
    metric::BREAKER_REJECTED,
    metric::BREAKER_STATE,
    metric::BREAKER_TRANSITIONS,
    metric::CACHE_REQUESTS,
    metric::CACHE_STAMPEDES,
    metric::DB_CLIENT_CONNECTION_TIMEOUTS,
    metric::DB_CLIENT_CONNECTION_WAIT_TIME,
    metric::DB_CLIENT_OPERATION_DURATION,
    metric::HTTP_CLIENT_BODY_ERRORS,
    metric::HTTP_CLIENT_REQUEST_DURATION,
    metric::HTTP_SERVER_ACTIVE_REQUESTS,
    metric::HTTP_SERVER_REQUEST_DURATION,
    metric::MESSAGES_DUPLICATE,
    metric::MESSAGES_OUT_OF_ORDER,
    metric::MESSAGES_WAIT_DURATION,
    metric::MESSAGING_CLIENT_CONSUMED_MESSAGES,
    metric::MESSAGING_CLIENT_OPERATION_DURATION,
    metric::MESSAGING_CLIENT_SENT_MESSAGES,
    metric::MESSAGING_PROCESS_DURATION,
    metric::OBSERVABILITY_ROUTE_PRIORITY,
    metric::RETRIES,
    metric::RPC_CLIENT_CALL_DURATION,
    metric::RPC_SERVER_CALL_DURATION,
    metric::WORK_DURATION,
];

fn describe(recorder: &dyn ::metrics::Recorder) {
    for name in FAMILIES {
        let (kind, help) = metric::describe(name);
        match kind {
            "Histogram" => recorder.describe_histogram(name.into(), Some(Unit::Seconds), help.into()),
            "Counter" => recorder.describe_counter(name.into(), None, help.into()),
            _ => recorder.describe_gauge(name.into(), None, help.into()),
        }
    }
}

impl Inner {
    #[inline]
    fn active(&self, method: Method, scheme: Scheme) -> Option<&Active> {
        let slot = self.active.get(usize::from(method.index()) * SCHEMES.len() + scheme as usize)?;
        Some(slot.get_or_init(|| {
            self.keeper.active(metric::HTTP_SERVER_ACTIVE_REQUESTS, key::active(method, scheme))
        }))
    }

    // Out of the way of HTTP's requests.
    #[inline(never)]
    fn rpc(&self, kind: Kind, http: &Http, rpc: Rpc, end: &End) -> &Durations {
        let series = if kind == Kind::Client { &self.rpc_client } else { &self.rpc_server };
        series.of(RpcKey::new(kind, http, rpc, end), self.keeper)
    }
}

impl fmt::Debug for Red {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Red").field("on", &self.inner.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
