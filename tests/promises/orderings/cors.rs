//! A page in a browser that sends `traceparent` to another origin.

use axum::http::{HeaderName, HeaderValue, Method, Response};
use tower_http::cors::{Any, CorsLayer};

use super::*;

const PAGE: &str = "https://shop.example";
const SENT: [&str; 4] = ["traceparent", "tracestate", "baggage", "x-request-id"];
const SHOWN: [&str; 2] = ["x-request-id", "server-timing"];

fn allowed() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(PAGE))
        .allow_methods([Method::GET])
        .allow_headers(SENT.map(HeaderName::from_static))
        .expose_headers(SHOWN.map(HeaderName::from_static))
}

/// What a browser asks before it sends the request (Fetch, "CORS-preflight fetch").
async fn preflight(scene: &Scene) -> Response<Bytes> {
    let mut names = SENT;
    names.sort();
    let asked = Request::options("/x").header(header::ORIGIN, PAGE);
    let asked = asked.header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
    scene.ask(asked.header(header::ACCESS_CONTROL_REQUEST_HEADERS, names.join(","))).await
}

/// Does the answer's list name all of these?
fn names(answer: &Response<Bytes>, list: HeaderName, wanted: &[&str]) -> bool {
    let Some(list) = answer.headers().get(list) else { return false };
    let listed: Vec<_> = list.to_str().unwrap().split(',').map(|name| name.trim().to_lowercase()).collect();
    wanted.iter().all(|name| listed.iter().any(|listed| listed == name))
}

async fn ask(scene: &Scene) -> Response<Bytes> {
    let asked = Request::get("/x").header(header::ORIGIN, PAGE).header("traceparent", PARENT);
    scene.ask(asked.header("x-request-id", "page-7")).await
}

#[tokio::test]
async fn a_browser_may_send_the_context_and_read_the_request_id() {
    for inside in [true, false] {
        let scene = Scene::of(|ours| match inside {
            true => hello().layer(allowed()).layer(ours.server_timing()),
            false => hello().layer(ours.server_timing()).layer(allowed()),
        })
        .await;
        let answer = preflight(&scene).await;
        assert!(names(&answer, header::ACCESS_CONTROL_ALLOW_HEADERS, &SENT), "{answer:?}");
        let told = scene.closing_lines().len();
        assert_eq!(
            told,
            usize::from(inside),
            "a preflight that passes our layer is a request like any other"
        );

        let answer = ask(&scene).await;
        assert!(names(&answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, &SHOWN), "{answer:?}");
        assert!(answer.status() == 200 && answer.headers()["x-request-id"] == "page-7", "{answer:?}");
        assert!(answer.headers()["server-timing"].to_str().unwrap().contains(&PARENT[3..35]), "{answer:?}");
        let request = scene.seen.request("page-7");
        assert_eq!(request.span().parent.unwrap().to_string(), PARENT[36..52], "the page's span is above");
        assert_eq!((scene.closing_lines().len(), scene.open()), (told + 1, 0.0));
    }
}

#[tokio::test]
async fn a_preflight_inside_ours_is_one_request_of_its_route() {
    let scene = Scene::of(|ours| hello().layer(allowed()).layer(ours)).await;
    preflight(&scene).await;
    assert_eq!(scene.ended("ok", 200).await.span().name, "OPTIONS /x");
}

#[tokio::test]
async fn a_star_for_all_headers_is_a_star_to_the_browser() {
    let all = CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any).expose_headers(Any);
    let scene = Scene::of(|ours| hello().layer(ours).layer(all)).await;
    assert_eq!(preflight(&scene).await.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS], "*");
    assert_eq!(ask(&scene).await.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS], "*");
}

#[tokio::test]
async fn without_the_list_the_browser_would_send_no_context() {
    let bare = CorsLayer::new().allow_origin(HeaderValue::from_static(PAGE)).allow_methods([Method::GET]);
    let scene = Scene::of(|ours| hello().layer(ours).layer(bare)).await;
    let answer = preflight(&scene).await;
    assert!(!names(&answer, header::ACCESS_CONTROL_ALLOW_HEADERS, &SENT[..1]), "{answer:?}");
}
