//! Answers that stay open: server-sent events, long polling.

use std::convert::Infallible;

use axum::BoxError;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream, StreamExt};
use hyper::body::Incoming;

use super::*;

/// Dropped with the stream: its reader has left, which is how it ends well.
struct UntilItsReaderLeaves;

impl Drop for UntilItsReaderLeaves {
    fn drop(&mut self) {
        request::outcome(Outcome::Ok);
    }
}

fn first() -> impl Stream<Item = Result<Event, BoxError>> + Send {
    stream::iter([Ok(Event::default().data("first"))])
}

/// Serves these events behind our layer, and reads the first one.
async fn opened<S>(events: impl Fn() -> S + Clone + Send + Sync + 'static) -> (Scene, Incoming)
where
    S: Stream<Item = Result<Event, BoxError>> + Send + 'static,
{
    let answer = move || async move { Sse::new(events()).keep_alive(KeepAlive::default()) };
    let scene = Scene::of(|ours| Router::new().route("/events", get(answer)).layer(ours)).await;
    let head = scene.head(Request::get("/events").body(Full::default()).unwrap()).await;
    let mut body = head.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "data: first\n\n");
    assert!(scene.open() == 1.0 && scene.closing_lines().is_empty(), "as long as the stream");
    (scene, body)
}

#[tokio::test]
async fn a_stream_of_events_is_one_request_that_its_reader_cancels() {
    let (scene, body) = opened(|| first().chain(stream::pending())).await;
    drop(body);
    let request = scene.ended("cancelled", 200).await;
    assert_eq!((&request.closing_line()["level"], request.span().is_error()), (&"WARN".into(), true));
}

/// One event, and then what `next` makes.
fn until_its_reader_leaves<Fut>(
    next: impl Fn() -> Fut + Copy + Send + 'static,
) -> impl Stream<Item = Result<Event, BoxError>> + Send
where
    Fut: Future<Output = Result<Event, BoxError>> + Send,
{
    first().chain(stream::unfold(UntilItsReaderLeaves, move |reader| async move {
        tokio::task::yield_now().await;
        Some((next().await, reader))
    }))
}

#[tokio::test]
async fn a_stream_that_lasts_until_its_reader_leaves_can_say_so() {
    let (scene, body) = opened(|| until_its_reader_leaves(std::future::pending)).await;
    drop(body);
    let request = scene.ended("ok", 200).await;
    assert_eq!((&request.closing_line()["level"], request.span().is_error()), (&"INFO".into(), false));
}

async fn ends_as<S>(events: fn() -> S, outcome: &str)
where
    S: Stream<Item = Result<Event, BoxError>> + Send + 'static,
{
    let answer = move || async move { Sse::new(events()) };
    let scene = Scene::of(|ours| Router::new().route("/events", get(answer)).layer(ours)).await;
    let head = scene.head(Request::get("/events").body(Full::default()).unwrap()).await;
    head.into_body().collect().await.unwrap_err();
    scene.ended(outcome, 200).await;
}

#[tokio::test]
async fn what_fails_or_panics_before_is_told_as_that_all_the_same() {
    async fn fails() -> Result<Event, BoxError> {
        Err("the disk is gone".into())
    }
    async fn panics() -> Result<Event, BoxError> {
        panic!("the stream's own")
    }
    ends_as(|| until_its_reader_leaves(fails), "body_error").await;
    ends_as(|| until_its_reader_leaves(panics), "panic").await;
}

#[tokio::test]
async fn a_stream_that_its_service_ends_is_ok() {
    let scene =
        Scene::of(|ours| Router::new().route("/events", get(|| async { Sse::new(first()) })).layer(ours))
            .await;
    assert_eq!(scene.get("/events").await.body(), "data: first\n\n");
    scene.ended("ok", 200).await;
}

#[tokio::test]
async fn a_long_poll_is_in_flight_until_there_is_news() {
    let (there, news) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&there), Arc::clone(&news));
    let poll = move || async move {
        tell.notify_one();
        wait.notified().await;
        Ok::<_, Infallible>("news")
    };
    let scene = Scene::of(|ours| Router::new().route("/news", get(poll)).layer(ours)).await;
    let (answer, ()) = tokio::join!(scene.get("/news"), async {
        there.notified().await;
        assert!(scene.open() == 1.0 && scene.closing_lines().is_empty());
        news.notify_one();
    });
    assert_eq!(answer.body(), "news");
    scene.ended("ok", 200).await;
}
