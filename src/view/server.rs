//! What is served at the one address: the receiver, the page and its questions.

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;

use super::assets::{ASSETS, POLICY};
use super::guard;
use super::live;
use super::model::TraceId;
use super::query::{self, Parameters};
use super::receive::{Encoding, Refused, Signal, decompress, keep};
use super::shared::Shared;
use super::store::{Held, Store};

/// The routes of the page and of OTLP over HTTP.
pub(super) fn router(shared: Shared) -> Router {
    let mut router = Router::new()
        .route("/v1/traces", taker(Signal::Traces))
        .route("/v1/logs", taker(Signal::Logs))
        .route("/v1/metrics", taker(Signal::Metrics))
        .route("/api/traces", get(traces))
        .route("/api/trace/{id}", get(trace))
        .route("/api/lines", get(lines))
        .route("/api/map", get(map))
        .route("/api/metrics", get(metrics))
        .route("/api/red", get(red))
        .route("/api/state", get(state))
        .route("/api/live", get(live::live));
    for (path, content_type, text) in ASSETS {
        router = router.route(path, get(async || ([(header::CONTENT_TYPE, *content_type)], *text)));
    }
    router.with_state(shared).layer(from_fn(protect))
}

/// Refuses what another site's page asks, and forbids ours to ask anybody else.
pub(super) async fn protect(request: Request, next: Next) -> Response {
    let mut response = match guard::refuse(request.uri(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
        None => next.run(request).await,
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn taker(signal: Signal) -> MethodRouter<Shared> {
    post(move |State(shared): State<Shared>, request: Request| receive(shared, signal, request))
}

async fn receive(shared: Shared, signal: Signal, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let text = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let Some(encoding) = text(header::CONTENT_TYPE).and_then(Encoding::of) else {
        let why = "the content type is neither application/x-protobuf nor application/json".to_owned();
        return refused(Encoding::Json, StatusCode::UNSUPPORTED_MEDIA_TYPE, &Refused::Malformed(why));
    };
    let compressed = match text(header::CONTENT_ENCODING) {
        None | Some("" | "identity") => false,
        Some("gzip") => true,
        Some(_) => {
            let why = Refused::Malformed("the content encoding is neither gzip nor identity".to_owned());
            return refused(encoding, StatusCode::UNSUPPORTED_MEDIA_TYPE, &why);
        }
    };
    let kept = shared.take(body, move |store, body| match compressed {
        true => keep(store, signal, encoding, &decompress(&body)?),
        false => keep(store, signal, encoding, &body),
    });
    match kept.await {
        Ok(answer) => {
            let content_type = [(header::CONTENT_TYPE, encoding.content_type())];
            (content_type, encoding.answer(signal, &answer)).into_response()
        }
        Err(why) => {
            let status = match why {
                Refused::Malformed(_) => StatusCode::BAD_REQUEST,
                Refused::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
                Refused::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            refused(encoding, status, &why)
        }
    }
}

/// OTLP wants a `google.rpc.Status` in the encoding of the request.
fn refused(encoding: Encoding, status: StatusCode, why: &Refused) -> Response {
    let content_type = [(header::CONTENT_TYPE, encoding.content_type())];
    (status, content_type, encoding.status(why.code().into(), why.why())).into_response()
}

async fn traces(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    shared.answer(move |_, held| asked(query, |parameters| query::traces(held, parameters))).await
}

async fn trace(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let answer = move |_: &Store, held: &Held| {
        let trace = TraceId::parse(&id).and_then(|id| query::trace(held, id));
        json(&trace.ok_or_else(|| (StatusCode::NOT_FOUND, "nothing of this trace is held".to_owned()))?)
    };
    shared.answer(answer).await
}

async fn lines(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    shared.answer(move |_, held| asked(query, |parameters| query::lines(held, parameters))).await
}

async fn map(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    shared.answer(move |_, held| asked(query, |parameters| query::map(held, parameters))).await
}

async fn metrics(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    shared.answer(move |_, held| asked(query, |parameters| query::metrics(held, parameters))).await
}

async fn red(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    shared.answer(move |_, held| asked(query, |parameters| query::red(held, parameters))).await
}

async fn state(State(shared): State<Shared>) -> Response {
    let (address, started) = (shared.address.clone(), shared.started);
    shared.answer(move |store, held| json(&query::state(store, held, &address, started))).await
}

fn asked<T: Serialize>(
    query: Option<String>,
    answer: impl FnOnce(&Parameters) -> Result<T, String>,
) -> Result<Vec<u8>, (StatusCode, String)> {
    let parameters = Parameters::of(query.as_deref().unwrap_or_default());
    json(&answer(&parameters).map_err(|why| (StatusCode::BAD_REQUEST, why))?)
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, (StatusCode, String)> {
    serde_json::to_vec(answer).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
