//! The responses: one function from a request to a response, for the listener and for mounted routes.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full, Limited};

use super::AdminState;
use super::body::PageBody;
use super::permission::{has_token, may_change, may_read};
use super::readiness::NotReady;
use super::switches::{HOLDS, Wish};
use crate::metrics::Exposition;
use crate::traces::LONGEST_MESSAGE;

const MOST_DIRECTIVES: usize = 16 * 1024;
const BODY_TIME: Duration = Duration::from_secs(5);
/// The switch that `/log-level` is short for.
const LOG_LEVEL: &str = "log_level";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// What `/metrics` says where there is no recorder.
pub(crate) const METRICS_OFF: &str = "metrics are off\n";
/// What it says where there is no page of them.
pub(crate) const METRICS_SENT: &str =
    "metrics are sent over OTLP; OTEL_METRICS_EXPORTER=prometheus,otlp shows them here as well\n";
/// A web page whose own name was made to resolve to this machine could otherwise read what is here.
const FOREIGN_HOST: &str = "the Host header names another machine: ask for localhost or 127.0.0.1, or set \
                            OTEL_EXPORTER_PROMETHEUS_HOST to that name\n";

/// Where a request came in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// Our own listener, from this peer.
    Listener(SocketAddr),
    #[allow(dead_code)] // mounting is axum's, a feature
    /// The user's own router, whose callers are unknown: read-only.
    Mounted,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<Either<Full<Bytes>, PageBody>>;

/// Answers a request. Never fails; called within a runtime.
pub(crate) async fn respond<B>(state: &AdminState, request: Request<B>, origin: Origin) -> Answer
where
    B: Body,
    B::Error: Into<BoxError>,
{
    // HEAD is GET without its body, which hyper and axum leave out.
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    match (request.uri().path(), method.as_str(), origin) {
        (_, "GET", Origin::Listener(peer)) if !may_read(peer, &request, &state.host) => {
            answer(StatusCode::MISDIRECTED_REQUEST, TEXT, FOREIGN_HOST)
        }
        ("/metrics", "GET", _) => metrics(state, request.headers()),
        ("/live", "GET", _) => answer(StatusCode::OK, TEXT, "live\n"),
        ("/ready", "GET", _) => ready(state).await,
        ("/log-level", "GET", _) => {
            answer(StatusCode::OK, TEXT, format!("{}\n", state.switches.now(LOG_LEVEL)))
        }
        ("/switches", "GET", _) => switches(state),
        ("/log-level" | "/switches", "PUT" | "DELETE", Origin::Listener(peer)) => {
            turn(state, request, peer).await
        }
        ("/keep", "POST", Origin::Listener(_)) => keep(state, request).await,
        ("/log-level" | "/switches", _, Origin::Listener(_)) => not_allowed("GET, HEAD, PUT, DELETE"),
        ("/metrics" | "/live" | "/ready" | "/log-level" | "/switches", ..) => not_allowed("GET, HEAD"),
        _ => answer(
            StatusCode::NOT_FOUND,
            TEXT,
            "not found; the paths are /metrics, /live, /ready, /log-level and /switches\n",
        ),
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    answer_of(status, content_type, Either::Left(Full::new(body.into())))
}

fn answer_of(status: StatusCode, content_type: &'static str, body: Either<Full<Bytes>, PageBody>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // No response may be cached.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn not_allowed(allow: &'static str) -> Answer {
    let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, format!("allowed: {allow}\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

fn metrics(state: &AdminState, headers: &HeaderMap) -> Answer {
    let Some(recorder) = state.recorder else {
        return answer(StatusCode::NOT_FOUND, TEXT, METRICS_OFF);
    };
    if !state.shows_metrics {
        return answer(StatusCode::NOT_FOUND, TEXT, METRICS_SENT);
    }
    let accept = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let exposition = Exposition::negotiate(accept, recorder.has_native());
    let page = PageBody::new(recorder.pieces(exposition));
    let mut response = answer_of(StatusCode::OK, exposition.content_type(), Either::Right(page));
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

async fn ready(state: &AdminState) -> Answer {
    let (status, body) = match state.readiness.ask().await {
        Ok(()) => (StatusCode::OK, serde_json::json!({ "ready": true })),
        Err(NotReady::Draining) => {
            (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "ready": false, "draining": true }))
        }
        Err(NotReady::Failing(names)) => {
            (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({ "ready": false, "failing": names }))
        }
    };
    answer(status, JSON, format!("{body}\n"))
}

fn switches(state: &AdminState) -> Answer {
    answer(StatusCode::OK, JSON, format!("{:#}\n", state.switches.shown()))
}

/// Changes what `/switches` names, or the log level, for a while.
async fn turn<B>(state: &AdminState, request: Request<B>, peer: SocketAddr) -> Answer
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    // nginx asks in HTTP/1.0 unless it is told otherwise, with the upstream's own name as `Host` and no header that says for
    // whom; who sits on this machine speaks HTTP/1.1.
    let direct = Some(peer).filter(|_| parts.version > Version::HTTP_10);
    if !may_change(direct, &parts.headers, state.token.as_deref()) {
        let why = match state.token {
            Some(_) => "allowed with the bearer token of OBSERVABILITY_ADMIN_TOKEN only\n",
            None => "allowed from this machine only, or with the bearer token of OBSERVABILITY_ADMIN_TOKEN\n",
        };
        return answer(StatusCode::FORBIDDEN, TEXT, why);
    }
    let body = match read(body, MOST_DIRECTIVES).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let (body, by) = (std::str::from_utf8(&body).map(str::trim).unwrap_or_default(), peer.to_string());
    let is_level = parts.uri.path() == "/log-level";
    let level = |value: &str| Wish { values: vec![(LOG_LEVEL.to_owned(), value.to_owned())], holds: HOLDS };
    let wish = match (is_level, parts.method == Method::DELETE) {
        (true, false) if body.is_empty() => {
            Err("the level as the body, as in RUST_LOG: info,my_crate=debug".to_owned())
        }
        (true, false) => Ok(level(body)),
        (true, true) => Ok(level("")),
        (false, false) => Wish::read(body),
        (false, true) => {
            state.switches.reset(&by);
            return switches(state);
        }
    };
    match wish.and_then(|wish| state.switches.turn(&wish, &by)) {
        Ok(()) if is_level => answer(StatusCode::OK, TEXT, format!("{}\n", state.switches.now(LOG_LEVEL))),
        Ok(()) => switches(state),
        Err(right) => {
            answer(StatusCode::BAD_REQUEST, TEXT, format!("nothing was changed: expected {right}\n"))
        }
    }
}

/// Another service says that traces are kept. Its token is asked for from this machine as well.
async fn keep<B>(state: &AdminState, request: Request<B>) -> Answer
where
    B: Body,
    B::Error: Into<BoxError>,
{
    let Some((keep, token)) = state.keep.as_ref().and_then(|keep| Some((keep, keep.token()?))) else {
        return answer(StatusCode::NOT_FOUND, TEXT, "OBSERVABILITY_TRACES_PEERS names no service\n");
    };
    let (parts, body) = request.into_parts();
    if !has_token(&parts.headers, token) {
        keep.refuse();
        return answer(
            StatusCode::FORBIDDEN,
            TEXT,
            "allowed with the bearer token of OBSERVABILITY_TRACES_PEERS_TOKEN only\n",
        );
    }
    let body = match read(body, LONGEST_MESSAGE).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    match std::str::from_utf8(&body) {
        Ok(text) if keep.receive(text) => answer(StatusCode::OK, TEXT, ""),
        _ => answer(StatusCode::BAD_REQUEST, TEXT, "expected lines of `keep` or `joined` and a trace id\n"),
    }
}

/// The body, if it comes in time and is not longer than this.
async fn read<B>(body: B, most: usize) -> Result<Bytes, Answer>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    match tokio::time::timeout(BODY_TIME, Limited::new(body, most).collect()).await {
        Err(_) => Err(answer(StatusCode::REQUEST_TIMEOUT, TEXT, "the body did not arrive in time\n")),
        Ok(Err(_)) => {
            let why = format!("the body is broken or above {} KiB\n", most / 1024);
            Err(answer(StatusCode::PAYLOAD_TOO_LARGE, TEXT, why))
        }
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}
