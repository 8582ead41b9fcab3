//! The router with one route for each thing that a service may do.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Extension, Path, Query};
use axum::http::HeaderMap;
use axum::response::{Html, Redirect};
use axum::routing::{any, get, post};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::AsyncWriteExt;
use tower_http::services::ServeDir;

use super::*;

/// A folder with files to serve, removed at the end.
pub(super) struct Files(std::path::PathBuf);

impl Files {
    pub(super) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tower-observability-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let page: String = (0..4_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(folder.join("page.txt"), page).unwrap();
        Self(folder)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a layer inside of ours left for the handler.
#[derive(Clone)]
struct Mark(&'static str);

fn chunks(count: usize) -> Body {
    Body::from_stream(stream::iter(
        (0..count).map(|n| Ok::<_, Infallible>(Bytes::from(format!("chunk {n}\n")))),
    ))
}

fn with_trailers() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", "abc".parse().unwrap());
    let frames = [Frame::data(Bytes::from_static(b"hello")), Frame::trailers(trailers)];
    let body = Body::new(StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>))));
    Response::builder().header(header::TRAILER, "checksum").body(body).unwrap()
}

fn breaks() -> Body {
    Body::from_stream(stream::iter([Ok(Bytes::from_static(b"hello")), Err(axum::BoxError::from("gone"))]))
}

async fn rude() -> &'static str {
    panic!("the handler's own")
}

async fn upgrades(request: Request<Body>) -> Response<Body> {
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            let _ = hyper_util::rt::TokioIo::new(upgraded).write_all(b"echo").await;
        }
    });
    let head = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    head.header(header::CONNECTION, "upgrade").header(header::UPGRADE, "echo").body(Body::empty()).unwrap()
}

/// Everything that a handler can learn of its request, said back.
async fn mirror(Extension(mark): Extension<Mark>, request: Request<Body>) -> String {
    let (parts, body) = request.into_parts();
    let (length, ended) = (body.size_hint(), body.is_end_stream());
    let body = body.collect().await;
    let text = body.map(|body| (body.trailers().cloned(), body.to_bytes()));
    let mut headers: Vec<_> =
        parts.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    // The client's own address of the two servers differs by its port.
    headers.retain(|header| !header.starts_with("host"));
    let (method, path, version, mark) = (&parts.method, parts.uri.path_and_query(), parts.version, mark.0);
    format!("{method} {path:?} {version:?} {mark} {headers:?} {length:?} {ended} {text:?}")
}

pub(super) fn router(files: &Files) -> Router {
    let sized = || async { ([(header::CONTENT_LENGTH, "16")], chunks(2)) };
    let cookies = || async { [(header::SET_COOKIE, "a=1"), (header::SET_COOKIE, "b=2")] };
    let long = || async { Bytes::from(vec![b'x'; 300_000]) };
    let add = |Path((a, b)): Path<(u32, u32)>| async move { Json(serde_json::json!({ "sum": a + b })) };
    let find =
        |Query(query): Query<std::collections::BTreeMap<String, String>>| async move { format!("{query:?}") };
    Router::new()
        .route("/hello", get(|| async { "hello" }).post(|| async { StatusCode::CREATED }))
        .route("/mirror", any(mirror))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/small", post(|body: Bytes| async { body }).layer(DefaultBodyLimit::max(8)))
        .route("/json", post(|Json(value): Json<serde_json::Value>| async { Json(value) }))
        .route("/add/{a}/{b}", get(add))
        .route("/find", get(find))
        .route("/stream", get(|| async { chunks(50) }))
        .route("/sized", get(sized))
        .route("/long", get(long))
        .route("/empty", get(|| async {}))
        .route("/nothing", get(|| async { (StatusCode::NO_CONTENT, "not sent") }))
        .route("/same", get(|| async { (StatusCode::NOT_MODIFIED, [(header::ETAG, "\"7\"")]) }))
        .route("/elsewhere", get(|| async { Redirect::temporary("/hello") }))
        .route("/page", get(|| async { Html("<p>hello") }))
        .route("/cookies", get(cookies))
        .route("/teapot", get(|| async { (StatusCode::IM_A_TEAPOT, "tea") }))
        .route("/trailers", get(|| async { with_trailers() }))
        .route("/breaks", get(|| async { breaks() }))
        .route("/panics", get(rude))
        .route("/upgrades", any(upgrades))
        .route("/unread", post(|| async { "did not read it" }))
        .nest(
            "/nested",
            Router::new().route("/{id}", get(|Path(id): Path<u32>| async move { id.to_string() })),
        )
        .nest_service("/files", ServeDir::new(&files.0))
        .fallback(|| async { (StatusCode::NOT_FOUND, "nobody") })
        .layer(Extension(Mark("seen")))
}
