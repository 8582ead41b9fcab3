//! tower-http's layer that cuts a slash off the path; it stands outside of a router, or it would come too late.

use tower_http::normalize_path::NormalizePathLayer;

use super::*;

#[tokio::test]
async fn inside_the_router_we_see_the_path_that_was_routed() {
    let scene = Scene::of(|ours| {
        let trimmed = NormalizePathLayer::trim_trailing_slash().layer(hello().layer(ours));
        Router::new().fallback_service(trimmed)
    })
    .await;
    assert_eq!(scene.get("/x/").await.body(), "hello");
    let request = scene.ended("ok", 200).await;
    assert_eq!(
        (&request.closing_line()["path"], request.span().name.as_str()),
        (&"/x".into(), "GET /x"),
        "{request}"
    );
}

#[tokio::test]
async fn outside_of_it_we_see_the_path_that_was_sent() {
    let scene = Scene::of(|ours| {
        let router = hello().route_layer(RouteLayer::new());
        let stack = ServiceBuilder::new().layer(ours).layer(NormalizePathLayer::trim_trailing_slash());
        Router::new().fallback_service(stack.service(router))
    })
    .await;
    assert_eq!(scene.get("/x/").await.body(), "hello");
    let request = scene.ended("ok", 200).await;
    assert_eq!(
        (&request.closing_line()["path"], request.span().name.as_str()),
        (&"/x/".into(), "GET /x"),
        "{request}"
    );
}
