//! Promise: the server's side reports what the conventions ask for, and the service behaves as if we were not there.

mod routing;
mod timing;
mod types;

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Builder;
use axum::http::{Method, Response, StatusCode, Version, header};
use axum::routing::{any, get};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use tower::{Layer, Service, ServiceExt};
use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, ObservabilityLayer, Outcome, ResponseBody, RouteLayer, Trust, request};

use crate::support::server::Server;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn asked(path: &str) -> Builder {
    Request::get(path).header("host", "shop.example:8080")
}

/// Sends one request through and reads the body to its end.
async fn through<S, B>(service: S, request: Request) -> (axum::http::response::Parts, Bytes)
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

async fn hello(request: Builder, router: Router) -> axum::http::response::Parts {
    through(router, request.body(Body::empty()).unwrap()).await.0
}

fn the_span(seen: &Instance) -> Span {
    let request = seen.only_request();
    assert_eq!(request.spans().len(), 1, "{request}");
    request.span().clone()
}

#[tokio::test]
async fn a_span_carries_what_the_conventions_ask_of_a_server() {
    let seen = Instance::new();
    let router = Router::new().route("/users/{id}", get(|| async { "hello" })).layer(seen.layer());
    let request =
        asked("/users/7?token=secret&page=2").header("user-agent", "curl/8").version(Version::HTTP_11);
    hello(request, router).await;
    let span = the_span(&seen);
    assert_eq!((span.name.as_str(), span.kind), ("GET /users/{id}", Kind::Server));
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/users/{id}"),
        ("url.path", "/users/7"),
        ("url.scheme", "http"),
        ("url.query", "token=REDACTED&page=REDACTED"),
        ("server.address", "shop.example"),
        ("user_agent.original", "curl/8"),
        ("network.protocol.version", "1.1"),
        ("observability.outcome", "ok"),
    ] {
        assert_eq!(span.attribute(key), value, "{key}");
    }
    assert_eq!(span.attribute("http.response.status_code"), 200);
    assert_eq!(span.attribute("server.port"), 8080);
    assert!(!span.attributes.contains_key("error.type") && !span.is_error());
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_other_and_its_original_is_kept() {
    let seen = Instance::new();
    let router = Router::new().route("/x", any(|| async { "hello" })).layer(seen.layer());
    hello(asked("/x").method(Method::from_bytes(b"PROPFIND").unwrap()), router).await;
    let span = the_span(&seen);
    assert_eq!(span.name, "HTTP /x");
    assert_eq!(span.attribute("http.request.method"), "_OTHER");
    assert_eq!(span.attribute("http.request.method_original"), "PROPFIND");
    assert!(seen.scrape().contains("http_request_method=\"_OTHER\""));
}

#[tokio::test]
async fn the_route_is_known_under_layer_and_route_layer_and_by_the_helper_outside() {
    let handler = || async { "hello" };
    for place in ["layer", "route_layer", "outside", "said"] {
        let seen = Instance::new();
        let request = asked("/users/7").body(Body::empty()).unwrap();
        let plain = Router::new().route("/users/{id}", get(handler));
        match place {
            "layer" => through(plain.layer(seen.layer()), request).await,
            "route_layer" => through(plain.route_layer(seen.layer()), request).await,
            "outside" => through(seen.layer().layer(plain.route_layer(RouteLayer::new())), request).await,
            _ => {
                let says = || async {
                    request::route("/users/{id}");
                    "hello"
                };
                through(seen.layer().layer(Router::new().fallback(says)), request).await
            }
        };
        assert_eq!(the_span(&seen).name, "GET /users/{id}", "{place}");
        assert_eq!(seen.lines()[0]["route"], "/users/{id}", "{place}");
        assert!(seen.scrape().contains("http_route=\"/users/{id}\""), "{place}");
    }
}

#[tokio::test]
async fn without_a_route_there_is_none_and_paths_add_no_series() {
    let seen = Instance::new();
    let service = seen.layer().layer(Router::<()>::new());
    for n in 0..50 {
        through(service.clone(), asked(&format!("/nobody/{n}")).body(Body::empty()).unwrap()).await;
    }
    let span = seen.spans().remove(0);
    assert_eq!((span.name.as_str(), span.attributes.contains_key("http.route")), ("GET", false));
    let page = seen.scrape();
    assert!(!page.contains("http_route") && !page.contains("nobody"), "{page}");
    let series: Vec<_> =
        page.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count")).collect();
    assert!(series.len() <= 2 && series.iter().any(|line| line.ends_with(" 50")), "{series:?}");
}

#[tokio::test]
async fn a_request_that_two_layers_meet_is_observed_once() {
    let seen = Instance::new();
    let inner = Router::new().route("/users/{id}", get(|| async { "hello" })).layer(seen.layer());
    let router = Router::new().nest("/api", inner).layer(seen.layer()).layer(seen.layer());
    hello(asked("/api/users/7"), router).await;
    assert_eq!(the_span(&seen).name, "GET /api/users/{id}");
    assert_eq!(seen.lines().len(), 1);
}

#[tokio::test]
async fn health_paths_are_reported_only_when_they_are_ill() {
    let seen = Instance::new();
    let router = Router::new()
        .route("/livez", get(|| async { "alive" }))
        .route("/readyz", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .layer(seen.layer());
    hello(asked("/livez"), router.clone()).await;
    assert!(seen.spans().is_empty() && seen.lines().is_empty());
    hello(asked("/readyz"), router).await;
    assert_eq!(the_span(&seen).name, "GET /readyz");
    let page = seen.scrape();
    assert!(!page.contains("/livez") && page.contains("/readyz"), "{page}");
    assert!(!page.contains("http_server_active_requests{"), "a probe is not in flight either: {page}");
}

#[tokio::test]
async fn a_good_request_has_no_errors_type_whoever_sets_it() {
    for (path, own, aside) in [("/good", None, Some("mine")), ("/bad", Some("500"), Some("mine"))] {
        let seen = Instance::new();
        let say = |status: StatusCode| async move {
            request::add("error.type", "mine");
            status
        };
        let router = Router::new()
            .route("/good", get(move || say(StatusCode::OK)))
            .route("/bad", get(move || say(StatusCode::INTERNAL_SERVER_ERROR)))
            .layer(seen.layer());
        hello(asked(path), router).await;
        let span = the_span(&seen);
        let said = |key: &str| span.attributes.get(key).map(ToString::to_string);
        assert_eq!(
            (said("error.type").as_deref(), said("field_error.type").as_deref()),
            (own, aside),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_that_the_filter_refuses_is_passed_on_unseen() {
    let seen = Instance::new();
    let layer = seen.layer().filter(|parts| !parts.headers.contains_key("x-synthetic"));
    let router = Router::new().route("/x", get(|| async { "hello" })).layer(layer);
    assert_eq!(hello(asked("/x").header("x-synthetic", "1"), router.clone()).await.status, 200);
    assert!(seen.spans().is_empty() && seen.lines().is_empty());
    hello(asked("/x"), router).await;
    the_span(&seen);
}

#[tokio::test]
async fn fields_errors_and_outcome_reach_span_and_line_from_anywhere_below() {
    let deep = || async {
        tokio::task::yield_now().await;
        request::add("customer_id", 4711);
        request::add("plan", "gold");
        let cause = std::io::Error::new(std::io::ErrorKind::NotFound, std::fmt::Error);
        request::error(&cause);
        request::outcome(Outcome::Timeout);
        "hello"
    };
    let seen = Instance::new();
    hello(asked("/x"), Router::new().route("/x", get(deep)).layer(seen.layer())).await;
    let (span, line) = (the_span(&seen), &seen.lines()[0]);
    assert_eq!((span.attribute("customer_id"), span.attribute("plan")), (&4711.into(), &"gold".into()));
    assert_eq!((&line["customer_id"], &line["plan"]), (&4711.into(), &"gold".into()), "{line:#}");
    assert_eq!((&line["outcome"], &line["level"]), (&"timeout".into(), &"WARN".into()), "{line:#}");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("error")), "{line:#}");
    assert_eq!(span.attribute("observability.outcome"), "timeout");
    span.attribute("exception.message");
}

#[test]
fn outside_of_a_request_saying_something_does_nothing() {
    assert!(!request::add("a", 1) && !request::outcome(Outcome::Ok) && !request::route("/x"));
    assert!(request::id().is_none() && request::trace().is_none() && request::baggage().is_empty());
}

#[tokio::test]
async fn trust_decides_what_a_foreign_context_may_do() {
    for trust in [Trust::Continue, Trust::Link, Trust::Ignore] {
        let seen = Instance::new();
        let router = Router::new().route("/x", get(|| async { "hello" })).layer(seen.layer().trust(trust));
        hello(asked("/x").header("traceparent", PARENT).header("tracestate", "a=b"), router).await;
        let span = the_span(&seen);
        let continues = span.trace.trace_id.to_string() == PARENT[3..35];
        let parent = span.parent.map(|parent| parent.to_string());
        let links: Vec<_> = span.links.iter().map(|link| link.trace_id.to_string()).collect();
        match trust {
            Trust::Continue => {
                assert!(continues && parent.as_deref() == Some(&PARENT[36..52]) && links.is_empty())
            }
            Trust::Link => assert!(!continues && parent.is_none() && links == [&PARENT[3..35]]),
            _ => assert!(!continues && parent.is_none() && links.is_empty()),
        }
    }
}

#[tokio::test]
async fn an_unsampled_request_leaves_a_line_and_a_number_but_no_span() {
    let seen = Instance::new();
    let router = Router::new().route("/x", get(|| async { "hello" })).layer(seen.layer());
    hello(asked("/x").header("traceparent", PARENT.replace("-01", "-00")), router).await;
    assert!(seen.spans().is_empty());
    assert_eq!((&seen.lines()[0]["trace_flags"], &seen.lines()[0]["path"]), (&"00".into(), &"/x".into()));
    assert!(seen.scrape().contains("http_server_request_duration_seconds_count"));
}

#[tokio::test]
async fn the_request_id_is_taken_if_harmless_else_made_and_always_echoed() {
    let seen = Instance::new();
    let router = Router::new()
        .route("/x", get(|| async { request::id().map(|id| id.as_str().to_owned()).unwrap_or_default() }))
        .layer(seen.layer());
    let ask = async |id: &str| {
        let request = asked("/x").header("x-request-id", id).body(Body::empty()).unwrap();
        let (head, body) = through(router.clone(), request).await;
        let echoed = head.headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(body, echoed);
        echoed
    };
    assert_eq!(ask("order-7/abc").await, "order-7/abc");
    let long = "x".repeat(129);
    for bad in ["", "with space", long.as_str()] {
        let made = ask(bad).await;
        assert_eq!(uuid::Uuid::parse_str(&made).unwrap().get_version_num(), 7, "{bad:?} became {made}");
    }
    let ids: Vec<_> =
        seen.lines().iter().map(|line| line["request_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ids.len(), ids[0].as_str()), (4, "order-7/abc"));
}

#[tokio::test]
async fn an_own_request_id_on_the_response_is_left_alone() {
    let seen = Instance::new();
    let answer = || async { ([("x-request-id", "mine")], "hello") };
    let router = Router::new().route("/x", get(answer)).layer(seen.layer());
    let head = hello(asked("/x"), router).await;
    assert_eq!(head.headers.get_all("x-request-id").iter().collect::<Vec<_>>(), ["mine"]);
}

#[tokio::test]
async fn the_length_of_a_response_stays_known() {
    let seen = Instance::new();
    let server =
        Server::start(Router::new().route("/x", get(|| async { "hello" })).layer(seen.layer())).await;
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = Request::get(server.url("/x")).body(Empty::<Bytes>::new()).unwrap();
    let response = client.request(request).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_LENGTH], "5");
    assert!(!response.headers().contains_key(header::TRANSFER_ENCODING));
}

#[tokio::test]
async fn extensions_and_headers_pass_through_both_ways() {
    #[derive(Clone, PartialEq, Debug)]
    struct Mark(u32);
    let seen = Instance::new();
    let service = tower::service_fn(|request: Request| async move {
        assert_eq!(request.extensions().get::<Mark>(), Some(&Mark(1)));
        let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
        response.extensions_mut().insert(Mark(2));
        Ok::<_, Infallible>(response)
    });
    let request = asked("/x").extension(Mark(1)).body(Body::empty()).unwrap();
    let (head, body) = through(seen.layer().layer(service), request).await;
    assert_eq!((head.extensions.get::<Mark>(), &body[..]), (Some(&Mark(2)), &b"hello"[..]));
}

#[test]
fn readiness_and_its_error_are_the_inner_services() {
    struct Busy(u32);
    impl Service<Request> for Busy {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
            self.0 += 1;
            if self.0 < 3 { Poll::Pending } else { Poll::Ready(Err("closed")) }
        }

        fn call(&mut self, _: Request) -> Self::Future {
            std::future::ready(Err("called"))
        }
    }
    let mut service = Instance::new().layer().layer(Busy(0));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let polled: Vec<_> = (0..3).map(|_| service.poll_ready(&mut cx)).collect();
    assert_eq!(polled, [Poll::Pending, Poll::Pending, Poll::Ready(Err("closed"))]);
}

#[tokio::test]
async fn a_layer_outside_that_needs_a_default_body_compiles_and_works() {
    let seen = Instance::new();
    let answer =
        tower::service_fn(|_: Request| std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let limit = tower_http::timeout::TimeoutLayer::with_status_code(
        StatusCode::REQUEST_TIMEOUT,
        Duration::from_millis(5),
    );
    let service = limit.layer(seen.layer().layer(answer));
    let response: Response<ResponseBody<Full<Bytes>>> =
        service.oneshot(asked("/x").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    assert_eq!(seen.wait_for("/x").await.closing_line()["outcome"], "cancelled");
}

#[tokio::test]
async fn a_layer_whose_process_has_no_signals_passes_everything_on() {
    let router = Router::new().route("/x", get(|| async { "hello" })).layer(ObservabilityLayer::new());
    let head = hello(asked("/x"), router).await;
    assert_eq!((head.status, head.headers.get("x-request-id")), (StatusCode::OK, None));
}

#[tokio::test]
async fn the_option_opens_a_real_span_that_handlers_can_use() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let handler = || async {
        assert!(!tracing::Span::current().is_disabled());
        let child = tracing::info_span!("child");
        child.in_scope(|| tracing::info!("within"));
        "hello"
    };
    hello(asked("/x"), Router::new().route("/x", get(handler)).layer(seen.layer().request_span())).await;
    let request = seen.only_request();
    assert!(request.child("child").is_child_of(request.span()) && seen.spans().len() == 2, "{seen}");
}

#[tokio::test]
async fn a_spawned_task_stays_part_of_its_request() {
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let handler = || async {
        tower_observability::spawn(async {
            tokio::task::yield_now().await;
            tracing::info!("from the task");
        })
        .await
        .unwrap();
        "hello"
    };
    hello(
        asked("/x").header("traceparent", PARENT),
        Router::new().route("/x", get(handler)).layer(seen.layer()),
    )
    .await;
    let request = seen.request(&PARENT[3..35]);
    assert_eq!(request.line("from the task")["path"], "/x");
}

#[tokio::test]
async fn secrets_in_headers_never_leave() {
    let seen = Instance::new();
    let router = Router::new().route("/x", get(|| async { "hello" })).layer(seen.layer());
    let request =
        asked("/x?key=s3cret").header("authorization", "Bearer s3cret").header("cookie", "sid=s3cret");
    hello(request, router).await;
    let everything = format!("{:?}{:?}{}", seen.spans(), seen.lines(), seen.scrape());
    assert!(!everything.contains("s3cret"), "{everything}");
}
