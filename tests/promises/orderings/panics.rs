//! tower-http's layer that catches panics.

use std::any::Any;

use axum::http::Response;
use tower_http::catch_panic::CatchPanicLayer;

use super::*;

fn panics() -> Router {
    async fn rude() -> &'static str {
        tracing::info!("about to panic");
        panic!("the handler's own")
    }
    Router::new().route("/x", get(rude))
}

fn sorry(_: Box<dyn Any + Send>) -> Response<Full<Bytes>> {
    request::outcome(Outcome::Panic);
    let mut response = Response::new(Full::from("sorry"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

#[tokio::test]
async fn outside_of_ours_a_panic_is_told_as_a_panic_and_its_answer_has_no_request_id() {
    let scene = Scene::of(|ours| panics().layer(ours).layer(CatchPanicLayer::new())).await;
    let answer = scene.get("/x").await;
    assert_eq!((answer.status().as_u16(), answer.headers().get("x-request-id")), (500, None));
    let request = scene.ended("panic", None).await;
    assert_eq!(request.span().attribute("error.type"), "panic");
    request.line("about to panic");
}

#[tokio::test]
async fn inside_ours_a_panic_is_the_500_that_it_became() {
    let scene = Scene::of(|ours| panics().layer(CatchPanicLayer::new()).layer(ours)).await;
    let answer = scene.get("/x").await;
    assert!(answer.status() == 500 && answer.headers().contains_key("x-request-id"));
    scene.ended("server_error", 500).await;
}

#[tokio::test]
async fn inside_ours_its_handler_can_say_that_it_was_a_panic() {
    let scene = Scene::of(|ours| panics().layer(CatchPanicLayer::custom(sorry)).layer(ours)).await;
    let answer = scene.get("/x").await;
    assert!(answer.status() == 500 && answer.headers().contains_key("x-request-id"));
    assert_eq!(answer.body(), "sorry");
    let request = scene.ended("panic", 500).await;
    assert!(request.span().is_error() && request.closing_line()["level"] == "ERROR", "{request}");
}

#[tokio::test]
async fn on_either_side_what_does_not_panic_is_as_it_was() {
    for inside in [true, false] {
        let scene = Scene::of(|ours| match inside {
            true => hello().layer(CatchPanicLayer::new()).layer(ours),
            false => hello().layer(ours).layer(CatchPanicLayer::new()),
        })
        .await;
        assert_eq!(scene.get("/x").await.body(), "hello");
        scene.ended("ok", 200).await;
    }
}
