//! tower-http's timeouts: of the head, and of the body.

use tower_http::timeout::{ResponseBodyTimeoutLayer, TimeoutLayer};

use super::*;

const SHORT: Duration = Duration::from_millis(5);

fn never() -> Router {
    Router::new().route("/x", get(std::future::pending::<()>))
}

#[tokio::test]
async fn inside_ours_a_timeout_is_what_its_status_says() {
    for (status, outcome) in
        [(StatusCode::REQUEST_TIMEOUT, "client_error"), (StatusCode::GATEWAY_TIMEOUT, "timeout")]
    {
        let scene =
            Scene::of(|ours| never().layer(TimeoutLayer::with_status_code(status, SHORT)).layer(ours)).await;
        let answer = scene.get("/x").await;
        assert_eq!(answer.status(), status);
        let request = scene.ended(outcome, status.as_u16()).await;
        assert_eq!(answer.headers()["x-request-id"], *request.closing_line()["request_id"].as_str().unwrap());
    }
}

#[tokio::test]
async fn outside_of_ours_a_timeout_drops_the_request_which_is_cancelled() {
    for status in [StatusCode::REQUEST_TIMEOUT, StatusCode::GATEWAY_TIMEOUT] {
        let scene =
            Scene::of(|ours| never().layer(ours).layer(TimeoutLayer::with_status_code(status, SHORT))).await;
        let answer = scene.get("/x").await;
        assert_eq!((answer.status(), answer.headers().get("x-request-id")), (status, None));
        scene.ended("cancelled", None).await;
    }
}

#[tokio::test]
async fn a_timeout_of_the_head_lets_a_body_take_its_time() {
    for inside in [true, false] {
        let (router, go) = in_halves();
        let limit = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(60));
        let scene = Scene::of(|ours| match inside {
            true => router.layer(limit).layer(ours),
            false => router.layer(ours).layer(limit),
        })
        .await;
        let head = scene.head(Request::get("/x").body(Full::default()).unwrap()).await;
        assert!(scene.open() == 1.0 && scene.closing_lines().is_empty(), "a request lasts to its last byte");
        go.notify_one();
        assert_eq!(head.into_body().collect().await.unwrap().to_bytes().len(), 2 * HALF);
        assert_eq!(scene.ended("ok", 200).await.closing_line()["response_bytes"], 2 * HALF);
    }
}

#[tokio::test]
async fn a_body_that_is_too_slow_is_a_body_error_inside_ours_and_cancelled_outside() {
    for (inside, outcome) in [(true, "body_error"), (false, "cancelled")] {
        let (router, _never) = in_halves();
        let limit = ResponseBodyTimeoutLayer::new(SHORT);
        let scene = Scene::of(|ours| match inside {
            true => router.layer(limit).layer(ours),
            false => router.layer(ours).layer(limit),
        })
        .await;
        let head = scene.head(Request::get("/x").body(Full::default()).unwrap()).await;
        assert_eq!(head.status(), 200);
        head.into_body().collect().await.unwrap_err();
        let request = scene.ended(outcome, 200).await;
        assert_eq!(*request.span().attribute("error.type"), *outcome);
    }
}
