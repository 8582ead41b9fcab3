//! tower-http's layers that set and hand back `x-request-id`.

use axum::http::HeaderMap;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use super::*;

/// Answers with the id that the handler sees in the headers.
fn told() -> Router {
    let answer = |headers: HeaderMap| async move {
        headers.get("x-request-id").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    Router::new().route("/x", get(answer))
}

#[tokio::test]
async fn outside_of_ours_they_decide_and_all_have_the_same_id() {
    let scene = Scene::of(|ours| {
        let outside = ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id());
        told().layer(ours).layer(outside)
    })
    .await;
    let answer = scene.get("/x").await;
    let request = scene.ended("ok", 200).await;
    let id = request.closing_line()["request_id"].as_str().unwrap();
    assert_eq!((answer.headers()["x-request-id"].to_str().unwrap(), &answer.body()[..]), (id, id.as_bytes()));
}

#[tokio::test]
async fn inside_ours_they_make_a_second_id_which_the_client_gets() {
    let scene = Scene::of(|ours| {
        let inside = ServiceBuilder::new()
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id());
        told().layer(inside).layer(ours)
    })
    .await;
    let answer = scene.get("/x").await;
    let request = scene.ended("ok", 200).await;
    let (got, ours) = (&answer.headers()["x-request-id"], &request.closing_line()["request_id"]);
    assert_ne!(got.to_str().unwrap(), ours.as_str().unwrap(), "the trap that the guide names");
}

#[tokio::test]
async fn an_id_that_the_client_sends_is_everybodys() {
    for inside in [true, false] {
        let set = SetRequestIdLayer::x_request_id(MakeRequestUuid);
        let scene = Scene::of(|ours| match inside {
            true => told().layer(set).layer(ours),
            false => told().layer(ours).layer(set),
        })
        .await;
        let answer = scene.ask(Request::get("/x").header("x-request-id", "order-7")).await;
        assert_eq!(
            (&answer.headers()["x-request-id"], &answer.body()[..]),
            (&"order-7".parse().unwrap(), &b"order-7"[..])
        );
        assert_eq!(scene.ended("ok", 200).await.closing_line()["request_id"], "order-7");
    }
}
