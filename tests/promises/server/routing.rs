//! The route, wherever the layer stands and whatever made the router.

use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tower::ServiceBuilder;

use super::*;

async fn asked_of<S, B>(service: S, path: &str) -> StatusCode
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    through(service, asked(path).body(Body::empty()).unwrap()).await.0.status
}

/// Name, route, and whether line and metric have the same route.
fn named(seen: &Instance) -> (String, Option<String>) {
    let span = the_span(seen);
    let route = span.attributes.get("http.route").map(ToString::to_string);
    assert_eq!(seen.lines()[0].get("route").and_then(|route| route.as_str()), route.as_deref());
    if let Some(route) = &route {
        assert!(seen.scrape().contains(&format!("http_route=\"{route}\"")), "{}", seen.scrape());
    } else {
        assert!(!seen.scrape().contains("http_route="), "{}", seen.scrape());
    }
    (span.name, route)
}

fn known(name: &str) -> (String, Option<String>) {
    (name.to_owned(), name.split_once(' ').map(|(_, route)| route.to_owned()))
}

fn cars() -> Router {
    Router::new().route("/cars/{id}", get(|| async { "a car" }).post(|| async { "another" }))
}

#[tokio::test]
async fn nested_and_merged_routers_tell_the_whole_route() {
    for place in ["layer", "route_layer", "outside"] {
        let seen = Instance::new();
        let merged = Router::new().route("/people", get(|| async { "all" })).merge(cars());
        let router = Router::new().nest("/v1/{tenant}", merged);
        let path = "/v1/blue/cars/7";
        match place {
            "layer" => asked_of(router.layer(seen.layer()), path).await,
            "route_layer" => asked_of(router.route_layer(seen.layer()), path).await,
            _ => asked_of(seen.layer().layer(router.route_layer(RouteLayer::new())), path).await,
        };
        assert_eq!(named(&seen), known("GET /v1/{tenant}/cars/{id}"), "{place}");
    }
}

#[tokio::test]
async fn a_layer_on_a_nested_router_knows_the_whole_route_and_the_path_as_the_router_shows_it() {
    let seen = Instance::new();
    let router = Router::new().nest("/v1", cars().layer(seen.layer()));
    asked_of(router, "/v1/cars/7").await;
    assert_eq!(named(&seen), known("GET /v1/cars/{id}"));
}

#[tokio::test]
async fn a_fallback_has_no_route_and_a_wrong_method_has() {
    let seen = Instance::new();
    let router = cars().fallback(|| async { StatusCode::IM_A_TEAPOT }).layer(seen.layer());
    assert_eq!(asked_of(router, "/nobody").await, StatusCode::IM_A_TEAPOT);
    assert_eq!(named(&seen), known("GET"));

    let seen = Instance::new();
    let request = asked("/cars/7").method("DELETE").body(Body::empty()).unwrap();
    assert_eq!(through(cars().layer(seen.layer()), request).await.0.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(named(&seen), known("DELETE /cars/{id}"));
}

#[tokio::test]
async fn a_service_of_hyper_without_a_router_names_its_route_itself() {
    let seen = Instance::new();
    let service = tower::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
        assert!(request.uri().path().starts_with("/parts/") && request::route("/parts/{id}"));
        assert!(!request::route("/too/late"), "the first counts");
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"a part"))))
    });
    let service = TowerToHyperService::new(ServiceBuilder::new().layer(seen.layer()).service(service));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/parts/7", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    });
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(Request::get(url).body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a part");
    seen.until("the line", || (seen.lines().len() == 1).then_some(())).await;
    assert_eq!(named(&seen), known("GET /parts/{id}"));
    drop(client);
    let _ = server.await;
}

#[tokio::test]
async fn in_a_stack_of_layers_the_request_is_observed_once_wherever_we_stand() {
    for outermost in [true, false] {
        let seen = Instance::new();
        let inner = tower::service_fn(|_: Request| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
        });
        let limit = tower_http::timeout::TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(60),
        );
        let status = if outermost {
            asked_of(ServiceBuilder::new().layer(seen.layer()).layer(limit).service(inner), "/x").await
        } else {
            asked_of(ServiceBuilder::new().layer(limit).layer(seen.layer()).service(inner), "/x").await
        };
        assert_eq!(status, StatusCode::OK);
        assert_eq!(the_span(&seen).attribute("observability.outcome"), "ok");
    }
}

#[tokio::test]
async fn around_a_buffer_a_request_is_observed_once_and_its_future_keeps_the_context() {
    let seen = Instance::new();
    let inner = tower::service_fn(|_: Request| async {
        tokio::task::yield_now().await;
        assert!(request::add("deep", true), "the future is polled by the request's own task");
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let service = ServiceBuilder::new().layer(seen.layer()).buffer(4).service(inner);
    let response = service.oneshot(asked("/x").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert!(the_span(&seen).attributes.contains_key("deep"));
}

#[tokio::test]
async fn on_both_sides_of_a_buffer_a_request_is_observed_twice() {
    let seen = Instance::new();
    let inner = tower::service_fn(|_: Request| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
    });
    let service = ServiceBuilder::new().layer(seen.layer()).buffer(4).layer(seen.layer()).service(inner);
    let response = service.oneshot(asked("/x").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert_eq!(seen.spans().len(), 2, "the limit that the layer's documentation names");
}
