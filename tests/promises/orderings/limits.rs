//! Limits: of a request's body, of how many requests run at once, and a queue before them.

use axum::BoxError;
use axum::error_handling::HandleErrorLayer;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::limit::RequestBodyLimitLayer;

use super::*;

async fn busy(_: BoxError) -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

/// A handler that stays until it is let go, and says when it is there.
fn held() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (there, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&there), Arc::clone(&go));
    let stay = move || async move {
        tell.notify_one();
        wait.notified().await;
    };
    (Router::new().route("/x", any(stay)), there, go)
}

fn asked() -> Request<Full<Bytes>> {
    Request::get("/x").body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_body_that_is_too_long_is_told_where_we_stand_outside() {
    for inside in [true, false] {
        let router = Router::new().route("/x", post(|body: Bytes| async { body }));
        let scene = Scene::of(|ours| match inside {
            true => router.layer(RequestBodyLimitLayer::new(4)).layer(ours),
            false => router.layer(ours).layer(RequestBodyLimitLayer::new(4)),
        })
        .await;
        let answer = scene.send(Request::post("/x").body(Full::from("12345")).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        if inside {
            scene.ended("client_error", 413).await;
        } else {
            scene.saw_nothing();
        }
    }
}

#[tokio::test]
async fn a_request_that_is_shed_is_the_503_that_it_became_or_is_not_told_outside_of_ours() {
    for inside in [true, false] {
        let (router, there, go) = held();
        let limit = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(busy))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(1));
        let scene = Scene::of(|ours| match inside {
            true => router.layer(limit).layer(ours),
            false => router.layer(ours).layer(limit),
        })
        .await;
        let (first, second) = tokio::join!(scene.head(asked()), async {
            there.notified().await;
            let shed = scene.get("/x").await;
            go.notify_one();
            shed
        });
        assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 503));
        let expected = if inside { vec!["server_error", "ok"] } else { vec!["ok"] };
        scene.seen.until("each end", || (scene.closing_lines().len() == expected.len()).then_some(())).await;
        let outcomes: Vec<_> = scene.closing_lines().iter().map(|line| line["outcome"].clone()).collect();
        assert!(outcomes == expected && scene.open() == 0.0, "{}", scene.seen);
    }
}

#[tokio::test]
async fn between_ours_and_its_handler_a_shed_request_is_an_error_without_a_status() {
    let (router, there, go) = held();
    let scene = Scene::of(|ours| {
        let limit = ServiceBuilder::new()
            .layer(HandleErrorLayer::new(busy))
            .layer(ours)
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(1));
        router.layer(limit)
    })
    .await;
    let (_, second) = tokio::join!(scene.head(asked()), async {
        there.notified().await;
        let shed = scene.get("/x").await;
        go.notify_one();
        shed
    });
    assert_eq!(second.status(), 503);
    let line = &scene.closing_lines()[0];
    assert_eq!((&line["outcome"], line.get("status")), (&"server_error".into(), None), "{line:#}");
    assert_eq!(line["error"], "service overloaded");
}

/// How many requests are open while one runs and a second waits for its turn.
async fn open_while_one_waits(scene: Scene, there: Arc<Notify>, go: Arc<Notify>) -> f64 {
    let (_, _, open) = tokio::join!(scene.head(asked()), scene.head(asked()), async {
        there.notified().await;
        // The second one has been read once the server's task had its turn.
        let mut most = 0.0_f64;
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            most = most.max(scene.open());
            if most == 2.0 {
                break;
            }
        }
        go.notify_one();
        there.notified().await;
        go.notify_one();
        most
    });
    scene.seen.until("both", || (scene.closing_lines().len() == 2).then_some(())).await;
    assert_eq!(scene.open(), 0.0);
    open
}

#[tokio::test]
async fn a_wait_for_a_turn_is_part_of_the_request_where_ours_is_a_layer_call_of_its_own() {
    let (router, there, go) = held();
    let scene = Scene::of(|ours| router.layer(GlobalConcurrencyLimitLayer::new(1)).layer(ours)).await;
    assert_eq!(open_while_one_waits(scene, there, go).await, 2.0);
}

#[tokio::test]
async fn a_wait_for_a_turn_outside_of_ours_or_while_getting_ready_belongs_to_no_request() {
    for outside in [true, false] {
        let (router, there, go) = held();
        let limit = GlobalConcurrencyLimitLayer::new(1);
        let scene = Scene::of(|ours| match outside {
            true => router.layer(ours).layer(limit),
            false => router.layer(ServiceBuilder::new().layer(ours).layer(limit)),
        })
        .await;
        assert_eq!(open_while_one_waits(scene, there, go).await, 1.0, "outside: {outside}");
    }
}

#[tokio::test]
async fn a_buffer_on_either_side_leaves_one_request() {
    for inside in [true, false] {
        let scene = Scene::of(|ours| {
            let queue = ServiceBuilder::new().layer(HandleErrorLayer::new(busy)).buffer(4);
            match inside {
                true => hello().layer(queue).layer(ours),
                false => hello().layer(ours).layer(queue),
            }
        })
        .await;
        assert_eq!(scene.get("/x").await.body(), "hello");
        scene.ended("ok", 200).await;
    }
}
