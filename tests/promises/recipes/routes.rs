//! Which routes a layer sees, and what each is called.

use tower_http::services::ServeDir;

use super::*;

fn bookings<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/bookings/{id}", get(|| async { "booked" }))
}

#[tokio::test]
async fn a_route_or_a_fallback_that_comes_after_the_layer_is_not_observed() {
    let late = |ours| {
        let app = bookings().layer(ours).route("/cars/{id}", get(|| async { "a car" }));
        app.merge(Router::new().route("/people", get(|| async { "all" }))).fallback(|| async { "nobody" })
    };
    for (path, body) in [("/cars/7", "a car"), ("/people", "all"), ("/nobody", "nobody")] {
        let scene = Scene::of(late).await;
        assert_eq!(scene.get(path).await.body(), body);
        scene.saw_nothing();
    }
    let scene = Scene::of(late).await;
    scene.get("/bookings/7").await;
    assert_eq!(scene.ended("ok", 200).await.span().name, "GET /bookings/{id}");
}

#[tokio::test]
async fn around_the_whole_router_every_route_is_observed_whenever_it_came() {
    let whole = |ours: tower_observability::ObservabilityLayer| {
        let router = bookings().route_layer(RouteLayer::new());
        let router = router.route("/late", get(|| async { "late" })).fallback(|| async { "nobody" });
        Router::new().fallback_service(ours.layer(router))
    };
    for (path, name) in [("/bookings/7", "GET /bookings/{id}"), ("/late", "GET"), ("/nobody", "GET")] {
        let scene = Scene::of(whole).await;
        scene.get(path).await;
        let request = scene.ended("ok", 200).await;
        assert_eq!((request.span().name.as_str(), &request.closing_line()["path"]), (name, &path.into()));
    }
}

#[tokio::test]
async fn under_route_layer_only_what_matches_a_route_is_observed_whatever_its_method() {
    let served = |ours| bookings().route_layer(ours);
    let scene = Scene::of(served).await;
    assert_eq!(scene.get("/nobody").await.status(), StatusCode::NOT_FOUND);
    scene.saw_nothing();
    assert_eq!(scene.ask(Request::delete("/bookings/7")).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(scene.ended("client_error", 405).await.span().name, "DELETE /bookings/{id}");
}

#[tokio::test]
async fn under_layer_a_wrong_method_has_its_route_and_a_missing_page_has_none() {
    let scene = Scene::of(|ours| bookings().layer(ours)).await;
    assert_eq!(scene.ask(Request::delete("/bookings/7")).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(scene.ended("client_error", 405).await.span().name, "DELETE /bookings/{id}");
    let scene = Scene::of(|ours| bookings().layer(ours)).await;
    assert_eq!(scene.get("/nobody").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(scene.ended("client_error", 404).await.span().name, "GET");
}

#[tokio::test]
async fn nested_and_merged_routers_have_the_whole_pattern_also_with_states_of_their_own() {
    let inner = Router::new().route("/cars/{id}", get(|| async { "a car" })).with_state(7_u8);
    let app = Router::new().nest("/shops/{shop}", Router::new().nest("/v1", inner));
    let app = app.merge(bookings()).with_state("a database");
    for (path, name) in
        [("/shops/3/v1/cars/7", "GET /shops/{shop}/v1/cars/{id}"), ("/bookings/7", "GET /bookings/{id}")]
    {
        let scene = Scene::of(|ours| app.clone().layer(ours)).await;
        scene.get(path).await;
        assert_eq!(scene.ended("ok", 200).await.span().name, name);
    }
}

#[tokio::test]
async fn a_layer_before_the_state_and_one_on_the_nested_router_see_the_same() {
    let stated = |ours| bookings().layer(ours).with_state("a database");
    let scene = Scene::of(stated).await;
    scene.get("/bookings/7").await;
    assert_eq!(scene.ended("ok", 200).await.span().name, "GET /bookings/{id}");

    let scene = Scene::of(|ours| Router::new().nest("/v1", bookings().layer(ours))).await;
    scene.get("/v1/bookings/7").await;
    let request = scene.ended("ok", 200).await;
    assert_eq!(request.span().name, "GET /v1/bookings/{id}");
    assert_eq!(request.closing_line()["path"], "/bookings/7", "the path as the nested router shows it");
}

/// A folder with one file, removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn of(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tower-observability-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("app.js"), "console.log(7)").unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_nested_service_has_no_route_unless_it_names_one() {
    let folder = Folder::of("assets");
    for (named, name) in [(false, "GET"), (true, "GET /assets/{*file}")] {
        let files = ServeDir::new(&folder.0);
        let scene = Scene::of(|ours| {
            let app = if named {
                let files = ServiceBuilder::new().map_request(|asked: Request<Body>| {
                    request::route("/assets/{*file}");
                    asked
                });
                Router::new().nest_service("/assets", files.service(ServeDir::new(&folder.0)))
            } else {
                Router::new().nest_service("/assets", files)
            };
            app.layer(ours)
        })
        .await;
        assert_eq!(scene.get("/assets/app.js").await.body(), "console.log(7)");
        assert_eq!(scene.ended("ok", 200).await.span().name, name);
    }
}
