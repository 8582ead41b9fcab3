//! tower-http's layers that compress responses and decompress requests.

use std::convert::Infallible;

use axum::http::{HeaderMap, Response};
use http_body_util::Empty;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::{Decompression, RequestDecompressionLayer};

use super::*;

fn asked() -> Request<Full<Bytes>> {
    Request::get("/x").header(header::ACCEPT_ENCODING, "gzip").body(Full::default()).unwrap()
}

async fn unpacked(headers: HeaderMap, body: Bytes) -> Bytes {
    let answer = tower::service_fn(move |_: Request<Empty<Bytes>>| {
        let mut response = Response::new(Full::new(body.clone()));
        *response.headers_mut() = headers.clone();
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let response = Decompression::new(answer).oneshot(Request::default()).await.unwrap();
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn response_bytes_are_those_that_pass_our_layer() {
    for inside in [true, false] {
        let (router, go) = in_halves();
        let scene = Scene::of(|ours| match inside {
            true => router.layer(CompressionLayer::new()).layer(ours),
            false => router.layer(ours).layer(CompressionLayer::new()),
        })
        .await;
        let (head, body) = scene.head(asked()).await.into_parts();
        assert_eq!(head.headers[header::CONTENT_ENCODING], "gzip");
        assert!(scene.open() == 1.0 && scene.closing_lines().is_empty(), "a request lasts to its last byte");
        go.notify_one();
        let sent = body.collect().await.unwrap().to_bytes();
        let counted = if inside { sent.len() } else { 2 * HALF };
        assert!(sent.len() < HALF, "{}", sent.len());
        assert_eq!(scene.ended("ok", 200).await.closing_line()["response_bytes"], counted);
        assert_eq!(unpacked(head.headers, sent).await.len(), 2 * HALF);
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_compressed_stream_is_cancelled() {
    for inside in [true, false] {
        let (router, _never) = in_halves();
        let scene = Scene::of(|ours| match inside {
            true => router.layer(CompressionLayer::new()).layer(ours),
            false => router.layer(ours).layer(CompressionLayer::new()),
        })
        .await;
        drop(scene.head(asked()).await);
        scene.ended("cancelled", 200).await;
    }
}

#[tokio::test]
async fn a_request_body_that_cannot_be_unpacked_is_told_where_we_stand_outside() {
    for inside in [true, false] {
        let unpack = RequestDecompressionLayer::new();
        let router = Router::new().route("/x", post(|body: Bytes| async { body }));
        let scene = Scene::of(|ours| match inside {
            true => router.layer(unpack).layer(ours),
            false => router.layer(ours).layer(unpack),
        })
        .await;
        let answer = scene.ask(Request::post("/x").header(header::CONTENT_ENCODING, "zstd")).await;
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        if inside {
            scene.ended("client_error", 415).await;
        } else {
            scene.saw_nothing();
        }
    }
}
