//! tower-http's `TraceLayer` beside ours.

use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::Level;

use super::*;

/// Level and message of the lines that `TraceLayer` writes.
fn theirs(scene: &Scene) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines = scene.seen.lines().into_iter();
    let lines = lines.filter(|line| text(&line["target"]).starts_with("tower_http::trace"));
    lines.map(|line| (text(&line["level"]), text(&line["message"]))).collect()
}

#[tokio::test]
async fn its_lines_are_of_level_debug_and_its_span_is_none_of_the_trace() {
    for inside in [true, false] {
        let scene = Scene::of(|ours| match inside {
            true => hello().layer(TraceLayer::new_for_http()).layer(ours),
            false => hello().layer(ours).layer(TraceLayer::new_for_http()),
        })
        .await;
        assert_eq!(scene.get("/x").await.body(), "hello");
        scene.ended("ok", 200).await;
        let said = theirs(&scene);
        assert!(!said.is_empty() && said.iter().all(|(level, _)| level == "DEBUG"), "{said:?}");
        assert_eq!(scene.seen.spans().len(), 1);
        let own = &scene.closing_lines()[0]["trace_id"];
        let joined = scene.seen.lines().iter().filter(|line| line["trace_id"] == *own).count();
        assert_eq!(joined, if inside { 1 + said.len() } else { 1 }, "{}", scene.seen);
    }
}

#[tokio::test]
async fn of_a_500_it_writes_a_second_error_unless_it_is_told_not_to() {
    let broken = || Router::new().route("/x", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
    for silent in [false, true] {
        let scene = Scene::of(|ours| match silent {
            false => broken().layer(TraceLayer::new_for_http()).layer(ours),
            true => broken().layer(TraceLayer::new_for_http().on_failure(())).layer(ours),
        })
        .await;
        scene.get("/x").await;
        scene.ended("server_error", 500).await;
        let errors = scene.seen.lines().into_iter().filter(|line| line["level"] == "ERROR").count();
        assert_eq!(errors, if silent { 1 } else { 2 }, "{}", scene.seen);
    }
}

#[tokio::test]
async fn a_span_of_its_own_at_info_is_a_child_of_the_requests() {
    let spans = TraceLayer::new_for_http().make_span_with(DefaultMakeSpan::new().level(Level::INFO));
    let scene = Scene::of(|ours| hello().layer(spans).layer(ours)).await;
    scene.get("/x").await;
    let request = scene.ended("ok", 200).await;
    assert!(request.child("request").is_child_of(request.span()), "{request}");
}
