//! The service that is measured: an axum router in process, one request at a time, read to its last byte.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, poll_fn, ready};
use std::sync::LazyLock;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Path;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, HOST, HeaderName, HeaderValue, USER_AGENT};
use axum::http::{Request, Response, StatusCode, Uri};
use axum::routing::get;
use futures_util::stream::iter;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tower::{Layer, Service};
use tower_observability::{Query, request};
use tracing::{info, info_span};

/// What the handler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Handler {
    Answers,
    Fails,
    /// Three events, one of them in a child span.
    Tells,
    /// Makes a call, which is answered at once.
    Calls,
    /// Adds so many attributes, every other one a number.
    Adds(u8),
    /// Writes so many events.
    Says(u8),
    /// Is asked so many times more before it answers.
    Waits(u8),
    /// Asks a database so often, which answers at once.
    Queries(u8),
    /// The same, as sqlx reports it.
    Reports(u8),
    /// Answers in so many frames.
    Streams(u8),
}

/// What the caller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    Sampled,
    NotSampled,
    WithoutTrace,
}

/// One request and what answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Work {
    pub(crate) handler: Handler,
    pub(crate) caller: Caller,
}

pub(crate) const USUAL: Work = Work { handler: Handler::Answers, caller: Caller::Sampled };

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const BODY: &str = r#"{"id":4711,"name":"Ada Lovelace","city":"Bonn"}"#;
/// What a usual client sends.
const HEADERS: [(HeaderName, &str); 4] = [
    (HOST, "localhost:8080"),
    (USER_AGENT, "reqwest/0.12.9"),
    (ACCEPT, "application/json"),
    (ACCEPT_ENCODING, "gzip, br"),
];
/// The names of attributes, as long as usual ones.
static NAMES: LazyLock<Vec<&str>> =
    LazyLock::new(|| (0..100).map(|place| &*format!("booking.part_{place}").leak()).collect());
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NOT_SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

impl Work {
    /// The router without any layer. It still needs `with_state(())` after the last layer: without it axum
    /// lays the layers anew around every request.
    pub(crate) fn router<L, S, B>(self, client: L) -> Router
    where
        L: Layer<Answering, Service = S>,
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: HttpBody<Data: Send, Error: Debug> + Send,
    {
        let client = client.layer(Answering(StatusCode::OK));
        let route = match self.handler {
            Handler::Answers => get(answer),
            Handler::Fails => get(fail),
            Handler::Tells => get(tell),
            Handler::Calls => get(move |Path(_id): Path<u64>| call(client.clone())),
            Handler::Adds(count) => get(move |Path(_id): Path<u64>| add(count)),
            Handler::Says(count) => get(move |Path(id): Path<u64>| say(id, count)),
            Handler::Waits(times) => get(move |Path(_id): Path<u64>| wait(times)),
            Handler::Queries(count) => get(move |Path(_id): Path<u64>| query(count)),
            Handler::Reports(count) => get(move |Path(_id): Path<u64>| report(count)),
            Handler::Streams(frames) => get(move |Path(_id): Path<u64>| stream(frames)),
        };
        Router::new().route("/users/{id}", route)
    }

    /// Sends one request and reads the answer to its end.
    pub(crate) async fn ask(self, app: &mut Router) {
        // Static parts, as hyper cuts a request's parts out of its buffer without copying them.
        let mut request = Request::get(Uri::from_static("/users/4711"));
        for (name, value) in HEADERS {
            request = request.header(name, HeaderValue::from_static(value));
        }
        request = match self.caller {
            Caller::Sampled => request.header(TRACEPARENT, HeaderValue::from_static(SAMPLED)),
            Caller::NotSampled => request.header(TRACEPARENT, HeaderValue::from_static(NOT_SAMPLED)),
            Caller::WithoutTrace => request,
        };
        let request = request.body(Body::empty()).expect("a request");
        let Ok(response) = app.call(request).await;
        let mut body = response.into_body();
        let mut read = 0;
        while let Some(frame) = body.frame().await {
            read += frame.expect("a frame").into_data().map_or(0, |data| data.len());
        }
        assert!(read >= BODY.len());
    }
}

async fn answer(Path(_id): Path<u64>) -> &'static str {
    BODY
}

async fn fail(Path(_id): Path<u64>) -> (StatusCode, &'static str) {
    (StatusCode::INTERNAL_SERVER_ERROR, BODY)
}

/// The other service of a call: it answers at once, without a body.
// It holds something, as every client does. Of what has no size axum's boxes are free, and then below a layer that
// does nothing the router would cost less than it does.
#[derive(Clone, Debug)]
pub(crate) struct Answering(StatusCode);

impl Service<Request<Body>> for Answering {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0;
        ready(Ok(response))
    }
}

async fn call<S, B>(mut client: S) -> &'static str
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: HttpBody<Error: Debug>,
{
    let request = Request::get(Uri::from_static("http://inventory:8080/parts/7")).body(Body::empty());
    let Ok(response) = client.call(request.expect("a request")).await;
    assert!(response.into_body().collect().await.expect("a body").to_bytes().is_empty());
    BODY
}

async fn tell(Path(id): Path<u64>) -> &'static str {
    info!(id, "asked for a user");
    info_span!("query", table = "users").in_scope(|| info!(rows = 1, "read from the database"));
    info!("answered");
    BODY
}

async fn add(count: u8) -> &'static str {
    for (place, name) in NAMES.iter().take(count.into()).enumerate() {
        if place % 2 == 0 {
            request::add(*name, place as u64);
        } else {
            request::add(*name, "some text");
        }
    }
    BODY
}

async fn say(id: u64, count: u8) -> &'static str {
    (0..count).for_each(|_| info!(id, table = "users", "read from the database"));
    BODY
}

/// As long as a usual statement.
const STATEMENT: &str =
    "SELECT id, name, city, created_at FROM users u JOIN cities c ON c.id = u.city WHERE u.id = $1";

async fn query(count: u8) -> &'static str {
    for _ in 0..count {
        let asked = Query::sql("postgresql", STATEMENT).try_run(async { Ok::<_, Infallible>(1) }).await;
        assert_eq!(asked, Ok(1));
    }
    BODY
}

async fn report(count: u8) -> &'static str {
    for _ in 0..count {
        tracing::debug!(
            target: "sqlx::query",
            summary = "SELECT id, name, city, …",
            db.statement = STATEMENT,
            rows_affected = 0_u64,
            rows_returned = 1_u64,
            elapsed_secs = 0.001,
        );
    }
    BODY
}

async fn wait(mut times: u8) -> &'static str {
    poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    BODY
}

async fn stream(frames: u8) -> Body {
    let frame = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(BODY.as_bytes())));
    Body::new(StreamBody::new(iter((0..frames).map(move |_| frame()))))
}
