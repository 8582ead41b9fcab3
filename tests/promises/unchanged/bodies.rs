//! In the process: what a body knows of itself after each frame, and that nothing is asked for ahead of its reader.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::{Empty, StreamBody};
use tower::{Layer, ServiceExt};
use tower_observability::ResponseBody;

use super::*;

/// What a body says of itself, before its first frame and after each.
async fn told<B: http_body::Body<Data = Bytes> + Unpin>(mut body: B) -> Vec<String>
where
    B::Error: std::fmt::Debug,
{
    let mut told = vec![format!("{:?} {}", body.size_hint(), body.is_end_stream())];
    while let Some(frame) = body.frame().await {
        told.push(format!("{frame:?} {:?} {}", body.size_hint(), body.is_end_stream()));
    }
    told
}

async fn observed<B: http_body::Body>(seen: &Instance, body: impl Fn() -> B) -> ResponseBody<B> {
    let answer = tower::service_fn(|_: Request<Empty<Bytes>>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(body())))
    });
    seen.layer().layer(answer).oneshot(Request::default()).await.unwrap().into_body()
}

async fn is_unchanged<B: http_body::Body<Data = Bytes> + Unpin>(body: impl Fn() -> B)
where
    B::Error: std::fmt::Debug + 'static,
{
    let seen = Instance::new();
    let bare = told(body()).await;
    assert_eq!(told(observed(&seen, body).await).await, bare);
    assert_eq!(seen.lines().len(), 1, "{seen}");
}

#[tokio::test]
async fn a_body_knows_as_much_of_itself_as_without_us() {
    let frames = || {
        stream::iter([
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"one"))),
            Ok(Frame::data(Bytes::new())),
        ])
    };
    is_unchanged(Empty::<Bytes>::new).await;
    is_unchanged(|| Full::new(Bytes::from_static(b"hello"))).await;
    is_unchanged(|| Body::from("hello")).await;
    is_unchanged(|| StreamBody::new(frames())).await;
    is_unchanged(|| {
        let trailers = axum::http::HeaderMap::from_iter([(header::ETAG, "7".parse().unwrap())]);
        Full::new(Bytes::from_static(b"hello")).with_trailers(std::future::ready(Some(Ok(trailers))))
    })
    .await;
    is_unchanged(|| {
        let broken = [Ok(Frame::data(Bytes::from_static(b"one"))), Err("gone")];
        StreamBody::new(stream::iter(broken))
    })
    .await;
}

#[tokio::test]
async fn no_frame_is_made_before_its_reader_asks_for_it() {
    let (seen, made) = (Instance::new(), Rc::new(Cell::new(0)));
    let count = Rc::clone(&made);
    let body = move || {
        let count = Rc::clone(&count);
        StreamBody::new(stream::iter(0..100).map(move |_| {
            count.set(count.get() + 1);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"frame")))
        }))
    };
    let mut body = observed(&seen, body).await;
    for read in 0..3 {
        assert_eq!(made.get(), read);
        body.frame().await.unwrap().unwrap();
    }
    drop(body);
    assert_eq!((made.get(), &seen.lines()[0]["outcome"]), (3, &"cancelled".into()));
}

#[tokio::test]
async fn an_error_is_the_services_own_of_its_own_type() {
    #[derive(Debug, PartialEq)]
    struct Own(Vec<u8>);
    let seen = Instance::new();
    let broken = tower::service_fn(|_: Request<Empty<Bytes>>| {
        std::future::ready(Err::<Response<Body>, _>(Own(vec![7])))
    });
    let error: Own = seen.layer().layer(broken).oneshot(Request::default()).await.unwrap_err();
    assert_eq!((error, seen.lines().len()), (Own(vec![7]), 1));
}
